"""All tables by name, and the tables of one run: those with the columns of its manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa

from schemas.emotion_curves import EMOTION_CURVES
from schemas.failures import FAILURES
from schemas.mood_tags import MOOD_TAGS
from schemas.table import Table
from schemas.tracks import TRACKS

TABLES: Mapping[str, Table] = {table.name: table for table in (TRACKS, MOOD_TAGS, EMOTION_CURVES, FAILURES)}


def tables_of_run(manifest_columns: Sequence[pa.Field]) -> dict[str, Table]:
    """The tables of a run whose manifest has these further columns, all of them nullable."""
    further = tuple(pa.field(field.name, field.type) for field in manifest_columns)
    return {**TABLES, TRACKS.name: replace(TRACKS, columns=(*TRACKS.columns, *further))}


def carried_name(column: str) -> str:
    """Name under which a manifest's column stands in `tracks`: its own, unless the table has it."""
    taken = {field.name for field in TRACKS.columns}
    return f"manifest_{column}" if column in taken else column
