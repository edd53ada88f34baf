"""What earlier runs have of each track: their rows of `tracks`, the last one of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.track import FileFacts
from schemas.tracks import Status
from transforms.storage import open_file

DONE = frozenset({Status.TAGGED, Status.EXTRACTED, Status.DUPLICATE})

_OWN = ("track_id", "uri", "source_version", "content_md5", "columns_hash")
# The same in most rows of a file.
_HASHES = ("front_end_hash", "model_hash", "settings_hash", "decision_hash")
_SHARED = ("status", "reason", "failure", "run_id", "input", *_HASHES)
_FACTS = tuple(FileFacts.__dataclass_fields__)

# What is compared: a row of `tracks`, and where it lies, the file, its row group, the row in that. What else
# is known of a track is looked up there for those that are to do: hashes are most of the bytes of a row.
EARLIER = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in (*_OWN, *_SHARED)),
        pa.field("decoded_s", pa.float64()),
        pa.field("file", pa.string()),
        pa.field("row_group", pa.int32()),
        pa.field("row_in_group", pa.int32()),
    ]
)
# The same as it travels.
PACKED = pa.schema(
    [
        field.with_type(pa.dictionary(pa.int32(), pa.string())) if field.name in (*_SHARED, "file") else field
        for field in EARLIER
    ]
)


def earlier_rows(uri: str) -> Iterator[pa.RecordBatch]:
    """Rows of a file of `tracks` as EARLIER has them; null where the file's version has no such column."""
    with open_file(uri) as file:
        source = pq.ParquetFile(file)
        here = [name for name in (*_OWN, *_SHARED, "decoded_s") if name in source.schema_arrow.names]
        for number in range(source.num_row_groups):
            table = source.read_row_group(number, columns=here).combine_chunks()
            rows = len(table)
            places = {
                "file": pa.repeat(pa.scalar(uri), rows),
                "row_group": pa.repeat(pa.scalar(number, pa.int32()), rows),
                "row_in_group": pa.array(np.arange(rows, dtype=np.int32)),
            }
            columns = {**dict(zip(table.column_names, table.columns, strict=True)), **places}
            arrays = [columns.get(field.name, pa.nulls(rows, field.type)) for field in EARLIER]
            yield from pa.Table.from_arrays(arrays, schema=EARLIER).to_batches()


def last_rows(rows: pa.Table) -> pa.Table:
    """The last row of each track: of the newest run, and of several of one run one that did not fail."""
    if not len(rows) or pc.count_distinct(rows["track_id"]).as_py() == len(rows):
        return rows
    failed = pc.equal(rows["status"], Status.FAILED.value)
    order = [("run_id", "descending"), ("failed", "ascending"), ("uri", "ascending")]
    ordered = rows.take(pc.sort_indices(rows.append_column("failed", failed), order))
    ids = ordered["track_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    _, firsts = np.unique(ids, return_index=True)
    return ordered.take(pa.array(firsts))


def facts_at(uri: str, row_group: int, rows: Sequence[int]) -> list[FileFacts]:
    """What is known of the files of some rows of `tracks`."""
    with open_file(uri) as file:
        source = pq.ParquetFile(file)
        table = source.read_row_group(row_group, columns=list(_FACTS))
    return [FileFacts(**facts) for facts in table.take(pa.array(rows)).to_pylist()]


def is_done(row: Mapping[str, Any]) -> bool:
    """Whether an earlier run has results of the track."""
    return row["status"] in DONE
