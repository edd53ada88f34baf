"""The card of the default bundle: it says what was measured, and the shipped one fits its bundle."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from models.bundle_source import open_bundle
from models.training.reporting.card import GOALS, Facts, Part, write_card
from models.training.reporting.measure import Predicted, measure
from models.training.reporting.robustness_figures import curve_figures, tag_figures

TAGS = ("calm", "energetic", "happy", "movie")
PARTS = (
    Part("listener", "mobile", "step-mel@1", 3_195_456, 6_400_000),
    Part("tags-1", "tag-head", "rows of listener", 400_000, 800_000),
    Part("affect", "affect-head", "rows of listener", 600_000, 1_300_000),
)


def _predicted() -> Predicted:
    """Clips whose valence and arousal are told with a known error, and tags at random."""
    rng = np.random.default_rng(5)
    clips, tags = 120, len(TAGS)
    truth = rng.uniform(-0.6, 0.6, (clips, 2))
    quadrants = np.where(
        truth[:, 1] >= 0, np.where(truth[:, 0] >= 0, "Q1", "Q2"), np.where(truth[:, 0] >= 0, "Q4", "Q3")
    )
    teacher = rng.uniform(0.05, 0.6, (clips, tags))
    return Predicted(
        fold=np.arange(clips) % 5,
        source=np.full(clips, "moods4q"),
        stratum=quadrants,
        members=np.stack([teacher, teacher]),
        scores=teacher,
        teacher=teacher,
        thresholds=np.full(tags, 0.5),
        teachers=np.full(tags, 0.5),
        on=np.array([True, True, True, False]),
        affect=np.stack([truth + rng.normal(0.0, 0.02, truth.shape) for _ in range(2)]),
        spread=rng.uniform(0.0, 0.1, (clips, 2)),
        truth=truth,
        ridge=truth + rng.normal(0.0, 0.4, truth.shape),
    )


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    predicted = _predicted()
    words = [("Peaceful",) if quadrant in ("Q3", "Q4") else ("Lively",) for quadrant in predicted.stratum]
    return measure(predicted, TAGS, words)


def _facts(measured: dict[str, Any]) -> Facts:
    scores, curve = np.random.default_rng(6).uniform(0.1, 0.9, (5, len(TAGS))), np.zeros((20, 2))
    areas = {"roc_auc": 0.7531, "pr_auc": 0.1338}
    form = {
        "clips": 5,
        "failed": {},
        "tags": tag_figures(scores, scores, TAGS),
        "decisions_changed": 0.0,
        "curves": curve_figures([(curve, curve)]),
    }
    axes = {"valence": {"largest": 0.01, "rms": 0.002}, "arousal": {"largest": 0.02, "rms": 0.003}}
    border = {"length": 60, "borders": 3, "valence": 1.0, "arousal": 1.1}
    curves = {"shifted": 5, "shift": axes, "chord": axes, "chord_s": 150.0, "borders": [border]}
    return Facts(
        parts=PARTS,
        fields={
            "version": "9.9.9",
            "terms": "Made up.",
            "calibration": {"provenance": "how it was calibrated"},
            "thresholds": {"provenance": "how thresholds were found"},
            "quality": {
                "grades": ["A", "B", "C", "D"],
                "off": ["movie"],
                "opposites": [["calm", "energetic"]],
                "provenance": "how it was graded",
            },
        },
        teacher={
            "tracks": {"train": 3, "validation": 2, "test": 4152},
            "without_embedding": {"test": 79},
            "validation": areas,
            "test": areas,
            "roc_auc": {split: [0.9, 0.8, 0.7, 0.5] for split in ("validation", "test", "both")},
            "test_macro_f": 0.1676,
        },
        measured=measured,
        checks={
            "robustness": {"clips": 5, "sources": {"moods4q": 5}, "forms": {"mono": form}},
            "curves": {**curves, "music": 1, "music_s": 120.0},
            "speed": {"cpu_s": 0.4321, "clock_s": 0.5, "track_s": 210.0},
        },
        stages=("prepare", "card"),
    )


def test_the_card_says_what_was_measured(measured: dict[str, Any]) -> None:
    card = write_card(_facts(measured))
    joined = " ".join(card.split())
    assert card.startswith("# Moodscribe default bundle 9.9.9\n")
    assert "8.5 MB; 0.43 s of one core for a track of 210 s" in joined
    assert "Off by default: movie." in joined
    assert "calm and energetic" in joined
    for name in ("valence", "arousal"):
        assert f"| {name} | {measured['affect'][name]['r2']:.3f} |" in card
    assert re.search(r"\| movie \| D \| 0\.50 \| 0\.50 \| 0\.50 \|", card)
    assert "{" not in card


def test_the_card_says_which_goals_are_met_and_which_are_missed(measured: dict[str, Any]) -> None:
    reached = measured["quadrants"]["bundle"]["macro_f1"]
    assert reached > GOALS["macro F1"]
    joined = " ".join(write_card(_facts(measured)).split())
    assert f"macro F1 {reached:.3f} is met" in joined
    poor = {**measured["quadrants"], "bundle": {**measured["quadrants"]["bundle"], "macro_f1": 0.2}}
    missed = " ".join(write_card(_facts({**measured, "quadrants": poor})).split())
    assert "macro F1 0.200 is missed" in missed


def test_the_shipped_card_is_that_of_the_shipped_bundle() -> None:
    bundle = open_bundle("default")
    card = (bundle.folder / "card.md").read_text(encoding="utf-8")
    assert card.startswith(f"# Moodscribe default bundle {bundle.version}\n")
    assert bundle.terms in card
    off = ", ".join(bundle.tags[tag] for tag in bundle.quality.off)
    assert f"Off by default: {off}." in " ".join(card.split())
    pictures = re.findall(r"\]\(([\w.-]+\.png)\)", card)
    assert len(pictures) == 4
    assert all((bundle.folder / picture).is_file() for picture in pictures)
