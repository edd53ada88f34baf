"""Two commands write into one folder at once, and readers see each run as a whole or not at all."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.local import LocalFileSystem

from pipelines.cli import EXIT_DONE
from pipelines.tables import committed_runs, open_tables
from schemas.errors import DataError
from tests.faults.commands import left_behind, start, write_noise

ROOT = Path(__file__).resolve().parents[2]
# The query of the README, for any table.
QUERY = """
SELECT run_id, count(*)
FROM (SELECT run_id FROM '{out}/run_id=*/run.json')
JOIN '{out}/run_id=*/{table}/*.parquet' USING (run_id)
GROUP BY run_id
"""
TABLES = ("tracks", "features", "failures")


def rows_seen_by_duckdb(output: Path) -> dict[str, dict[str, int]]:
    """Rows of each table by run, as a reader counts them who has only DuckDB."""
    if not list(output.glob("run_id=*/run.json")):
        return {}
    with duckdb.connect() as connection:
        found = {
            table: dict(connection.execute(QUERY.format(out=output, table=table)).fetchall())
            for table in TABLES
        }
    return {run_id: {table: found[table].get(run_id, 0) for table in TABLES} for run_id in found["tracks"]}


def tracks_seen(output: Path) -> frozenset[str]:
    """Folders of the tracks that readers see; AssertionError where their rows do not add up."""
    try:
        tables = open_tables(str(output))
    except DataError:
        return frozenset()
    status = tables.read("tracks").set_index("track_id")["status"]
    assert sorted(tables.read("features")["track_id"]) == sorted(
        status.index[status.isin(["extracted", "duplicate"])]
    )
    assert sorted(tables.read("failures")["track_id"]) == sorted(status.index[status == "failed"])
    return frozenset(status.index)


@contextmanager
def reading(output: Path, seen: list[tuple[frozenset[str], dict[str, dict[str, int]]]]) -> Iterator[None]:
    """Read all the time while the block runs."""
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.append((tracks_seen(output), rows_seen_by_duckdb(output)))

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(read)
        try:
            yield
        finally:
            stop.set()
        reader.result()  # raises what it met


def test_two_runs_into_one_folder_are_each_seen_whole_or_not_at_all(tmp_path: Path) -> None:
    output, sizes = tmp_path / "out", {"few": 5, "more": 8}
    folders = {name: write_noise(tmp_path / name, count) for name, count in sizes.items()}
    seen: list[tuple[frozenset[str], dict[str, dict[str, int]]]] = []
    with reading(output, seen):
        commands = [
            start("features mel-steps", folder, output, "--workers", 1, "--rows-per-file", 1)
            for folder in folders.values()
        ]
        ended = [command.end() for command in commands]
    assert [status for status, _ in ended] == [EXIT_DONE] * 2, ended
    few, more = (frozenset(map(str, folder.iterdir())) for folder in folders.values())
    assert {tracks for tracks, _ in seen} <= {frozenset(), few, more, few | more}
    whole = [{"tracks": count + 1, "features": count, "failures": 1} for count in sizes.values()]
    assert all(rows in whole for _, runs in seen for rows in runs.values())
    assert len(seen) > 20
    assert tracks_seen(output) == few | more
    assert sorted(rows_seen_by_duckdb(output).values(), key=str) == sorted(whole, key=str)
    assert len(committed_runs(str(output))) == 2
    assert left_behind(output) == []


class CommittingFiles(LocalFileSystem):  # type: ignore[misc]
    """A file system on which a half written run is completed and committed after so many listings."""

    protocol = "committing"

    def __init__(self, half: Path, *, after: int) -> None:
        super().__init__(skip_instance_cache=True)
        self._half = half
        self._left = after

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return super()._strip_protocol(str(path).removeprefix("committing://"))

    def glob(self, path: str, **options: Any) -> Any:
        """What is there before anything is committed."""
        found = super().glob(path, **options)
        self._left -= 1
        if not self._left:
            complete(self._half)
        return found


def write_file(run: Path, number: int) -> None:
    (run / "tracks").mkdir(parents=True, exist_ok=True)
    row = {"track_id": [str(number)], "run_id": [run.name.partition("=")[2]]}
    pq.write_table(pa.table(row), run / "tracks" / f"{number}.parquet")


def complete(run: Path) -> None:
    """Write the second file of a run, and commit it."""
    write_file(run, 2)
    (run / "run.json").write_text(json.dumps({"run_id": run.name.partition("=")[2]}))


@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_a_run_that_is_committed_while_a_reader_lists_is_seen_whole_or_not_at_all(
    after: int, tmp_path: Path
) -> None:
    whole, half = tmp_path / "run_id=a", tmp_path / "run_id=b"
    write_file(whole, 1)
    complete(whole)
    write_file(half, 1)
    with duckdb.connect() as connection:
        connection.register_filesystem(CommittingFiles(half, after=after))
        query = QUERY.format(out=f"committing://{tmp_path}", table="tracks")
        rows = dict(connection.execute(query).fetchall())
    assert rows in ({"a": 2}, {"a": 2, "b": 2})


def test_the_query_of_the_readme_is_the_one_that_is_tested_here() -> None:
    readme = (ROOT / "README.md").read_text()
    from_clause = re.sub(r"\{out\}", "moods", QUERY).replace("{table}", "mood_tags")
    wanted = [line for line in from_clause.splitlines() if line.startswith(("FROM", "JOIN"))]
    assert len(wanted) == 2
    assert "\n".join(wanted) in readme
