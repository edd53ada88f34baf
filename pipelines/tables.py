"""Reading what runs have written: the tables of all committed runs, the latest row for each track."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemas.errors import DataError, FailureKind, Stage
from schemas.run import RUN_FILE, RUN_FOLDER_PREFIX
from schemas.tables import TABLES
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


@dataclass(frozen=True, slots=True)
class MoodTables:
    """The current tables under an output folder: a DuckDB connection with one view for each, and runs."""

    connection: duckdb.DuckDBPyConnection
    runs: tuple[Mapping[str, Any], ...]

    def read(self, table: str) -> pd.DataFrame:
        """All current rows of a table as a pandas frame."""
        return self.query(f"SELECT * FROM {_known(table)}")  # noqa: S608 - a known name

    def query(self, sql: str) -> pd.DataFrame:
        """Result of a query over tracks, mood_tags, emotion_curves and failures as a pandas frame."""
        frame: pd.DataFrame = self.connection.sql(sql).df()
        return frame


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
    for table in TABLES:
        files = [
            join(output_uri, RUN_FOLDER_PREFIX + run["run_id"], name)
            for run in runs
            for name in run["tables"][table]["files"]
        ]
        statement = _CURRENT_TRACKS if table == "tracks" else _CURRENT
        connection.execute(statement.format(table=table, files=_read_parquet(files)))
    return MoodTables(connection, tuple(runs))


def committed_runs(output_uri: str) -> list[dict[str, Any]]:
    """Records of the committed runs under `output_uri`, oldest first."""
    if is_local(output_uri):
        files = sorted(local_path(output_uri).glob(f"{RUN_FOLDER_PREFIX}*/{RUN_FILE}"))
        return [json.loads(file.read_text("utf-8")) for file in files]
    import fsspec

    store, path = fsspec.core.url_to_fs(output_uri)
    found = sorted(store.glob(f"{path}/{RUN_FOLDER_PREFIX}*/{RUN_FILE}"))
    return [json.loads(store.cat_file(name)) for name in found]


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


def _known(table: str) -> str:
    if table not in TABLES:
        raise DataError(
            FailureKind.BAD_INPUT, Stage.OUTPUT, f"no table {table!r}; there are {', '.join(TABLES)}, runs"
        )
    return table
