"""Finding a track in the tables by what people call it, and reading all that is said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipelines.pages.shown_track import ShownTrack
from pipelines.pages.tables import clock
from schemas.antonyms import ANTONYMS, AntonymRow
from schemas.emotion_curves import EMOTION_CURVES, EmotionCurveRow
from schemas.errors import DataError, FailureKind, Stage
from schemas.failures import FAILURES
from schemas.mood_tags import MOOD_TAGS, MoodTagRow

if TYPE_CHECKING:
    import duckdb

_SHOWN = 5
_LOOKS = (
    "track_id = $name",
    "uri = $name",
    "ends_with(track_id, $name) OR ends_with(uri, $name){title}",
    "contains(lower(track_id), lower($name)) OR contains(lower(uri), lower($name)){part}",
)
_TITLE = " OR lower(CAST(title AS VARCHAR)) = lower($name)"
_PART = " OR contains(lower(CAST(title AS VARCHAR)), lower($name))"


def has_title(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the manifest of the tracks has titles."""
    return "title" in connection.sql("SELECT * FROM tracks LIMIT 0").columns


def find_track(connection: duckdb.DuckDBPyConnection, name: str, *, whole: bool = False) -> str:
    """The id of the track with this id, else this URI, else with an id, URI or title that ends so or, last of
    all, has it somewhere in it, whatever the case. With `whole` it has to be the id or the URI.

    Raises DataError: not_found, or bad_input where several tracks are meant alike.
    """
    titled = has_title(connection)
    for look in _LOOKS[: 2 if whole else None] if name else ():
        where = look.format(title=_TITLE if titled else "", part=_PART if titled else "")
        sql = f"SELECT track_id FROM tracks WHERE {where} ORDER BY track_id LIMIT {_SHOWN + 1}"  # noqa: S608
        found = [row[0] for row in connection.execute(sql, {"name": name}).fetchall()]
        if len(found) == 1:
            return str(found[0])
        if found:
            more = " and more" if len(found) > _SHOWN else ""
            message = f"{name!r} means several tracks: {', '.join(map(repr, found[:_SHOWN]))}{more}"
            raise DataError(FailureKind.BAD_INPUT, Stage.OUTPUT, message)
    raise DataError(FailureKind.NOT_FOUND, Stage.OUTPUT, f"no track {name!r} in the tables")


def read_track(connection: duckdb.DuckDBPyConnection, track_id: str, tables: Sequence[str]) -> ShownTrack:
    """All that the current tables of these names say of a track that is there."""

    def rows(table: str, order: str = "track_id") -> list[dict[str, Any]]:
        if table not in tables:
            return []
        sql = f"SELECT * FROM {table} WHERE track_id = $id ORDER BY {order}"  # noqa: S608 - known names
        found: list[dict[str, Any]] = (
            connection.sql(sql, params={"id": track_id}).to_arrow_table().to_pylist()
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
