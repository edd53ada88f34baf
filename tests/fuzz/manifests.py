"""Broken manifests: each is refused as a whole, or every row is a track or a failure that a table takes."""

from __future__ import annotations

import csv
import datetime
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import DataError
from schemas.identity import RunIdentity
from schemas.table import to_arrow
from schemas.tables import tables_of_run
from schemas.track import Outcome
from schemas.tracks import Status
from schemas.work import WorkKey
from tests.fuzz.mutations import MUTATIONS
from transforms.duplicates import Resolved
from transforms.inputs.stage import inspect_input, read_input
from transforms.writing.stage import track_row

_IDENTITY = RunIdentity("r", "b", WorkKey("f", "m", "s", "d"), "/out")
_ROWS = 12
# What breaks text: put in somewhere, besides what breaks any file.
_PIECES = (
    '"',
    '""',
    "'",
    ",",
    "\n",
    "\r",
    "\r\n",
    "\0",
    "\\",
    "{",
    "[",
    "}",
    "\ufeff",
    "\u2028",
    "é",
    "NaN",
    "1e999",
)
_NUMBERS = ("9" * 5000, "-1", "null", "true", '"\\ud800"')


def manifests() -> dict[str, bytes]:
    """A small manifest of each format, by suffix."""
    rows = [_row(number) for number in range(_ROWS)]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
    columns["added"] = pa.array([datetime.datetime(2020, 1, 1 + n) for n in range(_ROWS)], pa.timestamp("us"))
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, row_group_size=5, compression="none", write_page_checksum=False)
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return {".csv": text.getvalue().encode(), ".jsonl": lines.encode(), ".parquet": file.getvalue()}


def broken(whole: Mapping[str, bytes], *, seed: int, number: int) -> tuple[str, bytes]:
    """Suffix and bytes of a broken manifest."""
    random = np.random.default_rng((seed, number))
    suffix, other = (str(random.choice(sorted(whole))) for _ in range(2))
    data = whole[suffix]
    for _ in range(int(random.integers(1, 4))):
        if suffix != ".parquet" and random.random() < 0.6:
            piece = str(random.choice(_PIECES + _NUMBERS)).encode("utf-8", "surrogatepass")
            at = int(random.integers(0, len(data) + 1))
            data = data[:at] + piece + data[at:]
        elif suffix == ".parquet" and random.random() < 0.7:  # its values, not its footer at the end
            values = np.frombuffer(data, np.uint8).copy()
            values[random.integers(4, len(data) // 3, int(random.integers(1, 9)))] = int(random.integers(256))
            data = values.tobytes()
        else:
            data = MUTATIONS[str(random.choice(list(MUTATIONS)))](random, data, whole[other]) or b"\0"
    return suffix, data


def rows_of(path: Path) -> Sequence[Mapping[str, Any]] | DataError:
    """Rows that `tracks` has of a manifest, or why it is refused. Whatever else is raised is a bug."""
    try:
        spec = inspect_input(str(path))
        rows = [
            track_row(
                Resolved(item if isinstance(item, Outcome) else Outcome(item, Status.TAGGED)),
                _IDENTITY,
                input_uri=spec.uri,
            )
            for item in read_input(spec)
        ]
    except DataError as error:
        return error
    file = io.BytesIO()
    pq.write_table(to_arrow(rows, tables_of_run({}, spec.manifest_columns or ())["tracks"].schema), file)
    table: list[dict[str, Any]] = pq.read_table(file).to_pylist()
    return table


def _row(number: int) -> dict[str, Any]:
    return {
        "track_id": f"{number:04d}",
        "uri": f'audio/{number} é, "x".flac',
        "title": 'Say "hi",\nthen go' if number % 5 == 3 else f"Title {number}",
        "year": 1990 + number,
        "bpm": 90.5 + number,
        "label": None if number % 3 else "North 🎵",
    }
