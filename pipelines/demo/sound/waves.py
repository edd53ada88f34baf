"""The building blocks of a voice: bandlimited waves, envelopes, filters and the plucked string."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from schemas.clock import to_samples

Signal = NDArray[np.float64]  # [samples]
TABLE_SIZE = 2048
HIGHEST_OF_NYQUIST = 0.9  # no partial and no filter above: aliases and unstable filters start there


@dataclass(frozen=True, slots=True)
class Tone:
    """What a voice is asked for: a pitch, how long it is held, the rate, and a seed for its noise."""

    pitch_hz: float
    held_s: float
    rate_hz: int
    seed: int

    def axis_s(self, ring_s: float) -> Signal:
        """Times of the samples while it is held and for `ring_s` after, in seconds."""
        return np.arange(to_samples(self.held_s + ring_s, rate_hz=self.rate_hz)) / self.rate_hz

    def noise(self, count: int) -> Signal:
        """White noise of unit variance; the same for the same tone."""
        return np.random.default_rng(self.seed).standard_normal(count)


def saw_partials(pitch_hz: float, *, cutoff_hz: float, rate_hz: int) -> Signal:
    """Amplitudes [partials] of a sawtooth behind a soft low-pass, none above Nyquist."""
    highest_hz = min(0.5 * HIGHEST_OF_NYQUIST * rate_hz, 6.0 * cutoff_hz)
    numbers = np.arange(1, max(2, min(TABLE_SIZE // 2, int(highest_hz / pitch_hz))))
    amplitudes: Signal = 1.0 / numbers / np.sqrt(1.0 + (numbers * pitch_hz / cutoff_hz) ** 4)
    return amplitudes


def wave(partials: Signal, cycles: Signal) -> Signal:
    """A periodic wave [samples] of these partials at phases given in cycles [samples]."""
    spectrum = np.zeros(TABLE_SIZE // 2 + 1, dtype=np.complex128)
    spectrum[1 : len(partials) + 1] = -0.5j * TABLE_SIZE * partials
    table = np.fft.irfft(spectrum)
    place = (cycles % 1.0) * TABLE_SIZE
    left = place.astype(np.int64)
    step = np.append(np.diff(table), table[0] - table[-1])
    left %= TABLE_SIZE  # a phase just below a whole cycle may round up to it
    read: Signal = table[left] + (place - np.floor(place)) * step[left]
    return read


def cycles(pitch_hz: float, times_s: Signal, *, vibrato: float = 0.0, start: float = 0.0) -> Signal:
    """Phase in cycles [samples], with a vibrato of that depth (a fraction of the pitch) that sets in late."""
    phase = pitch_hz * times_s + start
    if vibrato:
        speed_hz = 5.3
        swing = vibrato * pitch_hz / (2 * np.pi * speed_hz)
        phase -= swing * np.cos(2 * np.pi * speed_hz * times_s) * np.clip(times_s / 0.5 - 0.4, 0.0, 1.0)
    return phase


def swell(times_s: Signal, *, attack_s: float, held_s: float, release_s: float) -> Signal:
    """An envelope that rises, holds, and dies away by 60 dB in `release_s` once let go."""
    rise = np.clip(times_s / attack_s, 0.0, 1.0)
    fall = np.exp(-6.9 * np.maximum(times_s - held_s, 0.0) / release_s)
    envelope: Signal = rise * rise * (3.0 - 2.0 * rise) * fall
    return envelope


def decay(times_s: Signal, *, t60_s: float) -> Signal:
    """An envelope that dies away by 60 dB in `t60_s`."""
    envelope: Signal = np.exp(-6.9 * times_s / t60_s)
    return envelope


def filtered(
    signal: Signal, kind: Literal["lowpass", "highpass", "bandpass"], *bounds_hz: float, rate_hz: int
) -> Signal:
    """A second-order Butterworth filter; bounds past Nyquist are pulled below it."""
    ceiling_hz = 0.5 * HIGHEST_OF_NYQUIST * rate_hz
    corners = [min(bound, ceiling_hz) for bound in bounds_hz]
    if kind == "bandpass":
        corners[0] = min(corners[0], 0.7 * ceiling_hz)  # a band keeps some width
    corner = corners if kind == "bandpass" else corners[0]
    passed: Signal = sosfilt(butter(2, corner, kind, fs=rate_hz, output="sos"), signal)
    return passed


def plucked_string(tone: Tone, *, count: int, t60_s: float, damping: float, nail: float = 0.25) -> Signal:
    """A plucked string [count] after Karplus and Strong.

    y[n] = x[n] + g * (a low-pass and a fractional delay of y, one period ago), a period at a time: no
    sample of a period depends on another of the same one. As one long recursive filter it would cost a
    multiplication per sample for every sample of the period.

    `damping` in (0, 0.5] is the low-pass's second weight: 0.5 is a dull nylon string, 0.1 bright steel.
    `nail` is how much noise there is in the pluck. ValueError for a period of less than three samples.
    """
    period = tone.rate_hz / tone.pitch_hz
    delay = int(period - damping)
    if delay < 3:
        raise ValueError(f"no string so short: {tone.pitch_hz} Hz at {tone.rate_hz} samples a second")
    late = period - damping - delay
    weights = np.convolve((1.0 - damping, damping), (1.0 - late, late))
    weights *= 10.0 ** (-3.0 * period / (t60_s * tone.rate_hz))
    lead_in = delay + 2
    string = np.zeros(lead_in + count + delay)
    # A ramp has the partials of a string pulled aside, the noise is the nail on it. Taking away the same
    # a fifth of a period later plucks the string at a fifth of its length.
    pick = np.linspace(1.0, -1.0, delay) + nail * tone.noise(delay)
    string[lead_in : lead_in + delay] = pick - np.roll(pick, max(1, delay // 5))
    for start in range(lead_in + delay, lead_in + count, delay):
        last = string[start - delay - 2 : start]
        string[start : start + delay] = (
            weights[0] * last[2:] + weights[1] * last[1:-1] + weights[2] * last[:-2]
        )
    return string[lead_in : lead_in + count]
