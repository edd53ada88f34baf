"""Statements of the PostgreSQL tables, made from the document's fields and from the tables of results.

tracks (one row a document)  <-  mood_tags, emotion_curves (rows as in Parquet; gone with their track)
load (one row)               the newest run that the tables have rows of, and the order of mood_vector
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from schemas.emotion_curves import EMOTION_CURVES
from schemas.errors import DataError, FailureKind, Stage
from schemas.mood_tags import MOOD_TAGS
from schemas.search import FIELDS, Kind
from schemas.table import Table

RESULTS: Mapping[str, Table] = {table.name: table for table in (MOOD_TAGS, EMOTION_CURVES)}
TRACKS, LOAD = "tracks", "load"
VECTOR = "mood_vector"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_TYPES = {
    pa.string(): "text",
    pa.bool_(): "boolean",
    pa.int16(): "smallint",
    pa.float32(): "real",
    pa.float64(): "double precision",
}
_OF_KIND = {
    Kind.WORD: "text",
    Kind.WORDS: "text[]",
    Kind.NUMBER: "real",
    Kind.POINT: "point",
    Kind.SHARES: "jsonb",
    Kind.COLUMNS: "jsonb",
}
_KEYS: Mapping[str, Sequence[str]] = {"mood_tags": ("track_id", "tag"), "emotion_curves": ("track_id",)}
_INDEXES = (
    ("tracks_tags", TRACKS, 'gin ("tags")'),
    ("tracks_emotion", TRACKS, 'gist ("emotion")'),
    ("mood_tags_score", "mood_tags", 'btree ("tag", "score" DESC)'),
)


@dataclass(frozen=True, slots=True)
class Form:
    """The tables' schema, and the type of the mood vector: vector(56), real[], or "" for none."""

    schema: str
    vector: str

    def name(self, table: str) -> str:
        """A table's name in statements."""
        return f"{quoted(self.schema)}.{quoted(table)}"

    @property
    def columns(self) -> dict[str, str]:
        """Columns of `tracks` with their types: every field of a document but the scores, which are rows of
        mood_tags."""
        of_kind = {**_OF_KIND, Kind.VECTOR: self.vector}
        return {field.name: kind for field in FIELDS if (kind := of_kind.get(field.kind))}


def check_schema(name: str) -> str:
    """A schema's name; DataError(bad_input) for one that would need care in every query."""
    if not _NAME.fullmatch(name):
        message = f"--schema {name!r}: letters, digits and _, a letter first, at most 63 of them"
        raise DataError(FailureKind.BAD_INPUT, Stage.OUTPUT, message)
    return name


def quoted(name: str) -> str:
    """A name as statements have it."""
    return '"' + name.replace('"', '""') + '"'


def vector_type(dimension: int, *, extension: bool) -> str:
    """Type of a vector of so many scores."""
    if not dimension:
        return ""
    return f"vector({dimension})" if extension else "real[]"


def definitions(form: Form) -> Iterator[str]:
    """Statements that make what is not there yet, and leave what is."""
    yield (
        f"CREATE TABLE IF NOT EXISTS {form.name(LOAD)} "
        "(one boolean PRIMARY KEY CHECK (one), state text NOT NULL, tags text[] NOT NULL)"
    )
    yield from _table(form, TRACKS, form.columns, 'PRIMARY KEY ("track_id")', "")
    for table in RESULTS.values():
        columns = {column.name: _type(column.type) for column in table.columns}
        keys = ", ".join(map(quoted, _KEYS[table.name]))
        reference = f" REFERENCES {form.name(TRACKS)} ON DELETE CASCADE"
        yield from _table(form, table.name, columns, f"PRIMARY KEY ({keys})", reference)
    for index, table_name, method in _INDEXES:
        yield f"CREATE INDEX IF NOT EXISTS {quoted(index)} ON {form.name(table_name)} USING {method}"


def _table(form: Form, table: str, columns: Mapping[str, str], key: str, reference: str) -> Iterator[str]:
    """A table of another version gets the columns that it lacks."""
    keys = _KEYS.get(table, ("track_id",))
    first = ", ".join(
        f"{quoted(name)} {columns[name]}{reference if name == 'track_id' else ''}" for name in keys
    )
    yield f"CREATE TABLE IF NOT EXISTS {form.name(table)} ({first}, {key})"
    further = ", ".join(
        f"ADD COLUMN IF NOT EXISTS {quoted(name)} {kind}"
        for name, kind in columns.items()
        if name not in keys
    )
    yield f"ALTER TABLE {form.name(table)} {further}"


def retypes(form: Form) -> Iterator[str]:
    """Statements that empty the vectors, whose type or order is another now: all documents come again."""
    name, table = quoted(VECTOR), form.name(TRACKS)
    yield f"ALTER TABLE {table} DROP COLUMN IF EXISTS {name}, ADD COLUMN {name} {form.vector}"
    yield f"UPDATE {table} SET content_hash = ''"  # noqa: S608 - quoted name


def columns_of(form: Form, table: str) -> list[str]:
    """Columns of a table in the order in which rows are copied."""
    return list(form.columns) if table == TRACKS else list(RESULTS[table].schema.names)


def temporary(form: Form, table: str) -> str:
    """The statement that makes the table of a session into which rows of a batch are copied."""
    select = f"SELECT {_listed(form, table)} FROM {form.name(table)} WITH NO DATA"  # noqa: S608 - quoted names
    return f"CREATE TEMPORARY TABLE {quoted(f'new_{table}')} ON COMMIT DELETE ROWS AS {select}"


def copy(form: Form, table: str) -> str:
    """The statement that takes rows of a batch."""
    return f"COPY {quoted(f'new_{table}')} ({_listed(form, table)}) FROM STDIN"


def merges(form: Form) -> Iterator[str]:
    """Statements that bring the rows of a batch into the tables."""
    listed = _listed(form, TRACKS)
    values = ", ".join(f"{quoted(name)} = EXCLUDED.{quoted(name)}" for name in form.columns)
    yield (
        f"INSERT INTO {form.name(TRACKS)} ({listed}) SELECT {listed} FROM new_tracks ORDER BY track_id "  # noqa: S608 - quoted names
        f"ON CONFLICT (track_id) DO UPDATE SET {values}"
    )
    for table in RESULTS:
        listed = _listed(form, table)
        yield (
            f"DELETE FROM {form.name(table)} WHERE track_id IN (SELECT track_id FROM new_tracks)"  # noqa: S608 - quoted names
        )
        yield (
            f"INSERT INTO {form.name(table)} ({listed}) SELECT {listed} FROM {quoted(f'new_{table}')}"  # noqa: S608 - quoted names
        )


def _listed(form: Form, table: str) -> str:
    return ", ".join(map(quoted, columns_of(form, table)))


def _type(kind: pa.DataType) -> str:
    return f"{_type(kind.value_type)}[]" if pa.types.is_list(kind) else _TYPES[kind]
