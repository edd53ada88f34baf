"""What is done with tracks, without Beam: a job, and a worker of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa

from schemas.identity import RunIdentity
from schemas.table import Table
from schemas.track import Outcome, TrackGroup
from schemas.tracks import Status

# Takes the rows of one track for one table.
Sink = Callable[[str, Sequence[Any]], None]
# A table and the rows that an earlier run has in it of one track -> those that this run has.
Restate = Callable[[str, pa.Table], Sequence[Any]]


class Worker(Protocol):
    """One worker's way of a track, from its URI to its rows, without Beam."""

    def process(self, group: TrackGroup) -> Iterator[Outcome]:
        """Take a track; yield the outcomes that are settled now, of this track or of earlier ones."""

    def flush(self) -> Iterator[Outcome]:
        """Settle what waits; yield the outcomes left."""

    def take_sums(self) -> dict[str, float]:
        """Seconds by stage and what else is summed over a run, since the last call."""

    def take_values(self) -> dict[str, list[int]]:
        """What distributions are to take (schemas.metrics), by name, since the last call."""

    def close(self) -> None:
        """End what the worker holds."""


class Job(Protocol):
    """What is done with tracks; picklable, so that every worker process can start it."""

    @property
    def identity(self) -> RunIdentity:
        """Of the run."""

    @property
    def rows_per_file(self) -> int:
        """Most rows of a file."""

    @property
    def results(self) -> Mapping[str, Table]:
        """Tables that hold what comes of a track, by name."""

    @property
    def done(self) -> Status:
        """What a track is when it has its rows."""

    def load(self) -> Any:
        """Models and weights, loaded once a process and shared by its threads; weakly referable."""

    def worker(self, loaded: Any, sink: Sink) -> Worker:
        """A worker that hands rows to the sink."""

    def restate(self) -> Restate:
        """How stored rows that stand are stated anew, as rows of this run."""
