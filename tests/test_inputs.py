"""Inputs: every name of a folder and row of a manifest becomes a track or an outcome that says why."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import json
import os
import threading
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import DataError, FailureKind, Stage
from schemas.identity import RunIdentity
from schemas.table import to_arrow
from schemas.tables import tables_of_run
from schemas.track import FileFacts, Outcome, Track, TrackGroup
from schemas.tracks import Status
from schemas.work import WorkKey
from transforms.duplicates import Resolved, group_key, group_tracks, resolve_duplicates
from transforms.inputs.listing import looks_like_audio
from transforms.inputs.stage import InputSpec, inspect_input, read_input
from transforms.storage import (
    describe,
    has_glob,
    is_local,
    join,
    local_path,
    read_bytes,
    scheme,
    write_text,
)
from transforms.writing.stage import track_row

IDENTITY = RunIdentity("r", "b", WorkKey("f", "m", "s", "d"), "/out")
ODD_NAMES = (
    "new\nline.wav",
    "'single' \"double\".wav",
    "🎵 и ∞.wav",
    "[brackets]*?.wav",
    "comma, semi;colon & percent%20.wav",
    "-dash.wav",
    " leading space.wav",
    "#hash?query=1.wav",
    "back\\slash.wav",
)


def put(folder: Path, *names: str) -> None:
    """Files of one byte."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def everything(uri: str | Path) -> list[Track | Outcome]:
    """What reading an input gives, after the look at it that comes first."""
    return list(read_input(inspect_input(str(uri))))


def tracks_of(items: Sequence[Track | Outcome]) -> list[Track]:
    return [item for item in items if isinstance(item, Track)]


def outcomes_of(items: Sequence[Track | Outcome], status: Status) -> list[Outcome]:
    return [item for item in items if isinstance(item, Outcome) and item.status is status]


def names_in(folder: Path, items: Sequence[Track | Outcome]) -> list[str]:
    """Names relative to the folder, in the order read."""
    return [
        (item if isinstance(item, Track) else item.track).uri.removeprefix(f"{folder}/") for item in items
    ]


def failure_of(item: Track | Outcome) -> tuple[FailureKind, str]:
    assert isinstance(item, Outcome)
    assert item.status is Status.FAILED
    assert item.error is not None
    assert item.error.stage is Stage.INPUT
    return item.error.kind, item.error.message


# Folders, globs and files that are named.


def test_a_folder_is_read_whole_and_in_order_of_name(tmp_path: Path) -> None:
    put(tmp_path, "b.wav", "a.flac", "z/1.mp3", "y/x/2.ogg", "y/3.m4a")
    items = everything(tmp_path)
    assert names_in(tmp_path, items) == ["a.flac", "b.wav", "y/3.m4a", "y/x/2.ogg", "z/1.mp3"]
    assert all(isinstance(item, Track) and item.track_id == item.uri for item in items)


def test_hidden_files_and_what_is_no_audio_are_skipped_and_accounted_for(tmp_path: Path) -> None:
    put(tmp_path, "a.WAV", ".hidden.wav", "._a.WAV", "cover.jpg", "README", "a.wav.part", "sub/.x.mp3")
    items = everything(tmp_path)
    assert names_in(tmp_path, tracks_of(items)) == ["a.WAV"]
    skipped = outcomes_of(items, Status.SKIPPED)
    assert sorted(names_in(tmp_path, skipped)) == sorted(
        ["._a.WAV", ".hidden.wav", "README", "a.wav.part", "cover.jpg", "sub/.x.mp3"]
    )
    assert all(outcome.error is None for outcome in skipped)


def test_files_of_one_name_in_two_folders_are_two_tracks(tmp_path: Path) -> None:
    put(tmp_path, "one/01 Intro.mp3", "two/01 Intro.mp3")
    tracks = tracks_of(everything(tmp_path))
    assert len({track.track_id for track in tracks}) == 2
    assert len({group_key(track) for track in tracks}) == 2


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_file_of_any_name_is_found_and_can_be_read(name: str, tmp_path: Path) -> None:
    put(tmp_path, f"folder/{name}", "folder/plain.wav")
    items = everything(tmp_path)
    assert sorted(names_in(tmp_path, items)) == sorted([f"folder/{name}", "folder/plain.wav"])
    assert [read_bytes(track.uri, max_bytes=1) for track in tracks_of(items)] == [b"x", b"x"]
    # Named on its own it is that file, even where the name could be a pattern.
    alone = f"{tmp_path}/folder/{name}"
    (track,) = tracks_of(everything(alone))
    assert (track.track_id, track.uri) == (alone, alone)


def test_a_folder_with_a_name_like_a_pattern_is_that_folder(tmp_path: Path) -> None:
    put(tmp_path, "[live] 19?8 */a.wav", "l/b.wav")
    assert names_in(tmp_path, everything(tmp_path / "[live] 19?8 *")) == ["[live] 19?8 */a.wav"]


@pytest.mark.parametrize("alone", [True, False], ids=["named", "in a folder"])
def test_a_name_that_is_not_utf_8_fails_as_such_and_can_stand_in_a_table(alone: bool, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    path.write_bytes(b"x")
    (item,) = everything(path if alone else tmp_path)
    kind, message = failure_of(item)
    shown = f"{tmp_path}/caf\\xe9.wav"
    assert (kind, message) == (FailureKind.BAD_URI, f"the name is not UTF-8: {shown}")
    assert isinstance(item, Outcome)
    rows = [track_row(Resolved(item), IDENTITY, input_uri=str(tmp_path))]
    assert to_arrow(rows, tables_of_run({}, [])["tracks"].schema).to_pylist()[0]["uri"] == shown


def test_links_to_folders_are_not_followed_and_a_loop_of_them_ends(tmp_path: Path) -> None:
    put(tmp_path / "music", "a/b/x.wav")
    put(tmp_path / "elsewhere", "y.wav")
    (tmp_path / "music/a/loop").symlink_to(tmp_path / "music")
    (tmp_path / "music/far").symlink_to(tmp_path / "elsewhere")
    items = everything(tmp_path / "music")
    assert names_in(tmp_path, tracks_of(items)) == ["music/a/b/x.wav"]
    # Not followed, but not lost without a word either.
    assert names_in(tmp_path, outcomes_of(items, Status.SKIPPED)) == ["music/far", "music/a/loop"]


def test_links_to_files_are_read_and_broken_ones_fail_when_they_are(tmp_path: Path) -> None:
    put(tmp_path / "store", "x.wav")
    (tmp_path / "music").mkdir()
    (tmp_path / "music/good.wav").symlink_to(tmp_path / "store/x.wav")
    (tmp_path / "music/broken.wav").symlink_to(tmp_path / "store/gone.wav")
    broken, good = tracks_of(everything(tmp_path / "music"))
    assert read_bytes(good.uri, max_bytes=1) == b"x"
    with pytest.raises(DataError, match="no such file") as caught:
        read_bytes(broken.uri, max_bytes=1)
    assert caught.value.kind is FailureKind.NOT_FOUND


def test_a_folder_that_cannot_be_looked_into_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a/x.wav", "locked/y.wav", "z.wav")
    scandir = os.scandir

    def locked(path: Any) -> Any:
        if Path(path).name == "locked":  # what a missing permission does, which root never lacks
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", locked)
    items = everything(tmp_path)
    assert names_in(tmp_path, tracks_of(items)) == ["z.wav", "a/x.wav"]
    (failed,) = outcomes_of(items, Status.FAILED)
    assert failure_of(failed) == (FailureKind.NOT_READABLE, "the folder: Permission denied")
    assert names_in(tmp_path, [failed]) == ["locked"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.wav", ["a.wav"]),
        ("**/*.wav", ["a.wav", "one/b.wav", "one/two/c.wav"]),
        ("one/*", ["one/b.wav", "one/note.txt", "one/two/c.wav"]),
        ("o?e/[ab].*", ["one/b.wav"]),
        # Both match folders as well as what is in them: each file once all the same.
        ("**", ["a.wav", "one/b.wav", "one/note.txt", "one/two/c.wav"]),
        ("**/*", ["a.wav", "one/b.wav", "one/note.txt", "one/two/c.wav"]),
    ],
)
def test_a_glob_finds_each_file_once(pattern: str, found: list[str], tmp_path: Path) -> None:
    put(tmp_path, "a.wav", "one/b.wav", "one/two/c.wav", "one/note.txt")
    items = everything(f"{tmp_path}/{pattern}")
    assert sorted(names_in(tmp_path, items)) == found
    skipped = [name for name in found if name.endswith(".txt")]
    assert names_in(tmp_path, outcomes_of(items, Status.SKIPPED)) == skipped


@pytest.mark.parametrize("name", ["song", "song.bin", ".hidden", "song.txt"])
def test_a_file_that_is_named_is_read_whatever_its_name(name: str, tmp_path: Path) -> None:
    put(tmp_path, name)
    version = describe(f"{tmp_path}/{name}").source_version
    assert everything(tmp_path / name) == [
        Track(f"{tmp_path}/{name}", f"{tmp_path}/{name}", source_version=version)
    ]


def test_a_relative_input_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "music/a.wav")
    monkeypatch.chdir(tmp_path)
    for uri in ("music", "music/", "./music", "music/a.wav", "music/*.wav"):
        assert [track.uri for track in tracks_of(everything(uri))] == [f"{tmp_path}/music/a.wav"], uri


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "no such file or folder"),
        ("empty", "no files there"),
        ("*.nothing", "no files there"),
        ("nothing.csv", "no such manifest"),
    ],
)
def test_an_input_with_nothing_in_it_is_refused_by_name(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=message) as caught:
        inspect_input(f"{tmp_path}/{name}")
    assert caught.value.kind is FailureKind.NOT_FOUND
    assert name in caught.value.message


@pytest.mark.parametrize(
    ("name", "audio"),
    [
        ("a.mp3", True),
        ("x/y.FLAC", True),
        ("gs://b/c.Opus", True),
        ("a.b.wav", True),
        ("a", False),
        ("a.csv", False),
        ("mp3", False),
        (".mp3", False),
        ("x/.a.mp3", False),
        ("a.mp3.txt", False),
    ],
)
def test_audio_is_known_by_its_suffix(name: str, audio: bool) -> None:
    assert looks_like_audio(name) is audio


def csv_manifest(folder: Path, text: str | bytes) -> Path:
    path = folder / "catalogue.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def jsonl_manifest(folder: Path, *lines: Any) -> Path:
    path = folder / "catalogue.jsonl"
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.write_bytes(b"\n".join(texts) + b"\n")
    return path


def parquet_manifest(folder: Path, columns: Mapping[str, Any]) -> Path:
    path = folder / "catalogue.parquet"
    pq.write_table(pa.table(dict(columns)), path)
    return path


def spec_columns(spec: InputSpec) -> dict[str, str]:
    assert spec.manifest_columns is not None
    return {field.name: str(field.type) for field in spec.manifest_columns}


def as_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of `tracks` that a manifest's tracks would have, through the table of that run."""
    spec = inspect_input(str(path))
    rows = [
        track_row(
            Resolved(item if isinstance(item, Outcome) else Outcome(item, Status.TAGGED)),
            IDENTITY,
            input_uri=spec.uri,
        )
        for item in read_input(spec)
    ]
    table: list[dict[str, Any]] = to_arrow(
        rows, tables_of_run({}, spec.manifest_columns or ())["tracks"].schema
    ).to_pylist()
    return table


# CSV, JSON lines and Parquet with track_id and uri.


def test_the_three_formats_say_the_same(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"track_id": "0007", "uri": "a.wav", "artist": 'Ünal, "X"\nY'},
        {"track_id": "🎵", "uri": "sub/b c.mp3", "artist": None},
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    expected = [
        Track("0007", f"{tmp_path}/a.wav", {"artist": 'Ünal, "X"\nY'}, 1),
        Track("🎵", f"{tmp_path}/sub/b c.mp3", {"artist": None}, 2),
    ]
    assert everything(csv_manifest(tmp_path, text.getvalue())) == expected
    assert everything(jsonl_manifest(tmp_path, *rows)) == expected
    assert everything(parquet_manifest(tmp_path, columns)) == expected


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["unix", "windows"])
def test_a_manifest_from_a_spreadsheet_is_read(mark: bytes, end: bytes, tmp_path: Path) -> None:
    text = mark + end.join([b"track_id,uri,note", b"1,a.wav,x", b"2,b.wav,", b"", b""])
    assert everything(csv_manifest(tmp_path, text)) == [
        Track("1", f"{tmp_path}/a.wav", {"note": "x"}, 1),
        Track("2", f"{tmp_path}/b.wav", {"note": None}, 2),
    ]


def test_a_byte_order_mark_before_json_is_no_part_of_it(tmp_path: Path) -> None:
    path = jsonl_manifest(tmp_path, b'\xef\xbb\xbf{"track_id": "1", "uri": "a"}', b"", b"  ")
    assert everything(path) == [Track("1", f"{tmp_path}/a", {}, 1)]


def test_csv_is_text_as_it_is_written(tmp_path: Path) -> None:
    path = csv_manifest(tmp_path, "track_id,uri,year,score\n007,a.wav,1999,1.50\n1e3,b.wav,NA,true\n")
    assert spec_columns(inspect_input(str(path))) == {"year": "string", "score": "string"}
    assert [(track.track_id, dict(track.columns)) for track in tracks_of(everything(path))] == [
        ("007", {"year": "1999", "score": "1.50"}),
        ("1e3", {"year": "NA", "score": "true"}),
    ]


def test_quoted_newlines_and_quotes_stay_in_their_cell(tmp_path: Path) -> None:
    path = csv_manifest(tmp_path, 'uri,track_id,note\n"a, b.wav","line\r\nbreak","say ""hi""\n"\n')
    assert everything(path) == [Track("line\r\nbreak", f"{tmp_path}/a, b.wav", {"note": 'say "hi"\n'}, 1)]


@pytest.mark.parametrize(
    ("header", "missing", "found"),
    [
        ("id,uri", "track_id", "id, uri"),
        ("track_id,path", "uri", "track_id, path"),
        ("track_id;uri", "track_id", "track_id;uri"),
        ("Track_ID,URI", "track_id", "Track_ID, URI"),
        ("", "track_id", "none"),
    ],
)
def test_a_csv_without_its_columns_is_refused_with_those_it_has(
    header: str, missing: str, found: str, tmp_path: Path
) -> None:
    path = csv_manifest(tmp_path, f"{header}\n1,a.wav\n" if header else "")
    expected = f"column '{missing}' is missing; its columns: {found}"
    with pytest.raises(DataError, match=expected) as caught:
        inspect_input(str(path))
    assert caught.value.kind is FailureKind.BAD_INPUT
    assert str(path) in caught.value.message


def test_json_and_parquet_without_their_columns_are_refused_too(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="column 'uri' is missing; its columns: track_id, url"):
        inspect_input(str(jsonl_manifest(tmp_path, {"track_id": "1", "url": "a"})))
    with pytest.raises(DataError, match="column 'track_id' is missing; its columns: uri"):
        inspect_input(str(parquet_manifest(tmp_path, {"uri": ["a"]})))


@pytest.mark.parametrize(
    "data",
    [b"", b"PAR1", b"not Parquet at all", b"PAR1" + b"\x99" * 60 + (50).to_bytes(4, "little") + b"PAR1"],
    ids=["empty", "magic", "text", "broken footer"],
)
def test_what_is_no_parquet_is_refused_by_name(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "catalogue.parquet"
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"catalogue\.parquet: not Parquet: .") as caught:
        inspect_input(str(path))
    assert caught.value.kind is FailureKind.BAD_INPUT


@pytest.mark.parametrize("lines", [[], [b"[1, 2]"], [b"track_id,uri", b"1,a.wav"]], ids=str)
def test_json_lines_without_an_object_are_refused(lines: list[bytes], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"catalogue\.jsonl: no line of it is a JSON object"):
        inspect_input(str(jsonl_manifest(tmp_path, *lines)))


@pytest.mark.parametrize(
    "header",
    [
        "track_id,uri,uri",
        "track_id,track_id,uri",
        "track_id,uri,a,a",
        "track_id,uri,status,manifest_status",
    ],
)
def test_two_columns_of_one_name_are_refused(header: str, tmp_path: Path) -> None:
    path = csv_manifest(tmp_path, f"{header}\n1,2,3,4\n")
    with pytest.raises(DataError, match="two columns have the same name") as caught:
        inspect_input(str(path))
    assert caught.value.kind is FailureKind.BAD_INPUT


def test_a_header_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = csv_manifest(tmp_path, "track_id,uri,jahr_größe\n".encode("latin-1"))
    with pytest.raises(DataError, match="the header is not UTF-8"):
        inspect_input(str(path))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("2", "1 values for 3 columns"),
        ("2,b.wav", "2 values for 3 columns"),
        ("2,b.wav,x,y", "4 values for 3 columns"),
        (",b.wav,x", "track_id is empty"),
        ("2,,x", "uri is empty"),
        (",,", "track_id is empty"),
        (b"2,caf\xe9.wav,x", "not UTF-8"),
        (b"2,b.wav,\xff", "not UTF-8"),
    ],
)
def test_a_bad_row_of_a_csv_fails_alone(row: str | bytes, message: str, tmp_path: Path) -> None:
    data = row if isinstance(row, bytes) else row.encode()
    path = csv_manifest(tmp_path, b"track_id,uri,note\n1,a.wav,x\n" + data + b"\n3,c.wav,\n")
    before, bad, after = everything(path)
    assert (before, after) == (
        Track("1", f"{tmp_path}/a.wav", {"note": "x"}, 1),
        Track("3", f"{tmp_path}/c.wav", {"note": None}, 3),
    )
    assert failure_of(bad) == (FailureKind.BAD_MANIFEST_ROW, f"row 2 of {path}: {message}")
    as_rows(path)  # what is wrong with it can be written down


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "not JSON"),
        (b"nonsense", "not JSON"),
        (b"[1, 2]", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"track_id": "2"}', "uri is empty"),
        (b'{"uri": "b.wav"}', "track_id is empty"),
        (b'{"track_id": null, "uri": "b.wav"}', "track_id is empty"),
        (b'{"track_id": "", "uri": "b.wav"}', "track_id is empty"),
        (b'{"track_id": "caf\xe9", "uri": "b.wav"}', "not JSON"),
        (rb'{"track_id": "\ud800", "uri": "b.wav"}', "not UTF-8"),
        (rb'{"track_id": "2", "uri": "b.wav", "note": "\udfff"}', "not UTF-8"),
        (rb'{"track_id": "2", "uri": "b.wav", "note": {"a": ["\ud800"]}}', "not UTF-8"),
        (rb'{"track_id": "2", "uri": "b.wav", "\ud800": 1}', "a name in it is not UTF-8"),
        (b'{"track_id": "2", "uri": "b.wav", "note": ' + b"[" * 100_000 + b"}", "not JSON"),
    ],
    ids=lambda value: value[:50] if isinstance(value, bytes) else value,
)
def test_a_bad_line_of_json_fails_alone(line: bytes, message: str, tmp_path: Path) -> None:
    good = [{"track_id": name, "uri": f"{name}.wav", "note": "x"} for name in "13"]
    path = jsonl_manifest(tmp_path, good[0], line, good[1])
    before, bad, after = everything(path)
    assert [track.track_id for track in tracks_of([before, after])] == ["1", "3"]
    kind, found = failure_of(bad)
    assert kind is FailureKind.BAD_MANIFEST_ROW
    assert found.startswith(f"row 2 of {path}: {message}")
    assert len(as_rows(path)) == 3


def test_a_failed_row_without_an_id_gets_one_that_says_where_it_stands(tmp_path: Path) -> None:
    path = csv_manifest(tmp_path, "track_id,uri\n,a.wav\n,b.wav\n")
    assert [row["track_id"] for row in as_rows(path)] == [f"{path}#1", f"{path}#2"]


def test_json_columns_have_the_type_of_their_values(tmp_path: Path) -> None:
    path = jsonl_manifest(
        tmp_path,
        {"track_id": "a", "uri": "a", "year": 1999, "bpm": 120, "live": True, "mixed": 1, "big": 1 << 70},
        {
            "track_id": "b",
            "uri": "b",
            "year": None,
            "bpm": 99.5,
            "live": False,
            "mixed": "x",
            "none": None,
        },
        {
            "track_id": "c",
            "uri": "c",
            "mixed": True,
            "nested": {"k": ["ü", 1]},
            "list": [1, 2],
            "flag": 1,
        },
        {"track_id": "d", "uri": "d", "flag": True},
    )
    assert spec_columns(inspect_input(str(path))) == {
        "year": "int64",
        "bpm": "double",
        "live": "bool",
        "mixed": "string",
        "big": "string",
        "none": "string",
        "nested": "string",
        "list": "string",
        "flag": "string",
    }
    rows = as_rows(path)
    found = {name: [row[name] for row in rows] for name in ("year", "bpm", "live", "mixed", "big", "flag")}
    assert found == {
        "year": [1999, None, None, None],
        "bpm": [120.0, 99.5, None, None],
        "live": [True, False, None, None],
        "mixed": ["1", "x", "true", None],
        "big": [str(1 << 70), None, None, None],
        "flag": [None, None, "1", "true"],
    }
    assert (rows[2]["nested"], rows[2]["list"]) == ('{"k": ["ü", 1]}', "[1, 2]")


@pytest.mark.parametrize("track_id", [0, 7, 1.5, False, -1])
def test_an_id_that_is_a_number_is_its_text(track_id: Any, tmp_path: Path) -> None:
    expected = [Track(str(track_id), f"{tmp_path}/a", {}, 1)]
    assert everything(jsonl_manifest(tmp_path, {"track_id": track_id, "uri": "a"})) == expected
    assert everything(parquet_manifest(tmp_path, {"track_id": [track_id], "uri": ["a"]})) == expected


def test_parquet_columns_keep_their_types_and_values(tmp_path: Path) -> None:
    columns: dict[str, Any] = {
        "track_id": pa.array(["a", "b"]),
        "uri": pa.array(["a", "b"]).dictionary_encode(),
        "year": pa.array([1999, None], pa.int16()),
        "price": pa.array([Decimal("1.50"), None], pa.decimal128(9, 2)),
        "genres": pa.array([["rock", "pop"], []], pa.list_(pa.field("element", pa.string()))),
        "cover": pa.array([b"\xff\x00", None], pa.binary()),
        "added": pa.array([1_700_000_000_123, None], pa.timestamp("ms", tz="UTC")),
        "label": pa.array(["x", "x"]).dictionary_encode(),
        "credits": pa.array([{"by": "z", "n": 1}, None], pa.struct([("by", pa.string()), ("n", pa.int64())])),
    }
    path = parquet_manifest(tmp_path, columns)
    spec = inspect_input(str(path))
    further = {name: str(array.type) for name, array in list(columns.items())[2:]}
    assert spec_columns(spec) == further
    rows = as_rows(path)
    for name in further:
        assert [row[name] for row in rows] == columns[name].to_pylist(), name


def test_null_ids_in_parquet_fail_alone(tmp_path: Path) -> None:
    path = parquet_manifest(tmp_path, {"track_id": ["a", None, "c"], "uri": ["a", "b", None]})
    first, second, third = everything(path)
    assert first == Track("a", f"{tmp_path}/a", {}, 1)
    assert [failure_of(item)[1].rpartition(": ")[2] for item in (second, third)] == [
        "track_id is empty",
        "uri is empty",
    ]


def test_columns_with_names_of_ours_are_carried_under_others(tmp_path: Path) -> None:
    path = csv_manifest(tmp_path, "track_id,uri,status,codec,artist\n1,a.wav,live,vinyl,x\n")
    assert spec_columns(inspect_input(str(path))) == {
        "manifest_status": "string",
        "manifest_codec": "string",
        "artist": "string",
    }
    (row,) = as_rows(path)
    assert (row["status"], row["codec"]) == ("tagged", None)
    assert (row["manifest_status"], row["manifest_codec"], row["artist"]) == ("live", "vinyl", "x")


@pytest.mark.parametrize(
    ("uri", "resolved"),
    [
        ("a.wav", "{folder}/a.wav"),
        ("sub/ü b.wav", "{folder}/sub/ü b.wav"),
        ("./a.wav", "{folder}/./a.wav"),
        ("../a.wav", "{folder}/../a.wav"),
        ("/abs/a.wav", "/abs/a.wav"),
        ("file:///abs/a.wav", "file:///abs/a.wav"),
        ("gs://bucket/a.wav", "gs://bucket/a.wav"),
        ("c: d.wav", "{folder}/c: d.wav"),
    ],
)
def test_relative_uris_are_taken_from_the_manifests_folder(
    uri: str, resolved: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    path = jsonl_manifest(tmp_path, {"track_id": "1", "uri": uri})
    monkeypatch.chdir(tmp_path.parent)
    for given in (path, path.relative_to(tmp_path.parent)):
        (track,) = tracks_of(everything(given))
        assert track.uri == resolved.format(folder=tmp_path)


@pytest.mark.parametrize("name", ["CATALOGUE.CSV", "c.Jsonl"])
def test_the_suffix_of_a_manifest_may_be_in_capitals(name: str, tmp_path: Path) -> None:
    text = "track_id,uri\n1,a.wav\n" if name.endswith("CSV") else '{"track_id": "1", "uri": "a.wav"}\n'
    (tmp_path / name).write_text(text)
    assert everything(tmp_path / name) == [Track("1", f"{tmp_path}/a.wav", {}, 1)]


def test_a_folder_named_like_a_manifest_is_a_folder(tmp_path: Path) -> None:
    put(tmp_path, "old.csv/a.wav")
    assert names_in(tmp_path, everything(tmp_path / "old.csv")) == ["old.csv/a.wav"]


def test_a_manifest_is_read_as_it_streams_in(tmp_path: Path) -> None:
    path = csv_manifest(tmp_path, "track_id,uri\n" + "".join(f"{i},{i}.wav\n" for i in range(20_000)))
    first = list(itertools.islice(read_input(inspect_input(str(path))), 3))
    assert [track.track_id for track in tracks_of(first)] == ["0", "1", "2"]
    assert len(everything(path)) == 20_000


# The same bytes or the same samples are one piece of work.


def test_objects_of_one_checksum_are_copies_of_the_first() -> None:
    tracks = [Track(f"gs://b/{name}", f"gs://b/{name}", content_md5="1B2M") for name in "cab"]
    assert {group_key(track) for track in tracks} == {"md5 1B2M"}
    for order in itertools.permutations(tracks):
        assert [track.track_id for track in group_tracks(order).tracks] == [
            "gs://b/a",
            "gs://b/b",
            "gs://b/c",
        ]


def test_ids_and_checksums_make_keys_that_do_not_meet() -> None:
    keys = [
        group_key(Track("md5 1", "u")),
        group_key(Track("1", "u")),
        group_key(Track("a", "u", content_md5="1")),
    ]
    assert len(set(keys)) == 3


def test_a_track_alone_is_a_group_of_its_own() -> None:
    track = Track("x", "x.wav", {}, 1)
    assert group_tracks([track]) == TrackGroup(track)


def test_equal_audio_is_resolved_alike_in_any_order() -> None:
    facts = FileFacts("f", 1, audio_sha256="a")
    outcomes = [Outcome(Track(name, f"{name}.wav"), Status.TAGGED, facts) for name in ("b", "a", "d", "c")]
    resolved = list(resolve_duplicates(outcomes))
    for order in itertools.permutations(outcomes):
        assert list(resolve_duplicates(order)) == resolved
    assert [(one.outcome.track.track_id, one.outcome.status, one.duplicate_of) for one in resolved] == [
        ("a", Status.TAGGED, None),
        ("b", Status.DUPLICATE, "a"),
        ("c", Status.DUPLICATE, "a"),
        ("d", Status.DUPLICATE, "a"),
    ]
    assert all(one.outcome.facts is facts for one in resolved)


# Reading one file.


def test_all_bytes_of_a_file_are_read(tmp_path: Path) -> None:
    data = np.random.default_rng(4).bytes(100_000)
    (tmp_path / "x").write_bytes(data)
    for uri in (f"{tmp_path}/x", f"file://{tmp_path}/x"):
        assert read_bytes(uri, max_bytes=100_000) == data


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("gone.wav", FailureKind.NOT_FOUND, "no such file"),
        ("gone/x.wav", FailureKind.NOT_FOUND, "no such file"),
        ("folder", FailureKind.NOT_READABLE, "not a regular file"),
        ("empty", FailureKind.EMPTY_FILE, "the file has no bytes"),
        ("eleven", FailureKind.TOO_LARGE, "11 bytes of 9|more than 9 bytes"),
        ("ten", FailureKind.TOO_LARGE, "more than 9 bytes"),
        ("nine/x", FailureKind.NOT_READABLE, "Not a directory"),
        ("n" * 300, FailureKind.NOT_READABLE, "File name too long"),
        ("null\0byte", FailureKind.BAD_URI, "null byte"),
        ("half \ud800", FailureKind.BAD_URI, "surrogates not allowed"),
        ("loop", FailureKind.NOT_READABLE, "Too many levels of symbolic links"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(
    name: str, kind: FailureKind, message: str, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for file, size in (("empty", 0), ("nine", 9), ("ten", 10), ("eleven", 11)):
        (tmp_path / file).write_bytes(b"x" * size)
    with pytest.raises(DataError, match=message) as caught:
        read_bytes(f"{tmp_path}/{name}", max_bytes=9)
    assert (caught.value.kind, caught.value.stage) == (kind, Stage.READ)
    assert read_bytes(f"{tmp_path}/nine", max_bytes=9) == b"x" * 9


def test_a_pipe_that_nobody_writes_into_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)

    def end_it() -> None:
        with contextlib.suppress(OSError):  # no reader hangs, as it should be
            os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))

    rescue = threading.Timer(3.0, end_it)
    rescue.start()
    begin = time.monotonic()
    with pytest.raises(DataError, match="not a regular file") as caught:
        read_bytes(str(pipe), max_bytes=9)
    rescue.cancel()
    assert caught.value.kind is FailureKind.NOT_READABLE
    assert time.monotonic() - begin < 1.0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_not_readable(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    (tmp_path / "x").chmod(0)
    with pytest.raises(DataError, match="Permission denied") as caught:
        read_bytes(f"{tmp_path}/x", max_bytes=1)
    assert caught.value.kind is FailureKind.NOT_READABLE


@pytest.mark.parametrize("uri", ["http://example.invalid/a.mp3", "nosuch://x/y", "ftp://h/x"])
def test_a_scheme_that_nobody_reads_is_a_bad_uri(uri: str) -> None:
    with pytest.raises(DataError, match=scheme(uri)) as caught:
        read_bytes(uri, max_bytes=1)
    assert caught.value.kind is FailureKind.BAD_URI
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("uri", "local", "path"),
    [
        ("/a/b", True, "/a/b"),
        ("a b", True, "a b"),
        ("file:///a", True, "/a"),
        ("FILE:///a", True, "/a"),
        ("gs://b/c", False, ""),
        ("S3://b/c", False, ""),
        ("c:/d", True, "c:/d"),
        ("what: is it://here", True, "what: is it:/here"),
    ],
)
def test_local_uris_are_told_from_others(uri: str, local: bool, path: str) -> None:
    assert is_local(uri) is local
    if local:
        assert str(local_path(uri)) == path


def test_a_pattern_is_one_unless_there_is_a_file_of_that_name(tmp_path: Path) -> None:
    assert has_glob(f"{tmp_path}/a[1].wav")
    (tmp_path / "a[1].wav").write_bytes(b"x")
    assert not has_glob(f"{tmp_path}/a[1].wav")
    assert not has_glob(f"{tmp_path}/a.wav")
    assert has_glob("gs://b/*.wav")


@pytest.mark.parametrize(("folder", "joined"), [("gs://b", "gs://b/x/y"), ("gs://b/", "gs://b/x/y")])
def test_names_are_joined_by_one_slash(folder: str, joined: str) -> None:
    assert join(folder, "x", "y") == joined


def test_a_text_appears_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "new folder" / "run.json"
    for text in ("one", "two 🎵"):
        write_text(str(target), text)
        assert target.read_text("utf-8") == text
    assert list(target.parent.iterdir()) == [target]
