"""`step-mel`: 32 frames of 64 mel bands in every half second, the level of the track taken out.

The bands of `magnitudes` on the 2 Hz clock of Coutinho et al. (2015), and nothing else: what is heard in a
half second is left to the net. A track at another volume has the same rows, down to 60 dB below TARGET.

    frame j   samples [250 j - 75, 250 j + 325): centred on those that are its own, [250 j, 250 j + 250)
    step k    frames  [32 k, 32 k + 32)

Outside the track are zeros. No row for a half second that the track does not fill.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial
from typing import cast

import numpy as np
from numpy.typing import NDArray

from schemas.clock import step_count, to_seconds
from transforms.features.front_end import FrontEnd, Layout
from transforms.features.mel.long_track import Spool, SpooledRows
from transforms.features.mel.magnitudes import BANDS, BLOCK_FRAMES, RATE_HZ, WINDOW_SAMPLES, MelMagnitudes
from transforms.features.samples import check_samples

NAME, VERSION = "step-mel", 1
STEP_SAMPLES = RATE_HZ // 2
STEP_FRAMES = 32
HOP_SAMPLES = STEP_SAMPLES // STEP_FRAMES
LEAD_SAMPLES = (WINDOW_SAMPLES - HOP_SAMPLES) // 2
# What the root mean square of a track's bands is brought to, how little of that is still not taken for
# silence, and what stands for silence in the logarithm.
TARGET = 5.0
LEAST = TARGET * 1e-3
OFFSET = 0.001

# Whole steps.
_BLOCK_SAMPLES = BLOCK_FRAMES * HOP_SAMPLES
_OVERLAP_SAMPLES = WINDOW_SAMPLES - HOP_SAMPLES
# Half an hour, 29 MB.
_HELD_BLOCKS = 3600 * STEP_FRAMES // BLOCK_FRAMES


def step_mel(samples: NDArray[np.float32], *, rate_hz: int = RATE_HZ) -> NDArray[np.float32]:
    """Samples [n] float32 at 16 kHz -> [n // 8000, 32, 64] float32, in natural logarithms.

    Raises DataError(bad_input): see `check_samples`.
    """
    check_samples(samples, rate_hz=rate_hz, wanted_hz=RATE_HZ)
    stream = StepMelStream()
    stream.push(samples)
    return stream.finish(len(samples))[:]


def power(mel: NDArray[np.float32]) -> float:
    """Sum of the squares of some frames' mel magnitudes, in double precision."""
    values = mel.reshape(-1).astype(np.float64)
    return float(np.dot(values, values))


def from_level(
    mel: NDArray[np.float32], *, level: float, out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Mel magnitudes of any shape of a track whose root mean square is `level` -> ln(gain * mel + .001), the
    gain such that the track's becomes TARGET; into `out` or a new array."""
    found: NDArray[np.float32] = np.multiply(mel, np.float32(TARGET / max(level, LEAST)), out=out)
    found += np.float32(OFFSET)
    np.log(found, out=found)
    return found


@dataclass(slots=True)
class StepMelStream:
    """Collects the mel magnitudes of a track block by block; `finish` gives what `step_mel` gives.

    It is the same to the last bit, since frames are analysed in equal blocks from the start of the track
    wherever its blocks are cut.
    """

    _room: MelMagnitudes = field(default_factory=lambda: MelMagnitudes(HOP_SAMPLES))
    _filled: int = LEAD_SAMPLES
    _mel: list[NDArray[np.float32]] = field(default_factory=list)
    _blocks: int = 0
    _power: float = 0.0
    _spool: Spool | None = None

    def push(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples: [m] float32."""
        taken, held = 0, self._room.samples
        while taken < len(samples):
            some = samples[taken : taken + len(held) - self._filled]
            held[self._filled : self._filled + len(some)] = some
            self._filled += len(some)
            taken += len(some)
            if self._filled == len(held):
                self._analyse(BLOCK_FRAMES)
                held[:_OVERLAP_SAMPLES] = held[_BLOCK_SAMPLES:]
                self._filled = _OVERLAP_SAMPLES

    def finish(self, total_samples: int) -> NDArray[np.float32]:
        """Rows [steps, 32, 64] of the whole track, all samples of which have been pushed; those of a track of
        more than half an hour are read from the disk, a stretch at a time."""
        shape = (step_count(total_samples, step_samples=STEP_SAMPLES), STEP_FRAMES, BANDS)
        self._room.samples[self._filled :] = 0.0
        self._analyse(shape[0] * STEP_FRAMES - self._blocks * BLOCK_FRAMES)
        level = float(np.sqrt(self._power / max(1, math.prod(shape))))
        if self._spool is None:
            mel, begin = np.empty((shape[0] * STEP_FRAMES, BANDS), np.float32), 0
            for block in self._mel:
                from_level(block, level=level, out=mel[begin : begin + len(block)])
                begin += len(block)
            self._mel.clear()
            return mel.reshape(shape)
        self._spool.write(self._mel)
        self._mel.clear()
        return cast(NDArray[np.float32], SpooledRows(self._spool, shape, partial(from_level, level=level)))

    def _analyse(self, frames: int) -> None:
        mel = np.empty((frames, BANDS), np.float32)
        if frames:
            self._room.fill(mel)
        self._power += power(mel)
        self._mel.append(mel)
        self._blocks += 1
        if len(self._mel) == _HELD_BLOCKS:
            self._spool = self._spool or Spool()
            self._spool.write(self._mel)
            self._mel.clear()


def _layout(_: None) -> Layout:
    names = tuple(f"frame_{frame}_mel_{band}" for frame in range(STEP_FRAMES) for band in range(BANDS))
    step_s = to_seconds(STEP_SAMPLES, rate_hz=RATE_HZ)
    return Layout(names, step_s=step_s, shape=(STEP_FRAMES, BANDS))


FRONT_END: FrontEnd[None] = FrontEnd(
    name=NAME,
    version=VERSION,
    about="log-mel of 64 bands, 32 frames in each half second, level taken out (the default bundle)",
    rate_hz=RATE_HZ,
    presets={"default": None},
    layout=_layout,
    start=lambda _: step_mel,
)
