"""Seconds of a processor that tracks take: a sample of them goes through the job's own worker, here."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipelines.running.local_runner import descendants
from schemas.errors import DataError
from schemas.track import Outcome, Track, TrackGroup
from transforms.tracks.work import Job


@dataclass(frozen=True, slots=True)
class Measured:
    """What the tracks of a sample took: seconds of a processor each, seconds of audio of those tagged."""

    cpu_s: tuple[float, ...]
    audio_s: tuple[float, ...]
    errors: tuple[DataError, ...] = ()

    @property
    def cpu_mean_s(self) -> float:
        """Mean seconds of a processor a track."""
        return float(np.mean(self.cpu_s))

    @property
    def cpu_error_s(self) -> float:
        """Standard error of that mean; that of one track is not known, and is taken as the whole."""
        if len(self.cpu_s) < 2:
            return self.cpu_mean_s
        return float(np.std(self.cpu_s, ddof=1) / np.sqrt(len(self.cpu_s)))


def measure(job: Job, tracks: Sequence[Track]) -> Measured:
    """Take the tracks through a worker of the job, after one of them for warming up; nothing is written.

    Clock time of each is scaled to the processor time of all, their decoder's with it.
    """
    plain = [TrackGroup(Track(track.track_id, track.uri)) for track in tracks]
    outcomes: list[Outcome] = []
    with closing(job.worker(job.load(), lambda *_: None)) as worker:
        _ = [*worker.process(plain[0]), *worker.flush()]
        began, times = processor_s(), [time.perf_counter()]
        for group in plain:
            outcomes += worker.process(group)
            times.append(time.perf_counter())
        outcomes += worker.flush()
        clock_s, cpu_s = time.perf_counter() - times[0], processor_s() - began
    errors = tuple(outcome.error for outcome in outcomes if outcome.error)
    audio_s = tuple(
        outcome.facts.decoded_s for outcome in outcomes if outcome.facts and outcome.facts.decoded_s
    )
    # What of the last batch is left belongs to all of them.
    spent = np.diff(times) + (clock_s - (times[-1] - times[0])) / len(plain)
    return Measured(tuple((spent * cpu_s / clock_s).tolist()), audio_s, errors)


def processor_s() -> float:
    """Seconds of processors that this process and those below it have taken."""
    ticks = 0
    for process in (os.getpid(), *descendants(os.getpid())):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
