"""A catalogue of any number of rows, and a committed run of it, written in a minute for a million.

Rows name a few thousand files that are there: only that many have to be written.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.failures import FAILURES
from schemas.mood_tags import MOOD_TAGS
from schemas.run import RUN_FILE, RUN_FOLDER_PREFIX
from schemas.table import Table
from schemas.tables import tables_of_run
from tests.incremental.stub_runs import WORK
from transforms.incremental.listed import columns_hash
from transforms.storage import describe
from transforms.writing.parts import parquet_writer, write_row_group

FILES = 4_000
RUN_ID = "20260101T000000.000Z-000000"
FURTHER = ("title", "artist", "label")


def uri_of(folder: Path, number: int) -> str:
    """The file of a track."""
    return f"{folder}/files/{number % FILES % 64:02d}/{number % FILES:05d}.mp3"


def columns_of(number: int) -> dict[str, str]:
    """What a manifest says of a track besides."""
    return {"title": f"Title {number}", "artist": f"Artist {number % 5000}", "label": f"Label {number % 50}"}


def write_files(folder: Path) -> None:
    """The files that all rows name."""
    for number in range(FILES):
        file = Path(uri_of(folder, number))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"song %d|" % number)


def write_manifest(file: Path, numbers: range) -> None:
    """A manifest of these tracks, by its suffix."""
    rows = (
        {"track_id": f"track-{number:09d}", "uri": uri_of(file.parent, number), **columns_of(number)}
        for number in numbers
    )
    names = ["track_id", "uri", *FURTHER]
    if file.suffix == ".csv":
        with file.open("w", newline="") as text:
            writer = csv.DictWriter(text, names)
            writer.writeheader()
            writer.writerows(rows)
        return
    with pq.ParquetWriter(file, pa.schema([(name, pa.string()) for name in names])) as parquet:
        for some in batches(rows, 20_000):
            parquet.write_table(pa.Table.from_pylist(some))


def write_run(output: Path, manifest: Path, tracks: int, *, changed: int) -> None:
    """A committed run of so many tracks; the last of them in another state than their files are in now."""
    states = [describe(uri_of(manifest.parent, number)).source_version for number in range(FILES)]
    table = tables_of_run({}, [pa.field(name, pa.string()) for name in FURTHER])["tracks"]
    folder = output / f"{RUN_FOLDER_PREFIX}{RUN_ID}"
    rows = (
        track_row(manifest, number, states[number % FILES] if number < tracks - changed else "another")
        for number in range(tracks)
    )
    written = {"tracks": write_table(folder, table, rows)}
    written |= {one.name: write_table(folder, one, iter(())) for one in (MOOD_TAGS, FAILURES)}
    record = {"run_id": RUN_ID, "tables": written, "counts": {}, "settings": {}, "front_end": None}
    (folder / RUN_FILE).write_text(json.dumps(record))


def track_row(manifest: Path, number: int, state: str) -> dict[str, Any]:
    """The row of a tagged track."""
    columns = columns_of(number)
    made_by = {f"{name}_hash": getattr(WORK, name) for name in ("front_end", "model", "settings", "decision")}
    return {
        "track_id": f"track-{number:09d}",
        "uri": uri_of(manifest.parent, number),
        "status": "tagged",
        "reason": "new",
        "source_version": state,
        "audio_sha256": hashlib.sha256(b"audio %d" % number).hexdigest(),
        "file_sha256": hashlib.sha256(b"file %d" % number).hexdigest(),
        "bytes": 5_000_000 + number,
        "duration_s": 200 + number % 977 / 7,
        "decoded_s": 200 + number % 977 / 7,
        "partial_decode": False,
        "sample_rate_hz": 44_100,
        "channels": 2,
        "codec": "mp3",
        "run_id": RUN_ID,
        "bundle": "stub-1",
        "input": str(manifest),
        "columns_hash": columns_hash(columns),
        **made_by,
        **columns,
    }


def write_table(folder: Path, table: Table, rows: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """One file of a table as runs write it; its entry in the record."""
    name, count = f"{table.name}/part-00000-of-00001.parquet", 0
    (folder / name).parent.mkdir(parents=True)
    with (folder / name).open("wb") as file, parquet_writer(file, table) as writer:
        for some in batches(rows, table.row_group_rows):
            count += len(some)
            write_row_group(writer, pa.Table.from_pylist(some, schema=table.schema))
    return {"files": [name], "rows": count}


def batches(rows: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    """Rows, so many at once."""
    while some := list(islice(rows, size)):
        yield some
