"""CompareWithRuns: what an input lists beside what earlier runs have, joined shard by shard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.pvalue import AsSingleton, TaggedOutput
from numpy.typing import NDArray

from schemas.track import Outcome, Track
from transforms.incremental.compare import Left, Remembered
from transforms.incremental.earlier import EARLIER, PACKED, earlier_rows
from transforms.incremental.listed import listed_schema
from transforms.incremental.policy import Policy
from transforms.incremental.shard import Shard
from transforms.incremental.shards import PLACES, place_of, shards_for, together
from transforms.incremental.split import SplitByShard
from transforms.metrics import summed
from transforms.outputs import REMEMBERED, SETTLED, SUMS, WORK
from transforms.progress import Event, ProgressLog

# A shard, and its rows of both sides.
Parts = tuple[int, Mapping[str, Iterable[bytes]]]


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
    """((shard, part) of listed rows) -> Track to do of which nothing is known; outputs besides: REMEMBERED
    Remembered, SETTLED Outcome, SUMS.

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
            | "Earlier" >> beam.FlatMap(_earlier_batches)
            | "Shard" >> SplitByShard("track_id", self._earlier.shards)
        )
        shards = {"listed": listed, "earlier": earlier} | "ByShard" >> beam.CoGroupByKey()
        side = {"threshold": self._threshold(shards)} if self._limit is not None else {}
        compared = shards | "Compare" >> beam.ParDo(
            _Compare(self._policy, self._progress_file), **side
        ).with_outputs(REMEMBERED, SETTLED, SUMS, main=WORK)
        return {name: compared[name] for name in (WORK, REMEMBERED, SETTLED, SUMS)}

    def _threshold(self, shards: Any) -> AsSingleton:
        places = shards | "Places" >> beam.Map(_places, self._policy)
        return AsSingleton(places | "Threshold" >> beam.CombineGlobally(_Nth(self._limit)))


def _earlier_batches(uri: str) -> Iterator[pa.RecordBatch]:
    return (batch.cast(PACKED) for batch in earlier_rows(uri))


class _Compare(beam.DoFn):  # type: ignore[misc]
    def __init__(self, policy: Policy, progress_file: str | None) -> None:
        self._policy = policy
        self._progress_file = progress_file

    def process(self, element: Parts, threshold: int = PLACES) -> Iterable[Any]:
        shard, listed = _shard_and_listed(element, self._policy)
        sums = Counter[str]()
        for found in shard.compare(listed, threshold=threshold):
            if isinstance(found, Track):
                yield found
            elif isinstance(found, Remembered):
                yield TaggedOutput(REMEMBERED, found)
            elif isinstance(found, Outcome):
                sums["settled"] += 1
                yield TaggedOutput(SETTLED, found)
            elif isinstance(found, Left):
                sums.update(("count.left", f"left.{found.reason}"))
                sums["waiting"] += found.waits
            else:
                sums["count.unchanged"] += 1
        yield from (TaggedOutput(SETTLED, outcome) for outcome in shard.gone(listed))
        sums["count.may_go"] = shard.may_go()
        self._show(sums)
        yield summed(sums)

    def _show(self, sums: Counter[str]) -> None:
        progress = ProgressLog(self._progress_file)
        progress.add(Event.DONE, sums.pop("settled", 0) + sums["count.left"] + sums["count.unchanged"])
        progress.close()


def _places(element: Parts, policy: Policy) -> NDArray[np.uint64]:
    """Places in the shuffle of the tracks of a shard that are to do."""
    shard, listed = _shard_and_listed(element, policy)
    tracks = (
        found.track if isinstance(found, Remembered) else found
        for found in shard.compare(listed)
        if isinstance(found, Track | Remembered)
    )
    return np.array([place_of(track.track_id) for track in tracks], np.uint64)


def _shard_and_listed(element: Parts, policy: Policy) -> tuple[Shard, pa.Table]:
    _, parts = element
    earlier = together(parts["earlier"], empty=PACKED).cast(EARLIER)
    return Shard(earlier, policy), together(parts["listed"], empty=listed_schema(()))


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
        return int(accumulator[-1]) if len(accumulator) == self._kept else PLACES
