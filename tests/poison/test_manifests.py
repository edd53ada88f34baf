"""Manifests that are not what they should be: one clear failure for what is broken, the rest as ever."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import DataError, FailureKind
from schemas.track import Outcome, Track
from transforms.inputs.manifest_row import MOST_TEXT
from transforms.inputs.stage import inspect_input, read_input
from transforms.storage import read_bytes

LONG = "Ä" * 500 + "🎵" * 500


def items_of(path: Path) -> list[Track | Outcome]:
    """What reading a manifest gives."""
    return list(read_input(inspect_input(str(path))))


def ids(items: Sequence[Track | Outcome]) -> list[str]:
    """Ids of tracks that can be worked on."""
    return [item.track_id for item in items if isinstance(item, Track)]


def problems(items: Sequence[Track | Outcome]) -> list[str]:
    """Messages of failed rows, without where they stand."""
    failed = [item.error for item in items if isinstance(item, Outcome)]
    assert all(error and error.kind is FailureKind.BAD_MANIFEST_ROW for error in failed)
    return [error.message.partition(": ")[2] for error in failed if error]


def csv_of(folder: Path, *lines: str) -> Path:
    """A CSV manifest with a third column, `title`."""
    path = folder / "catalogue.csv"
    path.write_text("\n".join(("track_id,uri,title", *lines)) + "\n", "utf-8")
    return path


def refused(path: Path) -> str:
    """Why a manifest is refused as a whole; it is named."""
    with pytest.raises(DataError, match=r".") as caught:
        inspect_input(str(path))
    assert caught.value.kind is FailureKind.BAD_INPUT
    assert caught.value.message.startswith(str(path))
    return caught.value.message.removeprefix(f"{path}: ")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_text_in_utf_16_is_refused_with_what_to_do(encoding: str, suffix: str, tmp_path: Path) -> None:
    text = {".csv": "track_id,uri\n1,a.wav\n", ".jsonl": '{"track_id": "1", "uri": "a.wav"}\n'}[suffix]
    path = tmp_path / f"catalogue{suffix}"
    path.write_bytes(text.encode(encoding))
    assert refused(path) == "the text is UTF-16 or UTF-32; save it as UTF-8"


@pytest.mark.parametrize(
    "line",
    [
        '2,b.wav,"Blue',  # never closed: all lines that follow would be in its title
        '2,b.wav,"Blue" Hour',
        '"2,b.wav,Blue',
        '2,"b.wav,Blue',
    ],
)
def test_a_quote_that_is_not_closed_costs_its_own_row(line: str, tmp_path: Path) -> None:
    items = items_of(csv_of(tmp_path, "1,a.wav,x", line, '3,c.wav,"Red, ""Green"""', "4,d.wav,", "5,e.wav,x"))
    assert ids(items) == ["1", "3", "4", "5"]
    (problem,) = problems(items)
    assert problem.endswith(f" in {line!r}")


def test_quotes_that_are_not_closed_in_every_row_cost_every_row_once(tmp_path: Path) -> None:
    count = 3_000
    items = items_of(csv_of(tmp_path, *(f'{number},a.wav,"x""' for number in range(count)), "last,b.wav,y"))
    assert ids(items) == ["last"]
    assert len(problems(items)) == count


def test_a_header_with_an_open_quote_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.csv"
    path.write_text('track_id,"uri\n1,a.wav\n')
    assert refused(path).startswith("the header is not CSV: ")


@pytest.mark.parametrize("before", ["", '0,z.wav,"open\n'], ids=["alone", "below an open quote"])
def test_a_line_longer_than_any_row_costs_its_own_row(before: str, tmp_path: Path) -> None:
    path = tmp_path / "catalogue.csv"
    long = "x" * (MOST_TEXT + 10)
    path.write_text(f"track_id,uri,title\n1,a.wav,\n{before}2,b.wav,{long}\n3,c.wav,\n")
    items = items_of(path)
    assert ids(items) == ["1", "3"]
    found = problems(items)
    assert len(found) == 1 + bool(before)
    assert all(problem.startswith("a line of more than 16,777,216 characters in '") for problem in found)


def test_a_line_of_json_longer_than_any_row_costs_its_own_row(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.jsonl"
    rows = [
        {"track_id": name, "uri": "a.wav", "title": title} for name, title in zip("123", "x?x", strict=True)
    ]
    rows[1]["title"] = "x" * MOST_TEXT
    path.write_text("\n".join(map(json.dumps, rows)))
    items = items_of(path)
    assert ids(items) == ["1", "3"]
    assert problems(items) == ["a line of more than 16,777,216 bytes"]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_ids_and_titles_of_a_thousand_characters_and_any_letters_are_kept(
    suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"catalogue{suffix}"
    values = {"track_id": [LONG, "new\nline", "tab\t'\""], "uri": ["a.wav", "b\u2028.wav", "c.wav"]}
    if suffix == ".csv":
        path.write_text(f'track_id,uri\n"{LONG}",a.wav\n"new\nline",b\u2028.wav\n"tab\t\'""",c.wav\n')
    elif suffix == ".jsonl":
        rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        pq.write_table(pa.table(values), path)
    items = items_of(path)
    assert ids(items) == values["track_id"]
    assert [item.uri for item in items if isinstance(item, Track)] == [
        f"{tmp_path}/{uri}" for uri in values["uri"]
    ]


@pytest.mark.parametrize(
    ("uri", "kind", "message"),
    [
        ("nosuch://x/y.wav", FailureKind.BAD_URI, "nosuch"),
        ("gs://", FailureKind.BAD_URI, "gs://"),
        ("a\0b.wav", FailureKind.BAD_URI, "a path cannot have a null byte"),
        ("../nothing/../here.wav", FailureKind.NOT_FOUND, "no such file"),
        ("a%20b.wav", FailureKind.NOT_FOUND, "no such file"),
        ("file:///a%00b.wav", FailureKind.NOT_FOUND, "no such file"),
        ("x" * 1000, FailureKind.NOT_READABLE, "File name too long"),
        ("x/" * 3000, FailureKind.NOT_READABLE, "File name too long"),
        (".", FailureKind.NOT_READABLE, "not a regular file"),
        ("/dev/zero", FailureKind.NOT_READABLE, "not a regular file"),
    ],
    ids=lambda value: value[:20].replace("\0", "NUL") if isinstance(value, str) else value,
)
def test_a_bad_uri_is_read_as_it_is_written_and_says_what_is_wrong(
    uri: str, kind: FailureKind, message: str, tmp_path: Path
) -> None:
    (tmp_path / "a b.wav").write_bytes(b"x")
    (item,) = items_of(csv_of(tmp_path, f'1,"{uri}",'))
    assert isinstance(item, Track)
    with pytest.raises(DataError, match=message) as caught:
        read_bytes(item.uri, max_bytes=10)
    assert caught.value.kind is kind


def test_uris_with_dots_spaces_and_percent_signs_lead_to_the_files_of_those_names(tmp_path: Path) -> None:
    names = ["a b.wav", "a%20b.wav", " c.wav", f"../{tmp_path.name}/d.wav"]
    for name in names:
        (tmp_path / name).write_bytes(name.encode())
    items = items_of(csv_of(tmp_path, *(f"{number},{name}," for number, name in enumerate(names))))
    found = [read_bytes(item.uri, max_bytes=99).decode() for item in items if isinstance(item, Track)]
    assert found == names


@pytest.mark.parametrize("value", [["a"], {"a": 1}], ids=str)
@pytest.mark.parametrize("name", ["track_id", "uri"])
def test_an_id_or_an_uri_that_is_no_text_fails_its_row(name: str, value: object, tmp_path: Path) -> None:
    path = tmp_path / "catalogue.jsonl"
    row = {"track_id": "2", "uri": "b.wav", name: value}
    path.write_text("\n".join(map(json.dumps, [{"track_id": "1", "uri": "a.wav"}, row])))
    items = items_of(path)
    assert ids(items) == ["1"]
    assert problems(items) == [f"{name} is no text: {value}"]


def test_binary_columns_of_parquet_are_text_where_they_are_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.parquet"
    columns = {"track_id": [b"1", b"\xff"], "uri": ["ü.wav".encode(), b"b.wav"]}
    pq.write_table(pa.table(columns), path)
    items = items_of(path)
    assert items[0] == Track("1", f"{tmp_path}/ü.wav", {}, 1)
    assert problems(items) == ["not UTF-8"]


def test_a_value_that_python_does_not_have_fails_its_row(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.parquet"
    added = pa.array([1, 1 << 60, 2], pa.timestamp("ms"))
    pq.write_table(pa.table({"track_id": list("123"), "uri": list("abc"), "added": added}), path)
    items = items_of(path)
    assert ids(items) == ["1", "3"]
    assert len(problems(items)) == 1


def test_a_parquet_manifest_that_is_broken_in_the_middle_is_refused_with_the_row(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.parquet"
    names = [f"{number:06d}" for number in range(8192)]
    pq.write_table(
        pa.table({"track_id": names, "uri": names}), path, row_group_size=4096, use_dictionary=False
    )
    group = pq.ParquetFile(path).metadata.row_group(1).column(0)
    data = bytearray(path.read_bytes())
    data[group.data_page_offset : group.data_page_offset + 3000] = bytes(3000)
    path.write_bytes(data)
    spec = inspect_input(str(path))
    with pytest.raises(DataError, match=rf"{path}: broken after row 4,096: ") as caught:
        list(read_input(spec))
    assert caught.value.kind is FailureKind.BAD_INPUT


def test_a_pipe_named_like_a_manifest_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.csv"
    os.mkfifo(path)
    begin = time.monotonic()
    with pytest.raises(DataError, match="not a regular file") as caught:
        inspect_input(str(path))
    assert caught.value.kind is FailureKind.NOT_READABLE
    assert time.monotonic() - begin < 1
