"""The rows of devices: what a user has signed in with."""

from collections.abc import Collection
from datetime import datetime

from msgspec import Struct

from protocol.ids import UserId
from protocol.model import Device
from server.identity import Identity
from server.store.pool import Connection, execute, fetch_all, fetch_one
from sql import load

_SQL = load("devices")

LISTED = 50
"""Devices that are kept of a user: the last seen."""


class DeviceRow(Struct, frozen=True):
    id: str
    name: str
    token_id: str | None
    expires_at: datetime
    first_seen_at: datetime
    seen_at: datetime


class Sighting(Struct, frozen=True):
    """A device was there, let in by this."""

    identity: Identity
    device: Device


async def of(conn: Connection, user: UserId) -> list[DeviceRow]:
    """The last seen first."""
    return await fetch_all(conn, DeviceRow, _SQL["devices"], {"user": user, "limit": LISTED})


async def one(conn: Connection, user: UserId, device: str) -> DeviceRow | None:
    return await fetch_one(conn, DeviceRow, _SQL["device"], {"user": user, "device": device})


async def forget(conn: Connection, user: UserId, device: str) -> None:
    await execute(conn, _SQL["forget_device"], {"user": user, "device": device})


async def see_of_users(conn: Connection, seen: Collection[Sighting]) -> None:
    """They were there just now. Each device at most once among them."""
    users = [each.identity.user for each in seen]
    parameters = {
        "users": users,
        "devices": [each.device.id for each in seen],
        "names": [each.device.name for each in seen],
        "tokens": [each.identity.token_id for each in seen],
        "expiries": [each.identity.expires_at for each in seen],
    }
    await execute(conn, _SQL["see_devices_of_users"], parameters)
    await execute(conn, _SQL["forget_old_devices_of_users"], {"users": sorted(set(users)), "limit": LISTED})
