"""`moodscribe index --to postgres`, into real servers: one as Debian has it, one with pgvector."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.indexing.catalogues import IDS, TITLE, add_run, documents_of, index, tagged
from tests.output import histories
from tests.output.histories import TAGS, Row
from tests.servers.database import Postgres
from transforms.indexing.postgres import loader

pytestmark = pytest.mark.usefixtures("small_slices")


def _load(moods: Path, server: Postgres, schema: str, *further: object) -> int:
    return index(moods, "postgres", "--url", server.url, "--schema", schema, *further)


def _same(server: Postgres, schema: str, moods: Path, scratch: Path) -> None:
    """The tables have what the documents say that are made in memory, and the rows of their results."""
    expected = documents_of(moods, scratch)
    columns = "track_id, run_id, content_hash, tags, valence_rise::float8, manifest->>'title', emotion[0]"
    found = server.query(f"SELECT {columns}, mood_vector::text FROM {schema}.tracks")  # noqa: S608 - ours
    assert {row[0]: row[1:4] for row in found} == {
        one: (document["run_id"], document["content_hash"], document.get("tags"))
        for one, document in expected.items()
    }
    for one, *_, rise, title, valence, vector in found:
        document = expected[one]
        assert rise == pytest.approx(document.get("valence_rise"), abs=1e-5)
        assert title == document["manifest"]["title"].replace("\0", "\N{REPLACEMENT CHARACTER}")
        assert valence == document.get("valence_mean")
        if vector is not None:
            assert json.loads(vector.translate({ord("{"): "[", ord("}"): "]"})) == document["mood_vector"]
    with_results = {one for one, document in expected.items() if "moods" in document}
    rows = server.query(f"SELECT track_id, tag, score::float8, run_id FROM {schema}.mood_tags")  # noqa: S608 - ours
    assert {row[:2]: row[2:] for row in rows} == {
        (one, tag): (histories.score(one, expected[one]["run_id"], tag), expected[one]["run_id"])
        for one in with_results
        for tag in TAGS
    }
    curves = server.query(f"SELECT track_id, valence FROM {schema}.emotion_curves")  # noqa: S608 - ours
    assert {one for one, curve in curves if curve} == with_results


def _changes(server: Postgres, schema: str) -> dict[str, str]:
    """The transaction that has last written each row."""
    return dict(server.query(f"SELECT track_id, xmin::text FROM {schema}.tracks"))  # noqa: S608 - ours


def test_only_what_has_changed_is_written_and_what_is_gone_is_deleted(
    moods: Path,
    database_server: Postgres,
    name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _load(moods, database_server, name) == 0
    assert "9 documents: 9 indexed, 0 unchanged, 0 deleted, 0 failed" in capsys.readouterr().out
    _same(database_server, name, moods, tmp_path / "one")
    first = _changes(database_server, name)
    assert _load(moods, database_server, name) == 0
    assert "0 indexed, 9 unchanged" in capsys.readouterr().out
    assert _changes(database_server, name) == first
    failed = Row("c", "failed", kind="corrupt", uri="/music/c", columns={"title": "x"}, reason="changed")
    gone = [Row(one, "gone", reason="gone", uri=f"/music/{one}") for one in ("d", "never")]
    add_run(moods, 2, *tagged("b", title=TITLE), failed, *gone)
    assert _load(moods, database_server, name) == 0
    assert "9 documents: 2 indexed, 6 unchanged, 1 deleted, 0 failed" in capsys.readouterr().out
    _same(database_server, name, moods, tmp_path / "two")
    now = _changes(database_server, name)
    assert set(IDS) - set(now) == {"d"}
    assert {one for one in now if now[one] != first[one]} == {"b", "c"}


def test_the_vector_is_of_pgvector_where_that_is_there(
    moods: Path, database_server: Postgres, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _load(moods, database_server, name) == 0
    there = bool(database_server.query("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'"))
    select = (
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute "  # noqa: S608 - ours
        f"WHERE attrelid = '{name}.tracks'::regclass AND attname = 'mood_vector'"
    )
    assert database_server.query(select) == [("vector(3)" if there else "real[]",)]
    assert ("no pgvector there" in capsys.readouterr().err) is not there


def test_a_load_goes_on_where_the_server_is_killed_and_started_again(
    moods: Path,
    plain_database: Postgres,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    calls: list[Sequence[str]] = []
    ordinary = loader._hashes

    def killed(cursor: Any, form: Any, ids: Sequence[str]) -> dict[str, str]:
        calls.append(ids)
        if len(calls) == 2:
            plain_database.kill()
            threading.Thread(target=_start_later, args=(plain_database,)).start()
        return ordinary(cursor, form, ids)

    monkeypatch.setattr(loader, "_hashes", killed)
    assert _load(moods, plain_database, name) == 0
    assert len(calls) == 4
    assert calls[1] == calls[2]
    assert "9 documents: 9 indexed, 0 unchanged, 0 deleted, 0 failed" in capsys.readouterr().out
    _same(plain_database, name, moods, tmp_path / "scratch")


def _start_later(server: Postgres) -> None:
    time.sleep(0.3)
    server.start()


def test_rows_that_the_server_refuses_are_reported_and_the_others_are_there(
    moods: Path,
    plain_database: Postgres,
    name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _load(moods, plain_database, name) == 0
    plain_database.query(
        f"ALTER TABLE {name}.tracks ADD CHECK (NOT (track_id = 'e' AND run_id > '20261101T000002'))"
    )
    add_run(
        moods, 2, *tagged("d", "e", "f", "x\0y", title=TITLE), Row("b", "gone", reason="gone", uri="/music/b")
    )
    assert _load(moods, plain_database, name) == 1
    rows = [json.loads(line) for line in (tmp_path / "index-failures.jsonl").read_text().splitlines()]
    messages = {row["track_id"]: row["message"] for row in rows}
    assert set(messages) == {"e", "x\0y"}
    assert "violates check constraint" in messages["e"]
    assert "NUL" in messages["x\0y"]
    assert "10 documents: 2 indexed, 5 unchanged, 1 deleted, 2 failed" in capsys.readouterr().out
    runs = dict(plain_database.query(f"SELECT track_id, run_id FROM {name}.tracks"))  # noqa: S608 - ours
    assert [runs[one] for one in "def"] == [histories.run_id(number) for number in (2, 1, 2)]


def test_an_older_load_writes_nothing_once_a_newer_one_has_begun(
    moods: Path,
    plain_database: Postgres,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for folder in ("moods", "newer"):
        add_run(tmp_path / folder, 2, *tagged("a", "b", "c", title="older"))
    add_run(tmp_path / "newer", 1, *tagged(*IDS, title=TITLE))
    add_run(
        tmp_path / "newer", 3, *tagged("a", title="newer"), Row("c", "gone", reason="gone", uri="/music/c")
    )
    ordinary, calls = loader.newer_state, []

    def late(*given: Any) -> bool:
        calls.append(given)
        if len(calls) == 2:  # a first transaction is through; the state is not looked at again before
            monkeypatch.setattr(loader, "newer_state", ordinary)
            assert _load(tmp_path / "newer", plain_database, name) == 0
        return ordinary(*given)

    monkeypatch.setattr(loader, "newer_state", late)
    assert _load(moods, plain_database, name) == 4
    assert "a newer load has begun: it has 6 documents to bring" in capsys.readouterr().err
    _same(plain_database, name, tmp_path / "newer", tmp_path / "scratch")
    assert _load(moods, plain_database, name) == 4
    assert f"this output only that of {histories.run_id(2)}" in capsys.readouterr().err
    _same(plain_database, name, tmp_path / "newer", tmp_path / "again")


def test_other_tags_empty_the_vectors_and_all_documents_come_again(
    moods: Path, database_server: Postgres, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _load(moods, database_server, name) == 0
    database_server.query(f"UPDATE {name}.load SET tags = '{{calm,sad}}'")  # noqa: S608 - ours
    assert capsys.readouterr().out
    assert _load(moods, database_server, name) == 0
    assert "9 documents: 9 indexed" in capsys.readouterr().out
    _same(database_server, name, moods, tmp_path / "scratch")


def test_a_server_that_refuses_or_is_not_there_is_named(
    moods: Path, plain_database: Postgres, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = plain_database.url.removesuffix("postgres") + "nowhere"
    assert index(moods, "postgres", "--url", wrong, "--schema", name) == 4
    assert 'database "nowhere" does not exist' in capsys.readouterr().err
    assert index(moods, "postgres", "--url", "postgresql://127.0.0.1:1/d", "--schema", name) == 4
    assert "127.0.0.1" in capsys.readouterr().err
