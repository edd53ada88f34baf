"""`moodscribe compact`: one current table per kind, and what goes once it is there."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.cli import main
from pipelines.output import committed
from pipelines.output.committed import committed_ids, read_committed
from pipelines.output.compacting import compaction
from pipelines.running.before import before
from pipelines.running.leftovers import STAGING
from pipelines.tables import MOODS, check_output, open_tables
from schemas.compaction import MARKS, MOOD_TAGS_BY_TAG
from schemas.emotion_curves import EMOTION_CURVES
from schemas.errors import DataError
from schemas.mood_tags import MOOD_TAGS
from schemas.tables import MOODS as RESULTS
from schemas.tracks import TRACKS
from tests.output.histories import FEATURES, TAGS, Past, Row, run_id, score, write_run
from transforms.incremental.earlier import earlier_rows
from transforms.incremental.index import index_rows

IDS = [f"t{index:02d}" for index in range(40)]


def all_rows(output: Path) -> dict[str, list[Any]]:
    """What readers find in each table, in one order."""
    tables = open_tables(str(output))
    return {name: tables.connection.table(name).order("ALL").fetchall() for name in sorted(tables.names)}


def first_run(*, features: bool = False) -> Past:
    done = "extracted" if features else "tagged"
    rows = [Row(one, done, audio=one, columns={"title": one.upper()}) for one in reversed(IDS)]
    bad = Row("bad", "failed", kind="corrupt", uri="/bad")
    twice = Row("t00", "failed", kind="duplicate_id", uri="/twice", reason="repeated_id")
    return Past(run_id(1), (*rows, bad, twice), features=features)


def second_run(*, features: bool = False) -> Past:
    done = "extracted" if features else "tagged"
    rows = (
        Row("t01", done, audio="t00", reason="changed", columns={"label": "North"}),
        Row("t02", "gone", reason="gone"),
    )
    return Past(run_id(2), rows, features=features)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Two runs: of t00 to t39, then t01 is now the same audio as t00, and t02 is gone."""
    for past in (first_run(), second_run()):
        write_run(tmp_path / "moods", past)
    return tmp_path / "moods"


def compact(output: Path, *options: object) -> int:
    return main(["compact", str(output), "--memory-mb", "256", *map(str, options)])


def current_folder(output: Path) -> Path:
    (folder,) = output.glob("current_id=*")
    return folder


def rows_in(folder: Path, table: str) -> list[dict[str, Any]]:
    files = sorted((folder / table).glob("*.parquet"))
    rows: list[dict[str, Any]] = pa.concat_tables([pq.read_table(file) for file in files]).to_pylist()
    return rows


def test_a_compaction_has_the_latest_rows_of_each_track_in_order(
    output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compact(output) == 0
    folder = current_folder(output)
    tracks = rows_in(folder, "tracks")
    assert [row["track_id"] for row in tracks] == ["bad", *(one for one in IDS if one != "t02")]
    by_id = {row["track_id"]: row for row in tracks}
    assert (by_id["t01"]["status"], by_id["t01"]["duplicate_of"]) == ("duplicate", "t00")
    assert (by_id["t01"]["run_id"], by_id["t03"]["run_id"]) == (run_id(2), run_id(1))
    assert (by_id["t01"]["title"], by_id["t01"]["label"], by_id["t03"]["title"]) == (None, "North", "T03")
    tags = rows_in(folder, "mood_tags")
    assert [(row["track_id"], row["tag"]) for row in tags] == [
        (one, tag) for one in IDS if one != "t02" for tag in TAGS
    ]
    assert all(row["score"] == score(row["track_id"], row["run_id"], row["tag"]) for row in tags)
    curves = rows_in(folder, "emotion_curves")
    assert [row["track_id"] for row in curves] == [one for one in IDS if one != "t02"]
    assert {row["kind"] for row in rows_in(folder, "failures")} == {"corrupt", "duplicate_id"}
    assert {(row["track_id"], row["reason"]) for row in rows_in(folder, "marks")} == {
        ("t02", "gone"),
        ("t00", "repeated_id"),
    }
    printed = capsys.readouterr().out
    assert "40 tracks of 2 runs in " in printed
    record = json.loads((folder / "current.json").read_text())
    assert record["runs"] == [run_id(1), run_id(2)]
    assert record["tables"]["mood_tags"]["rows"] == 39 * len(TAGS)
    assert record["bytes"] == sum(file.stat().st_size for file in folder.rglob("*.parquet"))


def test_search_by_tag_reads_only_the_row_groups_of_that_tag(
    output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "MOOD_TAGS_BY_TAG", replace(MOOD_TAGS_BY_TAG, row_group_rows=10))
    assert compact(output) == 0
    folder = current_folder(output)
    rows = rows_in(folder, "mood_tags_by_tag")
    assert rows == sorted(rows, key=lambda row: (row["tag"], -row["score"], row["track_id"]))
    assert sorted((row["track_id"], row["tag"]) for row in rows) == sorted(
        (row["track_id"], row["tag"]) for row in rows_in(folder, "mood_tags")
    )
    (file,) = (folder / "mood_tags_by_tag").glob("*.parquet")
    metadata = pq.ParquetFile(file).metadata
    column = metadata.schema.names.index("tag")
    spans = [metadata.row_group(index).column(column).statistics for index in range(metadata.num_row_groups)]
    assert len(spans) == 12
    assert sum(span.min <= "happy" <= span.max for span in spans) == 5
    found = open_tables(str(output)).query(
        "SELECT track_id FROM mood_tags_by_tag WHERE tag = 'happy' LIMIT 100"
    )
    assert sorted(found["track_id"]) == [one for one in IDS if one != "t02"]


def test_files_are_written_as_those_of_runs_are(output: Path) -> None:
    assert compact(output, "--rows-per-file", 30) == 0
    for table in (*RESULTS.values(), MARKS, MOOD_TAGS_BY_TAG):
        for path in current_folder(output).glob(f"{table.name}/*.parquet"):
            file = pq.ParquetFile(path)
            assert file.schema_arrow.equals(table.schema)
            assert file.schema_arrow.metadata == table.schema.metadata
            assert file.metadata.num_rows <= 30
            column = file.metadata.row_group(0).column(0)
            assert column.compression == "ZSTD"
            assert column.has_offset_index
    assert len(list(current_folder(output).glob("mood_tags/*.parquet"))) == 4
    schema = pq.read_schema(next(current_folder(output).glob("tracks/*.parquet")))
    assert schema.names == [*TRACKS.schema.names, "title", "label"]
    assert all(schema.field(column.name).equals(column) for column in TRACKS.columns)


def test_the_next_run_finds_each_result_in_one_place(output: Path) -> None:
    assert compact(output, "--keep", 1) == 0
    write_run(output, Past(run_id(3), (Row("t05", audio="new", reason="changed"), Row("t99", audio="t99"))))
    found = before(str(output))
    tracks = [row for uri in found.earlier.files for batch in earlier_rows(uri) for row in batch.to_pylist()]
    assert found.earlier.rows == len(tracks) == 40 + 2 + 2
    for table, count in ((MOOD_TAGS.name, len(TAGS)), (EMOTION_CURVES.name, 1)):
        places = [
            (place["track_id"], place["run_id"], place["count"])
            for file in found.stored
            if file.table == table
            for batch in index_rows(table, file.uri, ("track_id", "run_id"))
            for place in batch.to_pylist()
        ]
        assert len({place[:2] for place in places}) == len(places) == 39 + 2
        assert {place[2] for place in places} == {count}
    assert {file.runs for file in found.stored} == {(run_id(1), run_id(2)), (run_id(3),)}
    assert {file.table for file in found.stored} == {"mood_tags", "emotion_curves"}


def test_manifest_columns_of_different_types_are_brought_to_one(tmp_path: Path) -> None:
    path = write_run(tmp_path, Past(run_id(1), (Row("a", columns={"year": "1999"}),)))
    file = next(path.glob("tracks/*.parquet"))
    whole = pq.read_table(file)
    at = whole.schema.get_field_index("year")
    pq.write_table(whole.set_column(at, "year", pa.array([1999], pa.int64())), file)
    write_run(tmp_path, Past(run_id(2), (Row("b", columns={"year": "nineteen"}), Row("c"))))
    assert compact(tmp_path) == 0
    rows = rows_in(current_folder(tmp_path), "tracks")
    assert [(row["track_id"], row["year"]) for row in rows] == [("a", "1999"), ("b", "nineteen"), ("c", None)]


def test_features_are_compacted_bit_by_bit(tmp_path: Path) -> None:
    runs = [write_run(tmp_path, past) for past in (first_run(features=True), second_run(features=True))]
    before_ = {(row["track_id"], row["run_id"]): row for run in runs for row in rows_in(run, "features")}
    assert compact(tmp_path, "--rows-per-file", 7, "--keep", 0) == 0
    folder = current_folder(tmp_path)
    rows = rows_in(folder, "features")
    assert sorted(row["track_id"] for row in rows) == [one for one in IDS if one != "t02"]
    for row in rows:
        assert row == before_[row["track_id"], row["run_id"]]
    for path in folder.glob("features/*.parquet"):
        assert pq.read_schema(path).equals(FEATURES.schema)
    tables = open_tables(str(tmp_path))
    assert tables.read("tracks")["status"].value_counts().to_dict() == {
        "extracted": 38,
        "duplicate": 1,
        "failed": 1,
    }
    with pytest.raises(DataError, match=r"holds features of noise@1 \(dtype=float16\); moods need another"):
        check_output(str(tmp_path), MOODS)


def test_dropped_runs_leave_their_rows_and_their_records(output: Path, tmp_path: Path, capsys: Any) -> None:
    before_ = all_rows(output)
    assert compact(output, "--keep", 1) == 0
    assert "removed: 0 older compactions, the folders of 1 runs" in capsys.readouterr().out
    assert [path.name for path in output.glob("run_id=*")] == [f"run_id={run_id(2)}"]
    assert all_rows(output) == before_
    file = tmp_path / "runs.jsonl"
    assert main(["export", str(output), "runs", str(file)]) == 0
    assert [json.loads(line)["run_id"] for line in file.read_text().splitlines()] == [run_id(1), run_id(2)]


def test_compacting_again_does_nothing_but_say_so(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compact(output) == 0
    folder = current_folder(output)
    capsys.readouterr()
    assert compact(output) == 0
    assert current_folder(output) == folder
    assert capsys.readouterr().out == f"2 runs are in {folder} already\n"
    assert compact(output, "--keep", 0) == 0
    assert not list(output.glob("run_id=*"))
    assert len(open_tables(str(output)).read("tracks")) == 40
    assert compact(output, "--sort", "track") == 0
    assert current_folder(output) != folder
    assert not (current_folder(output) / "mood_tags_by_tag").exists()


def test_a_compaction_takes_the_place_of_the_one_before(output: Path) -> None:
    assert compact(output) == 0
    first = current_folder(output)
    (output / "current_id=20200101T000000.000Z-000000" / "tracks").mkdir(parents=True)
    write_run(output, Past(run_id(3), (Row("t02", audio="back"),)))
    assert "t02" in set(open_tables(str(output)).read("tracks")["track_id"])
    assert compact(output) == 0
    assert current_folder(output) > first
    assert {row["run_id"] for row in rows_in(current_folder(output), "tracks")} == {
        run_id(1),
        run_id(2),
        run_id(3),
    }


def test_a_dry_run_says_what_would_be_done_and_does_nothing(
    output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = sorted(output.rglob("*"))
    assert compact(output, "--dry-run", "--keep", 1) == 0
    assert sorted(output.rglob("*")) == files
    printed = capsys.readouterr().out
    assert "would compact 2 runs, with these rows:\n" in printed
    assert f"  mood_tags: {41 * len(TAGS)}\n" in printed
    assert f"would remove run {run_id(1)}: 0.0 MB\n" in printed


def test_nothing_is_removed_while_a_run_may_be_at_work(
    output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compact(output) == 0
    first = current_folder(output)
    write_run(output, Past(run_id(3), (Row("t02", audio="back"),)))
    working = output / STAGING / "29990101T000000.000Z-aaaaaa"
    working.mkdir(parents=True)
    assert compact(output, "--keep", 1) == 0
    assert len(list(output.glob("run_id=*"))) == 3
    assert len(list(output.glob("current_id=*"))) == 2
    assert f"not removed, for run {working.name} may be at work: " in capsys.readouterr().out
    working.rmdir()
    assert compact(output, "--keep", 1) == 0
    assert len(list(output.glob("run_id=*"))) == 1
    assert current_folder(output) != first


def test_rows_that_are_missing_stop_it_before_anything_is_published(
    output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (file,) = output.glob(f"run_id={run_id(1)}/mood_tags/*.parquet")
    pq.write_table(pq.read_table(file).slice(len(TAGS)), file)
    assert compact(output) == 3
    assert "tracks in mood_tags: 38, accounted for: 39; nothing was published" in capsys.readouterr().err
    assert not list(output.glob("current_id=*"))


def test_a_disk_that_is_full_stops_it_and_leaves_nothing(
    output: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("pipelines.output.compacting.row_groups.write_row_group", fail)
    assert compact(output) == 4
    error = capsys.readouterr().err.splitlines()[-1]
    assert "/tracks/part-00000.parquet: No space left on device; nothing was published" in error
    assert not list(output.glob("current_id=*"))


def test_a_compaction_gives_way_to_one_that_was_finished_meanwhile(
    output: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = output / "current_id=29990101T000000.000Z-aaaaaa"

    def finish(*_: object) -> None:
        other.mkdir()
        (other / "current.json").write_text("{}")

    monkeypatch.setattr(compaction, "_check", finish)
    assert compact(output) == 2
    assert f"compaction {other.name[11:]} was finished meanwhile" in capsys.readouterr().err
    assert current_folder(output) == other


def test_a_compaction_that_is_replaced_while_it_is_looked_for_is_looked_for_again(
    output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compact(output) == 0
    found = [
        ["20200101T000000.000Z-000000"],
        *[committed_ids(str(output), "current_id=", "current.json")] * 2,
    ]

    def stale(output_uri: str, prefix: str, file: str) -> list[str]:
        return found.pop(0) if prefix == "current_id=" else committed_ids(output_uri, prefix, file)

    monkeypatch.setattr(committed, "committed_ids", stale)
    current = read_committed(str(output)).current
    assert current is not None
    assert current_folder(output).name == f"current_id={current['current_id']}"


def test_an_output_can_have_any_name(tmp_path: Path) -> None:
    output = tmp_path / "it's [all] {moods}, 100 %"
    for past in (first_run(), second_run()):
        write_run(output, past)
    before_ = all_rows(output)
    assert compact(output, "--keep", 0) == 0
    assert all_rows(output) == before_
    assert main(["diff", str(output), "latest", "latest"]) == 0


def test_an_output_without_runs_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compact(tmp_path) == 2
    assert capsys.readouterr().err == f"moodscribe compact: {tmp_path}: no committed run there\n"


def test_one_run_that_has_read_nothing_is_compacted(tmp_path: Path) -> None:
    write_run(tmp_path, Past(run_id(1), ()))
    assert compact(tmp_path) == 0
    assert len(open_tables(str(tmp_path)).read("mood_tags")) == 0


def test_plain_duckdb_finds_the_best_of_a_tag(output: Path) -> None:
    assert compact(output) == 0
    (output / "current_id=29990101T000000.000Z-unfinished").mkdir()
    rows, record = (
        f"{output}/current_id=*/{name}" for name in ("mood_tags_by_tag/*.parquet", "current.json")
    )
    sql = """
        SELECT score FROM read_parquet(?) WHERE tag = 'happy'
        AND current_id = (SELECT max(current_id) FROM read_json(?)) ORDER BY score DESC LIMIT 3
    """
    found = duckdb.execute(sql, [rows, record]).fetchall()
    scores = sorted(
        (score(one, run_id(2 if one == "t01" else 1), "happy") for one in IDS if one != "t02"), reverse=True
    )
    assert [value for (value,) in found] == scores[:3]
