"""Makes commands and requests, and spoils them: knows what they are made of, so that most get past the first check.

Everything follows from the seed: the same seed makes the same frames.
"""

import json
from collections.abc import Callable
from random import Random
from typing import Any, cast
from uuid import UUID

from msgspec import Struct, inspect

from protocol.commands import Command
from tests.hostile import Tree, good, render, shape

COMMANDS: tuple[type[Struct], ...] = Command.__args__
AS_IT_IS = 0.15
"""So many stay good, so that the hub has something to do."""
TWICE = 0.4
"""So many of the spoiled ones are spoiled once more, and so on."""
DEPTHS = (10, 100, 1_000, 10_000)
WORDS = (
    *("", " ", "a", "null", "prime number", "\u202e", "e\u0301", "\U0001f600", "\U0010ffff", "\ufeff", "中文", "ﷺ"),
    *("'; DROP TABLE users; --", "%s", "{}", "\\", '"', "\r\n", "\x1b[2J", "../../etc/passwd", "<script>", "& | !"),
    *("0", "-1", "1e999", "NaN", "Infinity", "9" * 400, "true", "hello", "2026-01-01T00:00:00Z", "MQ", "LTE"),
)
NUMBERS = (
    *("0", "-0", "-1", "1", "1.5", "1e3", "1e999", "-1e999", "NaN", "Infinity", "0x10", "01"),
    *(str(2**power + step) for power in (31, 32, 53, 63, 64, 128) for step in (-1, 0)),
    "9" * 5_000,
)
ESCAPES = ('"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', '"\\uffff"', '"\\x"', '"\\', '"\x00"', '"\x7f"')


class Ids(Struct, frozen=True):
    """What the one who fuzzes has, what another has, and what nobody has."""

    sessions: tuple[str, ...]
    messages: tuple[str, ...]


class Mutator:
    """Of one batch; `ids` are those that commands are about, for the most part."""

    def __init__(self, seed: str, ids: Ids) -> None:
        self.random = Random(seed)
        self._ids = ids

    def frame(self) -> str | bytes:
        """A command or what was one; bytes if it is to be said as it is, in a frame of text that is perhaps none."""
        text = self.spoiled(self.tree(shape(self.random.choice(COMMANDS))))
        return text if self.random.random() < 0.997 else self.bytes_of(text)

    def hello(self, token: str) -> str | bytes:
        """The first frame; good or spoiled."""
        tree = {"type": '"hello"', "ref": "0", "device": {"id": '"fuzz"', "name": '"fuzz"'}, "token": json.dumps(token)}
        return self.spoiled(tree)

    def body(self, kind: type[Struct] | None) -> bytes:
        if kind is None:
            return b"" if self.random.random() < 0.8 else self.bytes_of(self.random.choice(WORDS))
        text = self.spoiled(self.tree(shape(kind)))
        return self.bytes_of(text) if self.random.random() < 0.1 else text.encode("utf-8", "surrogatepass")

    def bytes_of(self, text: str) -> bytes:
        """The same with some bytes turned over, taken out or put in."""
        data = bytearray(text.encode("utf-8", "surrogatepass") or b"{}")
        for _ in range(self.random.choice((1, 1, 2, 5, 20))):
            place = self.random.randrange(len(data) + 1)
            match self.random.randrange(3):
                case 0 if place < len(data):
                    data[place] ^= 1 << self.random.randrange(8)
                case 1:
                    del data[place : place + self.random.randrange(4)]
                case _:
                    data[place:place] = self.random.randbytes(self.random.randrange(4))
        return bytes(data)

    def word(self) -> str:
        return self.random.choice(WORDS)

    # Good ones.

    def tree(self, kind: inspect.StructType) -> Tree:
        """With what must be there, and perhaps with what may be."""
        made = good(kind)
        for field in kind.fields:
            bare = _bare(field.type)
            if not field.required and self.random.random() < 0.5:
                continue
            if isinstance(bare, inspect.StructType):
                made[field.encode_name] = self.tree(bare)
            elif field.encode_name != "type":
                made[field.encode_name] = self._leaf(field.encode_name, bare)
        return made

    def _leaf(self, name: str, kind: inspect.Type) -> str:
        match kind:
            case inspect.UUIDType():
                return json.dumps(self.id(name))
            case inspect.IntType():
                return str(self.random.choice((kind.ge or 0, kind.le or 7, self.random.randrange(100))))
            case inspect.BoolType():
                return self.random.choice(("true", "false"))
            case inspect.LiteralType():
                return json.dumps(self.random.choice(kind.values))
            case inspect.StrType() if not kind.pattern or "media" not in kind.pattern:
                return json.dumps(self.random.choice(("en", "MQ", self.word())))
            case inspect.StrType():
                return f'"/api/media/{self.id("media")}"'
            case _:
                return '"2026-01-01T00:00:00Z"'

    def id(self, of: str) -> str:
        """One that is there, of this or of another user, or one that is not."""
        known = self._ids.messages if of == "message" else self._ids.sessions
        fresh = str(UUID(int=self.random.getrandbits(128), version=4))
        return self.random.choice((*known, *known, fresh))

    # Spoiled ones.

    def spoiled(self, tree: Tree) -> str:
        if self.random.random() < AS_IT_IS:
            return render(tree)
        while True:
            self.random.choice(_ON_TREES)(self, tree)
            if self.random.random() > TWICE:
                break
        text = render(tree)
        return self.random.choice(_ON_TEXTS)(self, text) if self.random.random() < 0.3 else text

    def literal(self) -> str:
        """Some JSON value, or what is none."""
        match self.random.randrange(7):
            case 0:
                return self.random.choice(NUMBERS)
            case 1:
                return self.random.choice(ESCAPES)
            case 2:
                return self.deep()
            case 3:
                return self.random.choice(("null", "true", "false", "[]", "{}", "[[]]", '{"a":1}', "[null]", "nul"))
            case 4:
                return json.dumps(self.word() * self.random.choice((1, 1, 50, 500)))
            case 5:
                return json.dumps("".join(chr(self.random.randrange(0x20, 0xD800)) for _ in range(20)))
            case _:
                return json.dumps(self.id(self.random.choice(("session", "message"))))

    def deep(self) -> str:
        depth = self.random.choice(DEPTHS)
        opened, closed = self.random.choice((("[", "]"), ('{"a":', "}")))
        return opened * depth + ("1" + closed * depth if self.random.random() < 0.7 else "")

    def place(self, tree: Tree) -> tuple[Tree, str]:
        """Some leaf: the object that holds it, and its name there."""
        name = self.random.choice(list(tree) or [""])
        inner = tree.get(name)
        deeper = isinstance(inner, dict) and self.random.random() < 0.7
        return self.place(cast(Tree, inner)) if deeper else (tree, name)


def _bare(kind: inspect.Type) -> inspect.Type:
    if isinstance(kind, inspect.UnionType):
        return next(each for each in kind.types if not isinstance(each, inspect.NoneType))
    return kind


def _another_value(mutator: Mutator, tree: Tree) -> None:
    where, name = mutator.place(tree)
    where[name] = mutator.literal()


def _left_out(mutator: Mutator, tree: Tree) -> None:
    where, name = mutator.place(tree)
    where.pop(name, None)


def _added(mutator: Mutator, tree: Tree) -> None:
    where, _ = mutator.place(tree)
    where[mutator.random.choice((mutator.word(), "seq", "userId", "__proto__", "ref"))] = mutator.literal()


def _exchanged(mutator: Mutator, tree: Tree) -> None:
    (one, first), (other, second) = mutator.place(tree), mutator.place(tree)
    one[first], other[second] = other.get(second, "null"), one.get(first, "null")


def _put_into(mutator: Mutator, tree: Tree) -> None:
    where, name = mutator.place(tree)
    held = where.get(name, "1")
    where[name] = f"[{held if isinstance(held, str) else render(held)}]"


def _cut(mutator: Mutator, text: str) -> str:
    return text[: mutator.random.randrange(len(text) + 1)]


def _said_twice(mutator: Mutator, text: str) -> str:
    """The names of the object, a second time with other values."""
    return text[:-1] + "," + mutator.spoiled({"type": '"ping"', "ref": mutator.literal()})[1:]


def _garbled(mutator: Mutator, text: str) -> str:
    return mutator.bytes_of(text).decode("utf-8", "replace")


def _around(mutator: Mutator, text: str) -> str:
    return mutator.word() + text + mutator.word()


_ON_TREES: tuple[Callable[[Mutator, Tree], None], ...] = (_another_value, _another_value, _left_out, _added, _exchanged,
                                                          _put_into)  # fmt: skip
_ON_TEXTS: tuple[Callable[[Mutator, str], str], ...] = (_cut, _said_twice, _garbled, _around)


def rendered(value: Any) -> str:
    """As JSON, but for numbers that JSON has none for."""
    return json.dumps(value, ensure_ascii=False)
