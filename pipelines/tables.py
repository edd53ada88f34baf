"""Reading what runs have written: the tables of all committed runs, the latest row for each track."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.output.committed import (
    Committed,
    all_records,
    committed_runs,
    read_committed,
    read_record,
)
from pipelines.output.connection import connect
from pipelines.output.views import define_views
from schemas.errors import DataError, FailureKind, Stage

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    from pipelines.intervals.interval import Interval

__all__ = [
    "MOODS",
    "MoodTables",
    "check_output",
    "committed_runs",
    "features_of",
    "open_tables",
    "read_record",
]

MOODS = "moods"


@dataclass(frozen=True, slots=True)
class MoodTables:
    """The current tables under an output folder: a DuckDB connection with one view for each, and runs."""

    connection: duckdb.DuckDBPyConnection
    committed: Committed
    runs: tuple[Mapping[str, Any], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Tables that there are: of a run of the main job or of one of features."""
        return self.committed.names

    def files(self, table: str) -> list[str]:
        """Parquet files with a table's rows, current ones and others, oldest first."""
        return self.committed.files(table)

    def read(self, table: str) -> pd.DataFrame:
        """All current rows of a table as a pandas frame; DataError(bad_input) for one that is not there."""
        self.check(table)
        return self.query(f"SELECT * FROM {table}")  # noqa: S608 - a known name

    def query(self, sql: str) -> pd.DataFrame:
        """Result of a query over tracks, failures and the tables of results as a pandas frame."""
        frame: pd.DataFrame = self.connection.sql(sql).df()
        return frame

    def curve(self, track: str, from_s: float | str = 0.0, to_s: float | str | None = None) -> Interval:
        """Valence and arousal of a track over an interval, as `moodscribe curve` shows them.

        `track` is a track_id, a URI or the end of one; times are seconds or texts such as "1:10", `to_s` None
        is the track's end. Raises DataError: not_found where there is no such track, bad_input where several
        are meant, where the track has no curve, or where the interval is not inside it.
        """
        from pipelines.intervals.stored import stored_curves

        return stored_curves(self, track).between(from_s, to_s)

    def check(self, table: str) -> None:
        """Raise DataError(bad_input) for a table that is not there."""
        if table not in self.names:
            there = ", ".join((*self.names, "runs"))
            raise DataError(FailureKind.BAD_INPUT, Stage.OUTPUT, f"no table {table!r}; there are {there}")


def open_tables(output_uri: str) -> MoodTables:
    """Open the tables that runs have written under `output_uri`; only committed runs are seen.

    Raises DataError(not_found) where there is no committed run.
    """
    committed = read_committed(output_uri)
    refuse_empty(committed)
    connection = connect(output_uri)
    define_views(connection, committed)
    return MoodTables(connection, committed, tuple(all_records(committed)))


def refuse_empty(committed: Committed) -> None:
    """Raise DataError(not_found) where there is no committed run."""
    if not committed.run_ids:
        message = f"{committed.output_uri}: no committed run there"
        raise DataError(FailureKind.NOT_FOUND, Stage.OUTPUT, message)


def check_output(output_uri: str, results: str) -> None:
    """Raise DataError(bad_output) where runs under `output_uri` hold other results than these.

    `results`: MOODS or what `features_of` says. One folder is one set of tables to its readers.
    """
    record = next(reversed(all_records(read_committed(output_uri))), None)
    if record is None:
        return
    found = (
        MOODS if not record.get("front_end") else features_of(record["front_end"]["key"], record["settings"])
    )
    if found != results:
        message = f"{output_uri}: holds {found}; {results} need another --output"
        raise DataError(FailureKind.BAD_OUTPUT, Stage.OUTPUT, message)


def features_of(key: str, settings: Mapping[str, Any]) -> str:
    """What runs of a front end with these settings hold, in words."""
    values = ", ".join(f"{name}={value}" for name, value in settings.items())
    return f"features of {key} ({values})"
