"""The tutorial runs, and what it shows is so."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.bundle import Bundle
from pipelines import tutorial
from pipelines.tables import open_tables


def test_the_tutorial_runs_from_top_to_bottom(
    tmp_path: Path, small_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    titles = ("¡Gol!", "Old Photograph", "Tea at Four")
    tutorial.run(tmp_path, bundle=str(small_bundle.folder), titles=titles)
    out = capsys.readouterr().out
    assert "3 inputs: 3 tagged" in out
    assert (
        out.index("¡Gol!") < out.index("its last quarter:") < out.index("a sweep:") < out.index("but calmer:")
    )
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    tables = open_tables(str(tmp_path / "moods"))
    arousal = tables.read("emotion_curves").set_index("track_id")["arousal_mean"]
    found = {track: tutorial.like_but_calmer(tables, track) for track in arousal.index}
    for track, calmer in found.items():
        assert set(calmer.index) == set(arousal.index[arousal < arousal[track]])
        assert calmer["distance"].is_monotonic_increasing
    assert sorted(map(len, found.values())) == [0, 1, 2]
