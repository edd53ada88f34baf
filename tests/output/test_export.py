"""Tables as files for other programs: what strangers have written stays text."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipelines.cli import main
from tests.output.histories import Past, Row, run_id, write_run

TITLES = (
    "=cmd|' /C calc'!A0",
    "+1",
    "-2",
    "@SUM(A1)",
    "\tindented",
    "plain",
    "a = b",
    'said "so", and\nleft',
    "",
)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """A run over tracks with such titles."""
    folder = tmp_path / "moods"
    rows = tuple(Row(f"{k}", columns={"title": title}) for k, title in enumerate(TITLES))
    write_run(folder, Past(run_id(1), rows))
    return folder


def exported(output: Path, file: Path, *options: str) -> list[str]:
    assert main(["export", str(output), "tracks", str(file), *options]) == 0
    return list(pd.read_csv(file, dtype=str, keep_default_na=False).set_index("track_id")["title"])


def test_titles_come_back_from_a_csv_as_they_went_in(output: Path, tmp_path: Path) -> None:
    assert exported(output, tmp_path / "tracks.csv") == list(TITLES)


def test_for_a_spreadsheet_no_text_begins_like_a_formula(output: Path, tmp_path: Path) -> None:
    found = exported(output, tmp_path / "tracks.csv", "--for-spreadsheet")
    assert found == [f"'{title}" if title[:1] in "=+-@\t" and title else title for title in TITLES]


def test_other_files_are_not_for_a_spreadsheet(
    output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(output), "tracks", str(tmp_path / "t.parquet"), "--for-spreadsheet"]) == 2
    assert "--for-spreadsheet is for a .csv of texts, not for tracks as .parquet" in capsys.readouterr().err
