"""What can go wrong for whoever uses a device."""

from protocol.errors import Problem
from protocol.events import Refused


class DeviceError(Exception):
    """Any of them."""


class CommandRefused(DeviceError):
    """The hub will not do it. Nothing was done; of `unavailable` and `internal` nobody knows."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class ConnectionLost(DeviceError):
    """The connection broke before the answer, or there is none. The timeline will tell whether the command was done."""


class GaveUp(DeviceError):
    """The device will not connect again. `code` is the close code, or the HTTP status where there was no websocket;
    `problem` is why the hub refused, where it said so.
    """

    def __init__(self, code: int, reason: str, problem: Problem | None = None) -> None:
        super().__init__(f"{problem.detail if problem else reason or 'the connection was ended'} ({code})")
        self.code = code
        self.reason = reason
        self.problem = problem


def problem_of(refused: Refused) -> Problem:
    return Problem(
        type=refused.problem,
        title=refused.title,
        status=refused.status,
        detail=refused.detail,
        code=refused.code,
        retryable=refused.retryable,
        retry_after_ms=refused.retry_after_ms,
        errors=refused.errors,
    )
