"""`psychoacoustics`: dissonance, roughness, tempo and event density at 2 Hz (Coutinho et al. 2015, FS2).

Row k describes the second from k * .5 s on; a last second that is not whole has no row. Dissonance and
roughness are means over the frames of 50 ms that lie inside that second. Tempo and event density are those of
the longer frames, 3 s and 10 s, that are centred nearest to its middle. Amplitudes are those of sinusoids, 1
at full scale, so that a gain g changes dissonance by g^2 and roughness by g^.2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from transforms.features.descriptors.onsets import band_envelopes, event_density, onset_curve
from transforms.features.descriptors.roughness import dissonance_roughness
from transforms.features.descriptors.short_frames import (
    BIN_HZ,
    FRAME_SAMPLES,
    FRAMES_PER_SECOND,
    RATE_HZ,
    amplitude_blocks,
    frame_starts,
)
from transforms.features.descriptors.spectral_peaks import spectral_peaks
from transforms.features.descriptors.tempo import tempo
from transforms.features.front_end import FrontEnd, Layout
from transforms.features.samples import check_samples

NAMES = ("sensory_dissonance", "roughness", "tempo", "event_density")
WINDOW_SAMPLES = RATE_HZ
STEP_SAMPLES = RATE_HZ // 2
STEP_S = 0.5


def psychoacoustics(samples: NDArray[np.float32], *, rate_hz: int) -> NDArray[np.float32]:
    """Samples [n] float32 at 44.1 kHz -> [(n - 44100) // 22050 + 1, 4] float32.

    Columns: sensory dissonance (Sethares), roughness (Vassilakis), tempo in beats per minute (0 without a
    beat), events per second. Raises DataError(bad_input), and DataError(too_short) below 1 s.
    """
    check_samples(samples, rate_hz=rate_hz, wanted_hz=RATE_HZ, minimum_samples=WINDOW_SAMPLES)
    pairs, envelopes = _frames(samples)
    curve = onset_curve(envelopes)
    rows = np.arange((len(samples) - WINDOW_SAMPLES) // STEP_SAMPLES + 1)
    values = np.empty((len(rows), len(NAMES)), np.float32)
    values[:, :2] = _means(pairs, frame_starts(len(samples)), rows)
    # The middle of row k is (k + 1) / 2 s; between two whole seconds the later is taken.
    values[:, 2] = tempo(curve, centres=(rows + 1) * FRAMES_PER_SECOND // 2)
    values[:, 3] = event_density(curve, seconds=(rows + 2) // 2)
    return values


def _frames(samples: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Dissonance and roughness [frames, 2] and band envelopes [frames, 10] of every frame of 50 ms."""
    pairs, envelopes = [], []
    for amplitudes in amplitude_blocks(samples):
        peaks = spectral_peaks(amplitudes, bin_hz=BIN_HZ)
        pairs.append(dissonance_roughness(peaks, frames=len(amplitudes)))
        envelopes.append(band_envelopes(amplitudes))
    return np.concatenate(pairs), np.concatenate(envelopes)


def _means(
    values: NDArray[np.float64], starts: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Means of frames [frames, m] that lie wholly inside the second of each row: [rows, m]."""
    first = np.searchsorted(starts, rows * STEP_SAMPLES)
    last = np.searchsorted(starts, rows * STEP_SAMPLES + WINDOW_SAMPLES - FRAME_SAMPLES, side="right")
    means = [values[begin:end].mean(axis=0) for begin, end in zip(first, last, strict=True)]
    return np.stack(means)


FRONT_END: FrontEnd[None] = FrontEnd(
    name="psychoacoustics",
    version=1,
    about="sensory dissonance, roughness, tempo and event density at 2 Hz (Coutinho 2015, FS2)",
    rate_hz=RATE_HZ,
    presets={"default": None},
    layout=lambda _: Layout(NAMES, step_s=STEP_S),
    start=lambda _: psychoacoustics,
)
