"""Seconds that a worker spends by stage."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(slots=True)
class StageClock:
    """Seconds spent by stage; a stage inside another is booked once, to itself."""

    seconds: dict[str, float] = field(default_factory=dict)
    _before: dict[str, float] = field(default_factory=dict)  # at the last lap

    @contextmanager
    def during(self, stage: str) -> Iterator[None]:
        """Book the time of the block to a stage, but for what was booked to others inside it."""
        begin, booked = time.perf_counter(), sum(self.seconds.values())
        try:
            yield
        finally:
            inside = sum(self.seconds.values()) - booked
            self._add(stage, time.perf_counter() - begin - inside)

    def take_sums(self) -> dict[str, float]:
        """Seconds by stage, named as a run's record sums them, since the last call."""
        sums = {f"seconds.{stage}": value for stage, value in self.seconds.items()}
        self.seconds.clear()
        self._before.clear()
        return sums

    def lap(self) -> dict[str, list[int]]:
        """Milliseconds by stage since the last lap or since sums were taken, named as distributions are."""
        spent = {
            f"{stage}_ms": [round(1000 * (value - self._before.get(stage, 0.0)))]
            for stage, value in self.seconds.items()
            if value != self._before.get(stage)
        }
        self._before = dict(self.seconds)
        return spent

    def waiting(self, stage: str, items: Iterable[Item]) -> Iterator[Item]:
        """The same items, with the time that their source took booked."""
        source = iter(items)
        while True:
            with self.during(stage):
                item = next(source, None)
            if item is None:
                return
            yield item

    def _add(self, stage: str, seconds: float) -> None:
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds
