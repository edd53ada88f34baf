"""Checks of curves: what is found where something was planted, and nothing where nothing was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from models.bundle import Bundle
from models.training.reporting.curve_checks_text import curve_checks_text
from models.training.reporting.curve_steadiness import LongCurve, border_figures, steady_figures
from pipelines.training import curve_checks
from pipelines.training.clips import Clip
from pipelines.training.curve_checks import (
    PIECES_STEPS,
    STEP_SAMPLES,
    Music,
    border_jump,
    joined,
    measure_curve_checks,
    shift_error,
    steady_chord,
    stretches_of,
)
from schemas.errors import DataError
from tests.bundles import MEMBERS, TAGS, Planned, write_bundle
from tests.sounds import music

Curve = NDArray[np.float64]


def loudness(samples: NDArray[np.float32]) -> Curve:
    """A curve that looks at nothing but its own half second."""
    steps = samples[: len(samples) // STEP_SAMPLES * STEP_SAMPLES].reshape(-1, STEP_SAMPLES)
    level = np.abs(steps.astype(np.float64)).mean(axis=1)
    return np.stack([level, -level], axis=1)


def with_jumps(samples: NDArray[np.float32]) -> Curve:
    """The same, and a tenth higher in every second stretch of 60 steps."""
    curve = loudness(samples)
    curve[:, 0] += 0.1 * (np.arange(len(curve)) // 60 % 2)
    return curve


def test_a_curve_that_follows_its_sound_has_no_shift_error() -> None:
    figures = shift_error(loudness, music(20.0), music(15.0, seed=8))
    assert figures["steps"] == 40 - 20 + 30 - 20
    assert figures["valence"] == figures["arousal"] == {"largest": 0.0, "rms": 0.0}


def test_a_curve_on_a_grid_of_its_own_has_a_shift_error() -> None:
    figures = shift_error(with_jumps, music(60.0))
    assert figures["valence"]["largest"] == pytest.approx(0.1)
    assert figures["valence"]["rms"] == pytest.approx(np.sqrt(0.01 / figures["steps"]))
    assert figures["arousal"]["largest"] == 0.0


def test_a_sound_of_less_than_its_ends_has_no_shift_error() -> None:
    assert shift_error(loudness, music(8.0)) == {}


def test_the_chord_is_the_same_in_every_half_second() -> None:
    steps = steady_chord(5.0).reshape(-1, STEP_SAMPLES)
    np.testing.assert_allclose(steps, np.tile(steps[0], (10, 1)), atol=1e-5)
    assert 0.1 < np.abs(steps).max() < 1.0


def test_the_largest_step_of_a_steady_sound_is_found_away_from_the_ends() -> None:
    curve = np.zeros((200, 2))
    curve[:30] = 0.9
    curve[120:, 1] = -0.2
    assert steady_figures(curve)["arousal"] == {"largest": pytest.approx(0.2), "at_step": 120}
    assert steady_figures(curve)["valence"]["largest"] == 0.0
    assert steady_figures(curve[:80]) == {}


def test_jumps_at_borders_are_found_and_those_at_ends_and_joins_are_not_counted() -> None:
    rng = np.random.default_rng(4)
    sound = rng.uniform(-0.5, 0.5, 200 * STEP_SAMPLES).astype(np.float32)
    found = border_jump(with_jumps, [Music(sound)])
    assert [one["length"] for one in found["borders"]] == [60, 120]
    assert [one["borders"] for one in found["borders"]] == [3, 1]
    assert all(one["valence"] > 20 for one in found["borders"])
    assert all(one["arousal"] < 5 for one in found["borders"])
    assert found["chord"]["valence"]["largest"] == pytest.approx(0.1, abs=1e-5)
    assert found["chord"]["valence"]["at_step"] % 60 == 0


def test_borders_at_joins_are_left_out() -> None:
    curve = LongCurve(np.random.default_rng(5).standard_normal((200, 2)), joins=(55, 125))
    assert [one["borders"] for one in border_figures([curve], (60, 80, 120))] == [1, 2, 0]
    assert border_figures([curve], (120,))[0]["valence"] is None
    assert border_figures([], (60,)) == [{"length": 60, "borders": 0, "valence": None, "arousal": None}]


def test_pieces_are_joined_anywhere_between_borders() -> None:
    found = joined([music(30.0) for _ in range(8)])
    lengths = [PIECES_STEPS[place % len(PIECES_STEPS)] for place in range(8)]
    assert found.joins == tuple(int(end) for end in np.cumsum(lengths)[:-1])
    assert len(found.samples) == sum(lengths) * STEP_SAMPLES
    assert len({join % 60 for join in found.joins}) > 4
    assert joined([music(12.0)]).joins == ()
    assert len(joined([]).samples) == 0


def test_the_stretches_of_a_bundle_are_looked_at(small_bundle: Bundle) -> None:
    assert stretches_of(small_bundle) == (60, 80, 120)


def test_a_bundle_is_checked_and_the_section_says_what_was_found(
    small_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curve_checks, "CHORD_S", 45.0)
    clips = []
    for seed in (1, 2):
        path = tmp_path / f"{seed}.wav"
        soundfile.write(path, music(31.0, seed=seed), 16_000, subtype="FLOAT")
        clips.append(Clip(str(seed), "made", str(seed), "Q1", path))
    figures = measure_curve_checks(small_bundle, clips)
    assert figures["shift"]["steps"] == 2 * (62 - 20)
    assert figures["shift"]["valence"]["rms"] <= figures["shift"]["valence"]["largest"] < 0.5
    assert set(figures["chord"]) == {"valence", "arousal"}
    text = curve_checks_text(figures)
    assert "| shift, largest |" in text
    assert "| borders every 60 steps (1) |" in text
    assert "| borders every 120 steps (0) | - | - |" in text


def test_a_bundle_without_regressors_has_no_curves_to_check(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path, [Planned(*MEMBERS[0])], tags=TAGS)
    with pytest.raises(DataError, match="no regressors"):
        measure_curve_checks(bundle, [])
