"""Feature cache: what the heads of a bundle take of each track, kept in Parquet by the hash of what made it.

    CACHE/input=HASH/part-*.parquet     one row a track, by the hash of its audio

Files appear whole. A row depends on nothing but its audio and its input's hash, so that any run may use it.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas.cached_features import CachedFeatureRow, cache_table
from schemas.table import Table, to_arrow
from schemas.work import CacheType
from transforms.features.front_end import Layout
from transforms.storage import join, whole_file
from transforms.tagging.features import Rows
from transforms.writing.faults import writing
from transforms.writing.parts import FILE_BYTES, parquet_writer

# Beyond this float16 has no numbers.
_FLOAT16_MOST = 65_504.0


@dataclass(frozen=True, slots=True)
class FeatureCache:
    """A cache for a bundle: where, in which type, and the hash of each input of its predictors by key."""

    uri: str
    kind: CacheType
    inputs: Mapping[str, str]


class CacheWriter:
    """Writes features of tracks to a cache, in files of many tracks; each appears when it is closed."""

    def __init__(self, cache: FeatureCache) -> None:
        self._cache = cache
        self._tables = {key: cache_table(value, cache.kind) for key, value in cache.inputs.items()}
        self._open: dict[str, _OpenFile] = {}

    def add(self, audio_sha256: str, features: Mapping[str, Rows]) -> None:
        """Take what the predictors take of a track, by input key; OutputError if that cannot be written."""
        for key, table in self._tables.items():
            row = pack(audio_sha256, features[key], self._cache.kind)
            with writing(self._cache.uri):
                file = self._open.get(key) or _OpenFile(self._cache.uri, table)
                self._open[key] = file
                file.add(row)
                if file.bytes >= FILE_BYTES:
                    self._open.pop(key).close()

    def flush(self) -> None:
        """Close every file, so that it appears."""
        with writing(self._cache.uri):
            while self._open:
                self._open.popitem()[1].close()

    def discard(self) -> None:
        """Leave what is not closed unwritten."""
        while self._open:
            self._open.popitem()[1].discard()


class _OpenFile:
    """A file of a cache under way."""

    def __init__(self, cache_uri: str, table: Table) -> None:
        self._table = table
        self._rows: list[CachedFeatureRow] = []
        self._stack = ExitStack()
        self._file = self._stack.enter_context(
            whole_file(join(cache_uri, table.name, f"part-{uuid.uuid4().hex}.parquet"))
        )
        self._writer = self._stack.enter_context(parquet_writer(self._file, table))

    @property
    def bytes(self) -> int:
        return self._file.tell()

    def add(self, row: CachedFeatureRow) -> None:
        self._rows.append(row)
        if len(self._rows) == self._table.row_group_rows:
            self._write()

    def close(self) -> None:
        if self._rows:
            self._write()
        self._stack.close()

    def discard(self) -> None:
        with suppress(_DiscardedError), self._stack:
            raise _DiscardedError

    def _write(self) -> None:
        self._writer.write_table(to_arrow(self._rows, self._table.schema))
        self._rows = []


class _DiscardedError(Exception):
    """Ends the writing of a file that is not to appear."""


def pack(audio_sha256: str, rows: Rows, kind: CacheType) -> CachedFeatureRow:
    """Rows of a track as the cache keeps them: float16, or uint8 between the least and the greatest of each
    value of a row; rows equal to the one before are kept as their number."""
    shape = rows.values.shape[1:]
    flat = rows.values.reshape(len(rows.values), math.prod(shape)).astype(np.float32)
    begins = np.flatnonzero(np.r_[True, (flat[1:] != flat[:-1]).any(axis=1)][: len(flat)])
    kept = flat[begins]
    low, high = np.zeros(0, np.float32), np.zeros(0, np.float32)
    if kind is CacheType.FLOAT16:
        values: NDArray[Any] = np.clip(kept, -_FLOAT16_MOST, _FLOAT16_MOST).astype(np.float16)
    else:
        if len(kept):
            low, high = kept.min(axis=0), kept.max(axis=0)
            kept = np.rint((kept - low) / _steps(low, high))
        values = kept.astype(np.uint8)
    return CachedFeatureRow(
        audio_sha256=audio_sha256,
        rate_hz=rows.rate_hz,
        total_samples=rows.total_samples,
        shape=list(shape),
        repeats=pa.array(np.diff(begins, append=len(flat)), pa.int32()),
        values=pa.array(values.ravel()),
        low=pa.array(low),
        high=pa.array(high),
    )


def unpack(stored: pa.Table, row: int, layout: Layout) -> Rows:
    """The rows of the track in that row of a row group of a cache."""

    def column(name: str) -> NDArray[Any]:
        values: NDArray[Any] = stored[name].slice(row, 1).combine_chunks().flatten().to_numpy()
        return values

    shape, repeats, low, high = (column(name) for name in ("shape", "repeats", "low", "high"))
    values = column("values")
    kept = values.reshape(len(repeats), math.prod(shape)).astype(np.float32)
    if values.dtype == np.uint8 and len(kept):
        kept = low + kept * _steps(low, high)
    return Rows(
        np.repeat(kept, repeats, axis=0).reshape(sum(repeats), *shape),
        layout,
        rate_hz=stored["rate_hz"][row].as_py(),
        total_samples=stored["total_samples"][row].as_py(),
    )


def _steps(low: NDArray[np.float32], high: NDArray[np.float32]) -> NDArray[np.float32]:
    """What one step of uint8 means; one where a value never changes."""
    steps: NDArray[np.float32] = np.where(high > low, (high - low) / 255, 1).astype(np.float32)
    return steps
