"""What a user can do about the devices that they have signed in with."""

from protocol.ids import UserId
from protocol.model import SeenDevice
from server.errors import Forbidden, Invalid, NotFound
from server.identity import Identity
from server.instance import Instance
from server.store import devices
from server.store.devices import DeviceRow
from server.store.revocations import EVERY_TOKEN, of_device


async def seen(instance: Instance, caller: Identity) -> list[SeenDevice]:
    """The last seen first."""
    async with instance.database.connection() as conn:
        return [_shown(row, caller) for row in await devices.of(conn, caller.user)]


async def sign_out(instance: Instance, caller: Identity, *, everywhere: bool) -> None:
    """Revoke the caller's token, or every one of the user's. Raises Invalid for a token that has no id."""
    if everywhere:
        await instance.standing.revoke(caller.user, EVERY_TOKEN, None)
    elif caller.token_id is not None:
        await instance.standing.revoke(caller.user, caller.token_id, caller.expires_at)
    else:
        raise Invalid.field("everywhere", "missing", "this token has no id (jti), so only all of them can be revoked")


async def sign_out_device(instance: Instance, caller: Identity, device: str) -> None:
    """Revoke the token that a device was let in by, close its sockets, whatever let them in, and forget the device.

    Raises NotFound, Forbidden.
    """
    await instance.sightings.write()  # it may have come, or taken a fresh token, just now
    row = await _existing(instance, caller.user, device)
    if row.token_id is None:
        raise Forbidden("The token of this device has no id (jti): sign out everywhere instead.")
    if row.token_id == caller.token_id:
        raise Forbidden("This device has the same token as you: sign out yourself, or everywhere.")
    for token_id in (row.token_id, of_device(device)):
        await instance.standing.revoke(caller.user, token_id, row.expires_at.timestamp())
    async with instance.database.connection() as conn:
        await devices.forget(conn, caller.user, device)


async def _existing(instance: Instance, user: UserId, device: str) -> DeviceRow:
    async with instance.database.connection() as conn:
        row = await devices.one(conn, user, device)
    if row is None:
        raise NotFound
    return row


def _shown(row: DeviceRow, caller: Identity) -> SeenDevice:
    return SeenDevice(
        id=row.id,
        name=row.name,
        first_seen_at=row.first_seen_at,
        seen_at=row.seen_at,
        current=row.token_id is not None and row.token_id == caller.token_id,
    )
