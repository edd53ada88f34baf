"""SplitByShard: batches of rows to parts by shard, few and large."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import pyarrow as pa

from transforms.incremental.shards import split
from transforms.outputs import at_end

# Rows that are split at once: parts of a few rows are mostly overhead.
_TOGETHER = 65_536


class SplitByShard(beam.PTransform):  # type: ignore[misc]
    """(pa.RecordBatch, all of one schema) -> (shard, part) by a column of text."""

    def __init__(self, key: str, shards: int) -> None:
        super().__init__()
        self._key = key
        self._shards = shards

    def expand(self, batches: Any) -> Any:
        """See the class."""
        return batches | "Split" >> beam.ParDo(_Split(self._key, self._shards))


class _Split(beam.DoFn):  # type: ignore[misc]
    def __init__(self, key: str, shards: int) -> None:
        self._key = key
        self._shards = shards

    def start_bundle(self) -> None:
        self._held: list[pa.RecordBatch] = []

    def process(self, batch: pa.RecordBatch) -> Iterable[tuple[int, bytes]]:
        self._held.append(batch)
        if sum(map(len, self._held)) >= _TOGETHER:
            yield from self._split()

    def finish_bundle(self) -> Iterable[Any]:
        yield from map(at_end, self._split())

    def _split(self) -> Iterator[tuple[int, bytes]]:
        held, self._held = self._held, []
        if held:
            batch = pa.Table.from_batches(held).combine_chunks().to_batches()[0]
            yield from split(batch, batch.column(self._key).to_pylist(), self._shards)
