"""Training: data, splits, calibration, the loop and its checkpoints, on arrays that are made up here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

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
from models.training.decisions import Tracks, decide
from models.training.learning.chunks import (
    CHUNK_SAMPLES,
    GRIDS,
    ChunkSource,
    Recording,
    mean_embedding,
    stack,
    sum_embeddings,
    track_chunks,
)
from models.training.members import PLANS
from models.training.metrics import average_precision, roc_auc
from models.training.reporting.card import Facts, write_card
from models.training.reporting.measure import Predicted, measure, require
from models.training.teaching.heads import TagHeads, choose_strength, fit_ridge
from models.training.teaching.jamendo import parse_rows, read_tagged, tag_names
from models.training.teaching.teacher import Teacher, load_teacher
from models.training.teaching.yamnet import HOP_SAMPLES, PATCH_SAMPLES
from schemas.errors import DataError

DATA = Path(__file__).parents[2] / "shared" / "data"
RATE_HZ = 16_000


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


def test_decisions_do_not_look_at_test_tracks() -> None:
    rng = np.random.default_rng(7)
    split = np.repeat(["train", "validation", "test"], [60, 30, 20])
    tracks = Tracks(split, rng.uniform(0.05, 0.6, (110, 3)), rng.uniform(0.05, 0.6, (110, 3)))
    raw = np.where((split == "test")[:, None], 0.99, tracks.raw)
    teachers = np.full(3, 0.3)
    first, second = (decide(given, teachers, TagCount()) for given in (tracks, replace(tracks, raw=raw)))
    np.testing.assert_array_equal(first.thresholds, second.thresholds)
    np.testing.assert_array_equal(first.platt.bias, second.platt.bias)


@pytest.mark.parametrize(
    ("highest", "q2_arousal", "message"), [(0.7, 0.3, "70% of the 4Q"), (0.2, -0.4, "out of order")]
)
def test_a_bundle_that_does_not_tell_tracks_apart_is_refused(
    highest: float, q2_arousal: float, message: str
) -> None:
    quadrants = {"Q1": [0.2, 0.3], "Q2": [-0.2, q2_arousal], "Q3": [-0.2, -0.3], "Q4": [0.2, -0.2]}
    with pytest.raises(DataError, match=message):
        require({"rates": {"highest_4q": highest}, "quadrants": {"test": quadrants}})
    require({"rates": {"highest_4q": 0.2}, "quadrants": {"test": {**quadrants, "Q2": [-0.2, 0.1]}}})


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


def test_the_mean_embedding_of_a_chunk_takes_only_patches_inside_it() -> None:
    embeddings = np.arange(40, dtype=np.float32)[:, None]
    start, length = 5 * RATE_HZ, 3 * RATE_HZ
    inside = [
        k for k in range(40) if k * HOP_SAMPLES >= start and k * HOP_SAMPLES + PATCH_SAMPLES <= start + length
    ]
    assert mean_embedding(sum_embeddings(embeddings), start, length) == pytest.approx(np.mean(inside))


def _recording(seconds: int, seed: int, front_end: str = "crnn-logmel@1") -> Recording:
    rng = np.random.default_rng(seed)
    grid, total = GRIDS[front_end], seconds * RATE_HZ
    patches = (total - PATCH_SAMPLES) // HOP_SAMPLES + 1
    features = rng.normal(size=(-(-total // grid.step_samples), 64)).astype(np.float16)
    return Recording(features, sum_embeddings(rng.random((patches, 3))), total)


def test_batches_of_an_epoch_depend_on_its_number_alone() -> None:
    clips = [[_recording(30, seed), _recording(28, seed + 50)] for seed in range(4)]
    source = ChunkSource(clips, GRIDS["crnn-logmel@1"], lambda mean: mean, seed=1, batch=2)
    first, again, other = (list(source.epoch(number)) for number in (3, 3, 4))
    assert len(first) == source.steps() == 2
    for ((values, valid), _), ((values_again, _), _) in zip(first, again, strict=True):
        np.testing.assert_array_equal(values, values_again)
        assert all(not value[count:].any() for value, count in zip(values, valid, strict=True))
    assert not np.array_equal(first[0][0][0], other[0][0][0])


def test_chunks_of_a_track_cover_it_and_their_shares_add_up() -> None:
    recording = _recording(61, 1)
    drawn, shares = track_chunks(recording, GRIDS["crnn-logmel@1"])
    assert shares.sum() == pytest.approx(1.0)
    values, valid = stack(drawn, GRIDS["crnn-logmel@1"])
    assert values.shape == (4, CHUNK_SAMPLES // 256, 64)
    assert drawn[-1][1] + drawn[-1][2] == pytest.approx(recording.total_samples, abs=256)
    assert valid[-1] == -(-3 * RATE_HZ // 256)


def test_a_teacher_is_the_same_after_saving(tmp_path: Path) -> None:
    teacher = _teacher()
    teacher.save(tmp_path / "teacher.npz")
    again = load_teacher(tmp_path / "teacher.npz")
    embeddings = np.random.default_rng(2).random((9, 5))
    np.testing.assert_array_equal(teacher.probabilities(embeddings), again.probabilities(embeddings))
    np.testing.assert_array_equal(teacher.curve(embeddings, steps=7), again.curve(embeddings, steps=7))


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
    return Teacher(
        ("a", "b", "c"), heads, platt, np.full(3, 0.5), fit_ridge(inputs, inputs[:, :2], strength=1.0)
    )


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


def test_distillation_loss_is_least_at_the_teachers_scores() -> None:
    from models.training.learning.distil import Spread, distillation_loss

    loss = distillation_loss(Spread(np.zeros(3, np.float32), np.ones(3, np.float32)))
    targets = np.random.default_rng(1).uniform(0.05, 0.6, (8, 3)).astype(np.float32)
    assert (
        float(loss(targets, targets))
        < float(loss(targets * 0.9, targets))
        < float(loss(targets * 0.5, targets))
    )


def test_curve_loss_takes_no_notice_of_padding_and_of_missing_labels() -> None:
    from models.training.learning.curves import Steps, Truth, curve_loss, pack

    loss = curve_loss(Truth(np.ones(2, np.float32)))
    curve: NDArray[np.float32] = np.full((5, 2), 0.25, np.float32)
    missing = np.full(2, np.nan, np.float32)
    (_, inside), targets = pack([Steps(np.zeros((5, 3), np.float32), curve, missing)], steps=9)
    right = np.where(inside[..., None], np.float32(0.25), np.float32(0.9))
    assert float(loss(right, *targets)) == pytest.approx(0.0, abs=1e-7)


TAGS = ["calm", "dark", "epic", "happy", "sad"]


def _predicted() -> Predicted:
    """Made-up predictions of 200 clips that have the order that a bundle must have."""
    rng = np.random.default_rng(14)
    clips, tags = 200, 5
    quadrant = rng.integers(4, size=clips)
    truth = np.stack([np.where(quadrant % 3, -0.3, 0.3), np.where(quadrant < 2, 0.3, -0.3)], axis=1)
    teacher = rng.uniform(0.01, 0.5, (clips, tags))
    return Predicted(
        split=rng.choice(["train", "validation", "test"], clips, p=[0.5, 0.2, 0.3]),
        source=np.array(["4q"] * 150 + ["emotify"] * 50),
        stratum=np.array([f"Q{place + 1}" for place in quadrant]),
        members=teacher * rng.uniform(0.9, 1.1, (5, clips, tags)),
        scores=teacher * rng.uniform(0.8, 1.2, (clips, tags)),
        teacher=teacher,
        thresholds=np.full(tags, 0.4),
        teachers=np.full(tags, 0.4),
        affect=truth + rng.normal(0.0, 0.1, (3, clips, 2)),
        truth=np.where(np.arange(clips)[:, None] < 150, truth, np.nan),
    )


def test_measures_are_of_test_clips_and_labelled_ones_alone() -> None:
    predicted = _predicted()
    measured, test = measure(predicted, TAGS), predicted.split == "test"
    assert measured["tagging"]["n"] == test.sum()
    assert measured["affect"]["test"]["arousal"]["n"] == (test & (predicted.source == "4q")).sum()
    assert measured["affect"]["test"]["arousal"]["r"] > 0.8
    assert min(measured["tagging"]["r"]) > 0.8
    require(measured)


def test_a_card_has_every_tag_every_member_and_no_blank_left_open() -> None:
    measured = measure(_predicted(), TAGS)
    auc = {"roc_auc": 0.7, "pr_auc": 0.1}
    counts = {"train": 3, "validation": 2, "test": 1}
    official = {
        "tracks": counts,
        "without_embedding": counts,
        "test": auc,
        "validation": auc,
        "test_macro_f": 0.2,
    }
    affect = {"test": {name: {"r": 0.5, "r2": 0.25} for name in ("valence", "arousal")}}
    said = {"provenance": "made up"}
    card = write_card(
        Facts(
            plans=PLANS,
            parameters={plan.name: 1000 for plan in PLANS},
            bytes={plan.name: 4000 for plan in PLANS},
            histories={plan.name: {"scores": [0.1, 0.2], "best_epoch": 2} for plan in PLANS},
            teacher={"tags": official, "affect": affect, "mean_embedding_r": 0.9},
            measured=measured,
            fields={"version": "0.1.0", "terms": "research", "calibration": said, "thresholds": said},
        )
    )
    assert all(f"| {tag} |" in card for tag in TAGS)
    assert all(f"| {plan.name} |" in card for plan in PLANS)
    assert not re.search(r"\bnan\b", card)
    assert "{" not in card


def test_the_shipped_bundle_is_whole_small_and_names_no_machine() -> None:
    folder = Path(__file__).parents[1] / "models" / "bundles" / "default"
    if not folder.is_dir():
        pytest.skip("the default bundle is not here")
    bundle = read_bundle(folder)
    assert len(bundle.tags) == 56
    assert sorted(bundle.tags) == list(bundle.tags)
    assert {member.name for member in bundle.members} == {plan.name for plan in PLANS}
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


def test_no_artist_of_4q_is_in_two_splits() -> None:
    if not (DATA / "moods4q").is_dir():
        pytest.skip("the research data are not here")
    from pipelines.training.clips import read_clips
    from pipelines.training.teacher import split_clips

    parts = split_clips(read_clips(DATA))
    artists = [{clip.group for clip in part} for part in parts.values()]
    assert sum(map(len, artists)) == len(set().union(*artists))
    assert sum(map(len, parts.values())) == 640 + 297
