"""The mixing desk: notes onto buses, buses into balance, and a limiter that sets the level."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Stereo = NDArray[np.float32]  # [samples, 2]

BUS_DB: Mapping[str, float] = MappingProxyType(
    {"lead": 0.0, "harmony": -2.0, "bass": -4.0, "drums": 0.0, "texture": -13.0}
)
# What of a bus is sent to the room: a bass that rings is mud.
SENDS: Mapping[str, float] = MappingProxyType(
    {"lead": 1.0, "harmony": 1.0, "bass": 0.1, "drums": 0.45, "texture": 0.6}
)
CEILING = 0.75  # leaves 2.5 dB for what lossy formats add to a peak
BLOCK_S = 0.2
FADE_S = 1.2
GLANCE = 8  # the level is sought on every eighth sample


def add_note(bus: Stereo, sound: NDArray[np.float32], *, start: int, gain: float, pan: float) -> None:
    """Add a mono sound [n] to a bus in place, from sample `start` on, panned at equal power.

    What hangs over the end of the bus is cut off.
    """
    end = min(len(bus), start + len(sound))
    angle = (pan + 1.0) * np.pi / 4.0
    for side, part in enumerate((np.cos(angle), np.sin(angle))):
        bus[start:end, side] += np.float32(gain * part) * sound[: end - start]


def loudness(bus: Stereo, *, rate_hz: int) -> float:
    """RMS of the louder passages of a bus: rests do not make it quieter. 0.0 for an empty one."""
    block = round(BLOCK_S * rate_hz)
    whole = bus[: len(bus) // block * block].reshape(-1, 2 * block)
    powers = np.mean(whole * whole, axis=1)
    return float(np.sqrt(np.quantile(powers, 0.85))) or float(np.sqrt(np.mean(powers)))


def balanced(buses: Mapping[str, Stereo], *, rate_hz: int) -> dict[str, Stereo]:
    """Every bus at its place in the mix, whatever its voice's own loudness; empty ones are left out."""
    balance = {}
    for name, bus in buses.items():
        level = loudness(bus, rate_hz=rate_hz)
        if level > 0.0:
            balance[name] = bus * np.float32(10.0 ** (BUS_DB[name] / 20.0) / level)
    return balance


def limited(mix: Stereo) -> Stereo:
    """The mix behind a soft ceiling: linear below about half of it, never above it."""
    ratio = mix / np.float32(CEILING)
    ratio *= ratio
    return (mix / np.sqrt(np.sqrt(np.float32(1.0) + ratio * ratio))).astype(np.float32, copy=False)


def mastered(mix: Stereo, *, level_dbfs: float, rate_hz: int) -> Stereo:
    """The mix [samples, 2] faded at its ends and at that RMS against full scale, to 0.1 dB.

    The limiter takes level away, so the gain is found in a few rounds; a loud level thus comes out
    compressed, as loud records do. ValueError for a mix without sound.
    """
    faded = mix * fades(len(mix), rate_hz=rate_hz)[:, np.newaxis]
    glance = faded[::GLANCE]
    wanted = 10.0 ** (level_dbfs / 20.0)
    level = float(np.sqrt(np.mean(glance * glance)))
    if level == 0.0:
        raise ValueError("a mix without sound has no level")
    gain = wanted / level
    for _ in range(5):
        master = limited(glance * np.float32(gain))
        gain *= wanted / float(np.sqrt(np.mean(master * master)))
    return limited(faded * np.float32(gain))


def fades(count: int, *, rate_hz: int) -> NDArray[np.float32]:
    """A gain [count] that opens within 5 ms and closes over the last FADE_S."""
    times_s = np.arange(count) / rate_hz
    left_s = (count - 1) / rate_hz - times_s
    closing = 0.5 - 0.5 * np.cos(np.pi * np.clip(left_s / FADE_S, 0.0, 1.0))
    return (np.clip(times_s / 0.005, 0.0, 1.0) * closing).astype(np.float32)
