"""Anything that can be said, made from the types: a hypothesis strategy for each of them."""

from collections.abc import Iterable
from datetime import UTC
from typing import Any, get_args

from hypothesis import strategies as st
from msgspec import Raw, inspect

from protocol.commands import Command
from protocol.events import Event

WITHOUT_NUL = st.characters(exclude_characters="\0", exclude_categories=["Cs"])


def commands() -> st.SearchStrategy[Any]:
    return one_of(get_args(Command))


def events() -> st.SearchStrategy[Any]:
    return one_of(get_args(Event))


def one_of(kinds: Iterable[Any]) -> st.SearchStrategy[Any]:
    return st.one_of([of(inspect.type_info(kind)) for kind in kinds])


def of(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """Values of a type, within its bounds."""
    match kind:
        case inspect.StructType():
            return st.builds(kind.cls, **{field.name: of(field.type) for field in kind.fields})
        case inspect.UnionType():
            return st.one_of([of(each) for each in kind.types])
        case inspect.ListType():
            return st.lists(of(kind.item_type), max_size=2)
        case inspect.LiteralType():
            return st.sampled_from(kind.values)
        case inspect.EnumType():
            return st.sampled_from(list(kind.cls))
        case inspect.Metadata():
            return of(kind.type)
        case inspect.StrType():
            return texts(kind)
        case inspect.IntType():
            return st.integers(0 if kind.ge is None else kind.ge, kind.le or 2**53 - 1)
        case _:
            return plain(kind)


def texts(kind: inspect.StrType) -> st.SearchStrategy[str]:
    least, most = kind.min_length or 0, min(kind.max_length or 20, 60)
    if kind.pattern is None or kind.pattern == r"^[^\x00]*$":
        return st.text(WITHOUT_NUL, min_size=least, max_size=most)
    return st.from_regex(kind.pattern).filter(lambda text: least <= len(text) <= (kind.max_length or most))


def plain(kind: inspect.Type) -> st.SearchStrategy[Any]:
    match kind:
        case inspect.NoneType():
            return st.none()
        case inspect.BoolType():
            return st.booleans()
        case inspect.UUIDType():
            return st.uuids()
        case inspect.DateTimeType():
            return st.datetimes(timezones=st.just(UTC))
        case inspect.RawType():
            return st.sampled_from([Raw(b"{}"), Raw(b'{"a":[1]}')])
        case _:
            raise NotImplementedError(kind)
