"""`moodscribe index --to opensearch`, into a real server, some of whose answers a proxy changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.indexing.catalogues import IDS, TITLE, add_run, tagged, without_null
from tests.indexing.loads import load, same
from tests.output.histories import Row
from tests.servers.bulk_proxy import Course
from tests.servers.search import Search, search_server

pytestmark = pytest.mark.usefixtures("small_slices")


def test_the_first_load_makes_an_index_and_the_second_sends_nothing(
    moods: Path,
    search_node: Search,
    course: tuple[str, Course],
    name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, done = course
    assert load(moods, url, name) == 0
    same(search_node, name, moods, tmp_path / "scratch")
    assert done.ids == IDS
    [made] = search_node.indices(name)
    mapping = search_node.ask("GET", made)[made]["mappings"]
    assert mapping["properties"]["mood_vector"]["type"] == "knn_vector"
    assert mapping["_meta"]["moodscribe"]["tags"] == ["calm", "happy", "sad"]
    assert "9 documents: 9 indexed, 0 unchanged, 0 deleted, 0 failed" in capsys.readouterr().out
    done.sent.clear()
    assert load(moods, url, name) == 0
    assert done.sent == []
    assert "0 indexed, 9 unchanged" in capsys.readouterr().out
    assert search_node.indices(name) == [made]


def test_only_what_has_changed_is_sent_and_what_is_gone_is_deleted(
    moods: Path,
    search_node: Search,
    course: tuple[str, Course],
    name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, done = course
    assert load(moods, url, name) == 0
    done.sent.clear()
    failed = Row("c", "failed", kind="corrupt", uri="/music/c", reason="changed")
    gone = [Row(one, "gone", reason="gone", uri=f"/music/{one}") for one in ("d", "never")]
    add_run(moods, 2, *tagged("b", title=TITLE), failed, *gone)
    assert load(moods, url, name) == 0
    assert sorted(one for request in done.sent for one in request) == [
        ("delete", "d"),
        ("index", "b"),
        ("index", "c"),
    ]
    assert "9 documents: 2 indexed, 6 unchanged, 1 deleted, 0 failed" in capsys.readouterr().out
    same(search_node, name, moods, tmp_path / "scratch")
    assert "d" not in search_node.documents(name)
    assert search_node.documents(name)["c"]["failure"] == "corrupt"


def test_a_full_load_switches_the_alias_at_its_end_and_not_before(
    moods: Path, search_node: Search, course: tuple[str, Course], name: str, tmp_path: Path
) -> None:
    url, done = course
    assert load(moods, url, name) == 0
    [old] = search_node.indices(name)
    add_run(moods, 2, *tagged("k", title="new"))
    seen: list[Any] = []

    def look() -> None:
        seen.append((list(search_node.ask("GET", name)), sorted(search_node.documents(name))))

    done.faults = [look, look]
    assert load(moods, url, name, "--full") == 0
    assert seen == [([old], IDS)] * 2
    [kept, new] = search_node.indices(name)
    assert (kept, list(search_node.ask("GET", name))) == (old, [new])
    same(search_node, name, moods, tmp_path / "scratch")
    settings = search_node.ask("GET", f"{new}/_settings")[new]["settings"]["index"]
    assert "refresh_interval" not in settings
    assert load(moods, url, name, "--full", "--delete-old") == 0
    assert old in search_node.indices(name)
    assert new not in search_node.indices(name)


def test_without_the_plugin_the_vector_is_stored_and_that_is_said(
    moods: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], search_node: Search
) -> None:
    with search_server(tmp_path / "plain", nearest=False) as server:
        assert load(moods, server.url, "plain") == 0
        assert "no k-NN plugin there" in capsys.readouterr().err
        same(server, "plain", moods, tmp_path / "scratch")
        assert load(moods, server.url, "plain") == 0
        assert "9 unchanged" in capsys.readouterr().out
        assert len(server.indices("plain")) == 1


def test_a_catalogue_with_other_columns_goes_into_a_new_index(
    moods: Path,
    search_node: Search,
    name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert load(moods, search_node.url, name) == 0
    add_run(moods, 2, *tagged("a", isrc="X"))
    assert load(moods, search_node.url, name) == 0
    assert "the mapping has changed" in capsys.readouterr().err
    assert len(search_node.indices(name)) == 2
    same(search_node, name, moods, tmp_path / "scratch")
    assert without_null(search_node.documents(name)["a"])["manifest"] == {"isrc": "X"}


def test_an_index_that_is_no_alias_and_a_server_that_is_none_are_refused(
    moods: Path, search_node: Search, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    search_node.ask("PUT", name, {})
    assert load(moods, search_node.url, name) == 2
    assert "is an index, not an alias" in capsys.readouterr().err
    assert load(moods, "http://127.0.0.1:1", name) == 4
    assert "127.0.0.1:1" in capsys.readouterr().err
