"""The codec: strict about what is said, lenient about what is heard, and never surprised."""

import json
from typing import Any, get_args
from uuid import UUID

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.codec import Undecodable, decode_command, decode_event, encode
from protocol.commands import Command, MessageSend, ReplyStop, SessionCreate, SessionList
from protocol.events import Event, SessionAdded
from protocol.ids import MessageId
from tests.protocol import made

SESSION = "00000000-0000-4000-8000-0000000000a1"
MESSAGE = "00000000-0000-4000-8000-0000000000b1"
SEND = {"type": "message.send", "ref": 7, "session": SESSION, "message": MESSAGE, "content": "pho"}

names_of_fields = st.text(st.characters(exclude_characters="`.", exclude_categories=["Cs"]), max_size=8)


def values(texts: st.SearchStrategy[str], numbers: st.SearchStrategy[float]) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.none() | st.booleans() | st.integers() | numbers | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=8,
    )


anything = values(st.text(max_size=8), st.floats())
valid_json = values(names_of_fields, st.floats(allow_nan=False, allow_infinity=False))
names = [kind.__struct_config__.tag for kind in get_args(Command)]


def refusal(frame: Any) -> Undecodable:
    with pytest.raises(Undecodable) as refused:
        decode_command(frame if isinstance(frame, str | bytes) else json.dumps(frame))
    return refused.value


def wrong(**changes: Any) -> tuple[str, str]:
    """The field and the code that a send with these changes is refused with."""
    error = refusal(SEND | changes)
    assert len(error.errors) == 1
    assert error.errors[0].message
    return error.errors[0].field, error.errors[0].code


@given(made.commands())
def test_every_command_is_heard_as_it_was_said(command: Any) -> None:
    assert decode_command(encode(command)) == command
    assert decode_command(encode(command).decode()) == command


@given(made.events())
def test_every_event_is_heard_as_it_was_told(event: Any) -> None:
    assert decode_event(encode(event)) == event


@given(made.commands(), names_of_fields)
def test_every_command_refuses_a_field_that_it_does_not_know(command: Any, name: str) -> None:
    said = json.loads(encode(command))
    error = refusal(said | {f"x{name}": 1})
    assert [(each.field, each.code) for each in error.errors] == [(f"x{name}", "unknown_field")]
    assert error.ref == command.ref


@given(made.commands(), st.data())
def test_every_command_names_the_field_that_is_missing(command: Any, data: st.DataObject) -> None:
    said = json.loads(encode(command))
    required = [field.encode_name for field in msgspec.structs.fields(command) if field.required]
    name = data.draw(st.sampled_from(required))
    del said[name]
    error = refusal(said)
    assert [(each.field, each.code) for each in error.errors] == [(name, "missing")]
    assert error.ref == (None if name == "ref" else command.ref)


@given(made.commands(), st.data())
def test_every_command_names_the_field_that_is_of_another_type(command: Any, data: st.DataObject) -> None:
    said = json.loads(encode(command))
    name = data.draw(st.sampled_from([field.encode_name for field in msgspec.structs.fields(command)]))
    error = refusal(said | {name: [[]]})
    assert [(each.field, each.code) for each in error.errors] == [(name, "type")]


@given(made.events(), names_of_fields, valid_json)
def test_every_event_is_heard_with_fields_that_are_not_known(event: Any, name: str, value: Any) -> None:
    told = json.loads(encode(event))
    assert decode_event(encode(told | {f"x{name}": value})) == event


@given(st.binary() | st.text())
def test_what_is_no_json_is_refused_as_such(frame: bytes | str) -> None:
    assert isinstance(refusal(frame), Undecodable)


@given(
    anything | st.fixed_dictionaries({"type": st.sampled_from(names), "ref": anything}, optional={"session": anything})
)
def test_json_that_is_no_command_is_refused_or_taken_and_nothing_else(value: Any) -> None:
    try:
        command = decode_command(json.dumps(value))
    except Undecodable:
        return
    assert isinstance(command, Command)


@given(anything | st.fixed_dictionaries({"type": anything}))
@example(None)
@example({"type": []})
def test_a_frame_that_is_no_event_is_ignored_or_undecodable(value: Any) -> None:
    try:
        event = decode_event(json.dumps(value))
    except Undecodable:
        return
    assert event is None or isinstance(event, Event)


@pytest.mark.parametrize("frame", ["", "{", b"\xff", "[" * 100_000, '{"type":' * 50_000, "9" * 5_000, "NaN", "\x00"])
def test_hostile_frames_are_refused(frame: str | bytes) -> None:
    assert refusal(frame).ref is None


def test_a_field_beyond_its_bounds_is_named_with_what_is_wrong() -> None:
    assert wrong(content="") == ("content", "length")
    assert wrong(content="x" * 8_001) == ("content", "length")
    assert wrong(content="a\0b") == ("content", "disallowed_character")
    assert wrong(content="a\ud800b") == ("content", "disallowed_character")
    assert wrong(content=3) == ("content", "type")
    assert wrong(session="a1") == ("session", "value")
    assert wrong(ref=-1) == ("ref", "range")
    assert wrong(ref=2**53) == ("ref", "range")
    assert wrong(ref=1.5) == ("ref", "type")
    assert wrong(metadata={"language": "x"}) == ("metadata.language", "length")
    assert wrong(metadata={"language": "vi\n"}) == ("metadata.language", "format")
    assert wrong(metadata={"imageUrl": "http://elsewhere.example/a/picture/that/is/not/"}) == (
        "metadata.imageUrl",
        "format",
    )
    assert wrong(metadata={"timestamp": "2026-03-01T10:00:00"}) == ("metadata.timestamp", "type")
    assert wrong(metadata={"colour": "red"}) == ("metadata.colour", "unknown_field")
    assert wrong(metadata={"model": "ours"}) == ("metadata.model", "unknown_field")
    assert wrong(type="message.sing") == ("type", "value")


def test_a_refused_frame_keeps_its_ref_if_that_can_be_read() -> None:
    assert refusal(SEND | {"content": 1}).ref == 7
    assert refusal(SEND | {"content": 1, "ref": True}).ref is None
    assert refusal(SEND | {"content": 1, "ref": -1}).ref is None
    assert refusal([1]).ref is None


def test_lengths_are_counted_in_code_points() -> None:
    command = decode_command(json.dumps(SEND | {"content": "😀" * 8_000}))
    assert isinstance(command, MessageSend)
    assert len(command.content) == 8_000


def test_what_is_left_out_has_its_default() -> None:
    assert decode_command('{"type":"session.list","ref":1}') == SessionList(ref=1, before=None, limit=50)
    assert decode_command('{"type":"session.create","ref":1}') == SessionCreate(ref=1, mode="fun", language="en")
    stop = decode_command(json.dumps({"type": "reply.stop", "ref": 1, "message": MESSAGE}))
    assert stop == ReplyStop(ref=1, message=MessageId(UUID(MESSAGE)), seen=0)


def test_an_event_of_a_later_version_is_ignored() -> None:
    assert decode_event('{"type":"moon.risen","seq":1}') is None


def test_an_event_that_is_broken_is_no_event() -> None:
    with pytest.raises(Undecodable) as refused:
        decode_event('{"type":"session.added"}')
    assert [(each.field, each.code) for each in refused.value.errors] == [("seq", "missing")]
    assert decode_event('{"type":"session.added","seq":1}') == SessionAdded(seq=1)
