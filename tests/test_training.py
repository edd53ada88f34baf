"""Training: data, splits, calibration, the loop and its checkpoints, on arrays that are made up here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.bundle_files import read_bundle
from models.decisions import safe_logit
from models.training import splits
from models.training.calibration import (
    TagCount,
    choose_thresholds,
    f_optimal,
    fit_platt,
    rate_limit,
)
from models.training.learning.checkpoint import Progress
from models.training.learning.fit import Phase, Task, fit
from models.training.metrics import average_precision, roc_auc
from models.training.recipe import TEACHER_SEEDS
from models.training.teaching.heads import TagHeads, choose_strength, fit_ridge
from models.training.teaching.jamendo import Tagged, parse_rows, read_tagged, tag_names
from models.training.teaching.teacher import Teacher, load_teacher
from schemas.errors import DataError

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


def test_a_fitted_teacher_says_what_it_reached_on_the_tracks_it_was_not_fitted_to() -> None:
    from models.training.teaching.teacher import fit_tag_teacher

    rng = np.random.default_rng(6)
    parts = {}
    for place, name in enumerate(("train", "validation", "test")):
        inputs = rng.normal(size=(120 - 20 * place, 6)).astype(np.float32)
        labels = (inputs[:, :3] + rng.normal(0.0, 0.8, (len(inputs), 3)) > 0.3).astype(np.float32)
        parts[name] = Tagged(inputs, labels, missing=place)
    fitted = fit_tag_teacher(parts, seeds=(3,))
    figures, held = fitted.figures, (parts["validation"], parts["test"])
    assert figures["tracks"] == {"train": 120, "validation": 100, "test": 80}
    assert figures["without_embedding"] == {"train": 0, "validation": 1, "test": 2}
    raw = [fitted.heads.scores(part.inputs) for part in held]
    truth = np.concatenate([part.labels for part in held]) > 0
    both = [roc_auc(truth[:, tag], np.concatenate(raw)[:, tag]) for tag in range(3)]
    assert figures["roc_auc"]["both"] == pytest.approx(both)
    assert min(both) > 0.7
    np.testing.assert_allclose(fitted.platt.scale, fit_platt(raw[0], held[0].labels).scale)


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
    model, progress = _fit((Phase(6, 2e-2),), tmp_path / "net.npz")
    assert progress.losses[-1] < progress.losses[0] / 2
    assert progress.scores[progress.best_epoch] == max(progress.scores)
    for mine, best in zip(model.get_weights(), progress.best_weights, strict=True):
        np.testing.assert_array_equal(mine, best)


_PHASES = (Phase(2, 1e-2, frozen="conv"), Phase(2, 5e-3))


@pytest.fixture(scope="module")
def not_stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Progress]:
    """A net that was trained in one go, and the course of it."""
    return _fit(_PHASES, tmp_path_factory.mktemp("whole") / "net.npz")


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_a_stopped_training_ends_with_the_weights_of_one_that_was_not(
    not_stopped: tuple[Any, Progress], tmp_path: Path, stop_after: int
) -> None:
    whole, progress = not_stopped
    with pytest.raises(KeyboardInterrupt):
        _fit(_PHASES, tmp_path / "stopped.npz", stop_after=stop_after)
    resumed, again = _fit(_PHASES, tmp_path / "stopped.npz")
    assert again.losses == progress.losses
    for expected, found in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(expected, found)


def test_frozen_layers_keep_their_weights(tmp_path: Path) -> None:
    model, _ = _fit((Phase(2, 1e-2, frozen="conv"),), tmp_path / "net.npz")
    np.testing.assert_array_equal(model.get_layer("conv").kernel, _net().get_layer("conv").kernel)
    assert not np.array_equal(model.get_layer("scores").kernel, _net().get_layer("scores").kernel)


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
        "affect",
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
