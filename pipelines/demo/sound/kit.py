"""The drum kit: eleven hits, each a few filtered bursts and sines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from pipelines.demo.sound.waves import Signal, Tone, decay, filtered


@dataclass(frozen=True, slots=True)
class Drum:
    """A hit (its tone's pitch and length do not matter), its place from left to right, and its gain."""

    sound: Callable[[Tone], Signal]
    pan: float
    gain: float = 1.0


def thump(tone: Tone, *, high_hz: float, low_hz: float, t60_s: float) -> Signal:
    """A sine that falls from one pitch to another within some 30 ms, as a skin does."""
    times_s = tone.axis_s(0.7 * t60_s)
    fall_s = 0.03
    phase = low_hz * times_s - (high_hz - low_hz) * fall_s * np.exp(-times_s / fall_s)
    return np.sin(2 * np.pi * phase) * decay(times_s, t60_s=t60_s) * np.clip(times_s / 0.001, 0.0, 1.0)


def burst(tone: Tone, *, low_hz: float, high_hz: float, t60_s: float) -> Signal:
    """A band of noise that dies away."""
    times_s = tone.axis_s(0.7 * t60_s)
    band = filtered(tone.noise(len(times_s)), "bandpass", low_hz, high_hz, rate_hz=tone.rate_hz)
    return band * decay(times_s, t60_s=t60_s)


def layered(long: Signal, short: Signal) -> Signal:
    """The sum of two sounds that start together; the second must not be the longer one."""
    return long + np.pad(short, (0, len(long) - len(short)))


def kick(tone: Tone) -> Signal:
    """A bass drum with a felt beater."""
    skin = thump(tone, high_hz=170.0, low_hz=48.0, t60_s=0.45)
    return layered(skin, 0.3 * burst(tone, low_hz=1500.0, high_hz=5000.0, t60_s=0.03))


def snare(tone: Tone) -> Signal:
    """A skin and its wires."""
    wires = 0.8 * burst(tone, low_hz=1200.0, high_hz=9000.0, t60_s=0.32)
    return layered(wires, 0.7 * thump(tone, high_hz=300.0, low_hz=185.0, t60_s=0.2))


def clap(tone: Tone) -> Signal:
    """Four hands, 11 ms apart."""
    hand = burst(tone, low_hz=900.0, high_hz=3500.0, t60_s=0.22)
    late = round(0.011 * tone.rate_hz)
    return np.asarray(sum(np.pad(hand, (number * late, (3 - number) * late)) for number in range(4))) * 0.6


def tom(tone: Tone) -> Signal:
    """A floor tom."""
    return thump(tone, high_hz=160.0, low_hz=92.0, t60_s=0.6)


def low_tom(tone: Tone) -> Signal:
    """A large drum, almost a timpani."""
    skin = thump(tone, high_hz=95.0, low_hz=62.0, t60_s=1.1)
    return layered(skin, 0.15 * burst(tone, low_hz=300.0, high_hz=1500.0, t60_s=0.08))


def hat(tone: Tone) -> Signal:
    """A closed hi-hat."""
    return burst(tone, low_hz=7000.0, high_hz=15000.0, t60_s=0.09)


def open_hat(tone: Tone) -> Signal:
    """An open hi-hat."""
    return burst(tone, low_hz=6500.0, high_hz=15000.0, t60_s=0.35)


def crash(tone: Tone) -> Signal:
    """A crash cymbal."""
    return burst(tone, low_hz=3500.0, high_hz=14000.0, t60_s=2.2)


def brush(tone: Tone) -> Signal:
    """Wire brushes on a snare: they start softly."""
    wires = burst(tone, low_hz=1800.0, high_hz=7000.0, t60_s=0.25)
    return wires * np.clip(np.arange(len(wires)) / (0.025 * tone.rate_hz), 0.0, 1.0)


def shaker(tone: Tone) -> Signal:
    """Seeds in an egg."""
    seeds = burst(tone, low_hz=4500.0, high_hz=10000.0, t60_s=0.12)
    return seeds * np.clip(np.arange(len(seeds)) / (0.02 * tone.rate_hz), 0.0, 1.0)


def rim(tone: Tone) -> Signal:
    """A stick on the rim."""
    return thump(tone, high_hz=2100.0, low_hz=1650.0, t60_s=0.07)


DRUMS: Mapping[str, Drum] = MappingProxyType(
    {
        "kick": Drum(kick, pan=0.0),
        "snare": Drum(snare, pan=-0.05, gain=0.8),
        "clap": Drum(clap, pan=0.05, gain=0.7),
        "rim": Drum(rim, pan=-0.2, gain=0.3),
        "hat": Drum(hat, pan=0.35, gain=0.45),
        "openhat": Drum(open_hat, pan=0.35, gain=0.4),
        "crash": Drum(crash, pan=-0.4, gain=0.5),
        "brush": Drum(brush, pan=-0.2, gain=0.5),
        "shaker": Drum(shaker, pan=0.45, gain=0.45),
        "tom": Drum(tom, pan=-0.3, gain=0.9),
        "lowtom": Drum(low_tom, pan=0.2),
    }
)
