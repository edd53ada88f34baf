"""What a run would take, from what it would do, a measured sample and prices."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.planning.count import READ, Counted
from pipelines.planning.measure import Measured
from pipelines.planning.prices import Machine, Prices

# A range that holds the mean nine times in ten, for samples that are not too small.
_ERRORS = 1.645


@dataclass(frozen=True, slots=True)
class Range:
    """An estimate with the range that it lies in nine times of ten, as far as the sample tells."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> Range:
        """All of it times a factor."""
        return Range(self.value * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True, slots=True)
class OnMachine:
    """What the work takes on machines of a type, in hours of one; None where their speed is unknown."""

    machine: Machine
    hours: Range | None
    cost: Range | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """Tracks to read, their hours of audio, hours of one processor, and what that is on machines."""

    tracks: int
    audio_hours: float
    processor_hours: Range
    machines: tuple[OnMachine, ...]


def estimate(counted: Counted, measured: Measured, prices: Prices) -> Estimate:
    """Sums for all tracks that are to be read: the sample's means times their number.

    Lengths that earlier runs know count as they are. Machines are taken as busy to the last: starting them,
    and the end of a run on few of them, come on top.
    """
    tracks = sum(count for (how, _), count in counted.tracks.items() if how == READ)
    mean_audio_s = sum(measured.audio_s) / len(measured.audio_s)
    audio_s = counted.audio_s + (tracks - counted.known) * mean_audio_s
    mean, error = measured.cpu_mean_s, _ERRORS * measured.cpu_error_s
    hours = Range(mean, max(0.0, mean - error), mean + error).times(tracks / 3600)
    machines = tuple(_on_machine(machine, hours) for machine in prices.machines)
    return Estimate(tracks, audio_s / 3600, hours, machines)


def _on_machine(machine: Machine, processor_hours: Range) -> OnMachine:
    if machine.speed is None:
        return OnMachine(machine, None, None)
    hours = processor_hours.times(1 / (machine.vcpus * machine.speed))
    return OnMachine(machine, hours, hours.times(machine.hour))
