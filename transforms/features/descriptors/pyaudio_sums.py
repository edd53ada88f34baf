"""What pyAudioAnalysis's features sum up in each frame, block by block in double precision.

Double precision is needed where a frame says little: a steady tone has a flux, and silence with an offset has
bands, that lie below what single precision resolves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray
from scipy.fft import rfft

from transforms.features.descriptors.pyaudio_banks import BANDS, CLASSES, PARTS, Banks

V = TypeVar("V", np.float64, np.uint8)

ROLLOFF = 0.90
EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class Cut:
    """How one track is cut into frames and scaled."""

    banks: Banks
    step: int
    mean: np.float64
    gain: float  # brings the largest deviation from the mean to one


@dataclass(frozen=True, slots=True)
class Sums:
    """What is summed up in each of m frames; X is the magnitude of a bin over n, the number of bins."""

    halves: NDArray[np.int64]  # [m]: half changes of sign
    energy: NDArray[np.float64]  # [m, 11]: of ten parts, and of what they leave over
    moments: NDArray[np.float64]  # [m, 3]: of X
    flux: NDArray[np.float64]  # [m]
    mel: NDArray[np.float64]  # [m, 40]: of X
    chroma: NDArray[np.float64]  # [m, 12]: of X squared
    power: NDArray[np.float64]  # [m, 10 or more]: of X squared, ten parts and what they leave over
    rolloff: NDArray[np.int64]  # [m]: bins below it


def room_for(rows: int, banks: Banks) -> Sums:
    """Sums of so many frames, not yet filled in."""
    return Sums(
        halves=np.empty(rows, np.int64),
        energy=np.empty((rows, PARTS + 1)),
        moments=np.empty((rows, 3)),
        flux=np.empty(rows),
        mel=np.empty((rows, BANDS)),
        chroma=np.empty((rows, CLASSES)),
        power=np.empty((rows, banks.tenths.shape[1])),
        rolloff=np.empty(rows, np.int64),
    )


def sum_up(
    samples: NDArray[np.float32], into: Sums, *, rows: slice, cut: Cut, before: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Fill in the rows of the frames of some samples.

    `before` is the frame before them as the flux compares it, None at the beginning; returns the last
    frame as the next call takes it: [n + 1].
    """
    banks = cut.banks
    into.halves[rows] = _halves(samples, cut)
    block = samples.astype(np.float64)
    block -= cut.mean
    block *= cut.gain / banks.bins  # so that what the FFT gives is X
    frames = _in_windows(block, banks.window, step=cut.step)
    _energies(frames, into.energy[rows])

    magnitude = np.abs(rfft(frames, axis=1))
    magnitude[:, banks.bins :] = 0.0
    np.matmul(magnitude, banks.moments, out=into.moments[rows])
    np.matmul(magnitude[:, : len(banks.mel)], banks.mel, out=into.mel[rows])
    power = np.square(magnitude)
    np.matmul(power[:, banks.chroma_bins], banks.chroma, out=into.chroma[rows])
    np.matmul(power, banks.tenths, out=into.power[rows])
    into.rolloff[rows] = _rolloff(power, into.power[rows], length=banks.bins // PARTS)
    into.flux[rows], last = _flux(magnitude, into.moments[rows, 0] + banks.bins * EPS, before)
    return last


def _in_windows(values: NDArray[V], window: int, *, step: int) -> NDArray[V]:
    """Windows of contiguous values, every `step`: [m, window], not to be written to."""
    count, size = (len(values) - window) // step + 1, values.itemsize
    return as_strided(values, (count, window), (step * size, size), writeable=False)


def _halves(samples: NDArray[np.float32], cut: Cut) -> NDArray[np.int64]:
    """Changes of sign about the mean in each window [m], counted twice: one to or from zero counts once."""
    # In single precision, above the mean is above the number next below it: no sample lies between the two.
    near = np.float32(cut.mean)
    floor = near if near <= cut.mean else np.nextafter(near, np.float32(-np.inf))
    ceiling = near if near >= cut.mean else np.nextafter(near, np.float32(np.inf))
    # One bit for above and one for below: the bits that flip are the halves.
    sign = (samples < ceiling).view(np.uint8)
    sign += sign
    sign |= (samples > floor).view(np.uint8)
    window = cut.banks.window
    flips = _in_windows(sign[1:] ^ sign[:-1], window - 1, step=cut.step)
    words = np.zeros((len(flips), -(-window // 8)), np.uint64)
    words.view(np.uint8)[:, : window - 1] = flips
    halves: NDArray[np.int64] = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
    return halves


def _energies(frames: NDArray[np.float64], into: NDArray[np.float64]) -> None:
    """Sum of squares of ten parts and of what they leave over: [m, window] -> [m, 11]."""
    length = frames.shape[1] // PARTS
    size = frames.itemsize
    strides = (frames.strides[0], length * size, size)
    parts = as_strided(frames, (len(frames), PARTS, length), strides, writeable=False)
    np.vecdot(parts, parts, out=into[:, :PARTS])
    rest = frames[:, PARTS * length :]
    np.vecdot(rest, rest, out=into[:, PARTS])


def _rolloff(power: NDArray[np.float64], sums: NDArray[np.float64], *, length: int) -> NDArray[np.int64]:
    """Bins below the roll-off [m], of power [m, n + 1], whose last is zero, and its sums by parts."""
    reached = np.cumsum(sums, axis=1)
    threshold = ROLLOFF * reached[:, -1:]
    # First the part in which the power up to there passes the threshold, then the bin.
    part = np.minimum((reached + EPS <= threshold).sum(axis=1), sums.shape[1] - 1)
    row = np.arange(len(power))
    start = (reached[row, part] - sums[row, part])[:, None] + EPS
    inside = np.minimum((part * length)[:, None] + np.arange(length), power.shape[1] - 1)
    passed = np.count_nonzero(np.cumsum(power[row[:, None], inside], axis=1) + start <= threshold, axis=1)
    below: NDArray[np.int64] = part * length + passed
    return below


def _flux(
    magnitude: NDArray[np.float64], total: NDArray[np.float64], before: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Squared change from frame to frame [m] of each bin's share of the total, and the last shares [n + 1].

    The magnitude is overwritten with the shares.
    """
    magnitude *= (1.0 / total)[:, None]
    flux = np.empty(len(magnitude))
    change = magnitude[0] - (magnitude[0] if before is None else before)
    flux[0] = change @ change
    changes = magnitude[1:] - magnitude[:-1]
    np.vecdot(changes, changes, out=flux[1:])
    return flux, magnitude[-1].copy()
