"""Live rows of `mel-steps`: relative to the loudest moment so far, not to that of the whole track.

The last frame that is centred in a half second reaches up to 16 ms beyond its end: it is waited for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from transforms.features.mel import crnn_logmel, spectrum
from transforms.features.mel.mel_steps import STEP_SAMPLES, steps_of

_HOP, _LEAD = spectrum.HOP_SAMPLES, spectrum.LEAD_SAMPLES
# After so many steps the frames lie to the steps as at the start: 4 * 8000 samples are 125 frames.
_CYCLE_STEPS = 4
_CYCLE_FRAMES = _CYCLE_STEPS * STEP_SAMPLES // _HOP


class MelStepsWindow:
    """The newest rows of `mel-steps`; see LiveWindow. A `loudest` level in dB that is given holds
    throughout."""

    def __init__(self, rows: int, *, loudest: np.float32 | None = None) -> None:
        self._rows = rows
        self._given = loudest
        self._loudest = np.float32(-np.inf)
        self._step = 0
        # Samples from a hop before the next frame's own on; frames of `levels` from that of `base_step` on.
        self._samples = np.zeros(0, np.float32)
        self._frame = 0
        self._levels = np.zeros((0, crnn_logmel.BANDS), np.float32)
        self._base_step = 0

    @property
    def rate_hz(self) -> int:
        """16 kHz."""
        return spectrum.RATE_HZ

    def push(self, samples: NDArray[np.float32]) -> None:
        """See LiveWindow."""
        self._samples = np.concatenate([self._samples, samples])

    @property
    def ready(self) -> bool:
        """See LiveWindow."""
        return len(self._samples) >= self._needed

    def advance(self) -> NDArray[np.float32]:
        """Rows [at most as many as were asked for, 192]; see LiveWindow."""
        levels = self._next_levels()
        self._loudest = max(self._loudest, levels.max())
        self._levels = np.concatenate([self._levels, levels])
        self._step += 1
        self._forget()
        loudest = self._loudest if self._given is None else self._given
        db = np.maximum(self._levels - loudest, np.float32(crnn_logmel.FLOOR_DB))
        steps = steps_of(db, total_samples=(self._step - self._base_step) * STEP_SAMPLES)
        return steps[-self._rows :]

    @property
    def _count(self) -> int:
        """Frames that are centred in the next step."""
        return _first_frame(self._step + 1) - self._frame

    @property
    def _needed(self) -> int:
        """Samples from the first kept on that these frames reach to."""
        return (self._count + (self._frame > 0)) * _HOP + _LEAD

    def _next_levels(self) -> NDArray[np.float32]:
        """Levels of the frames of the next step [frames, 64]; what only they needed is let go."""
        count, lead = self._count, int(self._frame > 0)
        power = spectrum.power_spectrum(self._samples[: self._needed])[lead : lead + count]
        self._frame += count
        self._samples = self._samples[(count - 1 + lead) * _HOP :]
        return crnn_logmel.mel_level(power)

    def _forget(self) -> None:
        """Let go of whole cycles that no row needs: a first step has no rise from the frame before."""
        first = self._step - self._rows
        base = max(0, first - 1) // _CYCLE_STEPS * _CYCLE_STEPS
        self._levels = self._levels[(base - self._base_step) // _CYCLE_STEPS * _CYCLE_FRAMES :]
        self._base_step = base


def _first_frame(step: int) -> int:
    """First frame whose centre, j * hop + hop / 2, is not before a step, as in `steps_of`."""
    return -((_HOP // 2 - step * STEP_SAMPLES) // _HOP)
