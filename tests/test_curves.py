"""Curves, colours and decisions: against closed forms and sums done by hand."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import find_peaks

from models.bundle import Decisions
from models.colour import colours
from models.curves import change_points, peaks, quadrant, quadrant_shares, summarise_axis
from models.decisions import calibrate, decide, fuse

STEP_S = 0.5
CORNERS = {(1, 1): "#ffbe0b", (-1, 1): "#d90429", (-1, -1): "#1d4eb3", (1, -1): "#2ea067"}


def curve(*levels: tuple[int, float]) -> NDArray[np.float32]:
    """A curve of stretches, each so many steps at one level."""
    return np.concatenate([np.full(steps, level, np.float32) for steps, level in levels])


def decisions(
    tags: int,
    *,
    scale: float | list[float] = 1.0,
    bias: float | list[float] = 0.0,
    threshold: float | list[float] = 0.5,
) -> Decisions:
    scales, biases, thresholds = (
        np.broadcast_to(np.array(value, np.float64), tags) for value in (scale, bias, threshold)
    )
    return Decisions(scales, biases, thresholds, calibration_provenance="test", threshold_provenance="test")


@pytest.mark.parametrize("steps", [2, 7, 480])
@pytest.mark.parametrize("slope", [-0.3, 0.0, 0.06, 2.0])
def test_the_slope_of_a_ramp_is_its_change_a_minute(slope: float, steps: int) -> None:
    # At two steps a second a minute has 120 of them.
    values = (0.1 + slope / 120 * np.arange(steps)).astype(np.float32)
    summary = summarise_axis(values, step_s=STEP_S)
    assert summary.slope == pytest.approx(slope, abs=1e-5)
    assert summary.mean == pytest.approx(0.1 + slope / 120 * (steps - 1) / 2, abs=1e-6)
    assert (summary.min, summary.max) == (float(values.min()), float(values.max()))


def test_the_slope_does_not_depend_on_the_step() -> None:
    ramp = np.linspace(-0.5, 0.5, 61)
    fast = summarise_axis(ramp.astype(np.float32), step_s=1.0)
    slow = summarise_axis(np.repeat(ramp, 1).astype(np.float32), step_s=0.5)
    assert fast.slope == pytest.approx(1.0, abs=1e-6)
    assert slow.slope == pytest.approx(2.0, abs=1e-6)


def test_the_slope_is_that_of_the_least_squares_line() -> None:
    generator = np.random.default_rng(6)
    values = generator.uniform(-1, 1, 333).astype(np.float32)
    expected = np.polyfit(np.arange(333) * STEP_S / 60, values.astype(np.float64), 1)[0]
    assert summarise_axis(values, step_s=STEP_S).slope == pytest.approx(expected, rel=1e-9)


def test_a_curve_of_one_step_has_no_slope() -> None:
    summary = summarise_axis(np.array([0.25], np.float32), step_s=STEP_S)
    assert (summary.mean, summary.min, summary.max, summary.slope) == (0.25, 0.25, 0.25, 0.0)


@pytest.mark.parametrize(
    ("valence", "arousal", "name"),
    [
        (0.5, 0.5, "Q1"),
        (-0.5, 0.5, "Q2"),
        (-0.5, -0.5, "Q3"),
        (0.5, -0.5, "Q4"),
        (0.0, 0.0, "Q1"),
        (-1e-9, 0.0, "Q2"),
        (-1e-9, -1e-9, "Q3"),
        (0.0, -1e-9, "Q4"),
    ],
)
def test_a_quadrant_owns_its_lower_borders(valence: float, arousal: float, name: str) -> None:
    assert quadrant(valence, arousal) == name
    shares = quadrant_shares(np.array([valence], np.float32), np.array([arousal], np.float32))
    assert shares.tolist() == [float(f"Q{index}" == name) for index in (1, 2, 3, 4)]


def test_shares_of_quadrants_are_shares_of_time() -> None:
    valence = curve((1, 0.2), (2, -0.2), (3, -0.2), (4, 0.2))
    arousal = curve((1, 0.2), (2, 0.2), (3, -0.2), (4, -0.2))
    assert quadrant_shares(valence, arousal).tolist() == [0.1, 0.2, 0.3, 0.4]


def test_shares_sum_to_one() -> None:
    generator = np.random.default_rng(8)
    for steps in (1, 7, 479):
        valence, arousal = generator.uniform(-1, 1, (2, steps)).astype(np.float32)
        assert quadrant_shares(valence, arousal).sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("step", [21, 60, 99])
@pytest.mark.parametrize("axis", ["valence", "arousal"])
def test_a_jump_is_one_change_point_at_its_step(axis: str, step: int) -> None:
    jump, flat = curve((step, -0.2), (120 - step, 0.2)), curve((120, 0.1))
    valence, arousal = (jump, flat) if axis == "valence" else (flat, jump)
    assert change_points(valence, arousal, step_s=STEP_S).tolist() == [step]


@pytest.mark.parametrize("apart", [1, 7, 40])
@pytest.mark.parametrize("kind", ["rough", "smooth", "levels"])
def test_peaks_are_those_of_scipy(kind: str, apart: int) -> None:
    draws = np.random.default_rng(apart)
    for count in draws.integers(1, 300, 100):
        values = draws.random(count)
        if kind == "smooth":
            values = np.convolve(values, np.full(9, 1 / 9), "same")
        if kind == "levels":
            values = np.round(values, 1)
        expected, _ = find_peaks(values, height=0.3, distance=apart)
        np.testing.assert_array_equal(peaks(values, height=0.3, apart=apart), expected)


def test_jumps_far_apart_are_all_found_and_in_order() -> None:
    valence = curve((40, -0.5), (30, 0.5), (50, -0.5))
    assert change_points(valence, np.zeros_like(valence), step_s=STEP_S).tolist() == [40, 70]


def test_of_jumps_within_ten_seconds_only_the_largest_is_one() -> None:
    valence = curve((40, -0.5), (4, 0.0), (40, 1.0))
    assert change_points(valence, np.zeros_like(valence), step_s=STEP_S).tolist() == [44]


def test_a_move_on_both_axes_counts_by_its_way_in_the_plane() -> None:
    # .2 on each axis is .28 in the plane: above the distance of .25, which .2 alone is not.
    move, flat = curve((60, 0.0), (60, 0.2)), curve((120, 0.0))
    assert change_points(move, move, step_s=STEP_S).tolist() == [60]
    assert change_points(move, flat, step_s=STEP_S).tolist() == []


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (curve((480, 0.4)), "constant"),
        (curve((60, 0.0), (60, 0.24)), "too small a jump"),
        (curve((8, -1.0), (112, 1.0)), "a jump in the first ten seconds"),
        (curve((112, -1.0), (8, 1.0)), "a jump in the last ten seconds"),
        (curve((20, -1.0), (19, 1.0)), "a track below twenty seconds"),
        (curve((20, -1.0), (21, 1.0)), "a track of little more"),
        (curve((1, 0.5)), "one step"),
        (np.zeros(0, np.float32), "no step"),
        (np.linspace(-0.4, 0.4, 480, dtype=np.float32), "a slow ramp"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_there_is_no_change_point_in_what_does_not_move_to_another_level(
    values: NDArray[np.float32], why: str
) -> None:
    assert change_points(values, np.zeros_like(values), step_s=STEP_S).tolist() == []


def test_change_points_keep_ten_seconds_from_the_ends_and_from_each_other() -> None:
    generator = np.random.default_rng(9)
    for _ in range(50):
        valence, arousal = generator.uniform(-1, 1, (2, 12)).repeat(17, axis=1).astype(np.float32)
        found = change_points(valence, arousal, step_s=STEP_S)
        assert (np.diff(found) >= 20).all()
        assert found.min(initial=21) > 20
        assert found.max(initial=0) < len(valence) - 20


@pytest.mark.parametrize(("point", "colour"), CORNERS.items())
def test_the_corners_of_the_plane_have_their_colours(point: tuple[int, int], colour: str) -> None:
    # The gain of 1.8 reaches a corner at 1/1.8 on both axes; beyond, the colour stays.
    for size in (1.0, 1 / 1.8 + 1e-6):
        valence, arousal = (np.array([size * axis], np.float32) for axis in point)
        assert colours(valence, arousal) == [colour]


def test_the_middle_is_the_mean_of_the_corners_in_linear_light() -> None:
    corners = np.array([[int(text[at : at + 2], 16) for at in (1, 3, 5)] for text in CORNERS.values()])
    mean = np.rint(((corners / 255) ** 2.2).mean(axis=0) ** (1 / 2.2) * 255).astype(int)
    zero = np.zeros(1, np.float32)
    assert colours(zero, zero) == ["#" + "".join(f"{part:02x}" for part in mean)]


def test_nearby_emotions_have_nearby_colours() -> None:
    grid = np.linspace(-1, 1, 201, dtype=np.float32)
    for fixed in (-1.0, -0.3, 0.0, 0.7):
        other = np.full_like(grid, fixed)
        for pair in ((grid, other), (other, grid)):
            rgb = np.array([[int(text[at : at + 2], 16) for at in (1, 3, 5)] for text in colours(*pair)])
            # Two hundred steps: the steepest is where a dark green begins to lighten.
            assert np.abs(np.diff(rgb, axis=0)).max() <= 14


def test_any_emotion_has_a_colour_of_six_digits() -> None:
    generator = np.random.default_rng(10)
    valence, arousal = generator.uniform(-1, 1, (2, 2000)).astype(np.float32)
    found = colours(valence, arousal)
    assert len(found) == 2000
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in found)
    assert len(set(found)) > 500


def test_members_are_fused_by_mean_and_standard_deviation() -> None:
    raw, disagreement = fuse(np.array([[0.2, 0.5], [0.4, 0.5], [0.9, 0.5]]))
    assert raw.tolist() == pytest.approx([0.5, 0.5])
    # By hand: deviations -.3, -.1, .4; their squares sum to .26.
    assert disagreement.tolist() == pytest.approx([np.sqrt(0.26 / 3), 0.0])


def test_one_member_alone_agrees_with_itself() -> None:
    raw, disagreement = fuse(np.array([[0.2, 0.7]]))
    # As tables keep them: in single precision.
    assert raw.tolist() == np.array([0.2, 0.7], np.float32).tolist()
    assert disagreement.tolist() == [0.0, 0.0]


def test_calibration_by_one_and_zero_changes_nothing() -> None:
    raw = np.array([0.001, 0.2, 0.5, 0.8, 0.999])
    np.testing.assert_allclose(calibrate(raw, decisions(5)), raw, rtol=1e-12)


def test_calibration_is_platts() -> None:
    raw = np.array([0.2, 0.5, 0.75])
    found = calibrate(raw, decisions(3, scale=[2.0, 1.0, 0.5], bias=[0.0, -1.0, 0.25]))
    # Odds of .2 are 1/4, squared 1/16: 1/17. Of .5 they are 1: 1 / (1 + e). Of .75 they are 3.
    by_hand = [1 / 17, 1 / (1 + np.e), 1 / (1 + np.exp(-0.25) / np.sqrt(3))]
    np.testing.assert_allclose(found, by_hand, rtol=1e-12)


def test_calibration_of_certain_scores_is_finite_and_keeps_their_order() -> None:
    raw = np.array([0.0, 1e-9, 0.5, 1.0])
    found = calibrate(raw, decisions(4, scale=3.0, bias=-1.0))
    assert np.isfinite(found).all()
    assert (np.diff(found) >= 0).all()
    assert 0 <= found[0] < 1e-12
    assert found[3] <= 1


def test_calibration_of_many_tracks_is_that_of_each() -> None:
    raw = np.random.default_rng(11).random((5, 3))
    rule = decisions(3, scale=[2.0, 1.0, 0.5], bias=[0.0, -1.0, 0.25])
    np.testing.assert_array_equal(calibrate(raw, rule), np.stack([calibrate(row, rule) for row in raw]))


def test_a_tag_is_given_strictly_above_its_threshold() -> None:
    # With one half and the identity the score is exactly one half.
    decision = decide(np.full((2, 3), 0.5), decisions(3, threshold=[0.5, np.nextafter(0.5, 0), 0.6]))
    assert decision.score.tolist() == [0.5, 0.5, 0.5]
    assert decision.tagged.tolist() == [False, True, False]


def test_a_track_may_have_no_tag_and_may_have_all() -> None:
    scores = np.random.default_rng(12).random((4, 56))
    assert not decide(scores, decisions(56, threshold=1.0)).tagged.any()
    assert decide(scores, decisions(56, threshold=0.0)).tagged.all()


def test_ranks_are_a_permutation_by_score_and_ties_keep_the_order_of_tags() -> None:
    decision = decide(np.array([[0.3, 0.9, 0.3, 0.5]]), decisions(4))
    assert decision.rank.tolist() == [3, 1, 4, 2]
    scores = np.random.default_rng(13).random((3, 56))
    decision = decide(scores, decisions(56, scale=np.linspace(0.5, 2, 56).tolist()))
    assert sorted(decision.rank.tolist()) == list(range(1, 57))
    assert (np.diff(decision.score[np.argsort(decision.rank)]) <= 0).all()


def test_a_decision_keeps_raw_score_and_disagreement_beside_the_calibrated_score() -> None:
    decision = decide(np.array([[0.2, 0.6], [0.4, 0.6]]), decisions(2, scale=2.0, threshold=0.2))
    np.testing.assert_allclose(decision.raw_score, [0.3, 0.6])
    np.testing.assert_allclose(decision.disagreement, [0.1, 0.0], atol=1e-15)
    # Odds 3/7 and 3/2, squared: 9/58 and 9/13.
    np.testing.assert_allclose(decision.score, [9 / 58, 9 / 13])
    assert decision.tagged.tolist() == [False, True]
    assert decision.rank.tolist() == [2, 1]
