"""`hpss-chroma`: pitch classes, energy and tempo of the harmonic and the percussive part (Liu 2018).

Each row is a frame: 12 pitch classes of the harmonic part, 12 of the percussive part, and four values of
the segment that the frame lies in: energy (mean square of the samples) and tempo of each part. The paper
sees 10 s of music; a track is cut into such segments. A last one of less than half of that joins the one
before it. The median filters run over the whole track, so that segments have no edges of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from schemas.clock import to_samples, to_seconds
from transforms.features.chroma import spectrum
from transforms.features.chroma.onsets import onset_strength
from transforms.features.chroma.pitch_classes import PITCH_CLASSES, chroma
from transforms.features.chroma.separation import separate
from transforms.features.chroma.tempo import TempoRange, tempo_bpm
from transforms.features.front_end import FrontEnd, Layout
from transforms.features.samples import check_samples, refusal

PARTS = ("harmonic", "percussive")
CONSTANTS = ("harmonic_energy", "percussive_energy", "harmonic_tempo_bpm", "percussive_tempo_bpm")
CLOSEST_PEAK, HIGHEST_PEAK = "closest-peak", "highest-peak"
_FRAMES_HZ = spectrum.RATE_HZ / spectrum.HOP_SAMPLES
_KERNELS = (3, 7, 15, 31, 63)


@dataclass(frozen=True, slots=True)
class HpssChromaSettings:
    """Lengths of segments and median filters, and the tempi looked for.

    `tempo` is "closest-peak" (the paper's) or "highest-peak" of the onset curve's autocorrelation.
    """

    segment_s: float = 10.0
    kernel_frames: int = 31
    kernel_bins: int = 31
    tempo: str = CLOSEST_PEAK
    slowest_bpm: float = 40.0
    fastest_bpm: float = 200.0

    def __post_init__(self) -> None:
        if not 3 <= self.segment_s <= 120:
            raise refusal(f"segment_s is {self.segment_s}; it must be 3 to 120")
        for name in ("kernel_frames", "kernel_bins"):
            if getattr(self, name) not in _KERNELS:
                raise refusal(f"{name} is {getattr(self, name)}; it must be one of {_KERNELS}")
        if self.tempo not in (CLOSEST_PEAK, HIGHEST_PEAK):
            raise refusal(f"tempo is {self.tempo!r}; it must be {CLOSEST_PEAK} or {HIGHEST_PEAK}")
        if not 30 <= self.slowest_bpm < self.fastest_bpm <= 600:
            raise refusal(
                f"tempi are {self.slowest_bpm} to {self.fastest_bpm}; they must rise within 30 to 600"
            )

    @property
    def tempi(self) -> TempoRange:
        """The tempi looked for."""
        return TempoRange(self.slowest_bpm, self.fastest_bpm, highest_peak=self.tempo == HIGHEST_PEAK)


def hpss_chroma(
    samples: NDArray[np.float32], *, rate_hz: int, settings: HpssChromaSettings = HpssChromaSettings()
) -> NDArray[np.float32]:
    """Samples [n] float32 at 22,050 Hz -> [1 + n // 512, 28] float32.

    Energies are mean squares of samples in [-1, 1], tempi beats per minute (0: none found). Raises
    DataError(bad_input, too_short below 2,048 samples).
    """
    check_samples(samples, rate_hz=rate_hz, wanted_hz=spectrum.RATE_HZ, minimum_samples=spectrum.FFT_SAMPLES)
    rows = np.empty((spectrum.frame_count(len(samples)), 24 + len(CONSTANTS)), np.float32)
    for frames in segments(len(samples), segment_s=settings.segment_s):
        parts = part_power(samples, frames, settings=settings)
        here = rows[frames.start : frames.stop]
        here[:, :12], here[:, 12:24] = chroma(parts)
        here[:, 24:] = constants(parts, tempi=settings.tempi)
    return rows


def segments(total_samples: int, *, segment_s: float) -> Iterator[range]:
    """Frames of each segment: those centred in it.

    A last segment of less than half the length joins the one before it.
    """
    length = to_samples(segment_s, rate_hz=spectrum.RATE_HZ)
    count = max(1, (total_samples + length // 2) // length)
    frames = spectrum.frame_count(total_samples)
    edges = [-(-index * length // spectrum.HOP_SAMPLES) for index in range(count)] + [frames]
    return (range(first, end) for first, end in pairwise(edges))


def part_power(
    samples: NDArray[np.float32], frames: range, *, settings: HpssChromaSettings = HpssChromaSettings()
) -> NDArray[np.float32]:
    """Power of the harmonic and the percussive part in some frames of a track: [2, frames, 1025] float32."""
    return separate(
        lambda first, end: spectrum.power_spectrum(samples, first=first, end=end),
        frames=frames,
        total=spectrum.frame_count(len(samples)),
        kernel_frames=settings.kernel_frames,
        kernel_bins=settings.kernel_bins,
    )


def constants(parts: NDArray[np.float32], *, tempi: TempoRange) -> NDArray[np.float32]:
    """Energies and tempi of the parts [2, frames, 1025] of a segment, in the order of CONSTANTS: [4]."""
    energies = (parts @ spectrum.energy_weights()).mean(axis=1, dtype=np.float64)
    found = [tempo_bpm(onset_strength(part), frames_hz=_FRAMES_HZ, wanted=tempi) for part in parts]
    return np.array([*energies, *found], np.float32)


def _layout(_: HpssChromaSettings) -> Layout:
    chroma_names = tuple(f"{part}_chroma_{name}" for part in PARTS for name in PITCH_CLASSES)
    step_s = to_seconds(spectrum.HOP_SAMPLES, rate_hz=spectrum.RATE_HZ)
    return Layout((*chroma_names, *CONSTANTS), step_s=step_s)


FRONT_END: FrontEnd[HpssChromaSettings] = FrontEnd(
    name="hpss-chroma",
    version=1,
    about="pitch classes, energy and tempo of the harmonic and percussive parts (Liu 2018)",
    rate_hz=spectrum.RATE_HZ,
    presets={"default": HpssChromaSettings()},
    layout=_layout,
    start=lambda settings: partial(hpss_chroma, settings=settings),
)
