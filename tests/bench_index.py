"""Loads of a large catalogue into search indices on this machine: seconds of a first and of a second one.

    python -m tests.bench_index [--tracks 100000]

The tables are compacted before; the servers are those of `make servers`, on the same cores as the load.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from pipelines.cli import main as moodscribe
from tests.pages.made_tables import write_many
from tests.servers import database, search
from tests.servers.database import postgres_server
from tests.servers.search import search_server

TAGS = tuple(f"tag{number}" for number in range(56))


def measure(tracks: int, folder: Path) -> Iterator[str]:
    """A line of figures for each index that can be had here, or why it cannot."""
    os.chdir(folder)  # where files of failures would go
    write_many(folder / "moods", tracks, TAGS)
    assert moodscribe(["compact", str(folder / "moods")]) == 0
    yield f"ndjson: {_seconds(folder, 'ndjson', '--file', str(folder / 'tracks.ndjson.gz')):.0f} s"
    with ExitStack() as ended:
        if reason := search.why_not():
            yield f"opensearch: {reason}"
        else:
            node = ended.enter_context(search_server(folder / "search"))
            yield _twice(folder, "opensearch", "--url", node.url, "--index", "tracks", "--replicas", "0")
        if reason := database.why_not(vectors=True):
            yield f"postgres: {reason}"
        else:
            server = ended.enter_context(postgres_server(vectors=True))
            yield _twice(folder, "postgres", "--url", server.url)


def _twice(folder: Path, to: str, *options: str) -> str:
    first, second = (_seconds(folder, to, *options) for _ in range(2))
    return f"{to}: {first:.0f} s, then {second:.0f} s with nothing changed"


def _seconds(folder: Path, to: str, *options: str) -> float:
    begin = time.monotonic()
    assert moodscribe(["index", str(folder / "moods"), "--to", to, *options]) == 0
    return time.monotonic() - begin


def main() -> int:
    """Measure and print; the exit status."""
    parser = argparse.ArgumentParser(prog="bench_index", description=__doc__.splitlines()[0])
    parser.add_argument("--tracks", type=int, default=100_000)
    tracks = parser.parse_args().tracks
    with tempfile.TemporaryDirectory() as folder:
        for line in measure(tracks, Path(folder)):
            print(f"{tracks:,} tracks into {line}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
