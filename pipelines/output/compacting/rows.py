"""The current rows of each table in the order of a compaction: found by DuckDB, sorted out of core."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.output.committed import Committed
from pipelines.output.compacting.features import current_features, table_of
from pipelines.output.compacting.sorting import MOST_BUCKETS, PLACE, Room, SortKeys, sort_rows
from schemas.compaction import MARKS, MOOD_TAGS_BY_TAG
from schemas.failures import FAILURES
from schemas.features import NAME as FEATURES
from schemas.mood_tags import MOOD_TAGS
from schemas.table import Table
from schemas.tables import MOODS
from schemas.tracks import TRACKS

if TYPE_CHECKING:
    import duckdb

# Of rows of one track, by its place.
_WITHIN_TRACK: dict[str, SortKeys] = {
    MOOD_TAGS.name: [("tag", "ascending")],
    "antonyms": [("pair", "ascending")],
}
_TRACKS = """
SELECT t.* REPLACE (c.status AS status, c.duplicate_of AS duplicate_of), c.place AS place
FROM main.all_tracks t JOIN main.current c ON t.track_id = c.track_id AND t.run_id = c.run_id
     AND t.uri = c.uri AND (t.status = 'failed') = (c.status = 'failed')
WHERE t.reason <> 'repeated_id'
"""
_RESULTS = """
SELECT {columns}, c.place AS place
FROM main.all_{name} t JOIN main.current c ON t.track_id = c.track_id AND t.run_id = c.run_id
"""
_MARKS = """
SELECT {columns} FROM main.all_tracks t
SEMI JOIN main.gone g ON t.track_id = g.track_id AND t.run_id = g.run_id
WHERE t.status = 'gone' AND t.reason <> 'repeated_id'
UNION ALL
SELECT {columns} FROM main.repeated t
ORDER BY ALL
"""
_FAILURES = "SELECT {columns} FROM main.failures t ORDER BY track_id, uri, run_id, message"
# Places by tag, and in a tag by falling score, which is in [0, 1].
_BY_TAG = """
SELECT {columns}, 2 * code + 1 - score::DOUBLE AS place
FROM read_parquet([{files}], hive_partitioning = false) t JOIN main.tags USING (tag)
"""


class CurrentRows:
    """Tables of a state, and their rows in order."""

    def __init__(self, committed: Committed, connection: duckdb.DuckDBPyConnection, room: Room) -> None:
        self._committed = committed
        self._connection = connection
        self._room = room
        self.tracks = int(connection.sql("SELECT count(*) FROM main.current").fetchall()[0][0])

    def of(self, name: str) -> tuple[Table, Iterable[pa.RecordBatch]]:
        """A table and its rows: by track; features, which are too large for that, as they lie."""
        if name == FEATURES:
            files = self._committed.files(name)
            table = table_of(files[0])
            return table, current_features(self._connection, files, table)
        if name == TRACKS.name:
            return self._with_further(), _one_each(self._by_place(_TRACKS, name))
        if name in MOODS:
            return MOODS[name], self._by_place(
                _RESULTS.format(columns=_columns(MOODS[name]), name=name), name
            )
        table, select = {MARKS.name: (MARKS, _MARKS), FAILURES.name: (FAILURES, _FAILURES)}[name]
        return table, self._read(select.format(columns=_columns(table)), table)

    def by_tag(self, files: Sequence[str]) -> Iterable[pa.RecordBatch]:
        """Rows of mood_tags by tag and falling score, from the files of a compaction."""
        quoted = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        source = f"read_parquet([{quoted}], hive_partitioning = false)"
        numbered = (
            f"SELECT tag, row_number() OVER (ORDER BY tag) AS code FROM (SELECT DISTINCT tag FROM {source})"  # noqa: S608 - quoted files
        )
        self._connection.execute(f"CREATE OR REPLACE TABLE main.tags AS {numbered}")
        select = _BY_TAG.format(columns=_columns(MOOD_TAGS_BY_TAG), files=quoted)
        shares = ", ".join(str(index / MOST_BUCKETS) for index in range(1, MOST_BUCKETS))
        found = self._connection.sql(
            f"SELECT approx_quantile(place, [{shares}]), count(*) FROM ({select})"  # noqa: S608 - see above
        ).fetchall()[0]
        return sort_rows(
            self._read(select, MOOD_TAGS_BY_TAG),
            [("score", "descending"), ("track_id", "ascending")],
            bounds=np.unique(np.array(found[0] or [], np.float64)),
            rows=found[1],
            room=self._room,
        )

    def _by_place(self, select: str, name: str) -> Iterator[pa.RecordBatch]:
        table = {**MOODS, TRACKS.name: TRACKS}[name]
        keys = _WITHIN_TRACK.get(name, [])
        rows = self._committed.rows(name)
        return sort_rows(
            self._read(select, table), keys, bounds=_even(self.tracks), rows=rows, room=self._room
        )

    def _read(self, select: str, table: Table) -> pa.RecordBatchReader:
        return self._connection.sql(select).to_arrow_reader(table.row_group_rows)

    def _with_further(self) -> Table:
        """The table of tracks with the further columns of all manifests."""
        found = self._connection.sql("SELECT * FROM main.all_tracks LIMIT 0").to_arrow_table().schema
        ours = set(TRACKS.schema.names)
        further = [pa.field(field.name, field.type) for field in found if field.name not in ours]
        return replace(TRACKS, columns=(*TRACKS.columns, *further))


def _even(tracks: int) -> NDArray[np.float64]:
    """Places that divide so many tracks into equal parts."""
    return np.linspace(0, tracks, min(tracks, MOST_BUCKETS) + 1)[1:-1]


def _columns(table: Table) -> str:
    return ", ".join(f't."{column.name}"' for column in table.columns)


def _one_each(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """One row of each place: a manifest can have rows of one id without an URI, which nothing tells apart."""
    last = -1
    for batch in batches:
        places = batch[PLACE].to_numpy()
        new = np.diff(places, prepend=last) != 0
        yield batch.filter(pa.array(new))
        last = places[-1]
