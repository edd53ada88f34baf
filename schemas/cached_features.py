"""Table of a feature cache: what a bundle's heads take of a track, kept for other heads to take later."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from schemas.table import Table, required
from schemas.work import CacheType


@dataclass(frozen=True, slots=True)
class CachedFeatureRow:
    """Rows of one track: `values` are those of the rows that differ from the one before, in C order, each of
    which stands `repeats` times; with uint8, 0 to 255 are from `low` to `high`, for each value of a row."""

    audio_sha256: str
    rate_hz: int
    total_samples: int
    shape: list[int]
    repeats: pa.Array
    values: pa.Array
    low: pa.Array
    high: pa.Array

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        return sum(array.nbytes for array in (self.repeats, self.values, self.low, self.high))


def _list(kind: pa.DataType) -> pa.DataType:
    return pa.list_(pa.field("item", kind, nullable=False))


def input_folder(input_hash: str) -> str:
    """Folder of a cache that holds one input of models."""
    return f"input={input_hash}"


def cache_table(input_hash: str, kind: CacheType) -> Table:
    """The table of what one input of models is, named by its hash."""
    values = {CacheType.FLOAT16: pa.float16(), CacheType.UINT8: pa.uint8()}[kind]
    return Table(
        name=input_folder(input_hash),
        version=1,
        columns=(
            required("audio_sha256", pa.string(), "of the decoded samples, as in tracks"),
            required("rate_hz", pa.int32(), "of the samples that the rows were made of"),
            required("total_samples", pa.int64(), "of the track at that rate"),
            required("shape", _list(pa.int32()), "of one row"),
            required("repeats", _list(pa.int32()), "how often each kept row stands, in order"),
            required("values", _list(values), "of the kept rows, in C order"),
            required("low", _list(pa.float32()), "of each value of a row, what 0 means; empty with float16"),
            required(
                "high", _list(pa.float32()), "of each value of a row, what 255 means; empty with float16"
            ),
        ),
        row_group_rows=16,
    )
