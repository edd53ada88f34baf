"""How long work takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

Work = Callable[[], Any]


def seconds_of(work: Work) -> float:
    """Seconds that work takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def median_seconds(works: Mapping[str, Work], rounds: int) -> dict[str, float]:
    """Median seconds of each over so many rounds in which all take turns, after one run of each that is not
    counted."""
    for work in works.values():
        work()
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            taken[name].append(seconds_of(work))
    return {name: statistics.median(values) for name, values in taken.items()}
