"""A track of the tables by its id, its URI or the end of its URI, and its curves over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.intervals.interval import Interval
from pipelines.intervals.whole_track import whole_track
from schemas.antonyms import ANTONYMS
from schemas.emotion_curves import EMOTION_CURVES
from schemas.errors import DataError, FailureKind, Stage
from transforms.storage import is_local, local_path

if TYPE_CHECKING:
    from pipelines.tables import MoodTables

_SHOWN = 3
# From the exact to the vague: the first that finds a track decides.
_WAYS = ("track_id = $name", "uri = $name", "uri = $path", "ends_with(uri, '/' || $name)")


def stored_curves(tables: MoodTables, track: str) -> Interval:
    """The curves of a track, all of it.

    `track` is its track_id, its URI or the end of its URI from a slash on. Raises DataError: not_found where
    there is no such track, bad_input where several are meant, or where it has no curve.
    """
    found = find_stored(tables, track)
    if EMOTION_CURVES.name not in tables.names:
        raise _refusal(f"{track}: no emotion_curves there; the bundle of these runs has no curves")
    rows = _rows(tables, EMOTION_CURVES.name, found["track_id"])
    if not rows:
        why = f"{found['status']}: {found['failure']}" if found["failure"] else found["status"]
        raise _refusal(f"{track}: no curve, the track is {why}")
    antonyms = _rows(tables, ANTONYMS.name, found["track_id"]) if ANTONYMS.name in tables.names else []
    return whole_track(rows[0], antonyms, track_s=found["decoded_s"])


def find_stored(tables: MoodTables, track: str) -> dict[str, Any]:
    """Id, URI, status, failure and length of the track that is meant: see `stored_curves`."""
    path = str(local_path(track).absolute()) if is_local(track) else track
    for way in _WAYS:
        wanted = {"name": track, "path": path}
        values = {name: value for name, value in wanted.items() if f"${name}" in way}
        # The ways are ours, what they look for is not part of the statement.
        sql = f"SELECT track_id, uri, status, failure, decoded_s FROM tracks WHERE {way}"  # noqa: S608
        found = _fetched(tables, sql, values)
        if len(found) == 1:
            return found[0]
        if found:
            some = ", ".join(sorted(row["track_id"] for row in found)[:_SHOWN])
            raise _refusal(f"{track}: {len(found):,} tracks are meant, such as {some}; give a track_id")
    message = f"{track}: neither a track_id nor the URI of a track under {tables.committed.output_uri}"
    raise DataError(FailureKind.NOT_FOUND, Stage.INPUT, message)


def _rows(tables: MoodTables, table: str, track_id: str) -> list[dict[str, Any]]:
    # The name is ours.
    return _fetched(tables, f"SELECT * FROM {table} WHERE track_id = $name", {"name": track_id})  # noqa: S608


def _fetched(tables: MoodTables, sql: str, values: dict[str, str]) -> list[dict[str, Any]]:
    cursor = tables.connection.execute(sql, values)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _refusal(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.INPUT, message)
