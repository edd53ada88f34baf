"""Rooms: reverberation by convolution with exponentially decaying noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.signal import oaconvolve

from pipelines.demo.sound.waves import filtered
from schemas.clock import to_samples

PREDELAY_S = 0.018
DECIBELS_60 = 6.9  # in nepers


@dataclass(frozen=True, slots=True)
class Room:
    """How long it rings (60 dB), how loud against the dry sound, and how bright its walls are."""

    t60_s: float
    wet: float
    bright_hz: float


ROOMS: Mapping[str, Room] = MappingProxyType(
    {
        "booth": Room(t60_s=0.3, wet=0.12, bright_hz=6000.0),
        "club": Room(t60_s=0.7, wet=0.2, bright_hz=7000.0),
        "studio": Room(t60_s=1.1, wet=0.25, bright_hz=6000.0),
        "hall": Room(t60_s=2.0, wet=0.4, bright_hz=4500.0),
        "cathedral": Room(t60_s=3.6, wet=0.65, bright_hz=3000.0),
    }
)


def impulse_response(room: Room, *, rate_hz: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """The room's answer [samples, 2] to a click, of unit energy a side; the sides differ, hence its width."""
    times_s = np.arange(to_samples(room.t60_s, rate_hz=rate_hz)) / rate_hz
    sides = []
    for _ in range(2):
        noise = rng.standard_normal(len(times_s)) * np.exp(-DECIBELS_60 * times_s / room.t60_s)
        dull = filtered(noise, "bandpass", 150.0, room.bright_hz, rate_hz=rate_hz)
        sides.append(dull / np.sqrt(np.sum(dull**2)))
    late = to_samples(PREDELAY_S, rate_hz=rate_hz)
    return np.pad(np.stack(sides, axis=1), ((late, 0), (0, 0))).astype(np.float32)


def reverberate(
    dry: NDArray[np.float32], room: Room, *, rate_hz: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """The wet sound [samples, 2] of a dry one [samples, 2], cut to its length."""
    answer = impulse_response(room, rate_hz=rate_hz, rng=rng)
    wet = room.wet * oaconvolve(dry, answer, axes=0)[: len(dry)]
    return wet.astype(np.float32)
