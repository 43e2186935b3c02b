"""Buckets and places that all instances share, kept in Redis: the twin of buckets.py. No I/O.

One script each, so that looking and taking are one thing, by the clock of Redis; and one answer, so that it costs one
round trip. All keys of an owner are in one slot.
"""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from server.buckets import TOLERANCE, Short, Want
from server.fanout.redis_wire import packed

_TAKE = f"""
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local later, short, longest = {{}}, 0, 0
for i, key in ipairs(KEYS) do
  local count, seconds, amount, owed = ARGV[4 * i - 3], ARGV[4 * i - 2] + 0, ARGV[4 * i - 1], ARGV[4 * i]
  later[i] = math.max(tonumber(redis.call('GET', key) or 0), now) + amount * seconds / count
  local missing = later[i] - now - seconds
  if owed == '0' and missing > {TOLERANCE} and missing > longest then short, longest = i, missing end
end
if short > 0 then return {{short, tostring(longest)}} end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.6f', later[i]), 'PX', math.ceil((later[i] - now) * 1000) + 1)
end
return {{0, '0'}}
"""

_ENTER = """
local now = redis.call('TIME')[1]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not redis.call('ZSCORE', KEYS[1], ARGV[3]) and redis.call('ZCARD', KEYS[1]) >= ARGV[1] + 0 then return 0 end
for i = 3, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[i]) end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""

ANY_NUMBER = 2**31
"""Of places: whoever is in stays in."""


def take(keys: Sequence[bytes], wants: Sequence[Want]) -> bytes:
    """The command that takes all that is wanted, or nothing; each from the bucket of its key."""
    words = [word for want in wants for word in (want.rate.count, str(want.rate.seconds), want.amount, int(want.owed))]
    return packed("EVAL", _TAKE, len(keys), *keys, *words)


def taken(wants: Sequence[Want], answer: Any) -> Short | None:
    """What it is answered with. Raises ValueError or TypeError for what no such script answers."""
    place, seconds = answer
    if not int(place):
        return None
    if not 0 <= int(place) - 1 < len(wants) or not isfinite(float(seconds)):
        raise ValueError(answer)
    return Short(wants[int(place) - 1].name, float(seconds))


def enter(key: bytes, most: int, seconds: int, who: Sequence[str]) -> bytes:
    """The command that gives these a place for so many seconds; answers 1.

    Answers 0 if there are as many already, and the first of these is none of them.
    """
    return packed("EVAL", _ENTER, 1, key, most, seconds, *who)


def leave(key: bytes, who: str) -> bytes:
    return packed("ZREM", key, who)
