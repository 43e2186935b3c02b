"""The endpoints about whoever asks: their devices, signing out, and being erased."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from protocol import bodies
from protocol.answers import DeviceList, Nothing
from protocol.ids import DeviceId
from server import devices, erasure
from server.edge.callers import Callers
from server.edge.carrying import carried_out
from server.edge.requests import answer, read_body, route
from server.errors import NotFound
from server.instance import Instance


class Account:
    """The endpoints of one instance, for those whom `callers` knows."""

    def __init__(self, instance: Instance, callers: Callers) -> None:
        self._instance = instance
        self._callers = callers

    def routes(self) -> list[Route]:
        return [
            route("GET", "/api/devices", self.devices),
            route("DELETE", "/api/devices/{device}", self.sign_out_device),
            route("POST", "/auth/sign-out", self.sign_out),
            route("DELETE", "/api/me", self.erase),
        ]

    async def devices(self, request: Request) -> Response:
        caller = await self._callers.caller(request)
        found = await carried_out(self._instance, caller.user, lambda: devices.seen(self._instance, caller))
        return answer(DeviceList(devices=found))

    async def sign_out_device(self, request: Request) -> Response:
        caller, device = await self._callers.caller(request), _device(request)
        await carried_out(self._instance, caller.user, lambda: devices.sign_out_device(self._instance, caller, device))
        return answer(Nothing())

    async def sign_out(self, request: Request) -> Response:
        caller, body = await self._callers.caller(request), await read_body(request, bodies.SignOut)
        await carried_out(
            self._instance,
            caller.user,
            lambda: devices.sign_out(self._instance, caller, everywhere=body.everywhere),
            repeatable=True,
        )
        return answer(Nothing())

    async def erase(self, request: Request) -> Response:
        user = await self._callers.user(request)
        await carried_out(self._instance, user, lambda: erasure.begin(self._instance, user), repeatable=True)
        return answer(Nothing(), 202)


def _device(request: Request) -> str:
    """The id in the path. What is none names nothing."""
    try:
        return msgspec.convert(request.path_params["device"], DeviceId)
    except msgspec.ValidationError:
        raise NotFound from None
