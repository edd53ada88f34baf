"""Reading what runs have written: the tables of all committed runs, the latest row for each track."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemas.errors import DataError, FailureKind, Stage
from schemas.run import RUN_FILE, RUN_FOLDER_PREFIX
from transforms.storage import is_local, join, local_path, scheme

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

_CURRENT_TRACKS = """
CREATE VIEW tracks AS SELECT * FROM {files}
QUALIFY row_number() OVER (PARTITION BY track_id ORDER BY run_id DESC, status = 'failed', uri) = 1
"""
_CURRENT = """
CREATE VIEW {table} AS SELECT * FROM {files}
SEMI JOIN tracks USING (track_id, run_id)
"""
# Version 1 of mood_tags had no grade, off and contradicts: its rows read as those of a bundle without grades.
_CURRENT_TAGS = """
CREATE VIEW {table} AS SELECT * REPLACE (coalesce(grade, '') AS grade, coalesce(off, false) AS off)
FROM (SELECT * FROM {files} UNION ALL BY NAME
      SELECT NULL::VARCHAR AS grade, NULL::BOOLEAN AS off, NULL::VARCHAR AS contradicts WHERE false)
SEMI JOIN tracks USING (track_id, run_id)
"""
_STATEMENTS = {"tracks": _CURRENT_TRACKS, "mood_tags": _CURRENT_TAGS}


@dataclass(frozen=True, slots=True)
class MoodTables:
    """The current tables under an output folder: a DuckDB connection with one view for each, and runs."""

    connection: duckdb.DuckDBPyConnection
    output_uri: str
    runs: tuple[Mapping[str, Any], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Tables that there are: of a run of the main job or of one of features."""
        return tuple(dict.fromkeys(name for run in self.runs for name in run["tables"]))

    def files(self, table: str) -> list[str]:
        """Parquet files of a table, of all committed runs, oldest first."""
        return [
            join(self.output_uri, RUN_FOLDER_PREFIX + run["run_id"], name)
            for run in self.runs
            for name in run["tables"].get(table, {}).get("files", ())
        ]

    def read(self, table: str) -> pd.DataFrame:
        """All current rows of a table as a pandas frame; DataError(bad_input) for one that is not there."""
        self.check(table)
        return self.query(f"SELECT * FROM {table}")  # noqa: S608 - a known name

    def query(self, sql: str) -> pd.DataFrame:
        """Result of a query over tracks, failures and the tables of results as a pandas frame."""
        frame: pd.DataFrame = self.connection.sql(sql).df()
        return frame

    def check(self, table: str) -> None:
        """Raise DataError(bad_input) for a table that is not there."""
        if table not in self.names:
            there = ", ".join((*self.names, "runs"))
            raise DataError(FailureKind.BAD_INPUT, Stage.OUTPUT, f"no table {table!r}; there are {there}")


def open_tables(output_uri: str) -> MoodTables:
    """Open the tables that runs have written under `output_uri`; only committed runs are seen.

    Raises DataError(not_found) where there is no committed run.
    """
    import duckdb

    runs = committed_runs(output_uri)
    if not runs:
        raise DataError(FailureKind.NOT_FOUND, Stage.OUTPUT, f"{output_uri}: no committed run there")
    connection = duckdb.connect()
    if scheme(output_uri) == "gs":
        connection.register_filesystem(_google_storage())
    tables = MoodTables(connection, output_uri, tuple(runs))
    for table in sorted(tables.names, key="tracks".__ne__):  # the others take their tracks from it
        statement = _STATEMENTS.get(table, _CURRENT)
        connection.execute(statement.format(table=table, files=_read_parquet(tables.files(table))))
    return tables


def committed_runs(output_uri: str) -> list[dict[str, Any]]:
    """Records of the committed runs under `output_uri`, oldest first."""
    records = (read_record(run_uri) for run_uri in _run_uris(output_uri))
    return [record for record in records if record is not None]


def check_output(output_uri: str, results: str) -> None:
    """Raise DataError(bad_output) where runs under `output_uri` hold other results than these.

    `results`: MOODS or what `features_of` says. One folder is one set of tables to its readers.
    """
    newest = next(reversed(_run_uris(output_uri)), None)
    record = read_record(newest) if newest else None
    if record is None:
        return
    found = (
        MOODS if not record.get("front_end") else features_of(record["front_end"]["key"], record["settings"])
    )
    if found != results:
        message = f"{output_uri}: holds {found}; {results} need another --output"
        raise DataError(FailureKind.BAD_OUTPUT, Stage.OUTPUT, message)


MOODS = "moods"


def features_of(key: str, settings: Mapping[str, Any]) -> str:
    """What runs of a front end with these settings hold, in words."""
    values = ", ".join(f"{name}={value}" for name, value in settings.items())
    return f"features of {key} ({values})"


def _run_uris(output_uri: str) -> list[str]:
    """Folders of the committed runs, oldest first."""
    pattern = f"{RUN_FOLDER_PREFIX}*/{RUN_FILE}"
    if is_local(output_uri):
        return [str(file.parent) for file in sorted(local_path(output_uri).glob(pattern))]
    import fsspec

    store, path = fsspec.core.url_to_fs(output_uri)
    return [
        f"{scheme(output_uri)}://{name}".rpartition("/")[0]
        for name in sorted(store.glob(f"{path}/{pattern}"))
    ]


def read_record(run_uri: str) -> dict[str, Any] | None:
    """Record of the run in that folder; None where it is not committed."""
    uri = join(run_uri, RUN_FILE)
    try:
        if is_local(uri):
            data = local_path(uri).read_bytes()
        else:
            import fsspec

            store, path = fsspec.core.url_to_fs(uri)
            data = store.cat_file(path)
    except FileNotFoundError:
        return None
    record: dict[str, Any] = json.loads(data)
    return record


def _google_storage() -> Any:
    """gcsfs with its plain read-ahead: the one it takes by itself prefetches in tasks that outlive DuckDB's
    files, and complains of them at the end."""
    import gcsfs

    class ReadAhead(gcsfs.GCSFileSystem):  # type: ignore[misc]
        def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
            return super()._open(path, mode, **{**options, "cache_type": "readahead"})

    return ReadAhead()


def _read_parquet(files: list[str]) -> str:
    quoted = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    return f"read_parquet([{quoted}], union_by_name = true, hive_partitioning = false)"
