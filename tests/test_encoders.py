"""Encoders and their heads: patches by themselves, right moments, and summaries of whole tracks."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from models.encoders import mobile
from models.encoders.mobile import PATCH_ROWS, MobileSettings
from models.ensemble import compiled, constant
from models.regressors import affect_head
from models.regressors.affect_head import AffectHeadSettings
from models.regressors.nearness import MeanAround
from models.taggers import tag_head
from models.taggers.tag_head import TagHeadSettings
from models.views import StepView, SummaryView
from schemas.errors import DataError, FailureKind, Stage
from tests.bundles import lively_encoder, lively_head
from transforms.features.front_end import Layout
from transforms.tagging.features import Rows
from transforms.tagging.windows import Coverage, TaggingPlan, windows

RATE_HZ = 16_000
Floats = NDArray[np.float32]
# The published strides, few channels.
NARROW = MobileSettings((8,) * 13)


def call(model: keras.Model, values: NDArray[Any], inside: NDArray[Any]) -> Floats:
    found: Floats = np.asarray(model([values, inside], training=False))
    return found


@pytest.fixture(scope="module")
def encoder() -> keras.Model:
    return lively_encoder(NARROW, seed=7)


@pytest.fixture(scope="module")
def one_patch() -> keras.Model:
    """The encoder with one patch a call."""
    return lively_encoder(replace(NARROW, rows=PATCH_ROWS), seed=7)


def track(steps: int, *, seed: int = 0) -> Floats:
    """Rows of a log-mel [steps, 32, 64], each at a level of its own."""
    generator = np.random.default_rng(seed)
    levels = generator.normal(-2.0, 1.5, (steps, 1, 1))
    return (levels + generator.normal(0.0, 1.0, (steps, 32, 64))).astype(np.float32)


compiled_once = functools.cache(compiled)


def encoded(model: keras.Model, rows: Floats, *, after: float = 0.0) -> Floats:
    """Rows of a track of at most one call, a value after its end; the calls of a net have all one shape."""
    most = model.input_shape[0][1]
    values = np.full((1, most, *rows.shape[1:]), after, np.float32)
    values[0, : len(rows)] = rows
    found = compiled_once(model)(values, np.arange(most)[None] < len(rows))
    return np.asarray(found, np.float32)[0, : len(rows)]


def patch_by_patch(one_patch: keras.Model, rows: Floats) -> Floats:
    """Rows of a track from full patches alone, the last one's rows over and over."""
    patches = [np.resize(rows[at : at + PATCH_ROWS], (PATCH_ROWS, 32, 64)) for at in range(0, len(rows), 3)]
    return np.concatenate([encoded(one_patch, patch) for patch in patches])[: len(rows)]


def assert_near(found: Floats, expected: Floats) -> None:
    """Equal but for the order of sums, which is another for another size of a call."""
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def rows_of(values: Floats) -> Rows:
    layout = Layout(tuple(map(str, range(values[0].size))), step_s=0.5, shape=values.shape[1:])
    return Rows(values, layout, RATE_HZ, len(values) * RATE_HZ // 2)


def curve_of(model: keras.Model, values: Floats, view: StepView) -> Floats:
    """What the windows of a view give, joined."""
    cut = windows(rows_of(values), view, TaggingPlan())
    outputs = [call(model, one.values[None], one.extent[None])[0] for one in cut]
    kept = [out[view.first_step : view.first_step + one.steps] for out, one in zip(outputs, cut, strict=True)]
    return np.concatenate(kept)


# The encoder.


@functools.cache
def narrow_of_strides(strides: tuple[int, ...]) -> keras.Model:
    """A net of 30 rows with weights as Keras makes them."""
    keras.utils.set_random_seed(1)
    return mobile.build(MobileSettings((6,) * len(strides), strides, rows=30))


def test_the_published_sizes_are_those_of_mobilenet() -> None:
    settings = MobileSettings()
    assert mobile.view(settings) == StepView(rows=60, hop=60, grid=3)
    assert (settings.rows, settings.inputs, settings.outputs) == (60, 2048, 1024)
    model = mobile.build(settings)
    kernels = [weight for weight in model.weights if weight.path.endswith("kernel")]
    assert [weight.path for weight in kernels][:3] == ["conv0/kernel", "depth1/kernel", "point1/kernel"]
    # YAMNet's body without its classes, a bias in place of each batch normalisation.
    assert sum(int(np.prod(weight.shape)) for weight in kernels) > 3_000_000
    assert sum(int(np.prod(weight.shape)) for weight in model.weights) == 3_195_456


@pytest.mark.parametrize(
    "strides", [(2, 2, 2, 2), (1, 2, 2, 2, 2), (2, 2, 2, 2, 1), MobileSettings().strides]
)
@pytest.mark.parametrize("at", [0, 10, 17, 29])
def test_a_row_changes_its_patch_and_nothing_else(strides: tuple[int, ...], at: int) -> None:
    model = narrow_of_strides(strides)
    rows = track(30)
    other = rows.copy()
    other[at] += 3.0
    changed = np.flatnonzero((encoded(model, rows) != encoded(model, other)).any(axis=1))
    assert changed.tolist() == [row for row in range(30) if row // 3 == at // 3]


def test_the_rows_of_a_patch_are_equal_and_those_of_two_patches_are_not(encoder: keras.Model) -> None:
    patches = encoded(encoder, track(60)).reshape(20, 3, 8)
    np.testing.assert_array_equal(patches, np.repeat(patches[:, :1], 3, axis=1))
    assert len(np.unique(patches[:, 0], axis=0)) == 20
    # No other test says much of a net that gives the same for any sound.
    assert (patches.std(axis=0) > 0.1 * patches.max(axis=0)).all()


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 59, 60, 61, 130])
def test_stretches_make_up_the_rows_of_the_patches_one_by_one(
    steps: int, encoder: keras.Model, one_patch: keras.Model
) -> None:
    rows = track(steps)
    expected = patch_by_patch(one_patch, rows)
    assert expected.shape == (steps, 8)
    assert_near(curve_of(encoder, rows, mobile.view(NARROW)), expected)


@pytest.mark.parametrize("first", range(3, 60, 3))
def test_a_track_may_be_cut_between_any_two_patches(first: int, encoder: keras.Model) -> None:
    rows = track(60)
    parts = [encoded(encoder, part) for part in (rows[:first], rows[first:])]
    assert_near(np.concatenate(parts), encoded(encoder, rows))


@pytest.mark.parametrize("first", [1, 2, 31])
def test_a_cut_inside_a_patch_is_another_track(first: int, encoder: keras.Model) -> None:
    rows = track(60)
    parts = np.concatenate([encoded(encoder, part) for part in (rows[:first], rows[first:])])
    assert (parts != encoded(encoder, rows)).any(axis=1)[first:].all()


@pytest.mark.parametrize(
    ("steps", "last"),
    [(1, [0, 0, 0]), (2, [0, 1, 0]), (31, [30, 30, 30]), (32, [30, 31, 30]), (33, [30, 31, 32])],
)
def test_where_a_track_ends_inside_a_patch_its_rows_are_repeated(
    steps: int, last: list[int], encoder: keras.Model
) -> None:
    rows = track(steps)
    full = np.concatenate([rows[: steps - 1 - (steps - 1) % 3], rows[last]])
    np.testing.assert_array_equal(encoded(encoder, rows), encoded(encoder, full)[:steps])
    swapped = np.concatenate([full[:-3], full[-3:][::-1] + np.float32(0.5)])
    assert (encoded(encoder, swapped)[:steps] != encoded(encoder, rows))[-1].any()


@pytest.mark.parametrize("steps", [1, 2, 3, 31, 32, 58, 59])
@pytest.mark.parametrize("padding", [-7.0, 1e30, np.inf, np.nan])
def test_what_lies_after_the_end_of_a_track_changes_nothing(
    steps: int, padding: float, encoder: keras.Model
) -> None:
    rows = track(steps)
    np.testing.assert_array_equal(encoded(encoder, rows, after=padding), encoded(encoder, rows))


@pytest.mark.parametrize(
    ("channels", "strides", "message"),
    [
        ((8, 8), (2, 2), "make a place of 8 frames, not of 32"),
        ((8,) * 5, (2,) * 5, "make a place of 64 frames"),
        ((), (), "make a place of 2 frames"),
        ((8,) * 3, (2,) * 4, "one of 1 or 2 for each"),
        ((8, 8), (4, 4), "one of 1 or 2 for each"),
    ],
)
def test_strides_that_make_no_place_are_refused(
    channels: tuple[int, ...], strides: tuple[int, ...], message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        MobileSettings(channels, strides)
    assert caught.value.kind is FailureKind.BAD_BUNDLE


@pytest.mark.parametrize("rows", [-3, 0, 1, 2, 4, 59, 61])
def test_rows_that_are_no_whole_patches_are_refused(rows: int) -> None:
    with pytest.raises(DataError, match=f"{rows} rows are no whole patches of 3") as caught:
        MobileSettings(rows=rows)
    assert caught.value.kind is FailureKind.BAD_BUNDLE


# The heads.


@pytest.mark.parametrize("context", [0, 1, 2, 6, 30])
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_means_are_of_the_rows_around_that_are_inside(context: int, offset: float) -> None:
    generator = np.random.default_rng(context)
    values = (offset + generator.normal(0.0, 0.5, (2, 90, 3))).astype(np.float32)
    inside = generator.random((2, 90)) < 0.8
    inside[1, :20], inside[1, 60:] = False, False
    found = np.asarray(MeanAround(context)(values, inside))
    for track in range(2):
        for at in range(90):
            here = slice(max(0, at - context), at + context + 1)
            some = values[track, here][inside[track, here]].astype(np.float64)
            expected = some.mean(axis=0) if len(some) else np.zeros(3)
            np.testing.assert_allclose(found[track, at], expected, rtol=1e-5, atol=1e-6)


HEAD = AffectHeadSettings(12, contexts=(9, 2), centres=8, voices=2)


@pytest.fixture(scope="module")
def head() -> keras.Model:
    return lively_head(HEAD, seed=2)


def heard(steps: int) -> Floats:
    """Rows as an encoder gives them [steps, 12], none below zero."""
    return np.random.default_rng(3).gamma(1.0, 0.3, (steps, 12)).astype(np.float32)


def said(head: keras.Model, values: Floats) -> Floats:
    """The curves of a track in one call, of two voices: [steps, 4]."""
    (curves,) = call(head, values[None], np.ones((1, len(values)), bool))
    return np.asarray(curves, np.float32)


@pytest.mark.parametrize("contexts", [(9, 2), (2, 9), (9,)])
def test_the_widest_context_is_what_a_stretch_has_beside_it(contexts: tuple[int, ...]) -> None:
    view = affect_head.view(AffectHeadSettings(12, contexts=contexts))
    assert view == StepView(rows=258, hop=240, lead=9, first_step=9)


@pytest.mark.parametrize("steps", [1, 239, 240, 241, 500])
def test_curves_of_stretches_are_the_curve_of_the_whole_track(steps: int, head: keras.Model) -> None:
    values = heard(steps)
    expected = said(head, values)
    assert expected.shape == (steps, 4)
    assert steps == 1 or expected.std(axis=0).min() > 0.01
    np.testing.assert_allclose(curve_of(head, values, affect_head.view(HEAD)), expected, atol=1e-5)


@pytest.mark.parametrize("at", [0, 9, 25, 39])
def test_a_row_changes_the_curve_as_far_as_the_widest_context(at: int, head: keras.Model) -> None:
    values = heard(40)
    other = values.copy()
    other[at] += 0.5
    # Means are made of spans, the same ones but for those that hold the row.
    changed = np.flatnonzero((said(head, values) != said(head, other)).any(axis=1))
    assert changed.tolist() == [step for step in range(40) if abs(step - at) <= 9]


@pytest.mark.parametrize("steps", [1, 5, 30, 39])
@pytest.mark.parametrize("padding", [-7.0, 1e30, np.inf, np.nan])
def test_rows_outside_a_track_change_nothing_in_its_curve(
    steps: int, padding: float, head: keras.Model
) -> None:
    values = np.full((1, 40, 12), padding, np.float32)
    values[0, :steps] = heard(steps)
    found = call(head, values, np.arange(40)[None] < steps)[0, :steps]
    np.testing.assert_allclose(found, said(head, heard(steps)), atol=1e-6)


@pytest.mark.parametrize("level", [0.0, 0.3, 20.0])
def test_a_track_that_stands_still_has_a_curve_that_does(level: float, head: keras.Model) -> None:
    curve = said(head, np.full((50, 12), level, np.float32))
    np.testing.assert_allclose(curve, np.repeat(curve[:1], 50, axis=0), atol=1e-5)


def test_what_is_said_is_the_mean_over_the_contexts(head: keras.Model) -> None:
    alone = [lively_head(replace(HEAD, contexts=(context,)), seed=2) for context in HEAD.contexts]
    expected = np.mean([said(one, heard(40)) for one in alone], axis=0)
    np.testing.assert_allclose(said(head, heard(40)), expected, atol=1e-6)


def test_of_a_sound_that_is_like_no_centre_the_bias_is_said() -> None:
    far, bias = lively_head(HEAD, seed=2), [0.25, -0.5, 0.3, 0.1]
    far.get_layer("curve").bias.assign(bias)
    found = said(far, np.full((3, 12), 1e9, np.float32))
    np.testing.assert_allclose(found, np.full((3, 4), bias), atol=1e-6)


def test_a_voice_says_what_it_says_alone(head: keras.Model) -> None:
    alone = lively_head(replace(HEAD, voices=1), seed=2)
    for name, part in (("near", slice(None)), ("curve", slice(2, 4))):
        layer = head.get_layer(name)
        alone.get_layer(name).set_weights([weight[..., part] for weight in layer.get_weights()])
    np.testing.assert_allclose(said(alone, heard(40)), said(head, heard(40))[:, 2:], atol=1e-6)


def test_the_affect_head_is_trained_on_rows_of_silence() -> None:
    model = lively_head(replace(HEAD, inputs=4), seed=2)
    model.compile(optimizer="sgd", loss="mse")
    values = np.zeros((2, 10, 4), np.float32)
    model.train_on_batch([values, np.ones((2, 10), bool)], np.full((2, 10, 4), 0.5, np.float32))
    assert all(np.isfinite(np.asarray(weight)).all() for weight in model.trainable_variables)


@pytest.mark.parametrize("deviation", [False, True])
def test_the_tag_head_takes_the_deviation_only_if_it_is_asked_to(deviation: bool) -> None:
    keras.utils.set_random_seed(5)
    model = tag_head.build(TagHeadSettings(6, hidden=8, tags=5, deviation=deviation))
    values = np.random.default_rng(0).random((3, 2, 6), np.float32)
    other = values.copy()
    other[:, 1] += 1.0
    valid = np.full(3, 40, np.int32)
    same = np.array_equal(call(model, values, valid), call(model, other, valid))
    assert same is not deviation
    assert not np.array_equal(call(model, values, valid), call(model, values + 1.0, valid))


# Summaries.


def test_a_summary_is_of_all_rows_of_the_track() -> None:
    values = np.random.default_rng(1).normal(1e3, 1.0, (400, 5)).astype(np.float32)
    (window,) = windows(rows_of(values), SummaryView(), TaggingPlan())
    exact = values.astype(np.float64)
    np.testing.assert_allclose(window.values, [exact.mean(axis=0), exact.std(axis=0)], rtol=1e-6)
    assert (window.values.dtype.name, int(window.extent), window.weight) == ("float32", 400, 1.0)


@pytest.mark.parametrize(("steps", "first", "last"), [(400, 180, 220), (30, 0, 30), (41, 1, 40)])
def test_with_centre_coverage_a_summary_is_of_the_chunk_in_the_middle(
    steps: int, first: int, last: int
) -> None:
    values = np.arange(steps, dtype=np.float32)[:, None]
    (window,) = windows(rows_of(values), SummaryView(), TaggingPlan(Coverage.CENTRE))
    assert int(window.extent) == last - first
    assert window.values[0, 0] == values[first:last].mean()


@pytest.mark.parametrize("coverage", Coverage)
def test_a_track_below_three_seconds_has_no_summary(coverage: Coverage) -> None:
    plan, values = TaggingPlan(coverage), np.zeros((6, 2), np.float32)
    assert len(windows(rows_of(values), SummaryView(), plan)) == 1
    with pytest.raises(DataError, match=r"2\.50 s decoded, at least 3 s are needed") as caught:
        windows(rows_of(values[:5]), SummaryView(), plan)
    assert (caught.value.kind, caught.value.stage) == (FailureKind.TOO_SHORT, Stage.DECODE)


def test_weights_that_are_constants_of_the_graph_give_what_variables_give(encoder: keras.Model) -> None:
    rows = encoder.input_shape[0][1]
    values, inside = track(rows)[None], np.ones((1, rows), np.bool_)
    found = np.asarray(constant(encoder)(values, inside))
    assert_near(found, np.asarray(compiled_once(encoder)(values, inside)))
