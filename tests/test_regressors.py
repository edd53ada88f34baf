"""Regressors of the systems: what each net must hold to, its published size, what is trained besides."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.regressors import autoencoder, deep_lstm, gru, two_convolutions
from models.regressors.autoencoder import AutoencoderSettings
from models.regressors.deep_lstm import DeepLstmSettings
from models.regressors.gru import GruSettings
from models.regressors.targets import TARGETS, one_net_per_target, output_names, target_names
from models.regressors.two_convolutions import TwoConvolutionsSettings
from models.training.systems import svr
from models.training.systems.denoising import pretrain_first_layer
from models.training.systems.schedules import SCHEDULES, make_optimizer, schedule
from models.views import StepView
from models.weights import arrays_of, save_weights, set_weights
from schemas.errors import DataError

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Case:
    """A regressor as the tests know it: settings, input of a call and steps that come out."""

    name: str
    settings: Any
    build: Callable[[Any], Any]
    view: Callable[[Any], StepView]
    rows: int
    inputs: int
    steps: int

    def model(self, *, seed: int = 5, settings: Any = None) -> Any:
        """The net with the first weights of a seed."""
        import keras

        keras.utils.set_random_seed(seed)
        return self.build(settings or self.settings)

    def batch(self, count: int, *, seed: int = 1) -> tuple[Floats, NDArray[np.bool_]]:
        """Values and inside of some calls, all rows inside."""
        values = np.random.default_rng(seed).normal(size=(count, self.rows, self.inputs))
        return values.astype(np.float32), np.ones((count, self.rows), np.bool_)


def _case(name: str, module: Any, settings: Any, sizes: tuple[int, int, int]) -> Case:
    return Case(name, settings, module.build, module.view, *sizes)


CASES = (
    _case("deep-lstm", deep_lstm, DeepLstmSettings(inputs=7, layers=(6, 5, 3)), (9, 7, 9)),
    _case("gru", gru, GruSettings(inputs=7, rows=12, units=5, dense=(6, 5, 4)), (12, 7, 1)),
    _case(
        "gru-forked", gru, GruSettings(inputs=7, rows=12, units=5, dense=(6, 5), form="forked"), (12, 7, 1)
    ),
    _case("autoencoder", autoencoder, AutoencoderSettings((4, 6, 8, 4), target="both"), (60, 96, 60)),
    _case(
        "two-convolutions",
        two_convolutions,
        TwoConvolutionsSettings((4, 6), (16, 8), target="both"),
        (60, 96, 60),
    ),
)
EACH = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
PRESETS: Mapping[str, tuple[Any, Mapping[str, Any]]] = {
    "deep-lstm": (deep_lstm, deep_lstm.PRESETS),
    "gru": (gru, gru.PRESETS),
    "autoencoder": (autoencoder, autoencoder.PRESETS),
    "two-convolutions": (two_convolutions, two_convolutions.PRESETS),
}


def _run(model: Any, values: Floats, inside: NDArray[np.bool_]) -> Floats:
    return np.asarray(model([values, inside], training=False))


@EACH
@pytest.mark.parametrize("target", TARGETS)
def test_the_outputs_are_the_steps_and_targets_that_the_settings_ask_for(case: Case, target: str) -> None:
    settings = dataclasses.replace(case.settings, target=target)
    curve = _run(case.model(settings=settings), *case.batch(3))
    assert curve.shape == (3, case.steps, len(TARGETS[target]))
    assert curve.dtype == np.float32
    assert np.isfinite(curve).all()


@EACH
def test_every_variable_that_is_trained_has_a_gradient(case: Case) -> None:
    import tensorflow as tf

    model, (values, inside) = case.model(), case.batch(4)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(model([values, inside]) - 0.7))
    slopes = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    for variable, slope in zip(model.trainable_variables, slopes, strict=True):
        assert np.abs(np.asarray(slope)).max() > 0.0, variable.path


@EACH
def test_saved_and_loaded_weights_give_the_same_curves(case: Case, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    model, (values, inside) = case.model(), case.batch(2)
    model.get_layer("standardise").adapt(values * 3.0 + 1.0)
    save_weights(model, tmp_path / "w.safetensors")
    other = case.model(seed=99)
    assert not np.array_equal(_run(model, values, inside), _run(other, values, inside))
    set_weights(other, load_file(tmp_path / "w.safetensors"), source="w.safetensors")
    np.testing.assert_array_equal(_run(model, values, inside), _run(other, values, inside))


@EACH
def test_rows_outside_the_track_change_nothing_inside_it(case: Case) -> None:
    model, (values, inside) = case.model(), case.batch(2)
    inside[:, 2 * case.rows // 3 :] = False
    before = _run(model, values, inside)
    values[~inside] = 1e3
    kept = case.steps if case.steps != case.rows else 2 * case.rows // 3
    np.testing.assert_array_equal(_run(model, values, inside)[:, :kept], before[:, :kept])


@EACH
def test_what_is_dropped_or_disturbed_in_training_follows_the_seed(case: Case) -> None:
    batch = case.batch(3)
    one, same = (np.asarray(case.model(seed=3)(list(batch), training=True)) for _ in range(2))
    np.testing.assert_array_equal(one, same)


@EACH
def test_the_view_says_what_a_call_takes(case: Case) -> None:
    view = case.view(case.settings)
    if view.rows:
        assert (view.rows, view.steps or view.hop) == (case.rows, case.steps)
        assert view.lead + view.hop <= view.rows
    else:
        assert case.steps == case.rows


def test_the_gru_sees_ten_new_rows_and_fifty_before_them() -> None:
    assert gru.view(GruSettings()) == StepView(rows=60, hop=10, lead=50, steps=1)


@pytest.mark.parametrize(("name", "presets"), [(name, presets) for name, (_, presets) in PRESETS.items()])
def test_every_system_has_a_published_and_a_compact_preset(name: str, presets: Mapping[str, Any]) -> None:
    assert {"published", "compact"} <= set(presets)
    assert {"published", "compact"} <= set(SCHEDULES[name])


@pytest.mark.parametrize("case", [CASES[0], CASES[1], CASES[3], CASES[4]], ids=lambda case: case.name)
def test_an_unknown_target_is_refused(case: Case) -> None:
    with pytest.raises(DataError, match="target 'joy' is not known; there are both, valence, arousal"):
        case.model(settings=dataclasses.replace(case.settings, target="joy"))


@pytest.mark.parametrize(
    ("build", "settings", "message"),
    [
        (gru.build, GruSettings(form="single"), "form 'single' is not known; there are parallel, forked"),
        (gru.build, GruSettings(rows=9), "rows is 9; a step has 10"),
        (autoencoder.build, AutoencoderSettings(channels=(8, 8)), r"channels are \(8, 8\).* needs four"),
        (two_convolutions.build, TwoConvolutionsSettings(channels=(8,)), "has two convolutions"),
    ],
)
def test_settings_that_no_net_has_are_refused(build: Any, settings: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        build(settings)


def test_one_net_per_target_changes_nothing_but_the_target() -> None:
    valence, arousal = one_net_per_target(AutoencoderSettings(channels=(4, 4, 4, 4)))
    assert (valence.target, arousal.target) == ("valence", "arousal")
    assert dataclasses.replace(arousal, target="valence") == valence
    assert target_names("both") == ("valence", "arousal")


def test_a_net_of_several_voices_gives_its_targets_once_for_each() -> None:
    from models.regressors.affect_head import AffectHeadSettings

    assert output_names(AffectHeadSettings(voices=2)) == ("valence", "arousal", "valence", "arousal")
    assert output_names(GruSettings(target="arousal")) == ("arousal",)
    assert output_names(GruSettings()) == ("valence", "arousal")


# Parameter counts of the published sizes, by formula; standardisation holds mean, variance and a count.


def _lstm_count(inputs: int, units: int) -> int:
    return 4 * units * (inputs + units + 1)


def _dense_counts(inputs: int, widths: tuple[int, ...]) -> int:
    return sum((a + 1) * b for a, b in zip((inputs, *widths), widths, strict=False))


@pytest.mark.parametrize("inputs", [260, 264])
def test_the_published_deep_lstm_has_its_size(inputs: int) -> None:
    preset = {260: "published", 264: "published-fs2"}[inputs]
    model = deep_lstm.build(deep_lstm.PRESETS[preset])
    lstms = _lstm_count(inputs, 200) + _lstm_count(200, 150) + _lstm_count(150, 25)
    head = 2 * (25 + 1)
    assert sum(math.prod(v.shape) for v in model.trainable_variables) == lstms + head
    assert model.count_params() == lstms + head + (2 * inputs + 1) + 2 * 2
    assert lstms + head == {260: 597_052, 264: 600_252}[inputs]


@pytest.mark.parametrize(
    ("preset", "grus", "count"), [("published", 2, 21_542), ("published-forked", 1, 12_542)]
)
def test_the_published_gru_has_its_size(preset: str, grus: int, count: int) -> None:
    model = gru.build(gru.PRESETS[preset])
    one_gru = 3 * 30 * (68 + 30 + 2)
    heads = 2 * _dense_counts(30, (30, 20, 10, 1))
    assert sum(math.prod(v.shape) for v in model.trainable_variables) == grus * one_gru + heads
    assert model.count_params() == grus * one_gru + heads + 2 * 68 + 1
    assert grus * one_gru + heads == count


def test_the_published_autoencoder_and_its_baseline_have_their_sizes() -> None:
    model = autoencoder.build(autoencoder.PRESETS["published"])
    kernels = ((49, 1, 32), (25, 32, 64), (25, 64, 128), (49, 128, 64), (7, 64, 1))
    count = sum(area * n * channels + channels for area, n, channels in kernels)
    assert model.count_params() == count + 2 * 96 + 1
    baseline = two_convolutions.build(two_convolutions.PRESETS["published"])
    convolutions = (25 + 1) * 32 + (25 * 32 + 1) * 64
    assert baseline.count_params() == convolutions + _dense_counts(11 * 7 * 64, (512, 256, 60)) + 2 * 96 + 1


# Deep LSTM


def test_the_deep_lstm_looks_at_no_later_step() -> None:
    case = CASES[0]
    model, (values, inside) = case.model(), case.batch(1)
    before = _run(model, values, inside)
    values[:, 6:] += 5.0
    after = _run(model, values, inside)
    np.testing.assert_array_equal(after[:, :6], before[:, :6])
    assert not np.allclose(after[:, 6:], before[:, 6:])


def test_a_track_padded_at_its_end_has_the_curve_that_it_has_alone() -> None:
    case = CASES[0]
    model, (values, inside) = case.model(), case.batch(2)
    inside[1, 5:] = False
    padded = _run(model, values, inside)
    np.testing.assert_allclose(padded[1:, :5], _run(model, values[1:, :5], inside[1:, :5]), atol=1e-6)
    assert not padded[1, 5:].any()


def test_first_weights_of_the_deep_lstm_lie_within_a_tenth() -> None:
    model = deep_lstm.build(DeepLstmSettings(inputs=20))
    for variable in model.trainable_variables:
        values = np.asarray(variable)
        assert np.abs(values).max() <= 0.1
        assert values.size < 100 or np.abs(values).max() > 0.09, variable.path


def test_outputs_are_brought_back_to_the_scale_of_the_targets() -> None:
    case = CASES[0]
    model, batch = case.model(), case.batch(2)
    standard = _run(model, *batch)
    targets = np.array([[0.1, -0.4], [0.5, -0.2], [np.nan, 0.9], [0.3, 0.0]], np.float32)
    layer = model.get_layer("rescale")
    layer.adapt(targets)
    rated = targets[[0, 1, 3]]
    np.testing.assert_allclose(
        _run(model, *batch), standard * rated.std(axis=0) + rated.mean(axis=0), atol=1e-6
    )
    np.testing.assert_allclose(np.asarray(layer.standardised(rated)).std(axis=0), 1.0, rtol=1e-5)
    assert not layer.trainable_variables


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([[0.1, 0.2], [np.nan, 0.1]], "1 of 2 rows of targets are finite; two are needed"),
        ([[0.1, 0.2], [0.4, 0.2]], "target 1 is 0.2 in every row"),
    ],
)
def test_targets_without_a_spread_are_refused(targets: list[list[float]], message: str) -> None:
    layer = CASES[0].model().get_layer("rescale")
    with pytest.raises(DataError, match=message):
        layer.adapt(np.array(targets))


# GRU


@pytest.mark.parametrize("case", CASES[1:3], ids=lambda case: case.name)
def test_a_gru_does_not_see_the_rows_before_the_track(case: Case) -> None:
    model, (values, inside) = case.model(), case.batch(1)
    inside[:, :2] = False
    short = case.model(settings=dataclasses.replace(case.settings, rows=10))
    np.testing.assert_allclose(
        _run(model, values, inside), _run(short, values[:, 2:], inside[:, 2:]), atol=1e-6
    )


def test_the_parallel_nets_share_nothing_and_the_forked_ones_the_gru() -> None:
    parallel, forked = CASES[1].model(), CASES[2].model()
    names = {variable.path.split("/")[0] for variable in parallel.trainable_variables}
    assert all(name.startswith(("valence_", "arousal_")) for name in names)
    assert "gru" in {variable.path.split("/")[0] for variable in forked.trainable_variables}


def test_a_tower_of_the_parallel_net_is_the_net_of_its_target_alone() -> None:
    case = CASES[1]
    both, (values, inside) = case.model(), case.batch(2)
    for column, target in enumerate(TARGETS["both"]):
        alone = case.model(settings=dataclasses.replace(case.settings, target=target))
        arrays = arrays_of(both)
        set_weights(alone, {name: arrays[name] for name in arrays_of(alone)}, source=target)
        np.testing.assert_allclose(
            _run(alone, values, inside)[..., 0], _run(both, values, inside)[..., column], atol=1e-6
        )


# Autoencoder


@pytest.mark.parametrize("preset", autoencoder.PRESETS)
def test_the_autoencoder_has_the_published_shape_after_each_layer(preset: str) -> None:
    settings = autoencoder.PRESETS[preset]
    model = autoencoder.build(settings)
    shapes = {
        name: model.get_layer(name).output.shape[1:]
        for name in ("conv0", "conv1", "back0_crop", "back1_crop", "back2_crop", "pool", "curve")
    }
    first, second, third, fourth = settings.channels
    assert shapes == {
        "conv0": (48, 30, first),
        "conv1": (24, 15, second),
        "back0_crop": (18, 31, third),
        "back1_crop": (12, 65, fourth),
        "back2_crop": (6, 63, 1),
        "pool": (1, 60, 1),
        "curve": (60, 1),
    }
    assert preset == "compact" or third == 128


def test_the_baseline_has_its_shapes() -> None:
    model = two_convolutions.build(two_convolutions.PRESETS["published"])
    assert model.get_layer("conv0").output.shape[1:] == (32, 20, 32)
    assert model.get_layer("conv1").output.shape[1:] == (11, 7, 64)


def _transposed_by_hand(x: Floats, weights: Floats, stride: tuple[int, int], pad: tuple[int, int]) -> Floats:
    """Each input value adds the kernel, times itself, to the output at stride * place - pad."""
    (height, width, _), (tall, wide, channels, _) = x.shape, weights.shape
    full = np.zeros(((height - 1) * stride[0] + tall, (width - 1) * stride[1] + wide, channels), np.float64)
    for i in range(height):
        for j in range(width):
            place = np.s_[i * stride[0] : i * stride[0] + tall, j * stride[1] : j * stride[1] + wide]
            full[place] += weights @ x[i, j]
    return full[pad[0] : full.shape[0] - pad[0], pad[1] : full.shape[1] - pad[1]].astype(np.float32)


def _convolved_by_hand(x: Floats, weights: Floats, stride: tuple[int, int], pad: tuple[int, int]) -> Floats:
    padded = np.pad(x, ((pad[0], pad[0]), (pad[1], pad[1]), (0, 0)))
    tall, wide = weights.shape[:2]
    size = [(n - k) // s + 1 for n, k, s in zip(padded.shape, (tall, wide), stride, strict=False)]
    result = np.empty((*size, weights.shape[3]), np.float32)
    for i in range(size[0]):
        for j in range(size[1]):
            patch = padded[i * stride[0] : i * stride[0] + tall, j * stride[1] : j * stride[1] + wide]
            result[i, j] = np.tensordot(patch, weights, 3)
    return result


@pytest.mark.parametrize(
    ("size", "stride", "pad"),
    [((5, 5), (1, 2), (5, 1)), ((7, 7), (1, 2), (6, 1)), ((7, 1), (1, 1), (6, 1)), ((3, 4), (2, 3), (0, 2))],
)
def test_a_transposed_convolution_is_the_direct_sum(
    size: tuple[int, int], stride: tuple[int, int], pad: tuple[int, int]
) -> None:
    import keras

    from models.regressors.convolutions import Kernel, transposed

    rng = np.random.default_rng(8)
    x = rng.normal(size=(14, 9, 3)).astype(np.float32)
    inputs = keras.Input(x.shape)
    model = keras.Model(
        inputs, transposed(inputs, 2, Kernel(size, stride, pad), name="t", activation="linear")
    )
    weights = rng.normal(size=(*size, 2, 3)).astype(np.float32)
    model.get_layer("t").set_weights([weights, np.zeros(2, np.float32)])
    result = np.asarray(model(x[None]))[0]
    expected = [(n - 1) * s - 2 * p + k for n, k, s, p in zip(x.shape, size, stride, pad, strict=False)]
    assert list(result.shape[:2]) == expected
    np.testing.assert_allclose(result, _transposed_by_hand(x, weights, stride, pad), atol=1e-4)


def test_the_whole_autoencoder_is_the_direct_computation() -> None:
    case = CASES[3]
    model, (values, inside) = case.model(), case.batch(1)
    arrays = arrays_of(model)
    inside[:, 45:] = False
    x = np.where(inside[0][:, None], values[0], 0.0).T[..., None].astype(np.float32)
    relu = np.maximum
    layers = (
        ("conv0", _convolved_by_hand, (2, 2), (3, 3)),
        ("conv1", _convolved_by_hand, (2, 2), (2, 2)),
        ("back0", _transposed_by_hand, (1, 2), (5, 1)),
        ("back1", _transposed_by_hand, (1, 2), (6, 1)),
        ("back2", _transposed_by_hand, (1, 1), (6, 1)),
    )
    for name, compute, stride, pad in layers:
        x = compute(x, arrays[f"{name}/kernel"], stride, pad) + arrays[f"{name}/bias"]
        x = x if name == "back2" else relu(x, 0.0)
    pooled = np.stack([x[:, k : k + 4].max(axis=(0, 1)) for k in range(60)])
    # A fresh standardisation divides by the square root of its variance of one, and no more.
    np.testing.assert_allclose(_run(model, values, inside)[0], np.tanh(pooled), atol=1e-5)


# Denoising pre-training


def _tracks(count: int, *, inputs: int = 7) -> list[Floats]:
    """Slow waves, so that a step says something of the next."""
    rng = np.random.default_rng(4)
    time = np.arange(24)[:, None]
    return [
        np.sin(time[: 12 + 3 * (k % 5)] * 0.3 + rng.uniform(0, 6, inputs)).astype(np.float32)
        for k in range(count)
    ]


def test_pre_training_lowers_the_loss_and_changes_the_first_layer_alone() -> None:
    model, tracks = CASES[0].model(), _tracks(12)
    model.get_layer("standardise").adapt(np.concatenate(tracks)[None])
    before = arrays_of(model)
    losses = pretrain_first_layer(model, tracks, epochs=12, seed=6, rate=1e-3)
    after = arrays_of(model)
    assert len(losses) == 12
    assert losses[-1] < 0.8 * losses[0]
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert {name.split("/")[0] for name in changed} == {"lstm0"}
    assert len(changed) == 3


def test_pre_training_is_the_same_under_the_same_seed() -> None:
    losses = []
    for seed in (6, 6, 7):
        model = CASES[0].model()
        losses.append(pretrain_first_layer(model, _tracks(10), epochs=3, seed=seed))
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


def test_padding_of_a_batch_does_not_count_in_pre_training() -> None:
    tracks = _tracks(1)
    alone = pretrain_first_layer(CASES[0].model(), tracks, epochs=1, seed=1, rate=1e-9)
    silent = dataclasses.replace(CASES[0].settings, noise=0.0)
    model = CASES[0].model(settings=silent)
    mixed = pretrain_first_layer(model, [*tracks, _tracks(5)[4]], epochs=1, seed=1, rate=1e-9)
    apart = [
        pretrain_first_layer(CASES[0].model(settings=silent), [track], epochs=1, seed=1, rate=1e-9)[0]
        for track in (tracks[0], _tracks(5)[4])
    ]
    sizes = [tracks[0].size, _tracks(5)[4].size]
    assert mixed[0] == pytest.approx(np.average(apart, weights=sizes), rel=1e-5)
    assert alone[0] != pytest.approx(apart[0], rel=1e-5)


@pytest.mark.parametrize(
    ("tracks", "message"),
    [
        ([], "no sequences"),
        ([np.zeros((4, 3), np.float32)], r"sequence 0 is \[4, 3\]; the model takes \[steps, 7\]"),
        ([np.full((4, 7), np.nan, np.float32)], "sequence 0 has a value that is not finite"),
    ],
)
def test_sequences_that_the_model_cannot_take_are_refused(tracks: list[Floats], message: str) -> None:
    with pytest.raises(DataError, match=message):
        pretrain_first_layer(CASES[0].model(), tracks, epochs=1, seed=1)


# SVR baseline


def _svr_data() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(9)
    features = rng.normal(size=(160, 136)) * rng.uniform(0.1, 50.0, 136)
    features[:, 3] = 2.0
    signal = features[:, :3] / features[:, :3].std(axis=0)
    return features, np.tanh(np.stack([signal[:, 0] - signal[:, 1], signal[:, 2]], axis=1)) * 0.6


def test_statistics_are_of_each_ten_rows_and_a_rest_is_left_out() -> None:
    rows = np.random.default_rng(1).normal(size=(37, 68)).astype(np.float32)
    found = svr.half_second_statistics(rows)
    assert found.shape == (3, 136)
    np.testing.assert_allclose(found[1, :68], rows[10:20].mean(axis=0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found[2, 68:], rows[20:30].std(axis=0), rtol=1e-4)
    assert svr.half_second_statistics(rows[:9]).shape == (0, 136)


def test_the_baseline_says_what_scikit_learn_says() -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVR

    features, targets = _svr_data()
    baseline = svr.fit_svr(features[:120], targets[:120])
    found = svr.predict_svr(baseline, features[120:])
    assert found.shape == (40, 2)
    assert found.dtype == np.float32
    for column in range(2):
        pipe = make_pipeline(StandardScaler(), SVR(kernel="rbf", C=0.1, epsilon=0.1, gamma="auto"))
        pipe.fit(features[:120], targets[:120, column])
        np.testing.assert_allclose(found[:, column], pipe.predict(features[120:]), atol=1e-6)


def test_a_baseline_goes_through_arrays_and_back() -> None:
    features, targets = _svr_data()
    baseline = svr.fit_svr(features, targets)
    again = svr.svr_of_arrays(svr.arrays_of_svr(baseline))
    np.testing.assert_array_equal(svr.predict_svr(again, features), svr.predict_svr(baseline, features))
    with pytest.raises(DataError, match="not the arrays of an SVR baseline"):
        svr.svr_of_arrays({"mean": baseline.mean})


def test_the_baseline_follows_a_relation_that_is_there() -> None:
    rng = np.random.default_rng(3)
    features = rng.normal(size=(300, 6))
    targets = np.tanh(features[:, :1])
    baseline = svr.fit_svr(features[:240], targets[:240])
    errors = svr.predict_svr(baseline, features[240:]) - targets[240:]
    assert np.square(errors).mean() < 0.5 * targets[240:].var()


def test_features_that_do_not_fit_are_refused() -> None:
    features, targets = _svr_data()
    with pytest.raises(DataError, match=r"features \[160, 136\] and targets \[159, 2\] do not fit"):
        svr.fit_svr(features, targets[1:])
    with pytest.raises(DataError, match="not finite"):
        svr.fit_svr(features, np.where(targets > 0.5, np.nan, targets))
    with pytest.raises(DataError, match=r"features are \[160, 135\]; the baseline takes \[n, 136\]"):
        svr.predict_svr(svr.fit_svr(features, targets), features[:, 1:])


# Schedules


@pytest.mark.parametrize(
    ("system", "optimizer", "rates", "batch", "patience"),
    [
        ("crnn", "rmsprop", [(20, 1e-3, "conv"), (80, 1e-4, "")], 32, 0),
        ("deep-spectrum-rnn", "rmsprop", [(1000, 1e-3, "")], 32, 50),
        ("deep-lstm", "sgd", [(1000, 5e-6, "")], 8, 20),
        ("antonym-rnn", "sgd", [(200, 1e-2, "")], 16, 20),
        ("gru", "adam", [(5, 1e-3, "")], 32, 0),
        ("autoencoder", "adam", [(100, 1e-4, "")], 16, 0),
        ("two-convolutions", "adam", [(100, 1e-4, "")], 16, 0),
    ],
)
def test_the_published_schedules_are_those_of_the_papers(
    system: str, optimizer: str, rates: list[tuple[int, float, str]], batch: int, patience: int
) -> None:
    found = schedule(system, "published")
    assert found.optimizer == optimizer
    assert [(phase.epochs, phase.rate, phase.frozen) for phase in found.phases] == rates
    assert (found.batch, found.patience) == (batch, patience)
    assert found.epochs == sum(epochs for epochs, _, _ in rates)


def test_the_code_of_the_tagging_paper_differs_where_it_does() -> None:
    assert schedule("deep-spectrum-rnn", "published-code").patience == 100
    assert schedule("crnn", "published").noise == 0.2
    assert schedule("crnn", "published-code").noise == 0.1


def test_what_the_schedules_say_of_noise_is_what_the_models_have() -> None:
    assert schedule("deep-lstm", "published").noise == deep_lstm.PRESETS["published"].noise


def test_an_optimiser_is_made_as_its_schedule_says() -> None:
    import keras

    lstm, gru_schedule = schedule("deep-lstm", "published"), schedule("gru", "published")
    sgd = make_optimizer(lstm, lstm.phases[0])
    assert isinstance(sgd, keras.optimizers.SGD)
    assert sgd.momentum == 0.9
    assert float(sgd.learning_rate) == pytest.approx(5e-6)
    adam = make_optimizer(gru_schedule, gru_schedule.phases[0])
    assert isinstance(adam, keras.optimizers.Adam)
    assert adam.weight_decay == 1e-3
    crnn = schedule("crnn", "published")
    assert isinstance(make_optimizer(crnn, crnn.phases[1]), keras.optimizers.RMSprop)


def test_an_unknown_system_or_preset_is_refused_with_what_there_is() -> None:
    with pytest.raises(DataError, match="no system 'lstm'; there are crnn, deep-spectrum-rnn, deep-lstm"):
        schedule("lstm", "published")
    with pytest.raises(DataError, match="gru has no training preset 'best'; there are published, compact"):
        schedule("gru", "best")
