"""`moodscribe export`: the current rows of one table as one file; features also one line a step."""

from __future__ import annotations

import json
from pathlib import Path

from pipelines.output.feature_files import SUFFIXES as FEATURE_SUFFIXES
from pipelines.output.feature_files import write_features
from pipelines.tables import MoodTables, open_tables
from schemas.errors import DataError, FailureKind, Stage
from schemas.features import NAME as FEATURES
from schemas.tables import NAMES

_FORMATS = {
    ".parquet": "(FORMAT parquet, COMPRESSION zstd)",
    ".csv": "(FORMAT csv, HEADER)",
    ".jsonl": "(FORMAT json)",
}
_ORDERS = {"mood_tags": "track_id, rank"}


def export(output_uri: str, table: str, file: str) -> int:
    """Write the current rows of a table, in order of track, to a .parquet, .csv or .jsonl file.

    Features go to .csv and .arff with one line a step, as DeepSpectrum writes them. The file appears whole or
    not at all. The number of rows or lines; DataError(bad_input, not_found, bad_output).
    """
    path = Path(file)
    if table not in (*NAMES, "runs"):
        raise _refusal(f"no table {table!r}; there are {', '.join(NAMES)}, runs")
    formats = dict.fromkeys((*_FORMATS, *(FEATURE_SUFFIXES if table == FEATURES else ())))
    if path.suffix not in formats:
        raise _refusal(f"{file}: the name has to end in {', '.join(formats)}")
    if not path.parent.is_dir():
        raise _refusal(f"{file}: there is no folder {path.parent}")
    tables = open_tables(output_uri)
    if table == "runs":
        _add_runs(tables)
    else:
        tables.check(table)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        rows = _write(tables, table, temporary, path.suffix)
        temporary.replace(path)
    except OSError as error:
        raise DataError(FailureKind.BAD_OUTPUT, Stage.OUTPUT, f"{file}: {error}") from error
    finally:
        tables.connection.close()
        temporary.unlink(missing_ok=True)
    return rows


def _write(tables: MoodTables, table: str, path: Path, suffix: str) -> int:
    if table == FEATURES and suffix in FEATURE_SUFFIXES:
        return write_features(tables, path, suffix)
    return _copy(tables, table, path, suffix)


def _copy(tables: MoodTables, table: str, path: Path, suffix: str) -> int:
    order = _ORDERS.get(table, "track_id" if table != "runs" else "run_id")
    target = str(path).replace("'", "''")
    # Names of tables and orders are ours; the path is quoted.
    select = f"SELECT * FROM {table} ORDER BY {order}"  # noqa: S608
    result = tables.connection.execute(f"COPY ({select}) TO '{target}' {_FORMATS[suffix]}").fetchone()
    return int(result[0]) if result else 0


def _add_runs(tables: MoodTables) -> None:
    """A table of the runs' records: one row a run, what is nested as JSON."""
    import pandas as pd

    rows = [
        {name: json.dumps(value) if isinstance(value, dict) else value for name, value in run.items()}
        for run in tables.runs
    ]
    tables.connection.register("runs", pd.DataFrame(rows))


def _refusal(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.OUTPUT, message)
