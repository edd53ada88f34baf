"""The current state of a catalogue as SQL views over the files of its runs: the latest row of each track.

all_*      all rows of a table, as runs have written them
latest     the last row of each track that is work on it, tombstones with it
tracks     of those that are not gone; which of equal audio is the original is told anew
current    what tells one of those rows; the results of a track are those of the run of its latest row
gone       the last tombstone of each track that has one, come back or not
repeated   rows that say of an id that it is repeated, but for those from before its track was gone
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.output.committed import Committed
from schemas.compaction import MARKS, MOOD_TAGS_BY_TAG
from schemas.errors import FailureKind
from schemas.failures import FAILURES
from schemas.features import NAME as FEATURES
from schemas.mood_tags import MOOD_TAGS
from schemas.tracks import TRACKS, Status
from schemas.work import Reason
from transforms.storage import join

if TYPE_CHECKING:
    import duckdb

# Required columns that version 1 did not have: its rows read as if they were empty.
_SINCE_VERSION_2: Mapping[str, Mapping[str, str]] = {
    TRACKS.name: dict.fromkeys(
        ("reason", "input", "front_end_hash", "model_hash", "decision_hash", "columns_hash"), "''"
    ),
    MOOD_TAGS.name: {"grade": "''", "off": "false"},
}
_TYPES = {
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
}
_WORDS = {
    "repeated": Reason.REPEATED_ID.value,
    "failed": Status.FAILED.value,
    "gone": Status.GONE.value,
    "duplicate": Status.DUPLICATE.value,
    "duplicate_id": FailureKind.DUPLICATE_ID.value,
    "has_results": f"status IN ('{Status.TAGGED}', '{Status.EXTRACTED}', '{Status.DUPLICATE}')",
}

_LATEST = """
SELECT * FROM {schema}.all_tracks WHERE reason <> '{repeated}'
QUALIFY row_number() OVER (PARTITION BY track_id ORDER BY run_id DESC, status = '{failed}', uri) = 1
"""
_TRACKS = """
SELECT * REPLACE (
    CASE WHEN NOT {has_results} THEN status
         WHEN track_id = min(track_id) OVER equal THEN '{done}' ELSE '{duplicate}' END AS status,
    CASE WHEN {has_results} AND track_id <> min(track_id) OVER equal
         THEN min(track_id) OVER equal END AS duplicate_of)
FROM {schema}.latest WHERE status <> '{gone}'
WINDOW equal AS (PARTITION BY CASE WHEN {has_results} AND audio_sha256 IS NOT NULL THEN audio_sha256
                                   ELSE 'track ' || track_id END)
"""
_CURRENT = "SELECT track_id, run_id, reason FROM {schema}.latest WHERE status <> '{gone}'"
# The same with all that is known of tracks besides their rows, and with their places in order of track_id.
_KEPT = """
SELECT track_id, run_id, reason, uri, status, duplicate_of, row_number() OVER (ORDER BY track_id) - 1 AS place
FROM {schema}.tracks
"""
_GONE = """
SELECT track_id, max(run_id) AS run_id FROM {schema}.all_tracks
WHERE status = '{gone}' AND reason <> '{repeated}' GROUP BY track_id
"""
# The last rows that say so of each repeated id and its URI, unless the last says that it is so no more (its
# status is gone), or the track has gone since.
_REPEATED = """
SELECT * FROM {schema}.all_tracks AS r WHERE reason = '{repeated}'
AND NOT EXISTS (SELECT 1 FROM {schema}.gone AS g WHERE g.track_id = r.track_id AND g.run_id >= r.run_id)
QUALIFY run_id = max(run_id) OVER (PARTITION BY track_id, uri) AND status <> '{gone}'
"""
_RESULTS = "SELECT * FROM {schema}.all_{table} SEMI JOIN {schema}.current USING (track_id, run_id)"
# Rows of version 1 have no reason; what was repeated then is told by the run of the track's own row.
_FAILURES = """
SELECT * FROM {schema}.all_{table} SEMI JOIN {schema}.current USING (track_id, run_id)
WHERE kind <> '{duplicate_id}'
UNION ALL
SELECT * FROM {schema}.all_{table} SEMI JOIN {schema}.repeated USING (track_id, uri, run_id)
WHERE kind = '{duplicate_id}'
UNION ALL
SELECT * FROM {schema}.all_{table}
SEMI JOIN (SELECT * FROM {schema}.current WHERE reason = '') USING (track_id, run_id)
WHERE kind = '{duplicate_id}'
"""
# A file of any version, with all columns of this one.
_FILLED = "SELECT * REPLACE ({filled}) FROM (SELECT {nulls} WHERE false UNION ALL BY NAME {rows})"
_FILES = "SELECT * FROM read_parquet([{files}], union_by_name = true, hive_partitioning = false)"


def define_views(
    connection: duckdb.DuckDBPyConnection, committed: Committed, *, schema: str = "main", keep: bool = False
) -> None:
    """Make the views of a state in a schema of the connection: one for each of `committed.names`, and those
    of the first lines of this file.

    With `keep`, `current` is worked out once, with more columns. There is mood_tags_by_tag where the
    compaction has it.
    """
    done = Status.EXTRACTED if FEATURES in committed.names else Status.TAGGED

    def define(name: str, select: str, *, table: str = "", kind: str = "VIEW") -> None:
        body = select.format(schema=schema, done=done.value, table=table, **_WORDS)
        connection.execute(f"CREATE {kind} {schema}.{name} AS {body}")

    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    for name, rows in _all_rows(committed).items():
        connection.execute(f"CREATE VIEW {schema}.all_{name} AS {rows}")
    define("latest", _LATEST)
    define("tracks", _TRACKS)
    define("current", _KEPT if keep else _CURRENT, kind="TABLE" if keep else "VIEW")
    define("gone", _GONE)
    define("repeated", _REPEATED)
    for name in _all_rows(committed):
        if name != TRACKS.name:
            define(name, _FAILURES if name == FAILURES.name else _RESULTS, table=name)


def _all_rows(committed: Committed) -> dict[str, str]:
    """For each table, the statement that reads all rows there are of it."""
    tracks = [*_files(committed, TRACKS.name), *_files(committed, MARKS.name)]
    rows = {name: _rows(name, _files(committed, name)) for name in committed.names}
    rows[TRACKS.name] = _rows(TRACKS.name, tracks)
    if by_tag := committed.files(MOOD_TAGS_BY_TAG.name):
        further = Committed(committed.output_uri, committed.further)
        rows[MOOD_TAGS_BY_TAG.name] = _rows(MOOD_TAGS.name, [*by_tag, *_files(further, MOOD_TAGS.name)])
    return rows


def _files(committed: Committed, table: str) -> list[str]:
    """Files that have rows of a table; where there is none, one without, for its columns."""
    full = [
        join(uri, name)
        for uri, _, entry in committed.sources(table)
        for name in entry["files"]
        if entry["rows"]
    ]
    return full or committed.files(table)[:1]


def _rows(table: str, files: Sequence[str]) -> str:
    quoted = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    rows = _FILES.format(files=quoted)
    if table not in _SINCE_VERSION_2:
        return rows
    columns = {TRACKS.name: TRACKS, MOOD_TAGS.name: MOOD_TAGS}[table].columns
    nulls = ", ".join(f"NULL::{_TYPES[column.type]} AS {column.name}" for column in columns)
    filled = (f"coalesce({name}, {value}) AS {name}" for name, value in _SINCE_VERSION_2[table].items())
    return _FILLED.format(filled=", ".join(filled), nulls=nulls, rows=rows)
