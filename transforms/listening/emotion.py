"""Live emotion: blocks of samples to valence and arousal of each half second, as soon as they are known.

This knows of sound only, not of clocks: what it gives does not depend on how the sound is cut into blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.clock import to_seconds
from schemas.errors import DataError, FailureKind, Stage
from transforms.features.samples import check_samples
from transforms.listening.resampling import LiveResampler
from transforms.listening.window import LiveWindow

STEPS_PER_SECOND = 2
AXES = ("valence", "arousal")

Predict = Callable[[NDArray[np.float32], NDArray[np.bool_]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class LiveRegressor:
    """A regressor at work on the newest `rows` of the window named `window`.

    `predict` takes values [1, rows, ...] and inside [1, rows], and gives [1, steps, targets] of which the
    last step counts; `targets` are of AXES.
    """

    name: str
    window: str
    rows: int
    targets: tuple[str, ...]
    predict: Predict


@dataclass(frozen=True, slots=True)
class Reading:
    """Valence and arousal in [-1, 1] of the half second that ends at `time_s`."""

    time_s: float
    valence: float
    arousal: float


class LiveEmotion:
    """The mean of some regressors, each half second of a mono signal at `rate_hz`; memory is bounded."""

    def __init__(
        self, regressors: Sequence[LiveRegressor], windows: Mapping[str, LiveWindow], *, rate_hz: int
    ) -> None:
        self._regressors = tuple(regressors)
        self._windows = dict(windows)
        self._rate_hz = rate_hz
        rates = {window.rate_hz for window in self._windows.values()}
        self._resamplers = {rate: LiveResampler(rate_hz, rate) for rate in rates}
        self._samples = 0
        self._steps = 0

    def push(self, samples: NDArray[np.float32]) -> list[Reading]:
        """Take the next samples [n] float32; readings that are known now, in order.

        Raises DataError(bad_input) for a sample that is not finite or beyond any scale.
        """
        if not len(samples):
            return []
        check_samples(samples, rate_hz=self._rate_hz)
        self._samples += len(samples)
        self._hand_on({rate: resampler.push(samples) for rate, resampler in self._resamplers.items()})
        return self._read()

    def finish(self) -> list[Reading]:
        """Readings that are left at the end of the signal: one for each whole half second in all.

        Raises DataError(too_short) for a signal that has none.
        """
        total = self._whole_steps()
        if not total:
            seconds = to_seconds(self._samples, rate_hz=self._rate_hz)
            message = f"{seconds:.3f} s heard; the first reading needs {1 / STEPS_PER_SECOND:g} s"
            raise DataError(FailureKind.TOO_SHORT, Stage.FEATURES, message)
        self._hand_on({rate: resampler.finish() for rate, resampler in self._resamplers.items()})
        # The last frames reach beyond the end: there is silence, as in the batch job.
        self._hand_on({rate: np.zeros(rate // STEPS_PER_SECOND, np.float32) for rate in self._resamplers})
        return self._read()

    def _hand_on(self, by_rate: Mapping[int, NDArray[np.float32]]) -> None:
        for window in self._windows.values():
            window.push(by_rate[window.rate_hz])

    def _whole_steps(self) -> int:
        return self._samples * STEPS_PER_SECOND // self._rate_hz

    def _read(self) -> list[Reading]:
        readings = []
        while self._steps < self._whole_steps() and all(window.ready for window in self._windows.values()):
            self._steps += 1
            rows = {name: window.advance() for name, window in self._windows.items()}
            readings.append(self._reading(rows))
        return readings

    def _reading(self, rows: Mapping[str, NDArray[np.float32]]) -> Reading:
        found: dict[str, list[float]] = {axis: [] for axis in AXES}
        for regressor in self._regressors:
            outputs = regressor.predict(*latest(rows[regressor.window], regressor.rows))[0, -1]
            for target, value in zip(regressor.targets, outputs, strict=True):
                found[target].append(float(value))
        valence, arousal = (float(np.clip(np.mean(found[axis]), -1.0, 1.0)) for axis in AXES)
        return Reading(to_seconds(self._steps, rate_hz=STEPS_PER_SECOND), valence, arousal)


def latest(rows: NDArray[np.float32], count: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The last `count` of rows [m, ...] as a batch of one: values [1, count, ...], inside [1, count].

    Where there are fewer, those before the start of the track are zero and not inside.
    """
    known = rows[-count:]
    missing = count - len(known)
    values = np.pad(known, [(missing, 0), *[(0, 0)] * (known.ndim - 1)])
    return values[None], (np.arange(count) >= missing)[None]
