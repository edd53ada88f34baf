"""`moodscribe index --to opensearch`, into a real server, some of whose answers a proxy changes."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.indexing.catalogues import add_run, documents_of, index, tagged, without_null
from tests.output import histories
from tests.output.histories import Row
from tests.servers.bulk_proxy import Course
from tests.servers.search import Search, search_server

pytestmark = pytest.mark.usefixtures("small_slices")

IDS = [*"abcdefghi"]
LONG = "/music/" + "x" * 600


@pytest.fixture
def alias(request: pytest.FixtureRequest) -> str:
    """An alias for each test."""
    return request.node.name.partition("[")[0].removeprefix("test_")[:40].strip("_")


@pytest.fixture
def moods(tmp_path: Path) -> Path:
    """One run of nine tracks."""
    add_run(tmp_path / "moods", 1, *tagged(*IDS, title="=cmd|<script>"))
    return tmp_path / "moods"


def _load(moods: Path, url: str, alias: str, *further: object) -> int:
    return index(moods, "opensearch", "--url", url, "--index", alias, "--replicas", 0, *further)


def _same(server: Search, alias: str, moods: Path, scratch: Path) -> None:
    """The index has the documents that are made in memory, and no others."""
    expected = documents_of(moods, scratch)
    assert server.documents(alias) == expected


def test_the_first_load_makes_an_index_and_the_second_sends_nothing(
    moods: Path,
    search_node: Search,
    course: tuple[str, Course],
    alias: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, done = course
    assert _load(moods, url, alias) == 0
    _same(search_node, alias, moods, tmp_path / "scratch")
    assert done.ids == IDS
    [name] = search_node.indices(alias)
    mapping = search_node.ask("GET", name)[name]["mappings"]
    assert mapping["properties"]["mood_vector"]["type"] == "knn_vector"
    assert mapping["_meta"]["moodscribe"]["tags"] == ["calm", "happy", "sad"]
    assert "9 documents: 9 indexed, 0 unchanged, 0 deleted, 0 failed" in capsys.readouterr().out
    done.sent.clear()
    assert _load(moods, url, alias) == 0
    assert done.sent == []
    assert "0 indexed, 9 unchanged" in capsys.readouterr().out
    assert search_node.indices(alias) == [name]


def test_only_what_has_changed_is_sent_and_what_is_gone_is_deleted(
    moods: Path,
    search_node: Search,
    course: tuple[str, Course],
    alias: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, done = course
    assert _load(moods, url, alias) == 0
    done.sent.clear()
    failed = Row("c", "failed", kind="corrupt", uri="/music/c", reason="changed")
    gone = [Row(one, "gone", reason="gone", uri=f"/music/{one}") for one in ("d", "never")]
    add_run(moods, 2, *tagged("b", title="=cmd|<script>"), failed, *gone)
    assert _load(moods, url, alias) == 0
    assert sorted(one for request in done.sent for one in request) == [
        ("delete", "d"),
        ("index", "b"),
        ("index", "c"),
    ]
    assert "9 documents: 2 indexed, 6 unchanged, 1 deleted, 0 failed" in capsys.readouterr().out
    _same(search_node, alias, moods, tmp_path / "scratch")
    assert "d" not in search_node.documents(alias)
    assert search_node.documents(alias)["c"]["failure"] == "corrupt"


def test_a_full_load_switches_the_alias_at_its_end_and_not_before(
    moods: Path, search_node: Search, course: tuple[str, Course], alias: str, tmp_path: Path
) -> None:
    url, done = course
    assert _load(moods, url, alias) == 0
    [old] = search_node.indices(alias)
    add_run(moods, 2, *tagged("k", title="new"))
    seen: list[Any] = []

    def look() -> None:
        seen.append((list(search_node.ask("GET", alias)), sorted(search_node.documents(alias))))

    done.faults = [look, look]
    assert _load(moods, url, alias, "--full") == 0
    assert seen == [([old], IDS)] * 2
    [kept, new] = search_node.indices(alias)
    assert (kept, list(search_node.ask("GET", alias))) == (old, [new])
    _same(search_node, alias, moods, tmp_path / "scratch")
    settings = search_node.ask("GET", f"{new}/_settings")[new]["settings"]["index"]
    assert "refresh_interval" not in settings
    assert _load(moods, url, alias, "--full", "--delete-old") == 0
    assert old in search_node.indices(alias)
    assert new not in search_node.indices(alias)


def test_a_full_load_that_is_refused_leaves_the_alias_as_it_was(
    moods: Path,
    search_node: Search,
    course: tuple[str, Course],
    alias: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, done = course
    assert _load(moods, url, alias) == 0
    before = search_node.indices(alias)
    done.faults = [lambda: None, 403]
    assert _load(moods, url, alias, "--full") == 4
    assert search_node.indices(alias) == before
    said = capsys.readouterr().err
    assert "status 403: fault: of the test" in said
    assert f"{alias} is as it was" in said


def test_what_passes_is_tried_again_and_nothing_is_lost_or_counted_twice(
    moods: Path,
    search_node: Search,
    course: tuple[str, Course],
    alias: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, done = course
    done.faults = [429, "half", 502, "cut", 503]
    assert _load(moods, url, alias, "--requests", 1) == 0
    _same(search_node, alias, moods, tmp_path / "scratch")
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
    alias: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, done = course
    assert _load(moods, url, alias) == 0
    ordinary = histories.score

    def out_of_bounds(track_id: str, of_run: str, tag: str) -> float:
        return 500.0 if (track_id, tag) == ("e", "arousal") else ordinary(track_id, of_run, tag)

    monkeypatch.setattr(histories, "score", out_of_bounds)
    add_run(moods, 2, *tagged("d", "e", LONG, title="=cmd|<script>"))
    done.faults = [400]  # a request that is refused as a whole comes again in halves
    assert _load(moods, url, alias) == 1
    rows = [json.loads(line) for line in (tmp_path / "index-failures.jsonl").read_text().splitlines()]
    assert {row["track_id"]: row["message"].partition(":")[0] for row in rows} == {
        "e": "mapper_parsing_exception",
        LONG: "track_id has 607 bytes, an id at most 512",
    }
    assert {row["kind"] for row in rows} == {"bad_output"}
    captured = capsys.readouterr()
    assert "10 documents: 1 indexed, 7 unchanged, 0 deleted, 2 failed" in captured.out
    assert "2 documents were refused, see index-failures.jsonl" in captured.err
    there = search_node.documents(alias)
    assert there["d"]["run_id"] == histories.run_id(2)
    assert there["e"]["run_id"] == histories.run_id(1)
    before = search_node.indices(alias)
    assert _load(moods, url, alias, "--full") == 4
    assert "2 of 10 documents were refused, above --max-failure-rate 0.01" in capsys.readouterr().err
    assert search_node.indices(alias) == before
    assert _load(moods, url, alias, "--full", "--max-failure-rate", 0.5) == 1
    assert len(search_node.documents(alias)) == 8


def test_an_older_load_that_is_late_does_not_overwrite_a_newer_one(
    moods: Path,
    search_node: Search,
    course: tuple[str, Course],
    alias: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, done = course
    assert _load(moods, url, alias) == 0
    for folder in ("moods", "newer"):
        add_run(tmp_path / folder, 2, *tagged("a", "b", "c", title="older"))
    add_run(tmp_path / "newer", 1, *tagged(*IDS, title="=cmd|<script>"))
    gone = Row("c", "gone", reason="gone", uri="/music/c")
    add_run(tmp_path / "newer", 3, *tagged("a", title="newer"), gone)
    done.faults = [lambda: _newer(tmp_path / "newer", search_node, alias)]
    assert _load(moods, url, alias) == 4
    said = capsys.readouterr().err
    assert f"has the state as of run {histories.run_id(3)} by now" in said
    _same(search_node, alias, tmp_path / "newer", tmp_path / "scratch")
    assert _load(moods, url, alias) == 2
    assert f"this output only that of {histories.run_id(2)}" in capsys.readouterr().err
    _same(search_node, alias, tmp_path / "newer", tmp_path / "again")


def _newer(output: Path, server: Search, alias: str) -> None:
    """Somebody else loads a newer state."""
    assert _load(output, server.url, alias) == 0


def test_a_full_load_does_not_take_the_alias_from_a_newer_one(
    moods: Path, search_node: Search, course: tuple[str, Course], alias: str, tmp_path: Path
) -> None:
    url, done = course
    assert _load(moods, url, alias) == 0
    add_run(tmp_path / "newer", 2, *tagged(*IDS, title="newer"))
    done.faults = [lambda: _newer(tmp_path / "newer", search_node, alias)]
    assert _load(moods, url, alias, "--full") == 2
    assert {one["manifest"]["title"] for one in search_node.documents(alias).values()} == {"newer"}
    assert len(search_node.indices(alias)) == 1


def test_a_load_goes_on_where_the_server_is_killed_and_started_again(
    moods: Path,
    search_node: Search,
    course: tuple[str, Course],
    alias: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, done = course
    assert _load(moods, search_node.url, alias) == 0
    add_run(moods, 2, *tagged("a", "b", "c", "d", "e", title="again"))
    restarts: list[threading.Thread] = []

    def restart() -> None:
        search_node.kill()
        restarts.append(threading.Thread(target=_start_later, args=(search_node,)))
        restarts[0].start()
        raise ConnectionAbortedError

    done.faults = [lambda: None, restart]
    assert _load(moods, course[0], alias, "--batch-documents", 1, "--requests", 1) == 0
    restarts[0].join()
    assert "9 documents: 5 indexed, 4 unchanged, 0 deleted, 0 failed" in capsys.readouterr().out
    _same(search_node, alias, moods, tmp_path / "scratch")


def _start_later(server: Search) -> None:
    time.sleep(0.5)
    server.start()


def test_without_the_plugin_the_vector_is_stored_and_that_is_said(
    moods: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], search_node: Search
) -> None:
    with search_server(tmp_path / "plain", nearest=False) as server:
        assert _load(moods, server.url, "plain") == 0
        assert "no k-NN plugin there" in capsys.readouterr().err
        _same(server, "plain", moods, tmp_path / "scratch")
        assert _load(moods, server.url, "plain") == 0
        assert "9 unchanged" in capsys.readouterr().out
        assert len(server.indices("plain")) == 1


def test_a_catalogue_with_other_columns_goes_into_a_new_index(
    moods: Path,
    search_node: Search,
    alias: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _load(moods, search_node.url, alias) == 0
    add_run(moods, 2, *tagged("a", isrc="X"))
    assert _load(moods, search_node.url, alias) == 0
    assert "the mapping has changed" in capsys.readouterr().err
    assert len(search_node.indices(alias)) == 2
    _same(search_node, alias, moods, tmp_path / "scratch")
    assert without_null(search_node.documents(alias)["a"])["manifest"] == {"isrc": "X"}


def test_an_index_that_is_no_alias_and_a_server_that_is_none_are_refused(
    moods: Path, search_node: Search, alias: str, capsys: pytest.CaptureFixture[str]
) -> None:
    search_node.ask("PUT", alias, {})
    assert _load(moods, search_node.url, alias) == 2
    assert "is an index, not an alias" in capsys.readouterr().err
    assert _load(moods, "http://127.0.0.1:1", alias) == 4
    assert "127.0.0.1:1" in capsys.readouterr().err
