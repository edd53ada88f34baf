"""A run after a compaction finds in it what is done, and decides anew on the rows that are stored there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.cli import main
from pipelines.tables import open_tables
from schemas.work import WorkKey
from tests.incremental.stub_runs import plan_stub, run_stub


def run(music: Path, output: Path, *, threshold: str) -> dict[str, Any]:
    """A run of the stub job; its record."""
    work = WorkKey("front end", "model", "settings", threshold)
    return run_stub(plan_stub(music, output, work))


def scores_of(output: Path) -> dict[tuple[str, str], tuple[float, float]]:
    """Raw score and threshold by file and tag."""
    rows = open_tables(str(output)).connection.sql(
        "SELECT track_id, tag, raw_score, threshold FROM mood_tags"
    )
    return {(Path(one).name, tag): (raw, threshold) for one, tag, raw, threshold in rows.fetchall()}


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for name in "abcde":
        (folder / f"{name}.wav").write_bytes(f"sound of {name}".encode())
    (folder / "copy.wav").write_bytes(b"sound of a|retagged")
    (folder / "bad.wav").write_bytes(b"bad")
    return folder


def test_a_run_after_a_compaction_works_on_what_is_new_and_carries_the_rest(
    tmp_path: Path, music: Path
) -> None:
    output, worked_on = tmp_path / "moods", tmp_path / "worked_on"
    run(music, output, threshold="0.25")
    first = scores_of(output)
    assert main(["compact", str(output), "--memory-mb", "256", "--keep", "0"]) == 0
    (music / "b.wav").write_bytes(b"another sound")
    (music / "c.wav").unlink()
    (music / "new.wav").write_bytes(b"sound of d|the same")
    worked_on.unlink()
    record = run(music, output, threshold="0.5")
    assert record["reasons"] == {"changed": 1, "decisions": 4, "gone": 1, "new": 1}
    assert sorted(Path(line).name for line in worked_on.read_text().splitlines()) == ["b.wav", "new.wav"]
    second = scores_of(output)
    assert {name for name, _ in second} == {"a.wav", "b.wav", "copy.wav", "d.wav", "e.wav", "new.wav"}
    assert {threshold for _, threshold in second.values()} == {0.5}
    for (name, tag), (raw_score, _) in second.items():
        if name not in ("b.wav", "new.wav"):
            assert raw_score == first[name, tag][0]
    nothing = run(music, output, threshold="0.5")
    assert nothing["counts"]["unchanged"] == nothing["counts"]["read"] == 7
