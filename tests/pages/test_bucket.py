"""Pages of tables in an object store, written there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.cli import main
from tests.storage.emulator import Store, google_store
from transforms.object_stores import known


@pytest.fixture
def store(tmp_path: Path, two_runs: Path) -> Iterator[Store]:
    """A store with the runs, which this process is led to."""
    with pytest.MonkeyPatch.context() as patched, google_store(cache=str(tmp_path / "cache")) as store:
        for name, value in store.environment.items():
            patched.setenv(name, value)
        known.forget_stores()
        for file in two_runs.rglob("*.*"):
            if file.is_file():
                store.files.pipe_file(f"music/moods/{file.relative_to(two_runs)}", file.read_bytes())
        yield store
    known.forget_stores()


def test_pages_of_a_bucket_are_written_into_it(
    store: Store, two_runs: Path, report_page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "gs://music/moods", "--output", "gs://music/pages/report.html"]) == 0
    text = store.files.cat_file("music/pages/report.html").decode()
    assert text == report_page.read_text().replace(str(two_runs), "gs://music/moods")
    assert main(["show", "t7", "--tables", "gs://music/moods", "--html", "gs://music/pages/t7.html"]) == 0
    assert b"<h1>Title 7</h1>" in store.files.cat_file("music/pages/t7.html")
    assert store.files.ls("music/pages", detail=False) == ["music/pages/report.html", "music/pages/t7.html"]
