"""The only encoders and decoders. Strict about commands, lenient about events.

A frame that is no command raises Undecodable, which names the field where that can be known.
"""

import json
import re
from typing import Any, TypeVar, cast

import msgspec
from msgspec.json import Decoder, Encoder

from protocol.commands import Command
from protocol.errors import FieldError
from protocol.events import Event
from protocol.model import TEXT_PATTERN, MessageMetadata

T = TypeVar("T")

_encoder = Encoder()
_command = Decoder(Command)
_event = Decoder(Event)

_metadata = Decoder(MessageMetadata)

encode = _encoder.encode
decode_metadata = _metadata.decode


class _Typed(msgspec.Struct):
    type: Any = None


_typed = Decoder(_Typed)
_event_types = frozenset(kind.__struct_config__.tag for kind in Event.__args__)


class Undecodable(Exception):
    """Bytes that are not what was asked for. `ref` is the command's, if it could be read; `errors` is empty
    when the bytes are not even JSON.
    """

    def __init__(self, detail: str, errors: list[FieldError], ref: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors
        self.ref = ref


def decode_command(data: bytes | str) -> Command:
    """The command in a frame. Raises Undecodable."""
    try:
        return decode_with(_command, data)
    except Undecodable as error:
        error.ref = _ref_in(data)
        raise


def decode_event(data: bytes | str) -> Event | None:
    """The event in a frame; None for one of a type that this version does not know. Raises Undecodable."""
    try:
        return _event.decode(data)
    except msgspec.ValidationError as error:
        if _is_of_unknown_type(data):
            return None
        raise Undecodable(str(error), [field_error(error)]) from error
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise Undecodable(str(error), []) from error


def decode_with(decoder: Decoder[T], data: bytes | str) -> T:
    """Decode strictly. Raises Undecodable."""
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        found = field_error(error)
        raise Undecodable(found.message, [found]) from error
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        surrogate = _field_with_surrogate(data)
        if surrogate is not None:
            found = FieldError(surrogate, "disallowed_character", "contains half of a surrogate pair")
            raise Undecodable(found.message, [found]) from error
        raise Undecodable("This is not JSON that can be read.", []) from error


def _is_of_unknown_type(data: bytes | str) -> bool:
    try:
        named = _typed.decode(data).type
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return False
    return isinstance(named, str) and named not in _event_types


_PATH = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)
_NAMED = re.compile(r"^Object (?:missing required|contains unknown) field `(?P<name>[^`]*)`$", re.DOTALL)


def field_error(error: msgspec.ValidationError) -> FieldError:
    """Msgspec says `Expected … - at `$.outer.inner``; this takes it apart."""
    match = _PATH.match(str(error))
    what, path = (match["what"], match["path"] or "") if match else (str(error), "")
    named = _NAMED.match(what)
    if named:
        path += "." + named["name"]
    return FieldError(field=path.strip(".") or "(body)", code=_code(what), message=_message(what))


def _code(what: str) -> str:
    if what.startswith("Object missing"):
        return "missing"
    if what.startswith("Object contains unknown"):
        return "unknown_field"
    if "matching regex" in what:
        return "disallowed_character" if TEXT_PATTERN in _unescaped(what) else "format"
    if "of length" in what:
        return "length"
    if "out of range" in what or re.search(r"[<>]= ", what):
        return "range"
    if what.startswith("Invalid"):
        return "value"
    return "type"


def _message(what: str) -> str:
    code = _code(what)
    if code == "disallowed_character":
        return "contains a character that cannot be stored (NUL)"
    if code == "format":
        return "does not have the right form"
    return what[:200]


def _unescaped(what: str) -> str:
    return what.replace("\\\\", "\\")


def _ref_in(data: bytes | str) -> int | None:
    try:
        ref = json.loads(data, parse_int=_small_int)["ref"]
    except (ValueError, RecursionError, LookupError, TypeError):
        return None
    return ref if type(ref) is int and 0 <= ref < 2**53 else None


def _small_int(digits: str) -> int:
    """Python refuses to read thousands of digits; no ref has as many."""
    return int(digits) if len(digits) < 20 else -1


def _field_with_surrogate(data: bytes | str) -> str | None:
    """The path of the first string that holds a lone surrogate; msgspec only says that the JSON is malformed."""
    escape = b"\\ud" if isinstance(data, bytes) else "\\ud"
    if escape not in data.lower():  # pyright: ignore[reportOperatorIssue]  # both are of the same kind
        return None
    try:
        return _surrogate_path(json.loads(data), "")
    except (ValueError, RecursionError):
        return None


def _surrogate_path(value: object, path: str) -> str | None:
    if isinstance(value, str):
        return (path.strip(".") or "(body)") if any("\ud800" <= letter <= "\udfff" for letter in value) else None
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return next((found for key, held in pairs if (found := _surrogate_path(held, f"{path}.{key}"))), None)
    if isinstance(value, list):
        items = cast("list[object]", value)
        return next((found for item in items if (found := _surrogate_path(item, path))), None)
    return None
