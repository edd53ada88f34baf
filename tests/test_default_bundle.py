"""The shipped bundle: what it is made of, and that it tags."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from models.bundle_source import open_bundle
from models.registry import Role
from pipelines.demo.pieces import PIECES
from pipelines.demo.render import render
from pipelines.tables import open_tables
from tests.jobs import plan_run, run

# MTG-Jamendo split-0, in the order of its official arrays.
TAGS = """
action adventure advertising background ballad calm children christmas commercial cool corporate dark deep
documentary drama dramatic dream emotional energetic epic fast film fun funny game groovy happy heavy holiday
hopeful inspiring love meditative melancholic melodic motivational movie nature party positive powerful
relaxing retro romantic sad sexy slow soft soundscape space sport summer trailer travel upbeat uplifting
"""


def test_it_has_the_official_tags_and_one_encoder_for_all_heads() -> None:
    bundle = open_bundle("default")
    assert list(bundle.tags) == TAGS.split()
    assert [member.architecture for member in bundle.encoders] == ["mobile"]
    assert bundle.front_ends == ("step-mel@1",)
    assert len(bundle.of_role(Role.TAGGER)) >= 3
    assert bundle.of_role(Role.REGRESSOR)
    assert bundle.decisions.calibration_provenance
    assert bundle.decisions.threshold_provenance
    assert "non-commercial" in bundle.terms


def test_it_takes_less_than_40_mb() -> None:
    folder = open_bundle("default").folder
    assert sum(path.stat().st_size for path in folder.iterdir()) < 40e6


def test_tags_near_chance_are_graded_so_and_off() -> None:
    bundle = open_bundle("default")
    quality = bundle.quality
    assert set(quality.grades) == {"A", "B", "C", "D"}
    assert [quality.grades[tag] for tag in quality.off] == ["D"] * len(quality.off)
    assert {"movie", "dream"} <= {bundle.tags[tag] for tag in quality.off}
    assert (bundle.tags.index("happy"), bundle.tags.index("sad")) in quality.opposites


def test_it_tags_composed_pieces_and_tells_them_apart(tmp_path: Path) -> None:
    titles = ("Calm Lake", "Iron Gate")
    for piece in PIECES:
        if piece.title in titles:
            soundfile.write(tmp_path / f"{piece.title}.wav", render(piece), 44_100)
    record = run(plan_run(tmp_path, tmp_path / "moods", open_bundle("default")))
    assert record["counts"]["tagged"] == 2
    tables = open_tables(str(tmp_path / "moods"))
    tags = tables.read("mood_tags")
    assert tags.groupby("track_id")["tag"].apply(list).map(sorted).tolist() == [sorted(TAGS.split())] * 2
    chosen = tags[tags["tagged"]].groupby("track_id")["tag"].apply(set)
    assert chosen.iloc[0] != chosen.iloc[1]
    arousal = tables.read("emotion_curves").set_index("track_id")["arousal_mean"]
    assert arousal[str(tmp_path / "Iron Gate.wav")] > arousal[str(tmp_path / "Calm Lake.wav")] + 0.1


def test_every_odd_file_is_accounted_for(tmp_path: Path, shared_data: Path) -> None:
    source = shared_data / "odd-audio"
    record = run(plan_run(source, tmp_path / "moods", open_bundle("default")))
    files = [path for path in source.rglob("*") if path.is_file()]
    assert record["counts"]["read"] == len(files)
    assert record["counts"]["skipped"] == sum(path.suffix == ".txt" for path in files)
    assert record["counts"]["tagged"] >= 12


def test_real_clips_of_the_excited_quadrants_are_higher_in_arousal(tmp_path: Path, shared_data: Path) -> None:
    labels = pd.read_csv(shared_data / "moods4q" / "tracks.csv")
    sample = labels.groupby("quadrant").head(8)
    uris = [str(shared_data / "moods4q" / "audio" / f"{name}.opus") for name in sample["track_id"]]
    manifest = tmp_path / "sample.csv"
    sample[["track_id", "quadrant"]].assign(uri=uris).to_csv(manifest, index=False)
    record = run(plan_run(manifest, tmp_path / "moods", open_bundle("default")))
    assert record["counts"]["tagged"] == len(sample)
    assert max(record["tag_rates"].values()) <= 0.6
    rows = open_tables(str(tmp_path / "moods")).query(
        "SELECT t.quadrant AS label, arousal_mean FROM emotion_curves JOIN tracks t USING (track_id, run_id)"
    )
    means = rows.groupby("label")["arousal_mean"].mean()
    assert np.mean([means["Q1"], means["Q2"]]) > np.mean([means["Q3"], means["Q4"]]) + 0.05
