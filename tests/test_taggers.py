"""The taggers of Amiriparian et al. (2019) have the published sizes, learn, and take VGGish weights."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from models.taggers import crnn, deep_spectrum_rnn
from models.taggers.crnn import CrnnSettings, convolution_layers
from models.taggers.deep_spectrum_rnn import DeepSpectrumRnnSettings
from models.taggers.vggish_weights import CONVOLUTIONS, SHAPES, load_vggish, read_vggish
from models.views import ChunkView
from models.weights import arrays_of, save_weights, set_weights
from schemas.errors import DataError, FailureKind

CELLS = ("lstm", "gru", "bilstm")
NARROW = (4, 4, 4, 4, 8, 8)
ROWS = {"crnn": 48, "deep-spectrum": 6}


def build(kind: str, cell: str, *, seed: int = 5) -> Any:
    """A small model of either kind, without noise and dropout."""
    keras.utils.set_random_seed(seed)
    if kind == "crnn":
        sizes = CrnnSettings(cell, channels=NARROW, units=8, dense=8, dropout=0.0, noise=0.0, tags=5)
        return crnn.build(sizes)
    return deep_spectrum_rnn.build(
        DeepSpectrumRnnSettings(cell, inputs=20, units=8, dense=8, dropout=0.0, recurrent_dropout=0.0, tags=5)
    )


def batch_for(kind: str, size: int = 4) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Inputs of a model of that kind, the last of them shorter than the others."""
    rng = np.random.default_rng(17)
    shape = (size, ROWS[kind], 64 if kind == "crnn" else 20)
    valid = np.full(size, ROWS[kind], np.int32)
    valid[-1] = ROWS[kind] // 2 + 1
    return rng.normal(size=shape).astype(np.float32), valid


def spread(model: Any) -> Any:
    """The same model with its normalisation no longer as it began, and its last ReLU open."""
    rng = np.random.default_rng(3)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = (
                array + rng.uniform(0.1, 0.5, array.shape) for array in layer.get_weights()
            )
            layer.set_weights([gamma, beta + 0.5, mean, variance])
    return model


def compiled(model: Any, *, rate: float = 1e-3) -> Any:
    """The same model, ready to be trained as published."""
    model.compile(keras.optimizers.RMSprop(rate), loss="binary_crossentropy", run_eagerly=True)
    return model


def scores_of(model: Any, values: NDArray[np.float32], valid: NDArray[np.int32]) -> NDArray[np.float32]:
    scores: NDArray[np.float32] = np.asarray(model([values, valid], training=False))
    return scores


BOTH = pytest.mark.parametrize("kind", list(ROWS))
EVERY = pytest.mark.parametrize(("kind", "cell"), [(kind, cell) for kind in ROWS for cell in CELLS])


# What every tagger has to do.


@EVERY
def test_a_tagger_gives_one_score_a_tag(kind: str, cell: str) -> None:
    scores = scores_of(build(kind, cell), *batch_for(kind))
    assert scores.shape == (4, 5)
    assert scores.dtype == np.float32
    assert ((scores > 0) & (scores < 1)).all()


@EVERY
def test_rows_that_do_not_count_change_nothing(kind: str, cell: str) -> None:
    model, (values, valid) = spread(build(kind, cell)), batch_for(kind)
    changed = values.copy()
    changed[-1, valid[-1] :] = 1e3
    before, after = scores_of(model, values, valid), scores_of(model, changed, valid)
    np.testing.assert_array_equal(before, after)
    cut = scores_of(model, values[-1:, : valid[-1]], valid[-1:])
    np.testing.assert_allclose(cut, after[-1:], atol=1e-6)
    changed[0, 0] += 1.0
    assert (scores_of(model, changed, valid)[0] != before[0]).any()


@BOTH
def test_weights_go_through_a_file_unchanged(kind: str, tmp_path: Path) -> None:
    model, (values, valid) = spread(build(kind, "bilstm")), batch_for(kind)
    save_weights(model, tmp_path / "model.safetensors")
    other = build(kind, "bilstm", seed=6)
    assert (scores_of(other, values, valid) != scores_of(model, values, valid)).any()
    set_weights(other, load_file(tmp_path / "model.safetensors"), source="model.safetensors")
    np.testing.assert_array_equal(scores_of(other, values, valid), scores_of(model, values, valid))


def test_training_with_dropout_is_the_same_for_one_seed() -> None:
    values, valid = batch_for("deep-spectrum")
    losses = []
    for _ in range(2):
        keras.utils.set_random_seed(9)
        model = deep_spectrum_rnn.build(DeepSpectrumRnnSettings("gru", inputs=20, units=8, dense=8, tags=5))
        compiled(model)
        losses.append([model.train_on_batch([values, valid], np.ones((4, 5))) for _ in range(3)])
    assert losses[0] == losses[1]


@pytest.mark.parametrize("cell", CELLS)
def test_the_state_is_dropped_in_training_only(cell: str) -> None:
    def layers(share: float) -> list[Any]:
        keras.utils.set_random_seed(2)
        model = deep_spectrum_rnn.build(
            DeepSpectrumRnnSettings(cell, inputs=20, units=8, dropout=0.0, recurrent_dropout=share)
        )
        return [model.get_layer("rnn0"), model.get_layer("rnn1")]

    some = np.random.default_rng(4).normal(size=(2, 6, 20)).astype(np.float32)
    kept, dropping = layers(0.0), layers(0.4)
    in_use = [np.asarray(each[0](some, training=False)) for each in (kept, dropping)]
    in_training = [np.asarray(each[0](some, training=True)) for each in (kept, dropping)]
    np.testing.assert_allclose(in_use[0], in_use[1], atol=1e-6)
    np.testing.assert_allclose(in_training[0], in_use[0], atol=1e-6)
    assert np.abs(in_training[1] - in_use[1]).max() > 1e-3
    cells = [getattr(layer, "forward_layer", layer) for layer in dropping]
    assert [layer.recurrent_dropout for layer in cells] == [0.4, 0.4]


# Sizes.


def recurrent_count(cell: str, inputs: int, units: int) -> int:
    """Weights of a recurrent layer: gates times (inputs, state, bias); Keras's GRU has two biases."""
    if cell == "gru":
        return 3 * units * (inputs + units + 2)
    return 4 * units * (inputs + units + 1) * (2 if cell == "bilstm" else 1)


def head_count(cell: str, inputs: int, units: int, *, dense: int = 1024, tags: int = 56) -> int:
    """Weights of the two recurrent layers, the dense one and the scores; a batch normalisation has four."""
    wide = units * (2 if cell == "bilstm" else 1)
    recurrent = recurrent_count(cell, inputs, units) + recurrent_count(cell, wide, units) + 2 * 4 * wide
    return recurrent + (wide + 1) * dense + 4 * dense + (dense + 1) * tags


def without_values(build: Callable[[], Any]) -> Any:
    """A model of which the sizes alone are wanted: to draw weights of layers this wide takes seconds. In a
    thread of its own, as Keras remembers by thread which variables wait for a value."""

    def built() -> Any:
        with keras.StatelessScope(initialize_variables=False):
            return build()

    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(built).result()


@pytest.mark.parametrize("cell", CELLS)
def test_the_crnn_has_the_published_sizes(cell: str) -> None:
    model = crnn.build(crnn.PRESETS[f"published-{cell}"])
    channels = (1, 64, 128, 256, 256, 512, 512)
    convolutions = sum(9 * a * b + b for a, b in pairwise(channels))
    assert convolutions == 4_499_712
    assert model.count_params() == convolutions + head_count(cell, 512, 256)


@pytest.mark.parametrize("cell", CELLS)
def test_the_deep_spectrum_rnn_has_the_published_sizes(cell: str) -> None:
    model = without_values(lambda: deep_spectrum_rnn.build(deep_spectrum_rnn.PRESETS[f"published-1s-{cell}"]))
    states = sum(np.prod(v.shape) for v in model.variables if "seed_generator" in v.path)
    assert sum(np.prod(v.shape) for v in model.variables) - states == head_count(cell, 4096, 1024)


def test_the_published_models_are_nine_and_the_codes_differ_in_noise() -> None:
    assert [name for name in crnn.PRESETS if name.startswith("published-") and "code" not in name] == [
        f"published-{cell}" for cell in CELLS
    ]
    assert sum(name.startswith("published-") for name in deep_spectrum_rnn.PRESETS) == 6
    assert crnn.PRESETS["published-gru"].noise == 0.2
    assert crnn.PRESETS["published-code-gru"] == CrnnSettings("gru", noise=0.1)


def test_the_crnn_makes_79_steps_of_20_s() -> None:
    model = build("crnn", "lstm")
    steps = keras.Model(model.inputs, model.get_layer("rnn0").output)
    values = np.zeros((1, 1250, 64), np.float32)
    assert steps([values, np.array([1250])], training=False).shape == (1, 79, 8)


@pytest.mark.parametrize(("window_s", "rows", "minimum_s"), [(1, 30, 3.0), (5, 6, 5.0)])
def test_the_deep_spectrum_rnn_sees_30_s(window_s: int, rows: int, minimum_s: float) -> None:
    settings = deep_spectrum_rnn.PRESETS[f"published-{window_s}s-lstm"]
    assert deep_spectrum_rnn.view(settings) == ChunkView(rows=rows, length_s=30.0, minimum_s=minimum_s)


def test_the_crnn_sees_20_s() -> None:
    assert crnn.view(crnn.PRESETS["compact"]) == ChunkView(rows=1250, length_s=20.0)


@pytest.mark.parametrize("window_s", [0, 7, 31])
def test_windows_that_do_not_fill_30_s_are_refused(window_s: int) -> None:
    with pytest.raises(DataError, match=f"window_s is {window_s}; 30 s"):
        deep_spectrum_rnn.view(DeepSpectrumRnnSettings(window_s=window_s))


# Convolutions, frozen and from VGGish.


def test_the_convolutions_can_be_frozen_and_thawed() -> None:
    model, (values, valid) = build("crnn", "gru"), batch_for("crnn")
    names = convolution_layers(model)
    assert names == [f"conv{index}" for index in range(6)]

    def train(trainable: bool) -> dict[str, NDArray[Any]]:
        for name in names:
            model.get_layer(name).trainable = trainable
        compiled(model, rate=1e-2)
        model.train_on_batch([values, valid], np.ones((4, 5)))
        return arrays_of(model)

    first = arrays_of(model)
    frozen, thawed = train(False), train(True)
    assert (frozen["dense/kernel"] != first["dense/kernel"]).any()
    for name in names:
        np.testing.assert_array_equal(frozen[f"{name}/kernel"], first[f"{name}/kernel"])
        assert (thawed[f"{name}/kernel"] != first[f"{name}/kernel"]).any()


@pytest.fixture(scope="module")
def vggish() -> dict[str, NDArray[np.float32]]:
    """Random arrays in VGGish's layout."""
    rng = np.random.default_rng(8)
    return {name: rng.normal(scale=0.05, size=shape).astype(np.float32) for name, shape in SHAPES.items()}


@pytest.fixture(scope="module")
def wide_crnn() -> Any:
    """A CRNN of published width with a small head."""
    keras.utils.set_random_seed(0)
    return crnn.build(CrnnSettings(units=4, dense=4, tags=3))


def write_checkpoint(path: Path, arrays: dict[str, NDArray[Any]], *, version: int = 1) -> None:
    """A checkpoint as TensorFlow 1 writes it: of version 1 a single file, as Google's is."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        variables = [
            v1.get_variable(name, initializer=array, use_resource=False) for name, array in arrays.items()
        ]
        session.run(v1.global_variables_initializer())
        saver = v1.train.Saver(variables, write_version=version)
        saver.save(session, str(path), write_meta_graph=False, write_state=False)


def write_keras_file(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """The convolutions in Keras's HDF5 layout, under names of their own."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = ["input", *(f"c{index}" for index in range(6))]
        file.create_group("input").attrs["weight_names"] = np.array([], "S1")
        for index, name in enumerate(CONVOLUTIONS):
            group = file.create_group(f"c{index}")
            group.attrs["weight_names"] = [f"c{index}/kernel:0", f"c{index}/bias:0"]
            group[f"c{index}/kernel:0"] = arrays[f"{name}/weights"]
            group[f"c{index}/bias:0"] = arrays[f"{name}/biases"]


Writer = Callable[[Path, dict[str, NDArray[Any]]], None]
WRITERS: dict[str, Writer] = {
    "vggish_model.ckpt": write_checkpoint,
    "vggish.v2": lambda path, arrays: write_checkpoint(path, arrays, version=2),
    "vggish.npz": lambda path, arrays: np.savez(path, allow_pickle=False, **arrays),
    "vggish.safetensors": lambda path, arrays: save_file(arrays, path),
    "vggish.h5": write_keras_file,
}


@pytest.mark.parametrize("name", WRITERS)
def test_vggish_weights_fill_the_convolutions_and_nothing_else(
    name: str, wide_crnn: Any, vggish: dict[str, NDArray[np.float32]], tmp_path: Path
) -> None:
    keras.utils.set_random_seed(1)
    before = arrays_of(wide_crnn)
    for layer in convolution_layers(wide_crnn):
        assert before[f"{layer}/kernel"].ndim == 4
        wide_crnn.get_layer(layer).set_weights([0 * before[f"{layer}/kernel"], 0 * before[f"{layer}/bias"]])
    # The fully connected layers of the real file are there too, but are not looked at.
    more = {} if name.endswith(".h5") else {"vggish/fc2/biases": np.zeros(128, np.float32)}
    WRITERS[name](tmp_path / name, {**vggish, **more})
    load_vggish(wide_crnn, tmp_path / name)
    after = arrays_of(wide_crnn)
    for layer, stored in zip(convolution_layers(wide_crnn), CONVOLUTIONS, strict=True):
        np.testing.assert_array_equal(after[f"{layer}/kernel"], vggish[f"{stored}/weights"])
        np.testing.assert_array_equal(after[f"{layer}/bias"], vggish[f"{stored}/biases"])
    for path, array in before.items():
        if not path.startswith("conv"):
            np.testing.assert_array_equal(after[path], array)


def test_names_of_tensors_do_for_names_of_variables(
    vggish: dict[str, NDArray[np.float32]], tmp_path: Path
) -> None:
    arrays: dict[str, Any] = {f"{name}:0": array for name, array in vggish.items()}
    np.savez(tmp_path / "named.npz", allow_pickle=False, **arrays)
    read = read_vggish(tmp_path / "named.npz")
    assert {name: array.shape for name, array in read.items()} == SHAPES


def test_the_first_convolution_sees_rows_as_time_and_columns_as_bands(
    wide_crnn: Any, vggish: dict[str, NDArray[np.float32]], tmp_path: Path
) -> None:
    save_file(vggish, tmp_path / "vggish.safetensors")
    load_vggish(wide_crnn, tmp_path / "vggish.safetensors")
    values = np.random.default_rng(2).normal(size=(1, 12, 64)).astype(np.float32)
    layer = keras.Model(wide_crnn.inputs, wide_crnn.get_layer("conv0").output)
    found = np.asarray(layer([values, np.array([12])], training=False))
    kernel, bias = vggish["vggish/conv1/weights"], vggish["vggish/conv1/biases"]
    patch = values[0, 4:7, 9:12]  # frames 4 to 6, bands 9 to 11
    expected = np.maximum(np.einsum("tf,tfc->c", patch, kernel[:, :, 0]) + bias, 0)
    np.testing.assert_allclose(found[0, 5, 10], expected, atol=1e-5)


FIRST, LAST = "vggish/conv1/weights", "vggish/conv4/conv4_2/biases"


def without(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name: array for name, array in arrays.items() if name != LAST}


def turned(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {**arrays, FIRST: np.ascontiguousarray(arrays[FIRST].transpose(3, 2, 0, 1))}


def not_finite(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {**arrays, LAST: np.full(512, np.nan, np.float32)}


def whole_numbers(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {**arrays, LAST: np.zeros(512, np.int32)}


@pytest.mark.parametrize("name", ["vggish_model.ckpt", "vggish.npz", "vggish.safetensors"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without, f"array '{LAST}' is missing"),
        (turned, rf"array '{FIRST}' is \[64, 1, 3, 3\], VGGish has \[3, 3, 1, 64\]"),
        (not_finite, f"array '{LAST}' has values that are no finite floats"),
        (whole_numbers, f"array '{LAST}' has values that are no finite floats .int32"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_name_and_array(
    name: str,
    change: Callable[[dict[str, NDArray[Any]]], dict[str, NDArray[Any]]],
    message: str,
    vggish: dict[str, NDArray[np.float32]],
    tmp_path: Path,
) -> None:
    WRITERS[name](tmp_path / name, change(dict(vggish)))
    with pytest.raises(DataError, match=f"{name}: {message}") as raised:
        read_vggish(tmp_path / name)
    assert raised.value.kind is FailureKind.BAD_INPUT


@pytest.mark.parametrize(
    "name",
    ["bf16.safetensors", "text.ckpt", "text.npz", "text.safetensors", "text.h5", "array.npz", "objects.npz"],
)
def test_a_file_of_another_kind_is_refused_by_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "array.npz":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    elif name == "bf16.safetensors":
        half = {stored: tf.zeros(shape, tf.bfloat16).numpy() for stored, shape in SHAPES.items()}
        save_file(half, path)
    elif name == "objects.npz":
        np.savez(path, **{stored: np.array([{}], dtype=object) for stored in SHAPES})  # type: ignore[arg-type]
    else:
        path.write_text("no weights at all")
    with pytest.raises(DataError, match=name) as raised:
        read_vggish(path)
    assert raised.value.kind is FailureKind.BAD_INPUT


def test_a_checkpoint_that_is_cut_short_is_refused(
    vggish: dict[str, NDArray[np.float32]], tmp_path: Path
) -> None:
    path = tmp_path / "vggish_model.ckpt"
    write_checkpoint(path, dict(vggish))
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(DataError, match=r"vggish_model\.ckpt is no TensorFlow checkpoint, or is damaged"):
        read_vggish(path)


@pytest.mark.parametrize("name", ["nothing.ckpt", "nothing.npz", ""])
def test_a_file_that_is_not_there_is_not_found(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file of VGGish weights") as raised:
        read_vggish(tmp_path / name)
    assert raised.value.kind is FailureKind.NOT_FOUND


def test_a_crnn_of_other_sizes_takes_no_vggish_weights(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"those of crnn_gru are \[\(3, 3, 1, 4\)"):
        load_vggish(build("crnn", "gru"), tmp_path / "vggish.npz")
