"""The queries of pipelines/indexing/README.md find what they say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.indexing.catalogues import add_run, index, tagged
from tests.output import histories
from tests.servers.database import Postgres
from tests.servers.search import Search

pytestmark = pytest.mark.usefixtures("small_slices")

README = Path(__file__).parents[2] / "pipelines" / "indexing" / "README.md"
# Valence at the beginning and at the end, arousal; the score of dark.
TRACKS = {
    "A": (-0.8, -0.8, 0.6, 0.2),
    "B": (0.8, 0.8, -0.6, 0.1),
    "turns": (-0.5, 0.5, 0.0, 0.8),
    "turns a little": (-0.05, 0.05, 0.1, 0.9),
    "stays dark": (-0.6, -0.6, 0.2, 0.95),
    "half way": (0.01, 0.02, 0.02, 0.3),
    "calmer": (-0.7, -0.7, -0.5, 0.21),
    "calm, but other": (0.1, 0.1, -0.9, 0.99),
}


def _blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    assert found
    return found


@pytest.fixture
def moods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tracks whose curves and scores are known."""
    ordinary = histories._curve

    def curve(track_id: str, of_run: str) -> dict[str, Any]:
        begin, end, arousal, _ = TRACKS[track_id]
        values = {"valence": [begin, (begin + end) / 2, end], "arousal": [arousal] * 3}
        means = {"valence_mean": (begin + end) / 2, "arousal_mean": arousal}
        return {**ordinary(track_id, of_run), **values, **means}

    monkeypatch.setattr(histories, "TAGS", ("dark", "uplifting"))
    monkeypatch.setattr(histories, "_curve", curve)
    monkeypatch.setattr(histories, "score", lambda one, _, tag: TRACKS[one][3] if tag == "dark" else 0.5)
    add_run(tmp_path / "moods", 1, *tagged(*TRACKS))
    return tmp_path / "moods"


def test_opensearch_finds_what_the_queries_ask_for(moods: Path, search_node: Search) -> None:
    assert index(moods, "opensearch", "--url", search_node.url, "--index", "tracks", "--replicas", 0) == 0
    for block in _blocks("json"):
        hits = search_node.ask("POST", "tracks/_search", json.loads(block))["hits"]["hits"]
        assert [hit["_id"] for hit in hits] == ["turns"]
    names: dict[str, Any] = {"url": search_node.url}
    nearest, plain = _blocks("python")
    exec(nearest, names)  # noqa: S102 - the project's own page
    assert names["similar"][0]["_id"] == "calmer"
    assert "calm, but other" in [hit["_id"] for hit in names["similar"]]
    assert "A" not in [hit["_id"] for hit in names["similar"]]
    assert names["path"][0] == "A"
    assert "half way" in names["path"][3:5]
    assert len(set(names["path"])) == len(names["path"]) == 8
    exec(plain, names)  # noqa: S102 - see above
    assert {"calmer", "calm, but other"} < {hit["_id"] for hit in names["similar"]}


def test_postgres_finds_what_the_queries_ask_for(moods: Path, database_server: Postgres) -> None:
    assert index(moods, "postgres", "--url", database_server.url, "--schema", "queries") == 0
    dark, like, path = _blocks("sql")
    if not database_server.query("SELECT 1 FROM pg_type WHERE typname = 'vector'"):
        like = re.sub(r"ORDER BY other.*(?= LIMIT)", re.search(r"-- (ORDER BY .*)", like)[1], like)  # type: ignore[index]
    found = [_rows(database_server, statement) for statement in (dark, like, path)]
    assert [row[0] for row in found[0]] == ["turns"]
    assert found[1][0][0] == "calmer"
    assert "A" not in [row[0] for row in found[1]]
    assert [row[1] for row in found[2]][0::7] == ["A", "B"]
    assert {row[1] for row in found[2][3:5]} <= {"half way", "turns", "turns a little"}


def _rows(server: Postgres, statement: str) -> list[tuple[Any, ...]]:
    import psycopg

    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(b"SET search_path = queries, public")
        return list(connection.execute(statement.encode()).fetchall())
