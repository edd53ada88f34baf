"""`moodscribe report`: what it is asked for is on the page, and the page is there whole or not at all."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli import main
from pipelines.output.committed import read_committed
from pipelines.output.connection import connect
from pipelines.reporting.facts import Facts
from pipelines.reporting.reading import Asked, read_facts
from schemas.errors import DataError
from tests.output.histories import Past, Row
from tests.output.histories import run_id as features_id
from tests.output.histories import write_run as write_features
from tests.pages.made_tables import HOSTILE, Made, run_id, write_made


def facts_of(
    output: Path, number: int = 2, *, tracks: tuple[str, ...] = (), against: str | None = None
) -> Facts:
    committed = read_committed(str(output))
    connection = connect(str(output))
    try:
        return read_facts(connection, committed, Asked(run_id(number), against, tracks), say=lambda _: None)
    finally:
        connection.close()


def data_of(page: Path) -> dict[str, Any]:
    """What the scripts of a page read."""
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page.read_text())
    found: dict[str, Any] = json.loads(text)
    return found


def test_without_a_choice_the_outermost_tracks_are_shown_and_those_that_change(two_runs: Path) -> None:
    why = {track.track_id: words for words, track in facts_of(two_runs).chosen}
    assert why["t1"].startswith("most pleasant")
    assert why["t6"] == "changes most"
    assert why["t0"].startswith("least pleasant")
    assert why[HOSTILE] == "most excited"
    assert why["t9"] == "calmest"
    assert len([words for words in why.values() if "changes most" in words]) == 2


def test_the_tracks_that_are_asked_for_are_shown_in_that_order(two_runs: Path) -> None:
    chosen = facts_of(two_runs, tracks=("Title 7", "/t5", "t2")).chosen
    assert [(words, track.track_id) for words, track in chosen] == [("", "t7"), ("", "t5"), ("", "t2")]
    curve = chosen[0][1].curve
    assert curve is not None
    assert curve.valence_mean == pytest.approx(0.2)
    assert chosen[2][1].curve is None
    assert chosen[2][1].facts["failure"] == "silent: peak of 0"


def test_an_earlier_run_has_the_state_of_its_time(two_runs: Path) -> None:
    first = facts_of(two_runs, 1)
    assert first.statuses == {"failed": 1, "skipped": 1, "tagged": 11}
    assert first.drift is None
    assert "no run before" in first.not_compared
    now = facts_of(two_runs, 2)
    assert now.statuses == {"failed": 2, "skipped": 1, "tagged": 9}
    assert now.drift is not None
    assert now.drift.run_a == run_id(1)


def test_rates_and_grades_are_of_the_catalogue(two_runs: Path) -> None:
    rates = {rate.tag: rate for rate in facts_of(two_runs).rates}
    assert (rates["happy"].tagged, rates["happy"].count, rates["happy"].grade) == (7, 9, "B")
    assert (rates["calm"].tagged, rates["calm"].count) == (2, 9)
    assert (rates["sad"].tagged, rates["sad"].off) == (0, True)


def test_a_state_that_is_gone_is_said_to_be_so_unless_it_was_asked_for(tmp_path: Path) -> None:
    output = tmp_path / "moods"
    for number in (1, 2, 3):
        write_made(output, number, [Made("a", reason="forced", valence=number / 10)])
    assert main(["compact", str(output), "--keep", "1", "--memory-mb", "256"]) == 0
    found = facts_of(output, 3)
    assert found.drift is None
    assert "`compact --keep` has dropped" in found.not_compared
    with pytest.raises(DataError, match="has dropped"):
        facts_of(output, 3, against=run_id(1))


def test_the_page_has_the_chosen_curves_as_they_are_in_the_tables(two_runs: Path, tmp_path: Path) -> None:
    page = tmp_path / "some.html"
    assert main(["report", str(two_runs), "--track", "t7", "--output", str(page)]) == 0
    figure = data_of(page)["figures"]["curve-0"]
    (curve,) = (track.curve for _, track in facts_of(two_runs, tracks=("t7",)).chosen)
    assert curve is not None
    lines = {trace["name"]: trace["y"] for trace in figure["data"] if "name" in trace}
    assert lines["valence"] == [round(value, 3) for value in curve.valence]
    assert html.escape("Title 7") in page.read_text()


@pytest.mark.parametrize(
    ("command", "promised"),
    [
        ("report", "moodscribe report gs://bucket/moods --output gs://bucket/reports/today.html"),
        ("show", "moodscribe show 0001 --tables moods"),
    ],
)
def test_help_teaches_by_examples(command: str, promised: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert promised in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("HERE/nothing", "HERE/nothing: no committed run there"),
        ("OUT --run nosuch", "no run 'nosuch'; of 2, the newest are"),
        ("OUT --against previous --run x", "no run 'x'"),
        ("OUT --track nosuch", "no track 'nosuch' in the tables"),
        ("OUT --track title", "'title' means several tracks: 't0', 't1'"),
        ("OUT --output HERE", "HERE: is a folder"),
        ("OUT --output HERE/gone/x.html", "HERE/gone/x.html: there is no folder HERE/gone"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(
    arguments: str, message: str, two_runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = [one.replace("HERE", str(tmp_path)).replace("OUT", str(two_runs)) for one in arguments.split()]
    page = [] if "--output" in arguments else ["--output", str(tmp_path / "x.html")]
    assert main(["report", *filled, *page]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("moodscribe report: ")
    assert message.replace("HERE", str(tmp_path)) in line
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_cannot_be_written_leaves_the_old_one(
    two_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "report.html"
    page.write_text("the old one")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert main(["report", str(two_runs), "--output", str(page)]) == 4
    assert "No space left on device" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert page.read_text() == "the old one"


def test_runs_of_features_have_no_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_features(tmp_path / "mel", Past(features_id(1), (Row("a", "extracted"),), features=True))
    assert main(["report", str(tmp_path / "mel"), "--output", str(tmp_path / "x.html")]) == 2
    assert "no moods there, but features of noise@1" in capsys.readouterr().err
