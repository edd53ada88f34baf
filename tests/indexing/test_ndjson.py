"""`moodscribe index --to ndjson`: a line a document, there whole or not at all."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.indexing import job, sorted_tables
from pipelines.running.workers.ended import WorkerEndedError
from tests.indexing.catalogues import add_run, documents_of, index, refused, tagged
from tests.output.histories import Row
from tests.storage.emulator import google_store
from transforms.indexing import stage
from transforms.indexing.slices import Slice

HOSTILE = '<script>alert("1")</script>\n=cmd|\x00\u2028'


@pytest.fixture
def moods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runs: one track is gone in the second, another has failed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sorted_tables, "_TRACKS_A_SLICE", 2)
    add_run(tmp_path / "moods", 1, *tagged("a", "b", "c", "d", title=HOSTILE))
    gone = Row("b", "gone", reason="gone", uri="/music/b")
    failed = Row("c", "failed", kind="corrupt", uri="/music/c", reason="changed")
    add_run(tmp_path / "moods", 2, gone, failed)
    return tmp_path / "moods"


@pytest.mark.parametrize("name", ["tracks.ndjson", "tracks.ndjson.gz"])
def test_a_file_has_a_line_for_each_document_and_each_that_is_gone(
    name: str, moods: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert index(moods, "ndjson", "--file", tmp_path / name) == 0
    content = (tmp_path / name).read_bytes()
    lines = (gzip.decompress(content) if name.endswith(".gz") else content).decode("ascii").split("\n")
    assert lines.pop() == ""
    found = {one["track_id"]: one for one in map(json.loads, lines)}
    expected = documents_of(moods, tmp_path / "scratch")
    assert found == {**expected, "b": {"track_id": "b", "status": "gone"}}
    assert len(lines) == len(found)
    assert found["a"]["manifest"] == {"title": HOSTILE}
    assert (found["c"]["status"], found["c"]["failure"]) == ("failed", "corrupt")
    assert "4 documents: 3 indexed, 0 unchanged, 1 deleted, 0 failed" in capsys.readouterr().out


def test_where_a_worker_dies_only_what_it_has_left_is_done_again(
    moods: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add_run(moods, 3, *tagged("e", "f", "g", title=HOSTILE))
    ordinary, taken = job._run, []

    def die(slices: list[Slice], *given: Any) -> None:
        taken.append([part.number for part in slices])
        ordinary(slices[:1] if len(taken) == 1 else slices, *given)
        if len(taken) == 1:
            raise WorkerEndedError(-9)

    monkeypatch.setattr(job, "_run", die)
    assert index(moods, "ndjson", "--file", tmp_path / "tracks.ndjson") == 0
    assert taken == [[0, 1, 2], [1, 2]]
    assert "a worker process was killed (signal 9, SIGKILL); the load goes on" in capsys.readouterr().err
    lines = [json.loads(line)["track_id"] for line in (tmp_path / "tracks.ndjson").read_text().splitlines()]
    assert sorted(lines) == [*"abcdefg"]


def test_a_load_that_is_stopped_leaves_the_file_as_it_was(
    moods: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "tracks.ndjson"
    file.write_text("before\n")
    monkeypatch.setattr(stage, "report_uri", lambda folder, number: "/proc/no/such/place")
    assert index(moods, "ndjson", "--file", file) == 4
    assert file.read_text() == "before\n"
    assert "nothing was written" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []


def test_arguments_that_cannot_be_are_refused_before_anything_is_done(
    moods: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    search, postgres = (moods, "--to", "opensearch"), (moods, "--to", "postgres")
    secret = "https://me:secret@host"  # noqa: S105 - of nobody
    for arguments, message in (
        ((moods, "--to", "ndjson"), "--to ndjson needs --file"),
        ((moods, "--to", "ndjson", "--file", tmp_path / "no" / "file"), "no folder"),
        ((moods, "--to", "ndjson", "--file", tmp_path), "is a folder"),
        ((moods, "--to", "ndjson", "--file", "x", "--index", "y"), "--index is not for --to ndjson"),
        ((tmp_path / "none", "--to", "ndjson", "--file", "x"), "no committed run there"),
        ((*search, "--index", "y"), "needs --url"),
        ((*search, "--index", "y", "--url", "https://h", "--ca", "no.pem"), "--ca no.pem: no such file"),
        ((*search, "--index", "Y", "--url", "http://h"), "lower-case letters"),
        ((*search, "--index", "y", "--url", "h:9200"), "not of the form https"),
        ((*search, "--index", "y", "--url", secret), "no name or password in it"),
        ((*postgres, "--url", "postgresql://h", "--schema", 'a"; DROP'), "letters, digits"),
    ):
        pytest.importorskip("psycopg")
        said = refused(arguments, capsys)
        assert message in said
        assert "secret" not in said
    assert not (tmp_path / "x").exists()


def test_a_password_in_the_url_of_a_database_is_refused(
    moods: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("psycopg")
    said = refused((moods, "--to", "postgres", "--url", "postgresql://me:secret@h/d"), capsys)
    assert "no password in it" in said
    assert "secret" not in said


def test_an_output_and_a_file_in_an_object_store_are_as_good(moods: Path, tmp_path: Path) -> None:
    with google_store(cache=str(tmp_path / "cache")) as store:
        store.files.put(str(moods), "music/moods", recursive=True)
        file = "gs://music/tracks.ndjson.gz"
        done = store.moodscribe("index", "gs://music/moods", "--to", "ndjson", "--file", file)
        assert done.returncode == 0, done.stderr
        lines = gzip.decompress(store.files.cat("music/tracks.ndjson.gz")).decode().splitlines()
    assert [json.loads(line)["track_id"] for line in lines] == ["a", "c", "d", "b"]
