"""The tables: records and columns agree, rows come back from Parquet as they were, the account adds up."""

from __future__ import annotations

import pickle
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.antonyms import ANTONYMS, AntonymRow
from schemas.emotion_curves import EMOTION_CURVES, EmotionCurveRow
from schemas.errors import RETRYABLE, DataError, FailureKind, Stage
from schemas.failures import FAILURES, FailureRow, failure_row
from schemas.identity import RunIdentity, new_run_id
from schemas.mood_tags import MOOD_TAGS, MoodTagRow
from schemas.run import unbalanced
from schemas.table import Table, as_mapping, to_arrow
from schemas.tables import MOODS, carried_name, tables_of_run
from schemas.tracks import TRACKS, TrackRow
from schemas.work import WorkKey, hash_of
from transforms.writing.parts import Part, PartWriter

TABLES = tables_of_run(MOODS, [])

RUN_ID = "20261121T065501.123Z-1f9c04"
# Ids as catalogues have them: nothing in them may be lost or taken for a separator.
IDS = ("plain", "0007", "", "line\nbreak\r\n", "quo\"te's, comma", "🎵🥁 и ∞", "tab\tnull\0", "e\u0301 é")

# Every number is one that float32 holds exactly, so that equal means equal.
FULL_TRACK = TrackRow(
    track_id="a",
    uri="/music/🎵\nb.flac",
    status="duplicate",
    reason="touched",
    run_id=RUN_ID,
    bundle="default-0.1.0-0123456789ab",
    input="/music",
    front_end_hash="00fc",
    model_hash="00fd",
    settings_hash="00fe",
    decision_hash="00ff",
    columns_hash="",
    failure=None,
    duplicate_of="0",
    source_version="1099511627776 1764000000000000000",
    content_md5="1B2M2Y8AsgTpgAmY7PhCfg==",
    audio_sha256="aa",
    file_sha256="bb",
    bytes=1 << 40,
    duration_s=240.5,
    decoded_s=240.25,
    partial_decode=False,
    sample_rate_hz=44_100,
    channels=2,
    codec="flac",
)
BARE_TRACK = TrackRow(
    "b", "gs://x/y", "failed", "new", RUN_ID, "default-0.1.0-0123456789ab", "gs://x", *("00ff",) * 4, "00aa"
)
TAG = MoodTagRow("a", "happy", 0.75, 0.5, 0.625, True, 1, 0.125, "B", False, "sad", RUN_ID)
ANTONYM = AntonymRow(
    track_id="a",
    pair="calm-excited",
    first="calm",
    second="excited",
    share=0.75,
    spread=0.125,
    start_s=0.0,
    step_s=10.0,
    shares=[0.5, 1.0],
    run_id=RUN_ID,
)
CURVE = EmotionCurveRow(
    track_id="a",
    start_s=0.0,
    step_s=0.5,
    valence=[0.5, -0.25, 0.0],
    arousal=[1.0, -1.0, 0.125],
    valence_spread=[0.0, 0.0, 0.5],
    arousal_spread=[0.25, 0.0, 0.0],
    valence_mean=0.0625,
    valence_min=-0.25,
    valence_max=0.5,
    valence_slope=-3.5,
    arousal_mean=0.0,
    arousal_min=-1.0,
    arousal_max=1.0,
    arousal_slope=2.0,
    q1_share=0.5,
    q2_share=0.25,
    q3_share=0.25,
    q4_share=0.0,
    quadrant="Q1",
    change_points_s=[],
    colour="#ffbe0b",
    colour_step_s=5.0,
    colours=["#ffbe0b", "#000000"],
    run_id=RUN_ID,
)
FAILURE = FailureRow("a", "/x", "decode", "decoder_crash", "ended with SIGSEGV\n", 3, False, RUN_ID)

RECORDS = pytest.mark.parametrize(
    ("table", "record"),
    [
        (TRACKS, TrackRow),
        (MOOD_TAGS, MoodTagRow),
        (EMOTION_CURVES, EmotionCurveRow),
        (ANTONYMS, AntonymRow),
        (FAILURES, FailureRow),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
ROWS = pytest.mark.parametrize(
    ("table", "row"),
    [
        (TRACKS, FULL_TRACK),
        (TRACKS, BARE_TRACK),
        (MOOD_TAGS, TAG),
        (EMOTION_CURVES, CURVE),
        (ANTONYMS, ANTONYM),
        (FAILURES, FAILURE),
    ],
    ids=["full track", "bare track", "tag", "curve", "antonym", "failure"],
)


def written(folder: Path, table: Table, rows: list[Any], *, rows_per_file: int = 1000) -> list[Part]:
    writer = PartWriter(str(folder), {table.name: table}, rows_per_file=rows_per_file)
    return [*writer.write(table.name, rows), *writer.close()]


def read_back(part: Part) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(part.uri).to_pylist()
    return rows


def balanced() -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """An account that adds up, with 5 tags: counts, rows, rows a track."""
    counts = {"read": 30, "tagged": 8, "duplicate": 2, "failed": 4, "skipped": 3}
    counts |= {"unchanged": 7, "left": 6, "gone": 5}
    rows = {"tracks": 22, "mood_tags": 50, "emotion_curves": 10, "failures": 4}
    return counts, rows, {"mood_tags": 5, "emotion_curves": 1}


@RECORDS
def test_a_record_has_the_columns_of_its_table(table: Table, record: type[Any]) -> None:
    names = [field.name for field in fields(record)]
    assert sorted(names) == sorted(column.name for column in table.columns)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("table", "record"),
    [(MOOD_TAGS, MoodTagRow), (EMOTION_CURVES, EmotionCurveRow), (FAILURES, FailureRow)],
    ids=["mood_tags", "emotion_curves", "failures"],
)
def test_a_records_fields_stand_in_the_order_of_the_columns(table: Table, record: type[Any]) -> None:
    assert [field.name for field in fields(record)] == [column.name for column in table.columns]


def test_a_track_records_required_and_optional_fields_each_stand_in_the_order_of_the_columns() -> None:
    # A dataclass has its fields with a default last, so the two kinds are compared apart.
    for nullable in (False, True):
        columns = [column.name for column in TRACKS.columns if column.nullable is nullable]
        named = [field.name for field in fields(TrackRow) if field.name in columns]
        assert named == columns


@RECORDS
def test_every_column_says_what_it_means(table: Table, record: type[Any]) -> None:
    assert all(column.metadata and column.metadata[b"meaning"].strip() for column in table.columns)


def test_the_tables_are_known_by_their_names() -> None:
    assert list(TABLES) == ["tracks", "mood_tags", "emotion_curves", "antonyms", "failures"]
    assert all(name == table.name for name, table in TABLES.items())


@ROWS
def test_a_row_comes_back_from_parquet_as_it_was(table: Table, row: Any, tmp_path: Path) -> None:
    (part,) = written(tmp_path, table, [row])
    assert read_back(part) == [{column.name: getattr(row, column.name) for column in table.columns}]


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: str(table.name))
def test_name_version_and_meanings_are_in_the_parquet_file(table: Table, tmp_path: Path) -> None:
    row = {
        "tracks": BARE_TRACK,
        "mood_tags": TAG,
        "emotion_curves": CURVE,
        "antonyms": ANTONYM,
        "failures": FAILURE,
    }[table.name]
    (part,) = written(tmp_path, table, [row])
    schema = pq.read_schema(part.uri)
    assert schema.metadata[b"moodscribe.table"] == table.name.encode()
    assert schema.metadata[b"moodscribe.version"] == str(table.version).encode()
    assert schema.names == [column.name for column in table.columns]
    assert [schema.field(name).nullable for name in schema.names] == [
        column.nullable for column in table.columns
    ]
    for column in table.columns:
        assert schema.field(column.name).metadata[b"meaning"] == column.metadata[b"meaning"]


def test_mood_tags_and_tracks_have_left_their_first_versions() -> None:
    versions = {name: table.version for name, table in TABLES.items()}
    assert {name: version for name, version in versions.items() if version != 1} == {
        "tracks": 2,
        "mood_tags": 2,
    }


def test_parquet_parts_are_compressed_with_zstd(tmp_path: Path) -> None:
    (part,) = written(tmp_path, TRACKS, [FULL_TRACK] * 100)
    columns = pq.ParquetFile(part.uri).metadata.row_group(0)
    assert {columns.column(index).compression for index in range(columns.num_columns)} == {"ZSTD"}


def test_ids_of_any_letters_come_back_as_they_were(tmp_path: Path) -> None:
    rows = [
        FailureRow(track_id, track_id, "read", "not_found", track_id, 1, False, RUN_ID) for track_id in IDS
    ]
    (part,) = written(tmp_path, FAILURES, rows)
    found = read_back(part)
    for column in ("track_id", "uri", "message"):
        assert [row[column] for row in found] == list(IDS)


def test_empty_lists_and_lists_of_many_values_come_back_as_they_were(tmp_path: Path) -> None:
    long = [step / 1024 - 1 for step in range(2000)]
    rows = [{**as_mapping(CURVE), "valence": values, "colours": []} for values in ([], long)]
    (part,) = written(tmp_path, EMOTION_CURVES, rows)
    assert [row["valence"] for row in read_back(part)] == [[], long]
    assert [row["colours"] for row in read_back(part)] == [[], []]


@ROWS
def test_a_null_in_a_required_column_is_refused(table: Table, row: Any) -> None:
    for column in table.columns:
        if column.nullable:
            continue
        rows = [as_mapping(row), {**as_mapping(row), column.name: None}]
        with pytest.raises(pa.ArrowInvalid, match=f"column {column.name} has a null"):
            to_arrow(rows, table.schema)


def test_a_mapping_without_a_required_column_is_refused() -> None:
    row = as_mapping(TAG)
    del row["threshold"]
    with pytest.raises(pa.ArrowInvalid, match="column threshold has a null"):
        to_arrow([row], MOOD_TAGS.schema)


def test_a_null_inside_a_list_is_refused_before_a_reader_sees_it(tmp_path: Path) -> None:
    row = {**as_mapping(CURVE), "valence": [0.5, None, 0.0]}
    with pytest.raises(pa.ArrowInvalid, match="null"):
        written(tmp_path, EMOTION_CURVES, [row])


@pytest.mark.parametrize(
    ("table", "row", "column", "value"),
    [
        (TRACKS, FULL_TRACK, "channels", 1 << 31),
        (TRACKS, FULL_TRACK, "channels", "two"),
        (MOOD_TAGS, TAG, "rank", 1 << 15),
        (MOOD_TAGS, TAG, "score", "high"),
        (MOOD_TAGS, TAG, "tagged", 2),
        (EMOTION_CURVES, CURVE, "valence", 0.5),
    ],
)
def test_a_value_that_does_not_fit_its_column_is_refused(
    table: Table, row: Any, column: str, value: Any
) -> None:
    with pytest.raises(pa.ArrowException, match=r"\d|string|convert|int|bool|float|list"):
        to_arrow([{**as_mapping(row), column: value}], table.schema)


def test_parts_hold_no_more_rows_than_were_asked_for_and_keep_rows_of_one_track_together(
    tmp_path: Path,
) -> None:
    writer = PartWriter(str(tmp_path), TABLES, rows_per_file=7)
    parts: list[Part] = []
    for track in range(5):  # three rows each: two tracks fit a part of seven
        rows = [replace(TAG, track_id=str(track), tag=tag) for tag in "abc"]
        parts.extend(writer.write("mood_tags", rows))
    parts.extend(writer.close())
    assert [part.rows for part in parts] == [6, 6, 3]
    assert [[row["track_id"] for row in read_back(part)] for part in parts] == [
        [*"000111"],
        [*"222333"],
        [*"444"],
    ]
    assert all(part.bytes == Path(part.uri).stat().st_size for part in parts)
    assert len({part.uri for part in parts}) == 3


def test_rows_beyond_a_row_group_come_back_in_order(tmp_path: Path) -> None:
    rows = [{**as_mapping(CURVE), "track_id": f"{index:05d}"} for index in range(2500)]
    writer = PartWriter(str(tmp_path), {EMOTION_CURVES.name: EMOTION_CURVES}, rows_per_file=10_000)
    parts = [part for row in rows for part in writer.write(EMOTION_CURVES.name, [row])]
    (part,) = [*parts, *writer.close()]
    file = pq.ParquetFile(part.uri)
    assert file.metadata.num_rows == 2500
    groups = [file.metadata.row_group(index).num_rows for index in range(file.metadata.num_row_groups)]
    assert max(groups) <= EMOTION_CURVES.row_group_rows
    ids = pq.read_table(part.uri, columns=["track_id"]).column(0).to_pylist()
    assert ids == [f"{index:05d}" for index in range(2500)]


def test_two_tables_written_in_turn_do_not_mix(tmp_path: Path) -> None:
    writer = PartWriter(str(tmp_path), TABLES, rows_per_file=100)
    parts = [*writer.write("failures", [FAILURE]), *writer.write("mood_tags", [TAG, TAG]), *writer.close()]
    assert {part.table: part.rows for part in parts} == {"failures": 1, "mood_tags": 2}
    for part in parts:
        assert pq.read_schema(part.uri).metadata[b"moodscribe.table"] == part.table.encode()


def test_columns_of_a_manifest_are_carried_behind_our_own_and_may_be_null(tmp_path: Path) -> None:
    further = [pa.field("artist", pa.string(), nullable=False), pa.field("bpm", pa.float64())]
    table = tables_of_run(MOODS, further)["tracks"]
    assert [column.name for column in table.columns[-2:]] == ["artist", "bpm"]
    assert table.columns[: len(TRACKS.columns)] == TRACKS.columns
    rows = [{**as_mapping(BARE_TRACK), "artist": "Ø 🎷", "bpm": 120.5}, as_mapping(FULL_TRACK)]
    (part,) = written(tmp_path, table, rows)
    assert [(row["artist"], row["bpm"]) for row in read_back(part)] == [("Ø 🎷", 120.5), (None, None)]


def test_a_manifest_changes_no_table_but_tracks() -> None:
    tables = tables_of_run(MOODS, [pa.field("artist", pa.string())])
    assert {name for name in TABLES if tables[name] is not TABLES[name]} == {"tracks"}
    assert [column.name for column in TABLES["tracks"].columns] == [column.name for column in TRACKS.columns]


@pytest.mark.parametrize("name", [column.name for column in TRACKS.columns])
def test_a_manifests_column_with_a_name_of_ours_gets_a_prefix(name: str) -> None:
    assert carried_name(name) == f"manifest_{name}"


@pytest.mark.parametrize("name", ["artist", "Status", "manifest_status", "score", ""])
def test_any_other_column_of_a_manifest_keeps_its_name(name: str) -> None:
    assert carried_name(name) == name


def test_an_account_that_adds_up_has_nothing_to_say() -> None:
    counts, rows, each = balanced()
    assert unbalanced(counts, rows, rows_a_track=each) == []


INPUTS = "inputs read: 30, accounted for: {}"
TRACK_ROWS = "rows of tracks: 22, accounted for: {}"


@pytest.mark.parametrize("by", [-1, 1], ids=["one less", "one more"])
@pytest.mark.parametrize(
    ("part", "name", "sentences"),
    [
        ("counts", "read", ["inputs read: {}, accounted for: 30"]),
        ("counts", "skipped", [INPUTS, TRACK_ROWS]),
        ("counts", "failed", [INPUTS, TRACK_ROWS, "rows of failures: 4, accounted for: {}"]),
        # What is unchanged or left for another run is read and has no row; what is gone is the reverse.
        ("counts", "unchanged", [INPUTS]),
        ("counts", "left", [INPUTS]),
        ("counts", "gone", [TRACK_ROWS]),
        ("rows", "tracks", ["rows of tracks: {}, accounted for: 22"]),
        ("rows", "mood_tags", ["rows of mood_tags: {}, accounted for: 50"]),
        ("rows", "emotion_curves", ["rows of emotion_curves: {}, accounted for: 10"]),
        ("rows", "failures", ["rows of failures: {}, accounted for: 4"]),
    ],
)
def test_what_is_off_by_one_in_the_account_is_named(
    part: str, name: str, sentences: list[str], by: int
) -> None:
    counts, rows, each = balanced()
    changed = counts if part == "counts" else rows
    before = changed[name]
    changed[name] += by
    sums = {INPUTS: 30 + by, TRACK_ROWS: 22 + by}
    found = unbalanced(counts, rows, rows_a_track=each)
    assert found == [sentence.format(sums.get(sentence, before + by)) for sentence in sentences]


@pytest.mark.parametrize("name", ["tagged", "duplicate"])
@pytest.mark.parametrize("by", [-1, 1])
def test_one_result_too_few_or_too_many_shows_in_four_lines(name: str, by: int) -> None:
    counts, rows, each = balanced()
    counts[name] += by
    assert unbalanced(counts, rows, rows_a_track=each) == [
        INPUTS.format(30 + by),
        TRACK_ROWS.format(22 + by),
        f"rows of mood_tags: 50, accounted for: {50 + 5 * by}",
        f"rows of emotion_curves: 10, accounted for: {10 + by}",
    ]


def test_a_run_over_nothing_adds_up() -> None:
    counts = dict.fromkeys(balanced()[0], 0)
    rows = dict.fromkeys(TABLES, 0)
    assert unbalanced(counts, rows, rows_a_track={"mood_tags": 56, "emotion_curves": 1}) == []


def test_a_failures_row_says_what_the_error_says() -> None:
    error = DataError(FailureKind.STORAGE, Stage.READ, "503 from the store", attempts=3)
    assert failure_row("a", "gs://b/c", error, run_id=RUN_ID) == FailureRow(
        "a", "gs://b/c", "read", "storage", "503 from the store", 3, True, RUN_ID
    )


@pytest.mark.parametrize("kind", FailureKind)
def test_a_data_error_survives_the_way_between_processes(kind: FailureKind) -> None:
    error = DataError(kind, Stage.DECODE, "message with value 7", attempts=2)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert isinstance(again, DataError)
    assert (again.kind, again.stage, again.message, again.attempts, str(again)) == (
        kind,
        Stage.DECODE,
        "message with value 7",
        2,
        "message with value 7",
    )
    assert again.retryable is (kind in RETRYABLE)


def test_run_ids_sort_by_time_and_differ_within_a_millisecond() -> None:
    begin = datetime(2026, 12, 31, 23, 59, 59, 998_000, tzinfo=UTC)
    ids = [new_run_id(begin + timedelta(milliseconds=step)) for step in range(4)]
    assert ids == sorted(ids)
    assert ids[0].startswith("20261231T235959.998Z-")
    assert len({new_run_id(begin) for _ in range(50)}) == 50


def test_the_hash_of_settings_depends_on_values_and_not_on_their_order() -> None:
    one = hash_of({"coverage": "whole", "stride_s": 20.0})
    assert one == hash_of({"stride_s": 20.0, "coverage": "whole"})
    assert one != hash_of({"coverage": "whole", "stride_s": 10.0})


def test_a_runs_folders_lie_under_its_output() -> None:
    identity = RunIdentity("r1", "b", WorkKey("f", "m", "s", "d"), "gs://bucket/moods")
    assert identity.run_uri == "gs://bucket/moods/run_id=r1"
    assert identity.staging_uri == "gs://bucket/moods/.staging/r1"
