"""Loads of OpenSearch, and what has to be there after them."""

from __future__ import annotations

from pathlib import Path

from tests.indexing.catalogues import documents_of, index
from tests.servers.search import Search


def load(moods: Path, url: str, alias: str, *further: object) -> int:
    """Load an output; the exit status."""
    return index(moods, "opensearch", "--url", url, "--index", alias, "--replicas", 0, *further)


def same(server: Search, alias: str, moods: Path, scratch: Path) -> None:
    """The index has the documents that are made in memory, and no others."""
    expected = documents_of(moods, scratch)
    assert server.documents(alias) == expected
