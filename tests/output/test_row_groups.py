"""All rows of a track in a table of results lie next to each other in one row group, whoever writes them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.output.compacting.row_groups import row_groups, write_files
from pipelines.output.compacting.sorting import Room, sort_rows
from schemas.mood_tags import MOOD_TAGS
from schemas.table import to_arrow
from tests.output.histories import TAGS
from transforms.writing import merge as merging
from transforms.writing.merge import merge, plan_merges
from transforms.writing.parts import PartWriter

GROUP_ROWS = 10
TABLE = replace(MOOD_TAGS, row_group_rows=GROUP_ROWS)


def rows_of(track: int, count: int) -> list[dict[str, Any]]:
    values = {"score": 0.5, "raw_score": 0.5, "threshold": 0.5, "tagged": True, "disagreement": 0.0}
    further = {"grade": "", "off": False, "run_id": "r"}
    return [
        {"track_id": f"{track:04d}", "tag": str(rank), "rank": rank, **values, **further}
        for rank in range(count)
    ]


def random_tracks(seed: int) -> list[list[dict[str, Any]]]:
    """Rows of tracks, mostly few each, sometimes more than a row group should have."""
    random_ = random.Random(seed)
    counts = [random_.choice([1, 3, 3, 3, 4, 10, 25]) for _ in range(random_.randint(0, 40))]
    return [rows_of(track, count) for track, count in enumerate(counts)]


def groups_in(paths: list[Path]) -> Iterator[list[str]]:
    """The ids in each row group of files."""
    for path in paths:
        file = pq.ParquetFile(path)
        for number in range(file.num_row_groups):
            yield file.read_row_group(number)["track_id"].to_pylist()


def check(groups: list[list[str]], tracks: list[list[dict[str, Any]]]) -> None:
    assert [one for group in groups for one in group] == [row["track_id"] for rows in tracks for row in rows]
    for before, after in pairwise(groups):
        assert before[-1] != after[0]
    for group in groups:
        assert len(group) <= GROUP_ROWS or len(set(group)) == 1


@pytest.mark.parametrize("seed", range(10))
def test_parts_and_the_files_that_they_are_merged_to_do_not_cut_tracks(tmp_path: Path, seed: int) -> None:
    tracks = random_tracks(seed)
    writer = PartWriter(str(tmp_path / "parts"), {TABLE.name: TABLE}, rows_per_file=40)
    parts = [part for rows in tracks for part in writer.write(TABLE.name, rows)]
    parts += writer.close()
    check(list(groups_in([Path(part.uri) for part in parts])), tracks)
    names = {part.uri: replace(part, uri=str(tmp_path / f"{index:03d}")) for index, part in enumerate(parts)}
    for before, part in names.items():
        Path(before).rename(part.uri)
    merges = plan_merges(TABLE.name, names.values(), rows_per_file=100)
    files = [
        merge(one, {TABLE.name: TABLE}, staging_uri=f"{tmp_path}/s", run_uri=f"{tmp_path}/run")
        for one in merges
    ]
    assert sum(file.rows for file in files) == sum(map(len, tracks))
    check(list(groups_in([tmp_path / "run" / file.name for file in files])), tracks)


def test_small_row_groups_of_parts_are_joined_up_to_the_size_of_a_row_group(tmp_path: Path) -> None:
    parts = []
    for track in range(9):
        writer = PartWriter(str(tmp_path / "parts"), {TABLE.name: TABLE}, rows_per_file=40)
        parts += [*writer.write(TABLE.name, rows_of(track, 3)), *writer.close()]
    (one,) = plan_merges(TABLE.name, parts, rows_per_file=100)
    file = merge(one, {TABLE.name: TABLE}, staging_uri=f"{tmp_path}/s", run_uri=f"{tmp_path}/run")
    assert [len(group) for group in groups_in([tmp_path / "run" / file.name])] == [9, 9, 9]


def test_large_row_groups_of_parts_are_not_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "HELD_BYTES", 1)
    writer = PartWriter(str(tmp_path / "parts"), {TABLE.name: TABLE}, rows_per_file=3)
    parts = [part for track in range(4) for part in writer.write(TABLE.name, rows_of(track, 3))]
    parts += writer.close()
    (one,) = plan_merges(TABLE.name, parts, rows_per_file=100)
    file = merge(one, {TABLE.name: TABLE}, staging_uri=f"{tmp_path}/s", run_uri=f"{tmp_path}/run")
    assert [len(group) for group in groups_in([tmp_path / "run" / file.name])] == [3, 3, 3, 3]


@pytest.mark.parametrize("seed", range(10))
def test_files_of_a_compaction_do_not_cut_tracks_however_the_rows_come(tmp_path: Path, seed: int) -> None:
    tracks = random_tracks(seed)
    whole = to_arrow([row for rows in tracks for row in rows], TABLE.schema)
    # DuckDB gives batches of its own sizes, with columns in the order of the query.
    whole = whole.select(TABLE.schema.names[::-1])
    batches = whole.to_batches(max_chunksize=random.Random(seed).randint(1, 30))
    groups = row_groups(batches, TABLE, together="track_id")
    found = write_files(groups, TABLE, str(tmp_path), rows_per_file=35)
    paths = [tmp_path / name for name in found.files]
    check(list(groups_in(paths)), tracks)
    assert (found.rows, found.bytes) == (len(whole), sum(path.stat().st_size for path in paths))
    for path in paths:
        assert pq.read_schema(path).equals(TABLE.schema)
        assert pq.ParquetFile(path).metadata.num_rows <= 35


def test_a_table_without_rows_gets_one_file_with_its_columns(tmp_path: Path) -> None:
    found = write_files(row_groups([], TABLE, together="track_id"), TABLE, str(tmp_path), rows_per_file=35)
    assert found.files == ("mood_tags/part-00000.parquet",)
    assert pq.read_table(tmp_path / found.files[0]).schema.equals(TABLE.schema)


def wide_rows(seed: int, tracks: int) -> pa.Table:
    """Rows of tracks, each with its place, shuffled."""
    random_ = np.random.default_rng(seed)
    places = np.repeat(np.arange(tracks), len(TAGS))
    table = pa.table(
        {
            "place": places,
            "rank": np.tile(np.arange(len(TAGS)), tracks),
            "values": [[float(place)] * 50 for place in places],
        }
    )
    return table.take(random_.permutation(len(places)))


@pytest.mark.parametrize("size", [10, 5_000, 100_000, 1 << 30], ids=lambda size: f"{size} bytes")
def test_a_sort_in_little_memory_gives_what_one_in_all_memory_does(tmp_path: Path, size: int) -> None:
    rows = wide_rows(0, 500)
    bounds = np.linspace(0, 500, 65)[1:-1]
    keys = [("rank", "descending")]
    room = Room(tmp_path, size)
    batches = rows.to_batches(max_chunksize=100)
    found = pa.Table.from_batches(sort_rows(batches, keys, bounds=bounds, rows=len(rows), room=room))
    assert found.equals(rows.sort_by([("place", "ascending"), *keys]))
    assert not list(tmp_path.iterdir())


def test_a_sort_of_no_rows_gives_none(tmp_path: Path) -> None:
    assert list(sort_rows([], [], bounds=np.zeros(0), rows=0, room=Room(tmp_path, 10))) == []
