"""`moodscribe index --to opensearch` where answers are late, refused or lost, and beside another load."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from tests.indexing.catalogues import IDS, TITLE, add_run, tagged
from tests.indexing.loads import load, same
from tests.output import histories
from tests.output.histories import Row
from tests.servers.bulk_proxy import Course
from tests.servers.search import Search

pytestmark = pytest.mark.usefixtures("small_slices")

LONG = "/music/" + "x" * 600


def test_a_full_load_that_is_refused_leaves_the_alias_as_it_was(
    moods: Path,
    search_node: Search,
    course: tuple[str, Course],
    name: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, done = course
    assert load(moods, url, name) == 0
    before = search_node.indices(name)
    done.faults = [lambda: None, 403]
    assert load(moods, url, name, "--full") == 4
    assert search_node.indices(name) == before
    said = capsys.readouterr().err
    assert "status 403: fault: of the test" in said
    assert f"{name} is as it was" in said


def test_what_passes_is_tried_again_and_nothing_is_lost_or_counted_twice(
    moods: Path,
    search_node: Search,
    course: tuple[str, Course],
    name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, done = course
    done.faults = [429, "half", 502, "cut", 503]
    assert load(moods, url, name, "--requests", 1) == 0
    same(search_node, name, moods, tmp_path / "scratch")
    assert "9 documents: 9 indexed, 0 unchanged, 0 deleted, 0 failed" in capsys.readouterr().out
    first, half = done.sent[0], done.sent[0][1::2]
    # Of a request that is half refused only that half comes again.
    assert done.sent[:6] == [first, first, half, half, half, half]
    assert sorted(one for request in done.sent[5:] for one in request) == sorted(
        [*half, *(("index", one) for one in IDS if ("index", one) not in first)]
    )


def test_documents_that_the_server_refuses_are_reported_and_the_others_are_there(
    moods: Path,
    search_node: Search,
    course: tuple[str, Course],
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, done = course
    assert load(moods, url, name) == 0
    ordinary = histories.score

    def out_of_bounds(track_id: str, of_run: str, tag: str) -> float:
        return 500.0 if (track_id, tag) == ("e", "arousal") else ordinary(track_id, of_run, tag)

    monkeypatch.setattr(histories, "score", out_of_bounds)
    add_run(moods, 2, *tagged("d", "e", LONG, title=TITLE))
    done.faults = [400]  # a request that is refused as a whole comes again in halves
    assert load(moods, url, name) == 1
    rows = [json.loads(line) for line in (tmp_path / "index-failures.jsonl").read_text().splitlines()]
    assert {row["track_id"]: row["message"].partition(":")[0] for row in rows} == {
        "e": "mapper_parsing_exception",
        LONG: "track_id has 607 bytes, an id at most 512",
    }
    assert {row["kind"] for row in rows} == {"bad_output"}
    captured = capsys.readouterr()
    assert "10 documents: 1 indexed, 7 unchanged, 0 deleted, 2 failed" in captured.out
    assert "2 documents were refused, see index-failures.jsonl" in captured.err
    there = search_node.documents(name)
    assert there["d"]["run_id"] == histories.run_id(2)
    assert there["e"]["run_id"] == histories.run_id(1)
    before = search_node.indices(name)
    assert load(moods, url, name, "--full") == 4
    assert "2 of 10 documents were refused, above --max-failure-rate 0.01" in capsys.readouterr().err
    assert search_node.indices(name) == before
    assert load(moods, url, name, "--full", "--max-failure-rate", 0.5) == 1
    assert len(search_node.documents(name)) == 8


def test_an_older_load_that_is_late_does_not_overwrite_a_newer_one(
    moods: Path,
    search_node: Search,
    course: tuple[str, Course],
    name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, done = course
    assert load(moods, url, name) == 0
    for folder in ("moods", "newer"):
        add_run(tmp_path / folder, 2, *tagged("a", "b", "c", title="older"))
    add_run(tmp_path / "newer", 1, *tagged(*IDS, title=TITLE))
    gone = Row("c", "gone", reason="gone", uri="/music/c")
    add_run(tmp_path / "newer", 3, *tagged("a", title="newer"), gone)
    done.faults = [lambda: _newer(tmp_path / "newer", search_node, name)]
    assert load(moods, url, name) == 4
    said = capsys.readouterr().err
    assert f"has the state as of run {histories.run_id(3)} by now" in said
    same(search_node, name, tmp_path / "newer", tmp_path / "scratch")
    assert load(moods, url, name) == 2
    assert f"this output only that of {histories.run_id(2)}" in capsys.readouterr().err
    same(search_node, name, tmp_path / "newer", tmp_path / "again")


def _newer(output: Path, server: Search, name: str) -> None:
    """Somebody else loads a newer state."""
    assert load(output, server.url, name) == 0


def test_a_full_load_does_not_take_the_alias_from_a_newer_one(
    moods: Path, search_node: Search, course: tuple[str, Course], name: str, tmp_path: Path
) -> None:
    url, done = course
    assert load(moods, url, name) == 0
    add_run(tmp_path / "newer", 2, *tagged(*IDS, title="newer"))
    done.faults = [lambda: _newer(tmp_path / "newer", search_node, name)]
    assert load(moods, url, name, "--full") == 4
    assert {one["manifest"]["title"] for one in search_node.documents(name).values()} == {"newer"}
    assert len(search_node.indices(name)) == 1


def test_a_load_goes_on_where_the_server_is_killed_and_started_again(
    moods: Path,
    search_node: Search,
    course: tuple[str, Course],
    name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, done = course
    assert load(moods, search_node.url, name) == 0
    add_run(moods, 2, *tagged("a", "b", "c", "d", "e", title="again"))
    restarts: list[threading.Thread] = []

    def restart() -> None:
        search_node.kill()
        restarts.append(threading.Thread(target=_start_later, args=(search_node,)))
        restarts[0].start()
        raise ConnectionAbortedError

    done.faults = [lambda: None, restart]
    assert load(moods, course[0], name, "--batch-documents", 1, "--requests", 1) == 0
    restarts[0].join()
    assert "9 documents: 5 indexed, 4 unchanged, 0 deleted, 0 failed" in capsys.readouterr().out
    same(search_node, name, moods, tmp_path / "scratch")


def _start_later(server: Search) -> None:
    time.sleep(0.5)
    server.start()
