"""Rows as COPY takes them: documents, and the Arrow rows of the tables of results."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.indexing.documents import Document
from transforms.indexing.postgres.sql import RESULTS, TRACKS, Form

# PostgreSQL's texts cannot have a character of value 0; it stands as the one for what cannot be shown.
_NULL, _SHOWN = "\0", "\N{REPLACEMENT CHARACTER}"

Row = tuple[Any, ...]


def document_rows(documents: Sequence[Document], form: Form) -> Iterator[Row]:
    """A row of `tracks` for each document."""
    for document in documents:
        yield tuple(_value(document.get(name), kind) for name, kind in form.columns.items())


def result_rows(rows: pa.Table, table: str, ids: Sequence[str]) -> Iterator[Row]:
    """Rows of these tracks in a table of results; columns that its version did not have are null."""
    wanted = rows.filter(pc.is_in(rows["track_id"], value_set=pa.array(ids, pa.string())))
    for batch in wanted.to_batches(max_chunksize=10_000):
        columns = [
            _values(batch[name]) if name in batch.schema.names else [None] * batch.num_rows
            for name in RESULTS[table].schema.names
        ]
        for row in zip(*columns, strict=True):
            yield tuple(map(_plain, row))


def _values(column: pa.Array) -> list[Any]:
    """Values of a column; curves as the server's text of an array, without a Python object for each item."""
    if not pa.types.is_list(column.type) or not pa.types.is_floating(column.type.value_type):
        values: list[Any] = column.to_pylist()
        return values
    # Not `values`, which goes beyond a slice.
    texts = pc.cast(column.flatten(), pa.string())
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, texts), ",")
    found: list[Any] = pc.binary_join_element_wise("{", joined, "}", "").to_pylist()
    return found


def rows_by_table(
    documents: Sequence[Document], results: Mapping[str, pa.Table], form: Form
) -> Iterator[tuple[str, Iterator[Row]]]:
    """All rows of some documents, by table."""
    yield TRACKS, document_rows(documents, form)
    ids = [document["track_id"] for document in documents]
    for table in RESULTS:
        if table in results:
            yield table, result_rows(results[table], table, ids)


def _value(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "jsonb":
        return json.dumps(value, ensure_ascii=False).replace("\\u0000", _SHOWN)
    if kind == "point":
        return f"({value[0]},{value[1]})"
    if kind.startswith("vector"):
        return json.dumps(value)
    return [_plain(one) for one in value] if isinstance(value, list) else _plain(value)


def _plain(value: Any) -> Any:
    return value.replace(_NULL, _SHOWN) if isinstance(value, str) and _NULL in value else value
