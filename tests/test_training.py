"""Training: data, splits, calibration, the loop and its checkpoints, on arrays that are made up here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.bundle import read_bundle
from models.decisions import safe_logit
from models.training import splits
from models.training.calibration import (
    TagCount,
    choose_thresholds,
    f_optimal,
    fit_platt,
    rate_limit,
)
from models.training.decisions import Tracks, decide, grade_provenance, grades
from models.training.metrics import average_precision, roc_auc
from models.training.recipe import HEADS, OPPOSITES, TEACHER_SEEDS, WORDS
from models.training.reporting.measure import PLACES, Predicted, measure, require
from models.training.teaching.heads import TagHeads, choose_strength, fit_ridge
from models.training.teaching.jamendo import parse_rows, read_tagged, tag_names
from models.training.teaching.teacher import Teacher, load_teacher
from schemas.errors import DataError, FailureKind

DATA = Path(__file__).parents[2] / "shared" / "data"


def test_rows_of_mtg_jamendo_are_read_whatever_their_width() -> None:
    head = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\n"
    start = "\tartist_1\talbum_1\t00/1.mp3\t10.0\t"
    one = f"track_0000007{start}mood/theme---calm\n"
    three = f"track_0000012{start}mood/theme---sad\tgenre---rock\tmood/theme---calm\n"
    rows = parse_rows([head, one, three])
    assert rows == {7: ("calm",), 12: ("sad", "calm")}
    assert tag_names(rows.values()) == ("calm", "sad")


@pytest.mark.parametrize(
    "line", ["track_1\tartist\talbum\tpath\t10.0\n", "1\ta\tb\tc\t1.0\tmood/theme---sad\n"]
)
def test_a_row_that_is_not_of_mtg_jamendo_is_refused(line: str) -> None:
    with pytest.raises(DataError, match="not a row of MTG-Jamendo"):
        parse_rows(["head\n", line])


def test_no_artist_is_in_two_splits_and_every_stratum_is_in_each() -> None:
    rng = np.random.default_rng(3)
    groups = [f"artist {number}" for number in rng.integers(150, size=400)]
    strata = [f"Q{number}" for number in rng.integers(1, 5, size=400)]
    places = splits.assign(groups, strata, seed=1)
    homes = {
        group: {place for place, other in zip(places, groups, strict=True) if other == group}
        for group in groups
    }
    assert all(len(home) == 1 for home in homes.values())
    for split, share in splits.SHARES.items():
        rows = [stratum for stratum, place in zip(strata, places, strict=True) if place == split]
        assert len(rows) == pytest.approx(400 * share, abs=8)
        assert set(rows) == {"Q1", "Q2", "Q3", "Q4"}


def test_a_split_does_not_depend_on_the_order_of_the_items() -> None:
    groups, strata = list("aabbccddeeffgg"), list("12121212121212")
    places = dict(zip(groups, splits.assign(groups, strata, seed=5), strict=True))
    backwards = dict(zip(groups[::-1], splits.assign(groups[::-1], strata[::-1], seed=5), strict=True))
    assert places == backwards


def test_platt_finds_a_known_scale_and_bias() -> None:
    rng = np.random.default_rng(4)
    scores = rng.uniform(0.01, 0.6, size=(400, 2))
    scale, bias = np.array([1.7, 0.4]), np.array([-1.2, 0.5])
    targets = 1.0 / (1.0 + np.exp(-(scale * safe_logit(scores) + bias)))
    platt = fit_platt(scores, targets, strength=1e-6)
    np.testing.assert_allclose(platt.scale, scale, rtol=0.01)
    np.testing.assert_allclose(platt.bias, bias, atol=0.02)


def test_platt_keeps_its_scale_above_zero_where_scores_run_against_the_targets() -> None:
    scores = np.linspace(0.1, 0.9, 50)[:, None]
    platt = fit_platt(scores, 1.0 - scores)
    assert platt.scale[0] > 0


def test_the_f_optimal_threshold_tags_what_is_strictly_above_it() -> None:
    scores = np.array([[0.9], [0.8], [0.7], [0.2], [0.1]])
    labels = np.array([[True], [False], [True], [False], [False]])
    threshold = f_optimal(labels, scores)
    assert ((scores > threshold)[:, 0] == [True, True, True, False, False]).all()


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.2, 0.99, 1.0])
def test_a_rate_limit_is_kept_also_among_ties(rate: float) -> None:
    scores = np.round(np.random.default_rng(5).random((97, 4)), 1)
    assert ((scores > rate_limit(scores, np.full(4, rate))).mean(axis=0) <= rate).all()


def test_a_counted_rate_comes_out_as_that_count() -> None:
    scores = np.random.default_rng(5).random((841, 841))
    rates = np.arange(841) / 841
    np.testing.assert_array_equal((scores > rate_limit(scores, rates)).sum(axis=0), np.arange(841))


def test_thresholds_keep_to_their_rates_and_to_the_number_of_tags() -> None:
    scores, rates = np.random.default_rng(6).random((200, 56)), np.linspace(0.0, 0.6, 56)
    thresholds, highest = choose_thresholds(scores, rates, TagCount())
    tagged = scores > thresholds
    assert (tagged.mean(axis=0) <= np.minimum(rates, highest) + 1e-9).all()
    assert highest <= 0.2
    assert 2 <= np.median(tagged.sum(axis=1)) <= 6


def test_ranking_measures_agree_with_counting_by_hand() -> None:
    labels, scores = np.array([True, False, True, False]), np.array([0.9, 0.5, 0.5, 0.1])
    assert roc_auc(labels, scores) == pytest.approx(3.5 / 4)
    assert average_precision(labels, scores) == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_ridge_finds_a_linear_rule_and_validation_picks_its_strength() -> None:
    rng = np.random.default_rng(8)
    inputs, rule = rng.normal(size=(80, 10)), rng.normal(size=(10, 2))
    strength = choose_strength((inputs[:60], inputs[:60] @ rule), (inputs[60:], inputs[60:] @ rule))
    assert strength == 300.0
    ridge = fit_ridge(inputs[:60], inputs[:60] @ rule, strength=1e-6)
    np.testing.assert_allclose(ridge(inputs[60:]), inputs[60:] @ rule, atol=1e-2)


def test_a_teacher_is_the_same_after_saving(tmp_path: Path) -> None:
    teacher = _teacher()
    teacher.save(tmp_path / "teacher.npz")
    again = load_teacher(tmp_path / "teacher.npz")
    embeddings = np.random.default_rng(2).random((9, 5))
    np.testing.assert_array_equal(teacher.probabilities(embeddings), again.probabilities(embeddings))
    assert again.tags == teacher.tags
    np.testing.assert_array_equal(again.floor, teacher.floor)
    assert again.heads.nets()[1]["scores/bias"].tolist() == teacher.heads.nets()[1]["scores/bias"].tolist()


def _teacher() -> Teacher:
    rng = np.random.default_rng(1)
    shapes = {
        "mean": (5,),
        "deviation": (5,),
        "w0": (2, 5, 4),
        "b0": (2, 1, 4),
        "w1": (2, 4, 3),
        "b1": (2, 1, 3),
    }
    heads = TagHeads(
        {name: rng.uniform(0.5, 1.0, shape).astype(np.float32) for name, shape in shapes.items()}
    )
    inputs = rng.random((12, 5))
    platt = fit_platt(heads.scores(inputs), rng.random((12, 3)))
    return Teacher(("a", "b", "c"), heads, platt, np.linspace(0.3, 0.5, 3))


def test_a_tag_head_with_a_nets_weights_says_what_the_net_says() -> None:
    from models.taggers import tag_head
    from models.taggers.tag_head import TagHeadSettings
    from models.weights import set_weights

    heads = _teacher().heads
    means = np.random.default_rng(3).normal(0.6, 0.4, (7, 5)).astype(np.float32)
    expected = heads.each(means)
    assert expected.shape == (2, 7, 3)
    np.testing.assert_allclose(heads.scores(means), expected.mean(axis=0))
    for own, arrays in zip(expected, heads.nets(), strict=True):
        model = tag_head.build(TagHeadSettings(5, hidden=4, tags=3))
        set_weights(model, arrays, source="test")
        summaries = np.stack([means, np.zeros_like(means)], axis=1)
        found = np.asarray(model([summaries, np.full(7, 40, np.int32)], training=False))
        np.testing.assert_allclose(found, own, atol=1e-6)


class _Blobs:
    """Batches of points with a label that a small net can learn."""

    def steps(self) -> int:
        return 4

    def epoch(self, number: int) -> Iterator[Any]:
        rng = np.random.default_rng([9, number])
        for _ in range(self.steps()):
            values = rng.normal(size=(16, 6)).astype(np.float32)
            yield (values, np.ones(16, np.int32)), (values[:, :2].clip(-1, 1),)


def _net() -> Any:
    import keras

    keras.utils.set_random_seed(12)
    values, extent = keras.Input((6,)), keras.Input((), dtype="int32")
    x = keras.layers.Dropout(0.3)(keras.layers.Dense(16, activation="relu", name="conv")(values))
    x = keras.layers.BatchNormalization()(x)
    return keras.Model([values, extent], keras.layers.Dense(2, name="scores")(x))


def _fit(phases: tuple[Any, ...], checkpoint: Path, *, stop_after: int = 99) -> tuple[Any, Any]:
    """A training that is stopped, as by a kill, when the score of epoch `stop_after` is asked for."""
    import keras

    from models.training.learning.fit import Task, fit

    model, held = _net(), next(iter(_Blobs().epoch(99)))
    asked: list[float] = []

    def score(trained: Any) -> float:
        if len(asked) == stop_after:
            raise KeyboardInterrupt
        error = float(np.mean((np.asarray(trained(list(held[0]))) - held[1][0]) ** 2))
        asked.append(-error)
        return -error

    def loss(output: Any, target: Any) -> Any:
        return keras.ops.mean(keras.ops.square(output - target))

    return model, fit(model, Task(_Blobs(), loss, score), phases, checkpoint)


def test_training_lowers_the_loss_and_leaves_the_best_epoch(tmp_path: Path) -> None:
    from models.training.learning.fit import Phase

    model, progress = _fit((Phase(6, 2e-2),), tmp_path / "net.npz")
    assert progress.losses[-1] < progress.losses[0] / 2
    assert progress.scores[progress.best_epoch] == max(progress.scores)
    for mine, best in zip(model.get_weights(), progress.best_weights, strict=True):
        np.testing.assert_array_equal(mine, best)


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_a_stopped_training_ends_with_the_weights_of_one_that_was_not(
    tmp_path: Path, stop_after: int
) -> None:
    from models.training.learning.fit import Phase

    phases = (Phase(2, 1e-2, frozen="conv"), Phase(2, 5e-3))
    whole, progress = _fit(phases, tmp_path / "whole.npz")
    with pytest.raises(KeyboardInterrupt):
        _fit(phases, tmp_path / "stopped.npz", stop_after=stop_after)
    resumed, again = _fit(phases, tmp_path / "stopped.npz")
    assert again.losses == progress.losses
    for expected, found in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(expected, found)


def test_frozen_layers_keep_their_weights(tmp_path: Path) -> None:
    from models.training.learning.fit import Phase

    model, _ = _fit((Phase(2, 1e-2, frozen="conv"),), tmp_path / "net.npz")
    np.testing.assert_array_equal(model.get_layer("conv").kernel, _net().get_layer("conv").kernel)
    assert not np.array_equal(model.get_layer("scores").kernel, _net().get_layer("scores").kernel)


# Decisions.


def _tracks(*, items: int = 300, tags: int = 6) -> Tracks:
    """Raw scores that rank as the teacher does, nearer to one another."""
    teacher = np.random.default_rng(7).uniform(0.02, 0.6, (items, tags))
    return Tracks(0.25 + 0.2 * teacher, teacher, "made-up clips")


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


@pytest.mark.parametrize(("on", "median"), [([0, 1], 0.0), ([0, 1, 2, 3, 4, 5], 2.0)])
def test_tags_are_counted_over_those_that_are_on(on: list[int], median: float) -> None:
    tracks = _tracks()
    same = replace(tracks, raw=np.repeat(tracks.raw[:, :1], 6, axis=1))
    kept = np.isin(np.arange(6), on)
    decided = decide(same, np.full(6, 0.1), TagCount(most=2.0, rate=0.6), on=kept)
    counts = (decided.platt(same.raw) > decided.thresholds)[:, kept].sum(axis=1)
    # Equal scores are tagged together: more than half the tracks have all of the few, or none of the many.
    assert (np.median(counts) == 2.0) == (len(on) == 2)
    assert np.median(counts) <= 2.0
    assert f"the median of these clips has {np.median(counts):g} tags" in decided.threshold_provenance


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
        (0.74, 0.9, "B"),
        (0.66, 0.9, "C"),
        (0.659, 0.9, "D"),
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
    said = grade_provenance()
    assert all(part in said for part in ("A from 0.80", "B from 0.74", "C from 0.66", "else D", "less than 0.8"))


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
    assert (rates["tags_in_use"], rates["highest"]) == (4, max(rates["all"]))
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
    [(0.7, 0.3, "on 70% of the clips, at most 25%"), (0.2, -0.4, "out of order"), (0.2, -0.2, "out of order")],
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


def test_the_shipped_bundle_is_whole_small_and_names_no_machine() -> None:
    folder = Path(__file__).parents[1] / "models" / "bundles" / "default"
    if not folder.is_dir():
        pytest.skip("the default bundle is not here")
    bundle = read_bundle(folder)
    assert len(bundle.tags) == 56
    assert sorted(bundle.tags) == list(bundle.tags)
    assert [member.name for member in bundle.members] == [
        "listener",
        *(f"tags-{place}" for place, _ in enumerate(TEACHER_SEEDS, 1)),
        *(f"affect-{place}" for place, _ in enumerate(HEADS.seeds, 1)),
    ]
    assert sum(file.stat().st_size for file in folder.iterdir()) < 40e6
    for name in ("bundle.json", "card.md"):
        text = (folder / name).read_text(encoding="utf-8")
        assert not any(part in text for part in ("/tmp/", "/work/", "/home/", "/root/"))  # noqa: S108


def test_the_official_split_is_joined_to_its_embeddings() -> None:
    if not (DATA / "jamendo").is_dir():
        pytest.skip("the research data are not here")
    tags, parts = read_tagged(DATA / "jamendo")
    assert len(tags) == 56
    assert {name: len(part.inputs) + part.missing for name, part in parts.items()} == {
        "train": 9949,
        "validation": 3802,
        "test": 4231,
    }
