"""The encoder's training: crops, their targets, another master, the loss, and likeness to the teacher."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from models.encoders.mobile import MobileSettings
from models.ensemble import compiled
from models.training.learning.fit import Phase, Task, fit
from models.training.learning.imitation import (
    OFFSET,
    Crops,
    Heard,
    another_master,
    encode,
    imitation_loss,
    likeness,
    patch_targets,
    spread_of,
    variants_of,
    warmed_cosine,
)
from tests.bundles import lively_encoder

Floats = NDArray[np.float32]
SMALL = MobileSettings((6,) * 5, (1, 2, 2, 2, 2), rows=12)


@pytest.fixture(scope="module")
def encoder() -> keras.Model:
    return lively_encoder(SMALL, seed=3)


def log_mel(steps: int, *, seed: int) -> Floats:
    """Rows [steps, 32, 64] of a log-mel, each clip at levels of its own."""
    generator = np.random.default_rng(seed)
    levels = generator.normal(-2.0, 1.5, (steps, 1, 64))
    return (levels + generator.normal(0.0, 1.0, (steps, 32, 64))).astype(np.float32)


def numbered(steps: int, clip: int) -> Heard:
    """A variant whose rows and embeddings say which clip and step they are of: 100 clip + step."""
    number = 100.0 * clip + np.arange(steps)
    rows = np.broadcast_to(np.log(number + 1.0)[:, None, None], (steps, 32, 64))
    return Heard(rows.astype(np.float16), np.stack([number, -number], axis=1).astype(np.float16))


def crops(clips: Sequence[Sequence[Heard]], *, times: int = 1, batch: int = 4, rows: int = 6) -> Crops:
    return Crops(clips, seed=1, rows=rows, times=times, batch=batch)


def clips_of(source: Crops, number: int) -> list[int]:
    """Which clips an epoch's crops are of, by their targets."""
    return [round(float(target[0, 0]) // 100) for _, (part,) in source.epoch(number) for target in part]


# Crops and targets.


def test_a_patch_is_to_say_the_mean_of_what_was_heard_from_its_first_two_rows_on() -> None:
    heard = np.array(
        [[1.0, 10.0], [3.0, 30.0], [99.0, 99.0], [4.0, 0.0], [5.0, 1.0], [-99.0, 7.0]], np.float16
    )
    found = patch_targets(heard)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [[2.0, 20.0], [4.5, 0.5]])


def test_a_batch_is_whole_crops_and_what_the_teacher_heard_in_the_same_rows() -> None:
    # The equaliser leaves silence as it is: whichever crop it is, its rows stay.
    silent = [
        [Heard(np.full((20, 32, 64), np.log(OFFSET), np.float16), numbered(20, k).heard)] for k in range(4)
    ]
    (((values, inside), (targets,)),) = crops(silent).epoch(0)
    assert (values.shape, values.dtype, inside.shape, inside.dtype) == (
        (4, 6, 32, 64),
        np.float32,
        (4, 6),
        bool,
    )
    assert (targets.shape, targets.dtype) == ((4, 2, 2), np.float32)
    assert inside.all()
    first = targets[:, 0, 0] % 100 - 0.5
    assert set(first) <= set(range(15))
    np.testing.assert_array_equal(targets[:, 1, 0] - targets[:, 0, 0], np.full(4, 3.0))
    np.testing.assert_array_equal(targets[..., 1], -targets[..., 0])


def test_rows_and_targets_of_a_crop_are_of_the_same_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    from models.training.learning import imitation

    monkeypatch.setattr(imitation, "another_master", lambda values, rng: values)
    (((values, _), (targets,)),) = crops([[numbered(20, clip)] for clip in range(1, 5)]).epoch(2)
    number = np.exp(values[:, :, 0, 0]) - 1.0
    np.testing.assert_allclose(number.reshape(4, 2, 3)[:, :, :2].mean(axis=2), targets[:, :, 0], rtol=0.01)


@pytest.mark.parametrize("steps", [1, 2, 4, 5, 6])
def test_a_clip_shorter_than_a_crop_is_heard_again_from_its_start(
    steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.training.learning import imitation

    monkeypatch.setattr(imitation, "another_master", lambda values, rng: values)
    (((values, inside), (targets,)),) = crops([[numbered(steps, 1)]], batch=1).epoch(0)
    wanted = 100.0 + np.arange(6) % steps
    np.testing.assert_allclose(np.exp(values[0, :, 0, 0]) - 1.0, wanted, rtol=0.01)
    np.testing.assert_array_equal(targets[0, :, 0], wanted.reshape(2, 3)[:, :2].mean(axis=1))
    assert inside.all()


def test_rows_after_the_last_that_was_heard_are_not_drawn() -> None:
    one = numbered(9, 1)
    longer = Heard(one.rows, one.heard[:7])
    targets = [
        part[0, :, 0] for number in range(40) for _, (part,) in crops([[longer]], batch=1).epoch(number)
    ]
    assert sorted({float(target[0]) for target in targets}) == [100.5, 101.5]


def test_an_epoch_depends_on_its_number_alone() -> None:
    clips = [[numbered(20, clip), numbered(19, clip)] for clip in range(6)]
    source = crops(clips, batch=2, times=2)
    first, again, other = (list(source.epoch(number)) for number in (3, 3, 4))
    assert len(first) == len(other) == source.steps() == 6
    for ((values, _), (targets,)), ((values_again, _), (targets_again,)) in zip(first, again, strict=True):
        np.testing.assert_array_equal(values, values_again)
        np.testing.assert_array_equal(targets, targets_again)
    assert not np.array_equal(first[0][0][0], other[0][0][0])


@pytest.mark.parametrize("times", [1, 2, 3])
def test_every_clip_is_drawn_so_many_times_an_epoch_and_once_before_any_again(times: int) -> None:
    source = crops([[numbered(20, clip)] for clip in range(8)], times=times)
    drawn = clips_of(source, 5)
    assert source.steps() == 2 * times
    for first in range(0, len(drawn), 8):
        assert sorted(drawn[first : first + 8]) == list(range(8))


def test_crops_that_fill_no_batch_are_left_out() -> None:
    source = crops([[numbered(20, clip)] for clip in range(7)], times=2, batch=4)
    assert source.steps() == len(list(source.epoch(0))) == 3


def test_every_variant_of_a_clip_is_drawn() -> None:
    source = crops([[numbered(20, 1), numbered(20, 2), numbered(20, 3)]], batch=1)
    assert {clip for number in range(30) for clip in clips_of(source, number)} == {1, 2, 3}


def test_a_variant_without_an_ear_of_its_own_is_heard_like_the_first() -> None:
    plain, speed, coded = (numbered(8, clip) for clip in range(3))
    arrays = {
        "rows.plain": plain.rows,
        "heard.plain": plain.heard,
        "rows.speed": speed.rows,
        "heard.speed": speed.heard,
        "rows.coded": coded.rows,
    }
    found = variants_of(arrays, ("plain", "speed", "coded"))
    assert [one.rows is own.rows for one, own in zip(found, (plain, speed, coded), strict=True)] == [True] * 3
    assert found[0].heard is plain.heard
    assert found[1].heard is speed.heard
    assert found[2].heard is plain.heard


# Another master.


def test_another_master_of_silence_is_silence() -> None:
    silence = np.full((3, 4, 32, 64), np.log(np.float32(OFFSET)))
    found = another_master(silence, np.random.default_rng(2))
    np.testing.assert_allclose(found, silence, atol=1e-5)


def test_another_master_is_one_smooth_gain_over_the_bands_of_an_item() -> None:
    # Far above the offset a gain is a difference of logarithms.
    values = np.stack([log_mel(6, seed=seed) + 12.0 for seed in range(40)])
    found = another_master(values, np.random.default_rng(2))
    assert (found.shape, found.dtype.name) == (values.shape, "float32")
    gains_db = (found - values) * 20.0 / np.log(10.0)
    one = gains_db[:, :1, :1]
    np.testing.assert_allclose(gains_db, np.broadcast_to(one, gains_db.shape), atol=0.02)
    curve = one[:, 0, 0]
    assert len(np.unique(curve.round(3), axis=0)) == 40
    # Bands beside each other are 6 / 63 of the way between knots of a deviation of 2 dB.
    assert np.abs(np.diff(curve, axis=1)).max() < 1.2
    assert 1.0 < curve.std() < 3.0


def test_another_master_changes_nothing_but_by_its_generator() -> None:
    values = np.stack([log_mel(3, seed=1)] * 2)
    kept = values.copy()
    first, again = (another_master(values, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(values, kept)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[0], first[1])


# The loss.


@pytest.mark.parametrize(
    ("error", "expected"),
    [(0.0, 0.0), (1.0, 0.5), (-2.0, 2.0), (3.0, 4.5), (4.0, 7.5), (-13.0, 34.5)],
)
def test_the_loss_is_half_the_square_up_to_three_deviations_and_a_line_beyond(
    error: float, expected: float
) -> None:
    loss = imitation_loss(np.full(2, 0.5, np.float32))
    targets = np.random.default_rng(3).normal(size=(2, 2, 2)).astype(np.float32)
    rows = np.repeat(targets + np.float32(0.5 * error), 3, axis=1)
    assert float(loss(rows, targets)) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_the_loss_is_the_mean_over_values_each_in_its_own_spread() -> None:
    loss = imitation_loss(np.array([1.0, 0.1], np.float32))
    # Errors of 1 and of 5 deviations: .5 and 3 * 5 - 4.5.
    rows = np.repeat(np.array([[[1.0, 0.5]]], np.float32), 3, axis=1)
    assert float(loss(rows, np.zeros((1, 1, 2), np.float32))) == pytest.approx((0.5 + 10.5) / 2)


def test_only_the_first_of_a_patchs_rows_counts() -> None:
    loss = imitation_loss(np.ones(1, np.float32))
    rows = np.array([0.0, 50.0, 50.0, 2.0, 50.0, 50.0], np.float32)[None, :, None]
    assert float(loss(rows, np.zeros((1, 2, 1), np.float32))) == pytest.approx(1.0)


def test_a_spread_is_of_the_first_variants_and_never_below_a_tenth() -> None:
    generator = np.random.default_rng(5)
    heard = generator.normal(0.0, [2.0, 0.001], (400, 2)).astype(np.float16)
    wild = Heard(heard[:, :, None], heard * np.float16(50.0))
    found = spread_of([[Heard(heard[:, :, None], heard), wild]])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [2.0, 0.1], rtol=0.2)
    assert found[1] == np.float32(0.1)


# The encoder at work.


@pytest.mark.parametrize("steps", [1, 2, 11, 12, 13, 24, 31])
def test_a_track_in_calls_is_the_track_in_one(steps: int, encoder: keras.Model) -> None:
    rows = log_mel(steps, seed=steps)
    longer = lively_encoder(MobileSettings(SMALL.channels, SMALL.strides, rows=33), seed=3)
    values = np.pad(rows, [(0, 33 - steps), (0, 0), (0, 0)])
    whole = np.asarray(longer([values[None], np.arange(33)[None] < steps], training=False))[0, :steps]
    found = encode(compiled(encoder), rows, at_once=12)
    assert (found.shape, found.dtype.name) == ((steps, 6), "float32")
    np.testing.assert_allclose(found, whole, rtol=1e-5, atol=1e-5)


def test_half_precision_rows_are_taken_as_they_are(encoder: keras.Model) -> None:
    rows = log_mel(14, seed=2).astype(np.float16)
    run = compiled(encoder)
    np.testing.assert_array_equal(
        encode(run, rows, at_once=12), encode(run, rows.astype(np.float32), at_once=12)
    )


def heard_by(model: keras.Model, clips: int) -> list[Heard]:
    """Clips of some lengths with what an encoder says as what the teacher heard."""
    run, found = compiled(model), []
    for clip in range(clips):
        rows = log_mel(9 + 3 * clip, seed=20 + clip).astype(np.float16)
        found.append(Heard(rows, encode(run, rows, at_once=12).astype(np.float16)))
    return found


def test_the_teacher_is_like_itself(encoder: keras.Model) -> None:
    assert likeness(heard_by(encoder, 6), rows=12)(encoder) == pytest.approx(1.0, abs=1e-4)


def test_likeness_is_of_what_sets_clips_apart_and_not_of_what_they_share(encoder: keras.Model) -> None:
    clips = heard_by(encoder, 6)
    loud = [Heard(clip.rows, clip.heard * np.float16(0.5) + np.float16(3.0)) for clip in clips]
    assert likeness(loud, rows=12)(encoder) == pytest.approx(1.0, abs=1e-3)
    turned = [Heard(clip.rows, -clip.heard) for clip in clips]
    assert likeness(turned, rows=12)(encoder) == pytest.approx(-1.0, abs=1e-4)
    assert likeness(clips, rows=12)(lively_encoder(SMALL, seed=4)) < 0.9


def test_likeness_follows_the_weights(encoder: keras.Model) -> None:
    model = lively_encoder(SMALL, seed=4)
    score = likeness(heard_by(encoder, 6), rows=12)
    before = score(model)
    model.set_weights(encoder.get_weights())
    assert score(model) == pytest.approx(1.0, abs=1e-4)
    assert before < 0.9


def test_an_encoder_that_learns_what_another_says_becomes_like_it(
    encoder: keras.Model, tmp_path: Path
) -> None:
    clips = heard_by(encoder, 6)
    model = lively_encoder(SMALL, seed=3)
    generator = np.random.default_rng(6)
    for variable in model.trainable_variables:
        variable.assign_add(generator.normal(0.0, 0.1, variable.shape))
    variants = [[clip] for clip in clips]
    source = Crops(variants, seed=1, rows=12, times=4, batch=6)
    task = Task(source, imitation_loss(spread_of(variants)), likeness(clips, rows=12))
    before = task.score(model)
    progress = fit(model, task, (Phase(4, 5e-3),), tmp_path / "encoder.npz")
    assert progress.losses[-1] < 0.8 * progress.losses[0]
    assert task.score(model) == max(progress.scores) > before


# The rate.


def test_the_rate_rises_over_a_twentieth_and_falls_to_a_fiftieth() -> None:
    shares = np.array([warmed_cosine(part) for part in np.linspace(0.0, 1.0, 401)])
    assert shares[0] == pytest.approx(0.02)
    assert shares[-1] == pytest.approx(0.02)
    assert shares.max() == shares[20] > 0.98
    assert (np.diff(shares[:20]) > 0).all()
    assert (np.diff(shares[20:]) < 0).all()
