"""Harmonic and percussive parts of a power spectrum by median filters and binary masks (FitzGerald 2010).

A tone is a line along time, a click one along frequency: a bin is harmonic where the median of its
neighbours in time exceeds that of its neighbours in frequency, percussive elsewhere (ties included).
The order of powers is that of magnitudes, so the medians of the power give the masks of the magnitude.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from transforms.features.chroma.sliding_median import sliding_median

PowerOf = Callable[[int, int], NDArray[np.float32]]


def separate(
    power_of: PowerOf, *, frames: range, total: int, kernel_frames: int, kernel_bins: int
) -> NDArray[np.float32]:
    """Power of the two parts in the given frames of a track of `total`: [2, frames, bins], harmonic first.

    `power_of(first, end)` gives the track's power [end - first, bins] float32; up to half a kernel of frames
    beyond `frames` is asked of it. Beyond the ends of track and spectrum both are mirrored. The kernels are
    powers of two less one.
    """
    reach = kernel_frames // 2
    wanted = mirrored(frames.start - reach, frames.stop + reach, size=total)
    first, end = int(wanted.min()), int(wanted.max()) + 1
    known = power_of(first, end)
    power = known[frames.start - first : frames.stop - first]
    around = known if len(wanted) == len(known) else known[wanted - first]
    steady = sliding_median(around, width=kernel_frames)
    harmonic = steady > median_along_bins(power, width=kernel_bins)
    parts = np.empty((2, *power.shape), np.float32)
    np.multiply(power, harmonic, out=parts[0])
    np.subtract(power, parts[0], out=parts[1])
    return parts


def median_along_bins(power: NDArray[np.float32], *, width: int) -> NDArray[np.float32]:
    """Median of every bin's neighbours in its frame, mirrored at the ends: [frames, bins] -> the same."""
    frames, bins = power.shape
    reach = width // 2
    ends = mirrored(-reach, bins + reach, size=bins)
    # One long row: the windows that cross from one frame into the next are not looked at.
    rows = np.empty((frames, len(ends)), np.float32)
    rows[:, reach:-reach] = power
    rows[:, :reach] = power[:, ends[:reach]]
    rows[:, -reach:] = power[:, ends[-reach:]]
    medians = np.empty(rows.size, np.float32)
    medians[: 1 - width] = sliding_median(rows.reshape(-1, 1), width=width)[:, 0]
    return medians.reshape(rows.shape)[:, :bins]


def mirrored(first: int, end: int, *, size: int) -> NDArray[np.intp]:
    """Indices first to end of a row of `size` that is mirrored at its ends: c b a | a b c | c b a."""
    index = np.arange(first, end) % (2 * size)
    return np.where(index < size, index, 2 * size - 1 - index)
