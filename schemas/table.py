"""A table: its name, its version, its columns, and rows as plain records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the output: `schema` carries its name and version in its metadata."""

    name: str
    version: int
    columns: Sequence[pa.Field]
    row_group_rows: int

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema with `moodscribe.table` and `moodscribe.version` as metadata."""
        metadata = {"moodscribe.table": self.name, "moodscribe.version": str(self.version)}
        return pa.schema(list(self.columns), metadata=metadata)


def required(name: str, kind: pa.DataType, meaning: str) -> pa.Field:
    """A column that every row fills; `meaning` goes into the file."""
    return pa.field(name, kind, nullable=False, metadata={"meaning": meaning})


def optional(name: str, kind: pa.DataType, meaning: str) -> pa.Field:
    """A column that may be null; `meaning` goes into the file."""
    return pa.field(name, kind, metadata={"meaning": meaning})


def to_arrow(rows: Iterable[Any], schema: pa.Schema) -> pa.Table:
    """Records (dataclasses with slots) or mappings to an Arrow table of that schema.

    Raises pyarrow.ArrowInvalid for a value that does not fit its column.
    """
    plain = [row if isinstance(row, Mapping) else as_mapping(row) for row in rows]
    columns = [_column([row.get(field.name) for row in plain], field.type) for field in schema]
    table = pa.Table.from_arrays(columns, schema=schema)
    table.validate(full=True)
    for field in schema:
        if not field.nullable and table.column(field.name).null_count:
            raise pa.ArrowInvalid(f"column {field.name} has a null")
    return table


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    """Values of a column; Arrow arrays become lists of it without a Python object for each item."""
    if not values or not isinstance(values[0], pa.Array):
        return pa.array(values, kind)
    offsets = np.concatenate([[0], np.cumsum([len(value) for value in values])]).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, pa.concat_arrays(values), type=kind)


def as_mapping(row: Any) -> dict[str, Any]:
    """A record as a mapping from column to value; not deep, so lists stay as they are."""
    return {field.name: getattr(row, field.name) for field in fields(row)}
