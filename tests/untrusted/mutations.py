"""Seeded spoiling of bytes and of JSON, for tests: every case is told by its number alone."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

NASTY: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 16_384, 16_385, 2**31, 2**63, 10**30, 0.5, -0.0, 1e-320, 1e308,
    float("nan"), float("inf"), "", "a", "..", "../x", "a\0", "\ud800", "gru", "x" * 5000, "0" * 64,
    [], [[]], [0], {}, {"a": 1}, [None] * 4, ["calm"] * 4, [0.5] * 4, [16_384] * 13,
    {"sha256": "0" * 64, "bytes": 0},
)  # fmt: skip


def spoilt_bytes(data: bytes, number: int) -> bytes:
    """One to four bytes flipped, a piece cut out, doubled, moved or cleared, or the end cut off."""
    chance = random.Random(number)
    start = chance.randrange(len(data))
    end = min(len(data), start + 1 + int(chance.expovariate(1 / 30)))
    piece, place = data[start:end], chance.randrange(len(data))
    without = data[:start] + data[end:]
    return chance.choice(
        (
            lambda: _flipped(data, chance),
            lambda: without,
            lambda: data[:place] + piece + data[place:],
            lambda: without[:place] + piece + without[place:],
            lambda: data[:start] + bytes(len(piece)) + data[end:],
            lambda: data[:start],
            lambda: data + piece,
        )
    )()


def spoilt_json(value: Any, number: int) -> str:
    """JSON with one to three of its values replaced, removed, doubled, renamed or swapped."""
    chance = random.Random(number)
    spoilt = copy.deepcopy(value)
    for _ in range(chance.choice((1, 1, 2, 3))):
        holders = _holders(spoilt)
        holder = chance.choice(holders)
        chance.choice(_EDITS)(holder, chance)
        if chance.random() < 0.1:
            _swap(holder, chance.choice(holders), chance)
    return json.dumps(spoilt)


def _flipped(data: bytes, chance: random.Random) -> bytes:
    spoilt = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
    return bytes(spoilt)


def _holders(value: Any) -> list[Any]:
    """All objects and lists that hold something, this one first."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return ([value] if inner else []) + [holder for each in inner for holder in _holders(each)]


def _some_key(holder: Any, chance: random.Random) -> Any:
    return chance.choice(list(holder)) if isinstance(holder, dict) else chance.randrange(len(holder))


def _replace(holder: Any, chance: random.Random) -> None:
    if holder:
        holder[_some_key(holder, chance)] = copy.deepcopy(chance.choice(NASTY))


def _remove(holder: Any, chance: random.Random) -> None:
    if holder:
        del holder[_some_key(holder, chance)]


def _double(holder: Any, chance: random.Random) -> None:
    if isinstance(holder, list) and holder:
        holder.append(copy.deepcopy(chance.choice(holder)))


def _rename(holder: Any, chance: random.Random) -> None:
    if isinstance(holder, dict) and holder:
        holder[chance.choice(("", "a", "..", "TAGS.safetensors", "tags"))] = holder.pop(
            _some_key(holder, chance)
        )


def _nudge(holder: Any, chance: random.Random) -> None:
    """A number near the one that is there."""
    if holder and isinstance(number := holder[key := _some_key(holder, chance)], int | float):
        holder[key] = number + chance.choice((-1, 1, 0.5, 1e-9))


def _swap(holder: Any, other: Any, chance: random.Random) -> None:
    if holder and other and holder is not other:
        first, second = _some_key(holder, chance), _some_key(other, chance)
        kept = copy.deepcopy(holder[first])
        holder[first] = copy.deepcopy(other[second])
        other[second] = kept


_EDITS: tuple[Callable[[Any, random.Random], None], ...] = (
    _replace,
    _replace,
    _remove,
    _double,
    _rename,
    _nudge,
)
