"""What the tables say of each track, as the fields that its file is to have."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.tables import MoodTables
from pipelines.writing_tags.fields import fields_of
from pipelines.writing_tags.one_file import TrackTask
from schemas.emotion_curves import EMOTION_CURVES
from schemas.errors import DataError, FailureKind, Stage
from schemas.mood_tags import MOOD_TAGS
from transforms.storage import is_local, local_path

GRADES = "ABCD"
_ROWS = 1_000
_MOODS = """
LEFT JOIN (SELECT track_id, list(tag ORDER BY rank) AS moods FROM mood_tags
           WHERE tagged AND ($grade IS NULL OR (grade <> '' AND grade <= $grade)) GROUP BY track_id) AS m
USING (track_id)
"""
_CURVES = "LEFT JOIN emotion_curves AS c USING (track_id)"


@dataclass(frozen=True, slots=True)
class MoodChoice:
    """Which tags of a track are its moods: the best so many of those decided on with at least that grade."""

    most: int | None = None
    grade: str | None = None


def track_count(tables: MoodTables) -> int:
    """Tracks there are, whatever became of them. DataError(bad_input) for tables of features."""
    if not {MOOD_TAGS.name, EMOTION_CURVES.name} & set(tables.names):
        message = f"{tables.committed.output_uri}: no mood_tags or emotion_curves there"
        raise DataError(FailureKind.BAD_INPUT, Stage.OUTPUT, message)
    return int(tables.query("SELECT count(*) AS n FROM tracks")["n"][0])


def tasks(tables: MoodTables, choice: MoodChoice) -> Iterator[TrackTask]:
    """All tracks in order of their ids."""
    tagged, curves = (name in tables.names for name in (MOOD_TAGS.name, EMOTION_CURVES.name))
    sql = f"""
    SELECT t.track_id, t.uri, t.status, t.failure, t.file_sha256, t.audio_sha256,
           {"m.moods" if tagged else "NULL"},
           {"c.valence_mean, c.arousal_mean, c.colour" if curves else "NULL, NULL, NULL"}
    FROM tracks AS t {_MOODS if tagged else ""} {_CURVES if curves else ""} ORDER BY t.track_id
    """  # noqa: S608 - the names are ours
    cursor = tables.connection.execute(sql, {"grade": choice.grade} if tagged else {})
    while rows := cursor.fetchmany(_ROWS):
        for row in rows:
            track_id, uri, status, failure, file_sha256, audio_sha256, moods, valence, arousal, colour = row
            kept = (moods or [])[: choice.most]
            fields = fields_of(kept, valence=valence, arousal=arousal, colour=colour)
            yield TrackTask(track_id, uri, status, failure, file_sha256, audio_sha256, fields)


def refuse_catalogue(tables: MoodTables, folder: Path) -> None:
    """Raise DataError(bad_output) for a folder of copies that has files of the catalogue in it."""
    sql = "SELECT uri FROM tracks WHERE starts_with(replace(uri, 'file://', ''), $begin) LIMIT 1"
    if found := tables.connection.execute(sql, {"begin": f"{folder}/"}).fetchone():
        message = f"--sidecar {folder}: has files of the catalogue in it, such as {found[0]}"
        raise DataError(FailureKind.BAD_OUTPUT, Stage.OUTPUT, message)


def common_folder(tables: MoodTables) -> Path:
    """The folder that all local files of the tables are in, however deep; / where there is none."""
    cursor = tables.connection.execute("SELECT uri FROM tracks")
    common: str | None = None
    while rows := cursor.fetchmany(_ROWS):
        folders = [os.path.dirname(os.path.abspath(local_path(uri))) for (uri,) in rows if is_local(uri)]  # noqa: PTH100, PTH120 - of texts, without looking
        common = os.path.commonpath([*folders, *([common] if common else [])]) if folders else common
    return Path(common or "/")
