"""The tables of a run: its account, with the columns of its manifest, and the results of its job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa

from schemas.antonyms import ANTONYMS
from schemas.emotion_curves import EMOTION_CURVES
from schemas.failures import FAILURES
from schemas.mood_tags import MOOD_TAGS
from schemas.table import Table
from schemas.tracks import TRACKS

NAMES = ("tracks", "mood_tags", "emotion_curves", "antonyms", "features", "failures")
_TAKEN = frozenset(field.name for field in TRACKS.columns)
MOODS: Mapping[str, Table] = {table.name: table for table in (MOOD_TAGS, EMOTION_CURVES, ANTONYMS)}


def tables_of_run(results: Mapping[str, Table], manifest_columns: Sequence[pa.Field]) -> dict[str, Table]:
    """The tables of a run with these results, whose manifest has these further columns, all nullable."""
    further = tuple(pa.field(field.name, field.type) for field in manifest_columns)
    tracks = replace(TRACKS, columns=(*TRACKS.columns, *further))
    return {TRACKS.name: tracks, **results, FAILURES.name: FAILURES}


def carried_name(column: str) -> str:
    """Name under which a manifest's column stands in `tracks`: its own, unless the table has it."""
    return f"manifest_{column}" if column in _TAKEN else column
