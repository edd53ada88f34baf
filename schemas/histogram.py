"""Percentiles of values that nobody holds: counts by bucket on a log scale, which add up over workers.

Eight buckets an octave: a percentile is within 4.5 % of the value that it stands for. 0 has its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

_AN_OCTAVE = 8
_SHARES: Mapping[str, float] = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
_ZERO = "0"


def bucket(value: int) -> str:
    """The bucket of a value >= 0, as a name."""
    return _ZERO if value == 0 else f"2^{round(_AN_OCTAVE * math.log2(value))}/{_AN_OCTAVE}"


def percentiles(counts: Mapping[str, float]) -> dict[str, float]:
    """Counts by bucket, at least one of them -> number of `values`, their p50, p90, p99 and the `most`."""
    by_value = sorted((_value(name), int(count)) for name, count in counts.items())
    total = sum(count for _, count in by_value)
    found = {name: _at(by_value, math.ceil(share * total)) for name, share in _SHARES.items()}
    return {"values": total, **found, "most": by_value[-1][0]}


def _value(name: str) -> float:
    if name == _ZERO:
        return 0
    power = int(name.removeprefix("2^").removesuffix(f"/{_AN_OCTAVE}"))
    return round(2 ** (power / _AN_OCTAVE), 1)


def _at(by_value: list[tuple[float, int]], rank: int) -> float:
    """The value of a rank, 1 for the smallest."""
    for value, count in by_value:
        rank -= count
        if rank <= 0:
            return value
    raise AssertionError("unreachable: no rank is above the total")
