"""The heads of valence and arousal: against scikit-learn's kernel ridge, fits without a clip, and the net."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from models.regressors import affect_head
from models.regressors.affect_head import AffectHeadSettings
from models.regressors.nearness import Nearness
from models.training.learning.affect import Head, curves_of, fit_head, seen_of
from models.weights import set_weights
from transforms.features.front_end import Layout
from transforms.tagging.features import Rows
from transforms.tagging.windows import TaggingPlan, windows

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
VALUES = 12
SETTINGS = AffectHeadSettings(VALUES, contexts=(30, 10), centres=60, voices=3)


def clips(count: int, *, seed: int = 1) -> tuple[Floats, Doubles]:
    """Mean rows [clips, 12] as an encoder leaves them, and valence and arousal [clips, 2] by their sound."""
    generator = np.random.default_rng(seed)
    means = generator.gamma(0.8, 0.5, (count, VALUES)).astype(np.float32)
    rule = np.random.default_rng(0).normal(0.0, 0.3, (VALUES, 2))
    return means, np.tanh(np.log(means + 0.05) @ rule * 0.3 + generator.normal(0.0, 0.1, (count, 2)))


def standardised(means: Floats) -> Doubles:
    """What a kernel of scikit-learn's is given: logarithms, each of a deviation of one."""
    seen = seen_of(means)
    standard: Doubles = (seen - seen.mean(axis=0)) / np.maximum(seen.std(axis=0), 0.05)
    return standard


def median_square(rows: Doubles) -> float:
    """Median squared distance of all pairs [clips, clips], a clip's own to itself among them."""
    return float(np.median(((rows[:, None] - rows[None]) ** 2).sum(axis=-1)))


def fitted(means: Floats, affect: Doubles, *, width: float = 0.5, strength: float = 0.35) -> Head:
    """A head of one voice that knows all clips."""
    return fit_head((means, affect), np.ones((1, len(means)), bool), widths=[width], strengths=[strength])


def drawn(clips: int, *, voices: int = 3) -> NDArray[np.bool_]:
    """Which clips each voice knows: [voices, clips], four of five."""
    return np.random.default_rng(9).permuted(np.tile(np.arange(clips) % 5 > 0, (voices, 1)), axis=1)


def voices_of(head: Head, means: Floats) -> Doubles:
    """What each voice says of clips by their means [clips, values]: [voices, clips, 2]."""
    return np.concatenate([curves_of(head.arrays, mean[None], contexts=(0,)) for mean in means], axis=1)


def said_of(head: Head, means: Floats) -> Doubles:
    """What a head of one voice says of clips: [clips, 2]."""
    (found,) = voices_of(head, means)
    return np.asarray(found, np.float64)


def assert_nearly_same_fit(found: Doubles, expected: Doubles) -> None:
    """Weights are kept in single precision."""
    np.testing.assert_allclose(found, expected, atol=2e-5)


# The fit.


def test_what_is_seen_of_a_row_are_logarithms_that_take_nothing_below_zero() -> None:
    found = seen_of(np.array([[0.0, -3.0, 0.99]], np.float32))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, np.log([[0.01, 0.01, 1.0]]), atol=1e-6)


@pytest.mark.parametrize("width", [0.3, 1.0])
@pytest.mark.parametrize("strength", [0.2, 0.8])
def test_a_head_is_scikit_learns_kernel_ridge(width: float, strength: float) -> None:
    ridge = pytest.importorskip("sklearn.kernel_ridge", reason="the `train` extra is not installed")
    (means, affect), (others, _) = clips(80), clips(30, seed=2)
    x, seen = standardised(means), seen_of(means)
    y = (seen_of(others) - seen.mean(axis=0)) / np.maximum(seen.std(axis=0), 0.05)
    expected = ridge.KernelRidge(alpha=strength, kernel="rbf", gamma=width / median_square(x))
    expected.fit(x, affect - affect.mean(axis=0))
    head = fitted(means, affect, width=width, strength=strength)
    assert (head.width, head.strength) == (width, strength)
    for some, rows in ((means, x), (others, y)):
        assert_nearly_same_fit(said_of(head, some), expected.predict(rows) + affect.mean(axis=0))


def test_the_error_is_that_of_really_leaving_out_each_clip() -> None:
    ridge = pytest.importorskip("sklearn.kernel_ridge", reason="the `train` extra is not installed")
    means, affect = clips(40)
    # What is standardised and taken off is of all clips: it is the fit that does not know the one.
    x, targets = standardised(means), affect - affect.mean(axis=0)
    wrong = []
    for left in range(len(x)):
        kept = np.arange(len(x)) != left
        model = ridge.KernelRidge(alpha=0.35, kernel="rbf", gamma=0.5 / median_square(x))
        wrong.append(model.fit(x[kept], targets[kept]).predict(x[[left]])[0] - targets[left])
    expected = np.mean(np.square(wrong) / affect.var(axis=0))
    assert fitted(means, affect).error == pytest.approx(expected, rel=1e-9)
    # Less than that of the mean, more than that of clips it knows.
    known = np.mean((said_of(fitted(means, affect), means) - affect) ** 2 / affect.var(axis=0))
    assert known < expected < 1.0


def test_a_voice_is_fitted_to_its_own_clips_alone() -> None:
    ridge = pytest.importorskip("sklearn.kernel_ridge", reason="the `train` extra is not installed")
    (means, affect), draws = clips(50), drawn(50)
    head = fit_head((means, affect), draws, widths=[0.5], strengths=[0.35])
    assert {name: array.shape for name, array in head.arrays.items()} == {
        "near/scale": (VALUES,),
        "near/centres": (VALUES, 50),
        "curve/kernel": (50, 6),
        "curve/bias": (6,),
    }
    x = standardised(means)
    for voice, (known, found) in enumerate(zip(draws, voices_of(head, means), strict=True)):
        model = ridge.KernelRidge(alpha=0.35, kernel="rbf", gamma=0.5 / median_square(x))
        offset = affect[known].mean(axis=0)
        model.fit(x[known], affect[known] - offset)
        assert_nearly_same_fit(found, model.predict(x) + offset)
        own = head.arrays["curve/kernel"][:, 2 * voice : 2 * voice + 2]
        np.testing.assert_array_equal(own.any(axis=1), known)


def test_nothing_that_is_rated_of_a_clip_reaches_a_voice_that_does_not_know_it() -> None:
    (means, affect), draws = clips(50), drawn(50)
    draws[:, 7] = [True, False, True]
    other = affect.copy()
    other[7] = -other[7] + 0.3
    first, second = (fit_head((means, y), draws, widths=[0.5], strengths=[0.35]) for y in (affect, other))
    pairs = zip(voices_of(first, means), voices_of(second, means), strict=True)
    assert [np.array_equal(one, another) for one, another in pairs] == [False, True, False]


def test_the_error_of_a_head_is_the_mean_of_its_voices() -> None:
    (means, affect), draws = clips(50), drawn(50)
    errors = [fit_head((means, affect), draw[None], widths=[0.5], strengths=[0.35]).error for draw in draws]
    assert len(set(errors)) == 3
    head = fit_head((means, affect), draws, widths=[0.5], strengths=[0.35])
    assert head.error == pytest.approx(np.mean(errors))


def test_width_and_strength_are_those_of_the_least_error() -> None:
    means, affect = clips(60)
    widths, strengths = (0.05, 0.3, 1.0, 20.0), (0.01, 0.35, 30.0)
    tried = [fitted(means, affect, width=w, strength=s) for w in widths for s in strengths]
    best = min(tried, key=lambda head: head.error)
    head = fit_head((means, affect), np.ones((1, 60), bool), widths=widths, strengths=strengths)
    assert (head.width, head.strength, head.error) == (best.width, best.strength, best.error)
    assert len({one.error for one in tried}) == 12
    for name, array in best.arrays.items():
        np.testing.assert_array_equal(head.arrays[name], array)


def test_a_value_that_no_clip_has_tells_nothing() -> None:
    means, affect = clips(40)
    means[:, 3] = 0.0
    head = fitted(means, affect)
    others = clips(10, seed=3)[0]
    others[:, 3] = 0.0
    slightly = others.copy()
    slightly[:, 3] = 1e-5
    np.testing.assert_allclose(said_of(head, slightly), said_of(head, others), atol=0.01)


def test_a_sound_like_none_of_the_clips_is_said_to_be_their_mean() -> None:
    means, affect = clips(40)
    far = np.full((1, VALUES), 1e12, np.float32)
    np.testing.assert_allclose(said_of(fitted(means, affect), far)[0], affect.mean(axis=0), atol=1e-6)


def test_the_order_of_the_clips_is_of_no_account() -> None:
    means, affect = clips(40)
    others = clips(10, seed=3)[0]
    forth, back = fitted(means, affect), fitted(means[::-1], affect[::-1])
    assert forth.error == pytest.approx(back.error)
    assert_nearly_same_fit(said_of(forth, others), said_of(back, others))


# The curve.


@pytest.fixture(scope="module")
def head() -> Head:
    return fit_head(clips(60), drawn(60), widths=[0.5], strengths=[0.35])


@pytest.fixture(scope="module")
def model(head: Head) -> keras.Model:
    """The net of the head."""
    net = affect_head.build(SETTINGS)
    set_weights(net, head.arrays, source="test")
    return net


def track(steps: int) -> Floats:
    """Rows [steps, 12] of a track whose sound changes every few of them."""
    generator = np.random.default_rng(steps)
    parts = generator.gamma(0.8, 0.5, (-(-steps // 15), VALUES)).repeat(15, axis=0)[:steps]
    return (parts * generator.uniform(0.5, 1.5, parts.shape)).astype(np.float32)


def curves_of_windows(net: keras.Model, rows: Floats) -> Floats:
    """Curves of a track [voices, steps, 2] from the stretches that a job cuts."""
    view = affect_head.view(SETTINGS)
    layout = Layout(tuple(map(str, range(VALUES))), step_s=0.5, shape=(VALUES,))
    cut = windows(Rows(rows, layout, 16_000, len(rows) * 8_000), view, TaggingPlan())
    outputs = [np.asarray(net([one.values[None], one.extent[None]], training=False))[0] for one in cut]
    kept = [out[view.first_step : view.first_step + one.steps] for out, one in zip(outputs, cut, strict=True)]
    return np.concatenate(kept).reshape(len(rows), 3, 2).transpose(1, 0, 2)


@pytest.mark.parametrize("steps", [1, 20, 61, 120, 121, 700])
def test_the_curve_in_numpy_is_that_of_the_net_from_a_jobs_stretches(
    steps: int, head: Head, model: keras.Model
) -> None:
    rows = track(steps)
    expected = curves_of(head.arrays, rows, contexts=SETTINGS.contexts)
    assert expected.shape == (3, steps, 2)
    assert steps < 61 or expected.std(axis=1).min() > 0.01
    assert expected.std(axis=0).min() > 0.0
    np.testing.assert_allclose(curves_of_windows(model, rows), expected, atol=1e-4)


def test_weights_in_half_precision_say_nearly_the_same(head: Head) -> None:
    rows = track(300)
    rough = {name: array.astype(np.float16).astype(np.float32) for name, array in head.arrays.items()}
    exact, found = (curves_of(arrays, rows, contexts=SETTINGS.contexts) for arrays in (head.arrays, rough))
    np.testing.assert_allclose(found, exact, atol=5e-3)


def test_a_curve_is_the_mean_of_those_of_its_contexts(head: Head) -> None:
    rows = track(90)
    alone = [curves_of(head.arrays, rows, contexts=(context,)) for context in (30, 10)]
    np.testing.assert_allclose(curves_of(head.arrays, rows, contexts=(30, 10)), np.mean(alone, axis=0))


@pytest.mark.parametrize("context", [0, 3, 10])
def test_each_step_is_of_the_mean_of_the_rows_around_it_that_there_are(context: int, head: Head) -> None:
    rows = track(25)
    around = [
        rows[max(0, at - context) : at + context + 1].mean(axis=0, dtype=np.float64) for at in range(25)
    ]
    expected = voices_of(head, np.stack(around).astype(np.float32))
    np.testing.assert_allclose(curves_of(head.arrays, rows, contexts=(context,)), expected, atol=1e-5)


def test_a_head_of_other_centres_does_not_fill_the_net(head: Head) -> None:
    from schemas.errors import DataError

    net = affect_head.build(replace(SETTINGS, centres=59))
    with pytest.raises(DataError, match="the architecture needs"):
        set_weights(net, head.arrays, source="test")


# Nearness.


def test_nearness_is_one_at_a_centre_and_falls_with_the_squared_distance() -> None:
    generator = np.random.default_rng(8)
    layer = Nearness(5)
    layer.build((None, 3))
    scale, centres = generator.uniform(0.2, 2.0, 3), generator.normal(0.0, 1.0, (3, 5))
    layer.set_weights([scale.astype(np.float32), centres.astype(np.float32)])
    at = (centres.T / scale).astype(np.float32)
    found = np.asarray(layer(at))
    np.testing.assert_allclose(np.diag(found), np.ones(5), atol=1e-5)
    assert ((found > 0) & (found <= 1)).all()
    others = generator.normal(0.0, 1.0, (2, 4, 3)).astype(np.float32)
    squares = ((others[:, :, None] * scale - centres.T) ** 2).sum(axis=-1)
    np.testing.assert_allclose(np.asarray(layer(others)), np.exp(-squares), atol=1e-5)


def test_nearness_far_from_zero_is_as_exact() -> None:
    generator = np.random.default_rng(9)
    layer = Nearness(20)
    layer.build((None, 1024))
    centres = (100.0 + 0.01 * generator.normal(size=(1024, 20))).astype(np.float32)
    layer.set_weights([np.ones(1024, dtype=np.float32), centres])
    values = (100.0 + 0.01 * generator.normal(size=(3, 1024))).astype(np.float32)
    squares = ((values[:, :, None].astype(np.float64) - centres) ** 2).sum(axis=1)
    np.testing.assert_allclose(np.asarray(layer(values)), np.exp(-squares), atol=1e-5)


def test_a_clip_that_a_head_knows_is_near_to_itself(head: Head, model: keras.Model) -> None:
    seen = seen_of(clips(60)[0]).astype(np.float32)
    near = np.asarray(model.get_layer("near")(seen))
    np.testing.assert_allclose(np.diag(near), np.ones(60), atol=1e-4)
    np.testing.assert_allclose(near, near.T, atol=1e-4)
