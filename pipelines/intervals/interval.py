"""A part of a track's curves: the steps that belong to it, their means over coarser steps, their summary.

asked   from_s           to_s
          |---------------|
steps  |.....|.....|.....|.....|     step k is from start_s + k * step_s on
          '-----in------------'      those that have time in common with [from_s, to_s)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.colour import colours
from models.curves import QUADRANTS, quadrant, quadrant_shares, summarise_axis
from pipelines.intervals.times import parse_time, show_time
from schemas.clock import steps_between
from schemas.errors import DataError, FailureKind, Stage

if TYPE_CHECKING:
    import pandas as pd

AXES = ("valence", "arousal")


@dataclass(frozen=True, slots=True)
class Shares:
    """Share of the first of two opposite moods, `values` [chunks] from start_s on, step_s apart."""

    pair: str
    start_s: float
    step_s: float
    values: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Interval:
    """Curves from `from_s` to `to_s` of a track: value k is of the step from start_s + k * step_s on.

    `curves` has valence, arousal in [-1, 1] and the standard deviations over the members, valence_spread and
    arousal_spread, each [steps]; `shares` has those of antonyms, on clocks of their own.
    """

    track_id: str
    from_s: float
    to_s: float
    start_s: float
    step_s: float
    curves: Mapping[str, NDArray[np.float32]]
    change_points_s: tuple[float, ...] = ()
    shares: tuple[Shares, ...] = ()

    @property
    def times_s(self) -> NDArray[np.float64]:
        """Begin of each step, seconds from the track's begin: [steps]."""
        steps = np.arange(len(self.curves["valence"]), dtype=np.float64)
        return np.asarray(self.start_s + self.step_s * steps, np.float64)

    @property
    def frame(self) -> pd.DataFrame:
        """One row a step: time_s, valence, arousal, their spreads, colour, and a column for each pair.

        A pair's share is that of the chunk in which the step begins.
        """
        import pandas as pd

        times = self.times_s
        columns: dict[str, Any] = {"time_s": times, **self.curves}
        columns["colour"] = colours(*(self.curves[axis] for axis in AXES))
        for share in self.shares:
            clock = {"start_s": share.start_s, "step_s": share.step_s}
            chunks = [steps_between(at, at, **clock).start for at in times.tolist()]
            columns[share.pair] = share.values[np.clip(chunks, 0, len(share.values) - 1)]
        return pd.DataFrame(columns)

    @property
    def summary(self) -> dict[str, Any]:
        """The columns of `emotion_curves` that sum up a curve, and the mean share of each pair's first."""
        valence, arousal = (self.curves[axis] for axis in AXES)
        sides = {axis: summarise_axis(self.curves[axis], step_s=self.step_s) for axis in AXES}
        means = [sides[axis].mean for axis in AXES]
        measures = ("mean", "min", "max", "slope")
        shares = quadrant_shares(valence, arousal)
        return {
            "steps": len(valence),
            **{f"{axis}_{name}": getattr(sides[axis], name) for axis in AXES for name in measures},
            **{
                f"{axis}_spread_mean": float(self.curves[f"{axis}_spread"].mean(dtype=np.float64))
                for axis in AXES
            },
            **{f"{name.lower()}_share": float(share) for name, share in zip(QUADRANTS, shares, strict=True)},
            "quadrant": quadrant(means[0], means[1]),
            "colour": colours(*(np.array([mean], np.float32) for mean in means))[0],
            "change_points_s": list(self.change_points_s),
            "antonyms": {one.pair: float(one.values.mean(dtype=np.float64)) for one in self.shares},
        }

    def between(self, from_s: float | str | None = None, to_s: float | str | None = None) -> Interval:
        """The steps that have time in common with [from_s, to_s): seconds, or texts such as "1:10".

        `to_s` None is the end of this one. Raises DataError(bad_input) for a text that is no time, and for an
        interval that is empty, not inside this one, or after its last step.
        """
        try:
            begin, end = (parse_time(at) if isinstance(at, str) else at for at in (from_s, to_s))
        except ValueError as error:
            raise _refusal(str(error)) from None
        return self._cut(self.from_s if begin is None else begin, self.to_s if end is None else end)

    def _cut(self, from_s: float, to_s: float) -> Interval:
        self._refuse(from_s, to_s)
        some = _of(self, from_s, to_s, steps=len(self.curves["valence"]))
        if not len(some):
            last = show_time(self.start_s + self.step_s * len(self.curves["valence"]))
            raise _refusal(
                f"{self.track_id}: its curve has no step from {show_time(from_s)} on: it ends at {last}"
            )
        return replace(
            self,
            from_s=from_s,
            to_s=to_s,
            start_s=self.start_s + self.step_s * some.start,
            curves={name: values[some.start : some.stop] for name, values in self.curves.items()},
            change_points_s=tuple(at for at in self.change_points_s if from_s <= at < to_s),
            shares=tuple(_cut(share, from_s, to_s) for share in self.shares),
        )

    def every(self, seconds: float) -> Interval:
        """The same with means over each `seconds`, a whole number of steps; the last may have fewer steps.

        Raises DataError(bad_input) for another number.
        """
        count = round(seconds / self.step_s)
        if count < 1 or abs(count * self.step_s - seconds) > 1e-6:
            raise _refusal(
                f"every {seconds:g} s: steps are {self.step_s:g} s long, so it takes a multiple of that"
            )
        return replace(
            self,
            step_s=count * self.step_s,
            curves={name: _means(values, count) for name, values in self.curves.items()},
        )

    def _refuse(self, from_s: float, to_s: float) -> None:
        if not np.isfinite([from_s, to_s]).all():
            raise _refusal(f"{from_s} to {to_s} seconds is no interval")
        if from_s < self.from_s or max(from_s, to_s) > self.to_s:
            outside = show_time(from_s if not self.from_s <= from_s <= self.to_s else to_s)
            there = f"{show_time(self.from_s)} to {show_time(self.to_s)}"
            raise _refusal(f"{self.track_id}: {outside} is outside of what there is, {there}")
        if not from_s < to_s:
            raise _refusal(f"an interval from {show_time(from_s)} to {show_time(to_s)} has nothing in it")


def _of(clock: Interval | Shares, from_s: float, to_s: float, *, steps: int) -> range:
    some = steps_between(from_s, to_s, start_s=clock.start_s, step_s=clock.step_s)
    return range(max(0, some.start), min(steps, some.stop))


def _cut(share: Shares, from_s: float, to_s: float) -> Shares:
    """Chunks of an interval; where it lies after the last chunk's begin and step, that last one."""
    some = _of(share, from_s, to_s, steps=len(share.values))
    first = min(some.start, len(share.values) - 1)
    values = share.values[first : max(some.stop, first + 1)]
    return replace(share, start_s=share.start_s + share.step_s * first, values=values)


def _means(values: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    firsts = np.arange(0, len(values), count)
    sums = np.add.reduceat(values, firsts, dtype=np.float64)
    means: NDArray[np.float32] = (sums / np.diff(np.append(firsts, len(values)))).astype(np.float32)
    return means


def _refusal(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.INPUT, message)
