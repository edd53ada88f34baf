"""CarryRows: stored results that stand go into the run's tables, decided anew, without touching audio.

tracks  ------------------.
stored files -> index  ---+- by shard -> places -> one row group after another -> rows of this run
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import AsList, TaggedOutput

from schemas.track import Track, stands
from transforms.incremental.index import index_rows, read_row_group
from transforms.incremental.shards import joined, shard_of, split
from transforms.metrics import summed
from transforms.outputs import PARTS, SUMS, at_end
from transforms.tracks.work import Job, Restate
from transforms.writing.parts import PartWriter

_PLACES = "places"
_KEYS = ("track_id", "run_id")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a table of results, with the runs whose rows are in it."""

    table: str
    uri: str
    runs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """Rows of a track in a row group."""

    track: Track
    first: int
    count: int


class CarryRows(beam.PTransform):  # type: ignore[misc]
    """(Track whose known results stand) -> Outcome; outputs besides: PARTS of the job's results, SUMS."""

    def __init__(self, stored: Sequence[StoredFile], job: Job, *, shards: int) -> None:
        super().__init__()
        self._stored = [file for file in stored if file.table in job.results]
        self._job = job
        self._shards = shards

    def expand(self, tracks: Any) -> Mapping[str, Any]:
        """See the class."""
        runs = tracks | "Run" >> beam.Map(lambda track: track.known.run_id) | "Runs" >> beam.Distinct()
        index = (
            tracks.pipeline
            | "Stored" >> beam.Create(self._stored)
            | "Spread" >> beam.Reshuffle()
            | "Index" >> beam.FlatMap(_index, AsList(runs), self._shards)
        )
        wanted = tracks | "ByTrack" >> beam.Map(_keyed, self._shards)
        located = (
            {"wanted": wanted, "index": index}
            | "ByShard" >> beam.CoGroupByKey()
            | "Locate" >> beam.ParDo(_Locate(self._job)).with_outputs(_PLACES, main="outcomes")
        )
        rows = (
            located[_PLACES]
            | "ByRowGroup" >> beam.GroupByKey()
            | "Restate" >> beam.ParDo(_Restate(self._job)).with_outputs(PARTS, SUMS)
        )
        return {"outcomes": located["outcomes"], PARTS: rows[PARTS], SUMS: rows[SUMS]}


def _keyed(track: Track, shards: int) -> tuple[int, Track]:
    return shard_of(track.track_id, shards), track


def _index(file: StoredFile, runs: Sequence[str], shards: int) -> Iterator[tuple[int, bytes]]:
    """The index of a file, if rows of these runs are in it."""
    if not set(runs).isdisjoint(file.runs):
        for batch in index_rows(file.table, file.uri, _KEYS):
            yield from split(batch, batch.column("track_id").to_pylist(), shards)


class _Locate(beam.DoFn):  # type: ignore[misc]
    def __init__(self, job: Job) -> None:
        self._done = job.done

    def process(self, element: tuple[int, Mapping[str, Iterable[Any]]]) -> Iterable[Any]:
        wanted: dict[tuple[str, str], Track] = {}
        for track in element[1]["wanted"]:
            if track.known is not None:
                wanted[track.track_id, track.known.run_id] = track
                yield stands(track, done=self._done)
        for row in (row for part in joined(element[1]["index"]) for row in part) if wanted else ():
            if found := wanted.get((row["track_id"], row["run_id"])):
                group = (row["kind"], row["uri"], row["number"])
                yield TaggedOutput(_PLACES, (group, _Place(found, row["first"], row["count"])))


class _Restate(beam.DoFn):  # type: ignore[misc]
    """Reads a row group and hands each track's rows to the job, which states them anew."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def setup(self) -> None:
        self._restate: Restate | None = None

    def start_bundle(self) -> None:
        job = self._job
        self._sums: Counter[str] = Counter()
        self._writer = PartWriter(job.identity.staging_uri, job.results, rows_per_file=job.rows_per_file)

    def process(self, element: tuple[tuple[str, str, int], Iterable[_Place]]) -> Iterable[Any]:
        (table, uri, number), places = element
        if self._restate is None:  # where there is work, and only there
            self._restate = self._job.restate()
        stored = read_row_group(uri, number)
        for place in sorted(places, key=lambda place: place.first):
            rows = self._restate(table, stored.slice(place.first, place.count))
            self._sums.update(f"tag.{row.tag}" for row in rows if getattr(row, "tagged", False))
            yield from (TaggedOutput(PARTS, part) for part in self._writer.write(table, rows))

    def finish_bundle(self) -> Iterable[Any]:
        ended = [TaggedOutput(PARTS, part) for part in self._writer.close()]
        for element in (*ended, summed(self._sums)):
            yield at_end(element)
