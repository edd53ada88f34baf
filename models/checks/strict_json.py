"""JSON from others: no key twice, no number that is not finite, no nesting without end."""

from __future__ import annotations

import json
import math
from typing import Any

_DEEPEST = 16


def parse_json(data: bytes) -> Any:
    """The value of JSON in UTF-8; ValueError that says what is wrong with it.

    Python's own parser takes the last of two equal keys, NaN and 1e999, and recursion ends it in an error of
    its own kind.
    """
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_object, parse_constant=_not_a_number, parse_float=_finite
        )
    except RecursionError:
        raise _too_deep() from None
    _check_depth(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"{shown(twice)} is there twice")
    return fields


def _not_a_number(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:40]} is too large")
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, list | dict)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> ValueError:
    return ValueError(f"nested more than {_DEEPEST} deep")


def shown(value: Any, *, most: int = 200) -> str:
    """A value for a message: as Python writes it, the middle left out where it is long."""
    return cut(repr(value), most=most)


def cut(text: str, *, most: int = 500) -> str:
    """A text for a message, the middle left out where it is long."""
    return text if len(text) <= most else f"{text[: most // 2]}...{text[-most // 4 :]}"
