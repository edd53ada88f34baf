"""Decisions on the default bundle's clips, and what is measured of them, on arrays that are made up here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.bundle_files import read_bundle
from models.training.calibration import TagCount
from models.training.decisions import Tracks, decide, grade_provenance, grades
from models.training.metrics import roc_auc
from models.training.recipe import OPPOSITES, WORDS
from models.training.reporting.measure import PLACES, Predicted, measure, require
from schemas.errors import DataError, FailureKind

# Decisions.


def _tracks(*, items: int = 300, tags: int = 6) -> Tracks:
    """Raw scores that rank as the teacher does, nearer to one another."""
    teacher = np.random.default_rng(7).uniform(0.02, 0.6, (items, tags))
    return Tracks(0.25 + 0.2 * teacher, teacher, np.full(len(teacher), "made-up clips"))


ALL = np.ones(6, bool)


def test_a_tag_is_given_as_often_as_the_teacher_gives_it() -> None:
    tracks, teachers = _tracks(), np.linspace(0.5, 0.6, 6)
    decided = decide(tracks, teachers, TagCount(), on=ALL)
    tagged = decided.platt(tracks.raw) > decided.thresholds
    np.testing.assert_array_equal(tagged.sum(axis=0), (tracks.teacher > teachers).sum(axis=0))


def test_no_tag_is_on_more_tracks_than_wanted_whatever_the_teacher_does() -> None:
    tracks = _tracks()
    decided = decide(tracks, np.zeros(6), TagCount(rate=0.15), on=ALL)
    assert (decided.platt(tracks.raw) > decided.thresholds).mean(axis=0).tolist() == pytest.approx([0.15] * 6)


def test_no_tag_is_on_more_of_a_set_than_wanted() -> None:
    tracks = _tracks()
    # The clips with most of the first tag are a set of their own.
    most = tracks.teacher[:, 0] > np.quantile(tracks.teacher[:, 0], 0.8)
    parted = replace(tracks, source=np.where(most, "one", "other"))
    decided = decide(parted, np.zeros(6), TagCount(rate=0.15, set_rate=0.25), on=ALL)
    tagged = decided.platt(tracks.raw) > decided.thresholds
    assert tagged[most].mean(axis=0).max() == pytest.approx(0.25)
    assert tagged[~most].mean(axis=0).max() <= 0.25


@pytest.mark.parametrize(("on", "median"), [([0, 1], 2.0), ([0, 1, 2, 3, 4, 5], 0.0)])
def test_tags_are_counted_over_those_that_are_on(on: list[int], median: float) -> None:
    tracks, kept = _tracks(), np.isin(np.arange(6), on)
    # Equal scores are tagged together: two are not too many for more than half the clips, six are.
    same = replace(tracks, raw=np.repeat(tracks.raw[:, :1], 6, axis=1))
    decided = decide(same, np.full(6, 0.1), TagCount(most=2.0, rate=0.6, set_rate=1.0), on=kept)
    counts = (decided.platt(same.raw) > decided.thresholds)[:, kept].sum(axis=1)
    assert np.median(counts) == median
    assert f"the median of these clips has {median:g} tags" in decided.threshold_provenance


def test_decisions_say_how_many_clips_of_what_they_are_from() -> None:
    fields = decide(_tracks(), np.full(6, 0.5), TagCount(), on=ALL).fields()
    for part in (fields["calibration"], fields["thresholds"]):
        assert "300 clips of made-up clips" in part["provenance"]
        assert "not trained on its artist" in " ".join(part["provenance"].split())
    assert [len(fields["calibration"][name]) for name in ("scale", "bias")] == [6, 6]
    assert len(fields["thresholds"]["values"]) == 6


@pytest.mark.parametrize(
    ("area", "agreement", "grade"),
    [
        (0.80, 0.80, "A"),
        (0.799, 0.9, "B"),
        (0.72, 0.9, "B"),
        (0.65, 0.9, "C"),
        (0.649, 0.9, "D"),
        (0.95, 0.79, "B"),
        (0.70, 0.5, "D"),
        (0.40, -1.0, "D"),
        (float("nan"), 0.9, "D"),
    ],
)
def test_a_tag_is_graded_by_its_labels_and_one_lower_where_teacher_and_student_differ(
    area: float, agreement: float, grade: str
) -> None:
    assert grades([area, 0.9], [agreement, 0.9]) == [grade, "A"]


def test_how_grades_are_given_is_said_with_every_limit() -> None:
    limits = ("A from 0.80", "B from 0.72", "C from 0.65", "else D", "less than 0.8")
    assert all(limit in grade_provenance() for limit in limits)


# Measures.

TAGS = ["calm", "dark", "epic", "happy", "sad"]


def _predicted() -> Predicted:
    """Made-up predictions of 200 clips that have the order that a bundle must have."""
    rng = np.random.default_rng(14)
    clips, tags = 200, 5
    quadrant = rng.integers(4, size=clips)
    truth = np.stack([np.where(quadrant % 3, -0.3, 0.3), np.where(quadrant < 2, 0.3, -0.3)], axis=1)
    teacher = rng.uniform(0.01, 0.5, (clips, tags))
    # A calm clip is one of low arousal.
    teacher[:, 0] += 0.3 * (quadrant >= 2)
    rated = np.arange(clips) < 150
    return Predicted(
        fold=rng.integers(5, size=clips),
        source=np.where(rated, "moods4q", "emotify"),
        stratum=np.where(rated, [f"Q{place + 1}" for place in quadrant], "rock"),
        members=teacher * rng.uniform(0.9, 1.1, (3, clips, tags)),
        scores=teacher * rng.uniform(0.8, 1.2, (clips, tags)),
        teacher=teacher,
        thresholds=np.array([0.7, *[0.45] * (tags - 1)]),
        teachers=np.array([0.7, *[0.45] * (tags - 1)]),
        on=np.array([True, True, False, True, True]),
        affect=truth + rng.normal(0.0, 0.1, (4, clips, 2)),
        spread=rng.uniform(0.0, 0.2, (clips, 2)),
        truth=np.where(rated[:, None], truth, np.nan),
        ridge=truth + rng.normal(0.0, 0.3, (clips, 2)),
    )


def _words(predicted: Predicted) -> list[tuple[str, ...]]:
    """Mood words of the first 100 clips: calm ones have one of the tag's words, the others another."""
    calm = np.isin(predicted.stratum, ("Q3", "Q4"))
    return [
        () if place >= 100 else ("Peaceful", "Other") if own else ("Other",) for place, own in enumerate(calm)
    ]


def test_measures_are_of_every_clip_and_those_of_affect_of_rated_ones() -> None:
    predicted = _predicted()
    measured = measure(predicted, TAGS, _words(predicted))
    assert (measured["folds"], measured["tags"], measured["tagging"]["n"]) == (5, TAGS, 200)
    assert min(measured["tagging"]["r"]) > 0.8
    arousal = measured["affect"]["arousal"]
    assert (arousal["n"], arousal["ridge"]["n"], len(arousal["member_r2"])) == (150, 150, 4)
    # The mean of four is nearer than any of them, and than the ridge.
    assert arousal["r2"] > max(*arousal["member_r2"], arousal["ridge"]["r2"])
    low, high = arousal["r_interval"]
    assert 0.9 < low < arousal["r"] < high <= 1.0
    assert len(measured["tagging"]["member_r_mean"]) == 3
    require(measured)


def test_a_tag_that_is_off_is_on_no_clip_but_is_compared_with_the_teachers() -> None:
    predicted = _predicted()
    measured = measure(predicted, TAGS, _words(predicted))
    rates = measured["rates"]
    np.testing.assert_allclose(rates["all"], predicted.tagged().mean(axis=0))
    assert rates["all"][2] == 0.0
    assert rates["teacher"][2] > 0.05
    of_sets = [predicted.tagged()[predicted.source == name].mean(axis=0) for name in ("moods4q", "emotify")]
    assert (rates["tags_in_use"], rates["highest"]) == (4, np.max(of_sets))
    assert rates["untagged"] == np.mean(~predicted.tagged().any(axis=1))
    own, theirs = predicted.scores > predicted.thresholds, predicted.teacher > predicted.teachers
    assert measured["tagging"]["jaccard"] == pytest.approx((own & theirs).sum() / (own | theirs).sum())


def test_words_are_those_of_the_clips_that_have_any() -> None:
    predicted = _predicted()
    figures = measure(predicted, TAGS, _words(predicted))["words"]
    calm = np.isin(predicted.stratum, ("Q3", "Q4"))[:100]
    # No clip has a word of the other tags.
    assert list(figures) == ["calm"]
    assert (figures["calm"]["words"], figures["calm"]["clips"]) == (list(WORDS["calm"]), calm.sum())
    assert figures["calm"]["students"] == roc_auc(calm, predicted.scores[:100, 0])
    assert figures["calm"]["teacher"] == roc_auc(calm, predicted.teacher[:100, 0])


def test_places_are_those_of_clips_with_a_quadrant() -> None:
    predicted = _predicted()
    figures = measure(predicted, TAGS, _words(predicted))["places"]
    assert set(figures) == set(PLACES) & set(TAGS)
    rows = np.isin(predicted.stratum, ("Q1", "Q2", "Q3", "Q4"))
    low = np.isin(predicted.stratum, ("Q3", "Q4"))[rows]
    assert figures["calm"]["students"] == roc_auc(low, predicted.scores[rows, 0])


def test_quadrants_are_counted_by_hand() -> None:
    predicted = _predicted()
    found = measure(predicted, TAGS, _words(predicted))["quadrants"]
    assert (found["n"], np.sum(found["bundle"]["confusion"])) == (150, 150)
    assert found["bundle"]["accuracy"] == np.trace(found["bundle"]["confusion"]) / 150
    assert found["bundle"]["accuracy"] > found["ridge"]["accuracy"]
    first = (predicted.stratum == "Q1") & predicted.rated
    np.testing.assert_allclose(found["means"]["Q1"], predicted.affect.mean(axis=0)[first].mean(axis=0))


def test_clips_without_quadrants_and_words_are_measured_too() -> None:
    predicted = replace(_predicted(), stratum=np.full(200, "rock"))
    measured = measure(predicted, TAGS, [()] * 200)
    assert (measured["words"], measured["places"], measured["quadrants"]["n"]) == ({}, {}, 0)
    require(measured)


@pytest.mark.parametrize(
    ("highest", "q2_arousal", "message"),
    [
        (0.7, 0.3, "on 70% of the clips, at most 25%"),
        (0.2, -0.4, "out of order"),
        (0.2, -0.2, "out of order"),
    ],
)
def test_a_bundle_that_does_not_tell_tracks_apart_is_refused(
    highest: float, q2_arousal: float, message: str
) -> None:
    means = {"Q1": [0.2, 0.3], "Q2": [-0.2, q2_arousal], "Q3": [-0.2, -0.3], "Q4": [0.2, -0.2]}
    with pytest.raises(DataError, match=message) as caught:
        require({"rates": {"highest": highest}, "quadrants": {"means": means}})
    assert caught.value.kind is FailureKind.BAD_BUNDLE
    require({"rates": {"highest": 0.25}, "quadrants": {"means": {**means, "Q2": [-0.2, 0.1]}}})


def test_opposites_and_words_are_of_tags_that_there_are() -> None:
    path = Path(__file__).parents[1] / "models" / "bundles" / "default"
    if not path.is_dir():
        pytest.skip("the default bundle is not here")
    tags = set(read_bundle(path).tags)
    assert {tag for pair in OPPOSITES for tag in pair} | set(WORDS) | set(PLACES) <= tags
