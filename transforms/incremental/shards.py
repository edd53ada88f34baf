"""Shards of a catalogue: rows as Arrow batches, split by a key so that two tables meet shard by shard.

Millions of rows are joined as some thousands of batches: nobody pickles them one by one.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

# So many at least; more where earlier runs have more rows than this many in each.
SHARDS = 64
_ROWS_A_SHARD = 25_000

# How many places `place_of` gives.
PLACES = 1 << 64
# Hashes in hexadecimal digits are half of it: lz4 would keep them as they are.
_OPTIONS = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", compression_level=1))


def shards_for(rows: int) -> int:
    """How many shards a join with so many rows of earlier runs takes."""
    return max(SHARDS, rows // _ROWS_A_SHARD)


def shard_of(key: str, shards: int) -> int:
    """The shard of a key: the same on every machine."""
    return zlib.crc32(key.encode("utf-8", "surrogatepass")) % shards


def place_of(key: str) -> int:
    """A key's place in a fixed shuffle of all keys, from 0 to 2**64 - 1."""
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def split(batch: pa.RecordBatch, keys: Sequence[str], shards: int) -> Iterator[tuple[int, bytes]]:
    """Rows of a batch by the shards of their keys, each as bytes that `joined` takes."""
    found = np.array([shard_of(key, shards) for key in keys], np.int64)
    order = np.argsort(found, kind="stable")
    begins = np.flatnonzero(np.diff(found[order], prepend=-1))
    for rows in np.split(order, begins[1:]) if len(order) else ():
        yield int(found[rows[0]]), packed(batch.take(pa.array(rows)))


def joined(parts: Iterable[bytes]) -> Iterator[list[dict[str, Any]]]:
    """Rows of each part as mappings, part by part."""
    for part in parts:
        yield unpacked(part).to_pylist()


def together(parts: Iterable[bytes], *, empty: pa.Schema) -> pa.Table:
    """All parts as one table; an empty one of that schema where there are none."""
    batches = [unpacked(part) for part in parts]
    return pa.Table.from_batches(batches) if batches else empty.empty_table()


def packed(batch: pa.RecordBatch) -> bytes:
    """A batch as bytes: one value to Beam, of which there are few."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=_OPTIONS) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue().to_pybytes())


def unpacked(part: bytes) -> pa.RecordBatch:
    """The batch of such bytes."""
    with pa.ipc.open_stream(part) as reader:
        return reader.read_next_batch()
