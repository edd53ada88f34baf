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


def export(output_uri: str, table: str, file: str, *, for_spreadsheet: bool = False) -> int:
    """Write the current rows of a table, in order of track, to a .parquet, .csv or .jsonl file.

    Features go to .csv and .arff with one line a step, as DeepSpectrum writes them. The file appears whole or
    not at all. `for_spreadsheet`: texts in a .csv that a spreadsheet would take for a formula begin with '.
    The number of rows or lines; DataError(bad_input, not_found, bad_output).
    """
    path = Path(file)
    _check_names(table, path, for_spreadsheet=for_spreadsheet)
    tables = open_tables(output_uri)
    if table == "runs":
        _add_runs(tables)
    else:
        tables.check(table)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        if table == FEATURES and path.suffix in FEATURE_SUFFIXES:
            rows = write_features(tables, temporary, path.suffix)
        else:
            columns = _never_formulas(tables, table) if for_spreadsheet else "*"
            rows = _copy(tables, table, columns, temporary, path.suffix)
        temporary.replace(path)
    except OSError as error:
        raise DataError(FailureKind.BAD_OUTPUT, Stage.OUTPUT, f"{file}: {error}") from error
    finally:
        tables.connection.close()
        temporary.unlink(missing_ok=True)
    return rows


def _check_names(table: str, path: Path, *, for_spreadsheet: bool) -> None:
    if table not in (*NAMES, "runs"):
        raise _refusal(f"no table {table!r}; there are {', '.join(NAMES)}, runs")
    formats = dict.fromkeys((*_FORMATS, *(FEATURE_SUFFIXES if table == FEATURES else ())))
    if path.suffix not in formats:
        raise _refusal(f"{path}: the name has to end in {', '.join(formats)}")
    if for_spreadsheet and (table == FEATURES or path.suffix != ".csv"):
        raise _refusal(f"--for-spreadsheet is for a .csv of texts, not for {table} as {path.suffix}")
    if not path.parent.is_dir():
        raise _refusal(f"{path}: there is no folder {path.parent}")


def _never_formulas(tables: MoodTables, table: str) -> str:
    """All columns of a table, those of text said so that no value begins like a formula."""
    described = tables.connection.execute(f"DESCRIBE {table}").fetchall()
    names = ('"' + name.replace('"', '""') + '"' for name, kind, *_ in described if kind == "VARCHAR")
    quoted = ", ".join(f"regexp_replace({name}, '^([=+@\\t\\r-])', '''\\1') AS {name}" for name in names)
    return f"* REPLACE ({quoted})"


def _copy(tables: MoodTables, table: str, columns: str, path: Path, suffix: str) -> int:
    order = _ORDERS.get(table, "track_id" if table != "runs" else "run_id")
    target = str(path).replace("'", "''")
    # Names of tables and orders are ours; the path and the columns are quoted.
    select = f"SELECT {columns} FROM {table} ORDER BY {order}"  # noqa: S608
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
