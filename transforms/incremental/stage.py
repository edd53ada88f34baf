"""CompareWithRuns: what an input lists beside what earlier runs have, joined shard by shard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.pvalue import AsSingleton, TaggedOutput
from numpy.typing import NDArray

from schemas.track import Outcome, Track
from schemas.work import CARRIED
from transforms.incremental.compare import Compared, Left, Shard
from transforms.incremental.earlier import earlier_rows
from transforms.incremental.policy import Policy
from transforms.incremental.shards import joined, place_of, shards_for, split, unpacked
from transforms.outputs import CARRY, SETTLED, SUMS, WORK
from transforms.progress import Event, ProgressLog


@dataclass(frozen=True, slots=True)
class Earlier:
    """What earlier runs have: files of `tracks`, and how many rows they have together."""

    files: tuple[str, ...] = ()
    rows: int = 0

    @property
    def shards(self) -> int:
        """How many shards it is joined in."""
        return shards_for(self.rows)


class CompareWithRuns(beam.PTransform):  # type: ignore[misc]
    """((shard, part) of listed rows) -> Track to read; outputs besides: CARRY Track, SETTLED Outcome, SUMS.

    `limit` is the most tracks that are taken up; which ones does not depend on how the work is spread.
    """

    def __init__(
        self, earlier: Earlier, policy: Policy, *, limit: int | None = None, progress_file: str | None = None
    ) -> None:
        super().__init__()
        self._earlier = earlier
        self._policy = policy
        self._limit = limit
        self._progress_file = progress_file

    def expand(self, listed: Any) -> Mapping[str, Any]:
        """See the class."""
        earlier = (
            listed.pipeline
            | "Runs" >> beam.Create(self._earlier.files)
            | "Spread" >> beam.Reshuffle()
            | "Earlier" >> beam.FlatMap(_earlier_parts, self._earlier.shards)
        )
        shards = {"listed": listed, "earlier": earlier} | "ByShard" >> beam.CoGroupByKey()
        side = {"threshold": self._threshold(shards)} if self._limit is not None else {}
        compared = shards | "Compare" >> beam.ParDo(
            _Compare(self._policy, self._progress_file), **side
        ).with_outputs(CARRY, SETTLED, SUMS, main=WORK)
        return {name: compared[name] for name in (WORK, CARRY, SETTLED, SUMS)}

    def _threshold(self, shards: Any) -> AsSingleton:
        places = shards | "Places" >> beam.Map(_places, self._policy)
        return AsSingleton(places | "Threshold" >> beam.CombineGlobally(_Nth(self._limit)))


def _earlier_parts(uri: str, shards: int) -> Iterator[tuple[int, bytes]]:
    for batch in earlier_rows(uri):
        yield from split(batch, batch.column("track_id").to_pylist(), shards)


def compare_rows(shard: Shard, listed: Sequence[bytes], *, threshold: int = 1 << 64) -> Iterator[Compared]:
    """What is to do about each listed row of a shard; of an id in several rows the first counts."""
    firsts = _first_rows(listed)
    for row in (row for part in joined(listed) for row in part):
        first = firsts.get(row["track_id"])
        if first is not None and not row["status"] and row["row"] != first:
            yield shard.repeated(row, first)
        else:
            yield shard.compare(row, threshold=threshold)


def _first_rows(listed: Sequence[bytes]) -> dict[str, int]:
    """The first row of each id that several rows of a shard have, of those that are tracks."""
    tables = [unpacked(part).select(["track_id", "row", "status"]) for part in listed]
    if not tables:
        return {}
    tracks = pa.concat_tables(tables)
    tracks = tracks.filter(pc.is_null(tracks["status"]))
    counts = tracks.group_by("track_id").aggregate([("row", "count"), ("row", "min")])
    several = counts.filter(pc.greater(counts["row_count"], 1))
    return dict(zip(several["track_id"].to_pylist(), several["row_min"].to_pylist(), strict=True))


class _Compare(beam.DoFn):  # type: ignore[misc]
    def __init__(self, policy: Policy, progress_file: str | None) -> None:
        self._policy = policy
        self._progress_file = progress_file

    def process(
        self, element: tuple[int, Mapping[str, Iterable[bytes]]], threshold: int = 1 << 64
    ) -> Iterable[Any]:
        listed, sums = list(element[1]["listed"]), Counter[str]()
        shard = Shard(joined(element[1]["earlier"]), self._policy)
        for found in compare_rows(shard, listed, threshold=threshold):
            if isinstance(found, Track):
                yield TaggedOutput(CARRY, found) if found.reason in CARRIED and found.known else found
            elif isinstance(found, Outcome):
                sums["settled"] += 1
                yield TaggedOutput(SETTLED, found)
            elif isinstance(found, Left):
                sums.update(("count.left", f"left.{found.reason}"))
                sums["waiting"] += found.waits
            else:
                sums["count.unchanged"] += 1
        ids = {track_id for part in listed for track_id in unpacked(part)["track_id"].to_pylist()}
        yield from (TaggedOutput(SETTLED, outcome) for outcome in shard.gone(ids))
        sums["count.may_go"] = shard.may_go()
        self._show(sums)
        yield TaggedOutput(SUMS, dict(sums))

    def _show(self, sums: Counter[str]) -> None:
        progress = ProgressLog(self._progress_file)
        progress.add(Event.DONE, sums.pop("settled", 0) + sums["count.left"] + sums["count.unchanged"])
        progress.close()


def _places(element: tuple[int, Mapping[str, Iterable[bytes]]], policy: Policy) -> NDArray[np.uint64]:
    """Places in the shuffle of the tracks of a shard that are to do."""
    shard = Shard(joined(element[1]["earlier"]), policy)
    compared = compare_rows(shard, list(element[1]["listed"]))
    places = [place_of(found.track_id) for found in compared if isinstance(found, Track)]
    return np.array(places, np.uint64)


class _Nth(beam.CombineFn):  # type: ignore[misc]
    """Arrays of places -> the least place that is not among the first so many; 2**64 if there are fewer."""

    def __init__(self, limit: int | None) -> None:
        self._kept = (limit or 0) + 1

    def create_accumulator(self) -> NDArray[np.uint64]:
        return np.zeros(0, np.uint64)

    def add_input(self, accumulator: NDArray[np.uint64], places: NDArray[np.uint64]) -> NDArray[np.uint64]:
        return np.sort(np.concatenate([accumulator, places]))[: self._kept]

    def merge_accumulators(self, accumulators: Iterable[NDArray[np.uint64]]) -> NDArray[np.uint64]:
        return np.sort(np.concatenate(list(accumulators)))[: self._kept]

    def extract_output(self, accumulator: NDArray[np.uint64]) -> int:
        return int(accumulator[-1]) if len(accumulator) == self._kept else 1 << 64
