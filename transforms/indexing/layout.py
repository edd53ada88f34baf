"""What differs between catalogues in their documents: the tags, the antonym pairs, the manifest's columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from schemas.tracks import TRACKS


class ColumnType(StrEnum):
    """What becomes of the values of a manifest's column."""

    TEXT = "text"
    WHOLE = "whole"
    NUMBER = "number"
    FLAG = "flag"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the manifest: its name in `tracks` and in documents, and its type."""

    name: str
    field: str
    type: ColumnType


@dataclass(frozen=True, slots=True)
class Layout:
    """What all documents of a load have alike; `tags` is the order of the mood vector."""

    tags: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()


def plain_name(name: str) -> str:
    """A name without dots, which mean a path in a search index, and never empty."""
    return name.replace(".", "_").strip() or "_"


def manifest_columns(schema: pa.Schema) -> tuple[Column, ...]:
    """Columns of `tracks` that a manifest has added; names that would be the same are told apart."""
    ours = set(TRACKS.schema.names)
    found: dict[str, Column] = {}
    for field in schema:
        if field.name in ours:
            continue
        name = plain_name(field.name)
        while name in found:
            name += "_"
        found[name] = Column(field.name, name, _type(field.type))
    return tuple(found.values())


def named(names: Iterable[str]) -> tuple[str, ...]:
    """Names in their one order."""
    return tuple(sorted(set(names)))


def _type(kind: pa.DataType) -> ColumnType:
    if pa.types.is_boolean(kind):
        return ColumnType.FLAG
    if pa.types.is_integer(kind):
        return ColumnType.WHOLE
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return ColumnType.NUMBER
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return ColumnType.TIME
    return ColumnType.TEXT
