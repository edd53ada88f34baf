"""Finding a track in the tables by what people call it, and reading all that is said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipelines.intervals.stored import find_stored
from pipelines.pages.shown_track import ShownTrack
from pipelines.pages.tables import clock
from pipelines.tables import MoodTables
from schemas.antonyms import ANTONYMS, AntonymRow
from schemas.emotion_curves import EMOTION_CURVES, EmotionCurveRow
from schemas.errors import DataError, FailureKind, Stage
from schemas.failures import FAILURES
from schemas.mood_tags import MOOD_TAGS, MoodTagRow

if TYPE_CHECKING:
    import duckdb

_SHOWN = 5
# Ways to a track by less than the end of its URI, the first that finds one decides.
_BY_TITLE = "lower(CAST(title AS VARCHAR)) = lower($name)"
_BY_PART = "contains(lower(track_id), lower($name)) OR contains(lower(uri), lower($name))"
_BY_PART_OF_TITLE = "contains(lower(CAST(title AS VARCHAR)), lower($name))"


def has_title(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the manifest of the tracks has titles."""
    return "title" in connection.sql("SELECT * FROM tracks LIMIT 0").columns


def find_track(tables: MoodTables, name: str, *, whole: bool = False) -> str:
    """The id of the track that `stored_curves` would take; else, unless `whole`, of the one with this title,
    or with this somewhere in its id, URI or title, whatever the case.

    Raises DataError: not_found, or bad_input where several tracks are meant alike.
    """
    try:
        return str(find_stored(tables, name)["track_id"])
    except DataError as error:
        if whole or not name or error.kind is not FailureKind.NOT_FOUND:
            raise
    ways = (_BY_TITLE, f"{_BY_PART} OR {_BY_PART_OF_TITLE}") if has_title(tables.connection) else (_BY_PART,)
    for way in ways:
        sql = f"SELECT track_id FROM tracks WHERE {way} ORDER BY track_id LIMIT {_SHOWN + 1}"  # noqa: S608
        found = [row[0] for row in tables.connection.execute(sql, {"name": name}).fetchall()]
        if len(found) == 1:
            return str(found[0])
        if found:
            more = " and more" if len(found) > _SHOWN else ""
            message = f"{name!r} means several tracks: {', '.join(map(repr, found[:_SHOWN]))}{more}"
            raise DataError(FailureKind.BAD_INPUT, Stage.OUTPUT, message)
    raise DataError(FailureKind.NOT_FOUND, Stage.OUTPUT, f"no track {name!r} in the tables")


def read_track(tables: MoodTables, track_id: str) -> ShownTrack:
    """All that the current tables say of a track that is there."""

    def rows(table: str, order: str = "track_id") -> list[dict[str, Any]]:
        if table not in tables.names:
            return []
        sql = f"SELECT * FROM {table} WHERE track_id = $id ORDER BY {order}"  # noqa: S608 - known names
        found: list[dict[str, Any]] = (
            tables.connection.sql(sql, params={"id": track_id}).to_arrow_table().to_pylist()
        )
        return found

    (track,) = rows("tracks")
    curves = rows(EMOTION_CURVES.name)
    title = track.get("title")
    return ShownTrack(
        track_id=track_id,
        title="" if title is None else str(title),
        uri=track["uri"],
        source=f"run {track['run_id']}",
        facts=_facts(track, rows(FAILURES.name)),
        tags=[MoodTagRow(**row) for row in rows(MOOD_TAGS.name, "rank")],
        curve=EmotionCurveRow(**curves[0]) if curves else None,
        antonyms=[AntonymRow(**row) for row in rows(ANTONYMS.name, "pair")],
    )


def sound_facts(codec: str | None, rate_hz: int | None, channels: int | None) -> str:
    """What a file is made of, in words."""
    parts = [codec, f"{rate_hz / 1000:g} kHz" if rate_hz else None, f"{channels} ch" if channels else None]
    return ", ".join(part for part in parts if part)


def _facts(track: Mapping[str, Any], failures: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    facts = {"status": track["status"]}
    if track["duplicate_of"]:
        facts["same sound as"] = track["duplicate_of"]
    for failure in failures:
        facts["failure"] = f"{failure['kind']}: {failure['message']}"
    if track["decoded_s"]:
        facts["length"] = clock(track["decoded_s"])
    if track["partial_decode"]:
        facts["cut short"] = f"declared as {clock(track['duration_s'])}"
    if sound := sound_facts(track["codec"], track["sample_rate_hz"], track["channels"]):
        facts["file"] = sound
    if label := track.get("label"):
        facts["label"] = str(label)
    facts["bundle"] = track["bundle"]
    return facts
