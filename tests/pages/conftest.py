"""One browser for the tests of a process, and the pages of a small history of runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.cli import main
from schemas.errors import FailureKind
from tests.pages.browser import Browser, headless_browser
from tests.pages.made_tables import HOSTILE, Made, failed, write_made


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium, or the test is skipped."""
    with headless_browser() as found:
        yield found


@pytest.fixture(scope="session")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten tracks across the plane, and what is hostile; then one each is changed, failed and gone."""
    output = tmp_path_factory.mktemp("two runs") / "moods"
    tracks = [
        Made(
            f"t{place}",
            title=f"Title {place}",
            valence=place / 10 - 0.5,
            arousal=0.3 - place / 20,
            rise=0.6 if place == 6 else 0.4,
        )
        for place in range(10)
    ]
    tracks.append(Made(HOSTILE, title=HOSTILE, valence=0.7, arousal=0.7, scores={"calm": 0.9, HOSTILE: 0.99}))
    tracks.append(failed(f"failed {HOSTILE}", FailureKind.CORRUPT, HOSTILE))
    tracks.append(Made("cover.jpg", status="skipped"))
    write_made(output, 1, tracks)
    changed = Made(
        "t1", title="Title 1", reason="changed", valence=0.9, scores={"calm": 0.9, "happy": 0.1, "sad": 0.2}
    )
    gone = Made("t3", title="Title 3", status="gone", reason="gone")
    write_made(output, 2, [changed, failed("t2", FailureKind.SILENT, "peak of 0"), gone])
    return output


@pytest.fixture(scope="session")
def report_page(two_runs: Path) -> Path:
    """The report of the second run."""
    page = two_runs.parent / "report.html"
    assert main(["report", str(two_runs), "--output", str(page)]) == 0
    return page
