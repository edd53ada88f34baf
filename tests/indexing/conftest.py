"""Servers of this folder's tests: started once for all of them, skipped where they cannot be had."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.indexing import sorted_tables
from tests.indexing.catalogues import IDS, TITLE, add_run, tagged
from tests.servers import database, search
from tests.servers.bulk_proxy import Course, bulk_proxy
from tests.servers.database import Postgres, postgres_server
from tests.servers.search import Search, search_server
from transforms.object_stores import retries


@pytest.fixture(scope="session")
def search_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Search]:
    """OpenSearch with its k-NN plugin."""
    if reason := search.why_not():
        pytest.skip(reason)
    with search_server(tmp_path_factory.mktemp("search")) as server:
        yield server


@pytest.fixture
def course(search_node: Search) -> Iterator[tuple[str, Course]]:
    """The URL of a proxy before OpenSearch, and what it does to the next requests."""
    with bulk_proxy(search_node.url) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def plain_database() -> Iterator[Postgres]:
    """PostgreSQL as it is."""
    yield from _postgres(vectors=False)


@pytest.fixture(scope="session")
def vector_database() -> Iterator[Postgres]:
    """PostgreSQL with pgvector."""
    yield from _postgres(vectors=True)


@pytest.fixture(params=["plain_database", "vector_database"])
def database_server(request: pytest.FixtureRequest) -> Postgres:
    """PostgreSQL, as it is and with pgvector."""
    server: Postgres = request.getfixturevalue(request.param)
    return server


def _postgres(*, vectors: bool) -> Iterator[Postgres]:
    if reason := database.why_not(vectors=vectors):
        pytest.skip(reason)
    with postgres_server(vectors=vectors) as server:
        yield server


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name of the test's own, for an alias or a schema."""
    return str(request.node.name).partition("[")[0].removeprefix("test_")[:40].strip("_")


@pytest.fixture
def moods(tmp_path: Path) -> Path:
    """One run of nine tracks."""
    add_run(tmp_path / "moods", 1, *tagged(*IDS, title=TITLE))
    return tmp_path / "moods"


@pytest.fixture
def small_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of three tracks, short pauses before another try, and a folder of one's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sorted_tables, "_TRACKS_A_SLICE", 3)
    monkeypatch.setattr(retries, "FIRST_PAUSE_S", 0.02)
