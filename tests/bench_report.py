"""The report of a large catalogue: seconds to write it, its size, seconds until a browser has loaded it.

    python -m tests.bench_report [--tracks 100000] [--repeats 5]

Every load is the first of a browser that has just started.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import pytest

from pipelines.cli import main as moodscribe
from tests.pages.browser import PLANE_IS_THERE, headless_browser
from tests.pages.made_tables import write_many

TAGS = tuple(f"tag{number}" for number in range(56))


def measure(tracks: int, repeats: int, folder: Path) -> str:
    """One line of figures."""
    write_many(folder / "moods", tracks, TAGS)
    page = folder / "report.html"
    begin = time.monotonic()
    assert moodscribe(["report", str(folder / "moods"), "--output", str(page)]) == 0
    written_s = time.monotonic() - begin
    loaded, drawn = [], []
    for _ in range(repeats):
        with headless_browser() as browser:
            loaded.append(browser.open(page))
            begin = time.monotonic()
            assert browser.ask(PLANE_IS_THERE)
            drawn.append(time.monotonic() - begin)
    return (
        f"{tracks:,} tracks of {len(TAGS)} tags: written in {written_s:.1f} s, "
        f"{page.stat().st_size / 1e6:.1f} MB, "
        f"loaded in {statistics.median(loaded):.1f} s, the plane {statistics.median(drawn):.1f} s later "
        f"(medians of {repeats})"
    )


def main() -> int:
    """Measure and print; the exit status."""
    parser = argparse.ArgumentParser(prog="bench_report", description=__doc__.splitlines()[0])
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            print(measure(arguments.tracks, arguments.repeats, Path(folder)))
        except pytest.skip.Exception as reason:
            print(f"bench_report: {reason}", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
