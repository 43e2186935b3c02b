"""The words of a text, as search knows them. One tokeniser for what is stored and for what is asked.

A word is a run of letters, digits and their marks, folded: case, width, and the accents of Latin, Greek and
Cyrillic go. Chinese, Japanese and Korean are not written with spaces, so a run of theirs is kept as its
overlapping pairs, and its last letter alone, so that one letter finds it too.

Where nobody may read them, the words are hidden: a word is stored as a chain of hashes, one for each of its beginnings,
so that what begins alike is stored as what begins alike, and a beginning is asked for as ever. Its end is a hash too,
longer or shorter, so that it is found whole, and its length shows in steps of four only. The shortest beginning has
three letters, in a script without spaces one.
"""

import re
import unicodedata
from binascii import b2a_base64
from hashlib import blake2b
from itertools import accumulate, chain, pairwise

WORD_LENGTH = 64
EXCERPT_LENGTH = 160
SHORTEST_BEGINNING = 3
LONGEST_HIDDEN = 1_000_000
"""Bytes of all hidden words of a text: a tsvector has room for no more. What is beyond that is not found."""

_HIDDEN = "="
"""Before a hidden word. It is no letter: a word that is not hidden is never taken for one that is."""
_FIRST, _NEXT = 6, 3
"""Bytes of the hash of the shortest beginning, and of each that is longer. In base64 each stands by itself."""
_STEP = 4
HASH_BYTES = _STEP * _NEXT

_ACCENTS = dict.fromkeys(map(chr, range(0x0300, 0x0370)), "") | dict(zip("đøłħıðŧ", "dolhidt", strict=True))
"""What is taken away, and the letters with a stroke, which have no plain form in Unicode."""
_PLAIN = str.maketrans(_ACCENTS)
_UNSPACED = re.compile(
    "([\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+)"
)


class _Spacing(dict[int, int]):
    """For str.translate: what is no letter, digit or mark becomes a space. Remembers the first plane."""

    def __missing__(self, code: int) -> int:
        kept = code if unicodedata.category(chr(code))[0] in "LNM" else 0x20
        if code < 0x10000:
            self[code] = kept
        return kept


_SPACING = _Spacing()


def words(text: str) -> list[str]:
    """The words to store, each once, sorted."""
    return sorted(set(chain.from_iterable(_stored(run, unspaced) for run, unspaced in _runs(text))))


def query(text: str, *, whole: bool = False) -> str | None:
    """What is asked, as the text of a tsquery: all words, the last of them as a beginning unless all are to be `whole`.

    None: there are no words.
    """
    terms, begins = asked(text)
    return " & ".join(f"'{term}'" for term in terms) + (":*" if begins and not whole else "") if terms else None


def either(choices: list[list[str]]) -> str:
    """As `query`, of one or the other word in each place, each as a beginning."""
    places = (" | ".join(f"'{word}':*" for word in words) for words in choices)
    return " & ".join(f"({place})" for place in places)


def hidden(text: str, keyed: blake2b) -> list[str]:
    """As `words`, hidden. `keyed` has been given a key, and makes HASH_BYTES."""
    said = {(word, unspaced) for run, unspaced in _runs(text) for word in _stored(run, unspaced)}
    found = sorted(_hidden(word, unspaced, keyed) for word, unspaced in said)
    lengths = accumulate(len(word) for word in found)
    return [word for word, length in zip(found, lengths, strict=True) if length <= LONGEST_HIDDEN]


def hidden_query(text: str, keyed: blake2b, *, whole: bool = False) -> str | None:
    """As `query`, of hidden words. A beginning that is too short is asked for as a whole word."""
    terms, begins = asked(text)
    if not terms:
        return None
    scripts = [bool(_UNSPACED.match(term)) for term in terms]
    found = [f"'{_hidden(term, unspaced, keyed)}'" for term, unspaced in zip(terms, scripts, strict=True)]
    if begins and not whole and (scripts[-1] or len(terms[-1]) >= SHORTEST_BEGINNING):
        found[-1] = f"'{_hidden(terms[-1], scripts[-1], keyed, whole=False)}':*"
    return " & ".join(found)


def excerpt(text: str, sought: str) -> str:
    """About 160 letters of a text around the first word that was asked for."""
    runs = [run for run, _ in _runs(sought)]
    plain = "".join(_folded(letter)[:1] or letter for letter in text)
    place = min((place for run in runs if (place := plain.find(run)) >= 0), default=0)
    begin = max(0, place - EXCERPT_LENGTH // 4)
    piece = text[begin : begin + EXCERPT_LENGTH]
    return ("…" if begin else "") + " ".join(piece.split()) + ("…" if begin + EXCERPT_LENGTH < len(text) else "")


def _stored(run: str, unspaced: bool) -> list[str]:
    return [*_pairs(run), run[-1]] if unspaced else [run[:WORD_LENGTH]]


def _hidden(word: str, unspaced: bool, keyed: blake2b, *, whole: bool = True) -> str:
    """A word, or if it is not whole, what all that begin with it begin with."""
    shortest = 1 if unspaced else SHORTEST_BEGINNING
    growing = keyed.copy()
    growing.update(word[:shortest].encode())
    hashes = growing.digest()[:_FIRST]
    for letter in word[shortest:]:
        growing.update(letter.encode())
        hashes += growing.digest()[:_NEXT]
    if whole:
        growing.update(b"\0")
        steps = 1 if unspaced else _STEP - max(0, len(word) - shortest) % _STEP
        hashes += growing.digest()[: steps * _NEXT]
    return _HIDDEN + b2a_base64(hashes, newline=False).decode()


def asked(text: str) -> tuple[list[str], bool]:
    """The words that are asked for, in order, and whether the last is a beginning."""
    runs = list(_runs(text))
    terms = [term for run, unspaced in runs for term in (_pairs(run) if unspaced else [run[:WORD_LENGTH]])]
    return terms, bool(runs) and not (runs[-1][1] and len(runs[-1][0]) > 1)


def _runs(text: str) -> list[tuple[str, bool]]:
    """The words in order, and whether each is of a script that is written without spaces."""
    spaced = _folded(text).translate(_SPACING)
    if spaced.isascii():
        return [(word, False) for word in spaced.split()]
    return [(part, bool(_UNSPACED.match(part))) for word in spaced.split() for part in _UNSPACED.split(word) if part]


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.casefold()).translate(_PLAIN)
    return unicodedata.normalize("NFKC", plain.casefold())


def _pairs(run: str) -> list[str]:
    return [run] if len(run) == 1 else [first + second for first, second in pairwise(run)]
