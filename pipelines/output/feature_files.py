"""Current features as one file: Parquet as they are, CSV and ARFF in DeepSpectrum's layout, one line a step.

name,timeStamp,neuron_0,neuron_1,...        name is the track's id, timeStamp the step's start in seconds
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from pipelines.tables import MoodTables
from schemas.features import NAME
from transforms.storage import open_file
from transforms.writing.parts import COMPRESSION

SUFFIXES = (".parquet", ".csv", ".arff")
_CURRENT = "SELECT track_id, run_id FROM tracks WHERE status IN ('extracted', 'duplicate')"
# A row is a whole track.
_TRACKS_A_BATCH = 16


def write_features(tables: MoodTables, path: Path, suffix: str) -> int:
    """Write the current features in the order of their files; the number of rows (lines but for Parquet)."""
    with path.open("wb") as file:
        return _write_tracks(tables, file) if suffix == ".parquet" else _write_steps(tables, file, suffix)


def _write_tracks(tables: MoodTables, file: BinaryIO) -> int:
    rows, writer = 0, None
    for batch in _current(tables):
        writer = writer or pq.ParquetWriter(file, batch.schema, compression=COMPRESSION)
        writer.write_batch(batch)
        rows += batch.num_rows
    if writer:
        writer.close()
    return rows


def _write_steps(tables: MoodTables, file: BinaryIO, suffix: str) -> int:
    lines, options = 0, pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
    for batch in _current(tables):
        for index in range(batch.num_rows):
            steps = _steps(batch.slice(index, 1))
            if not file.tell():
                file.write(_head(steps.column_names, suffix).encode())
            pyarrow.csv.write_csv(steps, file, options)
            lines += steps.num_rows
    return lines


def _current(tables: MoodTables) -> Iterator[pa.RecordBatch]:
    """The latest rows of each track, the empty files' schema at least."""
    latest = tables.query(_CURRENT)
    current = set(zip(latest["track_id"], latest["run_id"], strict=True))
    for uri in tables.files(NAME):
        with open_file(uri) as file:
            parquet = pq.ParquetFile(file)
            yield pa.RecordBatch.from_pylist([], schema=parquet.schema_arrow)
            for batch in parquet.iter_batches(_TRACKS_A_BATCH):
                ids = zip(batch["track_id"].to_pylist(), batch["run_id"].to_pylist(), strict=True)
                yield batch.filter(pa.array([pair in current for pair in ids]))


def _steps(row: pa.RecordBatch) -> pa.Table:
    """One track as a table with one line a step."""
    names, values = row["names"][0].as_py(), row["values"][0].values
    flat = values.flatten().to_numpy(zero_copy_only=False).reshape(len(values), len(names))
    times_s = row["start_s"][0].as_py() + row["step_s"][0].as_py() * np.arange(len(flat))
    columns = [pa.repeat(row["track_id"][0], len(flat)), pa.array(times_s)]
    columns += [pa.array(column) for column in np.ascontiguousarray(flat.T)]
    return pa.table(columns, names=["name", "timeStamp", *names])


def _head(names: list[str], suffix: str) -> str:
    if suffix == ".csv":
        return ",".join(f'"{name}"' if "," in name else name for name in names) + "\n"
    kinds = ["string", *["numeric"] * (len(names) - 1)]
    attributes = [f"@attribute {_arff_name(name)} {kind}" for name, kind in zip(names, kinds, strict=True)]
    return "\n".join(["@relation 'Deep Spectrum Features'", "", *attributes, "", "@data", ""])


def _arff_name(name: str) -> str:
    return name if name.isidentifier() else f'"{name}"'
