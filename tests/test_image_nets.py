"""Image nets give what Keras gives, whatever images stand beside, and refuse weights that are not theirs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from models.image_nets import nets
from models.image_nets.graph import variables_by_layer, whole_graph
from models.image_nets.nets import build_net, load_net, value_count
from models.image_nets.preprocessing import Preprocessing, preprocessed
from models.image_nets.registry import NETS
from models.image_nets.weights import WEIGHTS
from schemas.errors import DataError, FailureKind

SQUEEZENET = "squeezenet_imagenet_notop_tf.h5"
VGG16_BEGINS = [
    (f"block1_conv{number}", [np.zeros((3, 3, channels, 64), np.float32), np.zeros(64, np.float32)])
    for number, channels in ((1, 3), (2, 64))
]
SMALL = ("squeezenet", "mobilenet")  # quick to run on one core


def images(count: int, *, side: int, seed: int = 5) -> NDArray[np.uint8]:
    """Images of coloured slopes and noise: [count, side, side, 3]."""
    draws = np.random.default_rng(seed)
    slope = np.linspace(0, 200, side)
    ground = draws.random((count, 1, 1, 3)) * (slope[:, None, None] + slope[None, :, None]) / 2
    noise: NDArray[np.uint8] = (ground + 55 * draws.random((count, side, side, 3))).astype(np.uint8)
    return noise


def random_arrays(name: str, *, seed: int = 0) -> list[tuple[str, list[NDArray[np.float32]]]]:
    """What `build_net` fills a whole net with, by layer."""
    return [
        (layer, [nets._random(each.path, tuple(each.shape), seed=seed) for each in variables])
        for layer, variables in variables_by_layer(whole_graph(name))
    ]


def write_weights(path: Path, layers: list[tuple[str, list[NDArray[np.float32]]]]) -> Path:
    """A file in Keras's HDF5 layout."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.encode() for layer, _ in layers]
        for layer, arrays in layers:
            group = file.create_group(layer)
            group.attrs["weight_names"] = [
                f"{layer}/array_{index}:0".encode() for index in range(len(arrays))
            ]
            for index, array in enumerate(arrays):
                group[f"{layer}/array_{index}:0"] = array
    return path


@pytest.fixture
def squeezenet_file(tmp_path: Path) -> Path:
    """Random weights of a squeezenet in a file."""
    return write_weights(tmp_path / "squeezenet.h5", random_arrays("squeezenet"))


# Parity.


def keras_features(model: Any, layer: str, some: NDArray[np.uint8], before: Callable[..., Any]) -> Any:
    """The toolkit's way: Keras's model cut at a layer, its preprocessing, `predict`, flattened."""
    import keras

    part = keras.Model(model.input, model.get_layer(layer).output)
    return part.predict(before(some.astype(np.float32)), verbose=0).reshape(len(some), -1)


@pytest.mark.parametrize("layer", ["", "conv_pw_5", "conv_dw_2_bn"])
def test_a_net_gives_what_keras_gives(layer: str) -> None:
    import keras

    net = build_net("mobilenet", layer=layer)
    model = keras.applications.MobileNet(weights=None)
    for (_, arrays), (_, variables) in zip(
        random_arrays("mobilenet"), variables_by_layer(model), strict=True
    ):
        for array, variable in zip(arrays, variables, strict=True):
            variable.assign(array)
    some = images(5, side=224)
    # Its pooling is the layer without a name of its own, so its number differs in this process.
    named = layer or next(each.name for each in model.layers if each.name.startswith("global_average"))
    expected = keras_features(model, named, some, keras.applications.mobilenet.preprocess_input)
    np.testing.assert_allclose(net.features(some), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_vgg16_gives_what_the_toolkit_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    monkeypatch.setattr(nets, "_random", cache(nets._random))  # 135 million numbers are drawn once
    layers = dict(random_arrays("vgg16"))
    net = build_net("vgg16")
    some = images(1, side=224)

    def without_values() -> Any:
        with keras.StatelessScope(initialize_variables=False):
            return keras.applications.VGG16(weights=None)

    # Keras remembers by thread which variables wait for a value, and would fill these in with the next model.
    with ThreadPoolExecutor(max_workers=1) as thread:
        whole = thread.submit(without_values).result()
    x: Any = some[..., ::-1].astype(np.float32)  # the toolkit's preprocessing: RGB to BGR, no mean
    for layer in whole.layers[1 : [each.name for each in whole.layers].index("fc2") + 1]:
        x = layer.stateless_call(layers.get(layer.name, []), [], x)[0]
    np.testing.assert_allclose(net.features(some), x, rtol=1e-4, atol=1e-4 * np.abs(x).max())
    assert net.layer == "fc2"
    assert net.values == 4096


@pytest.mark.parametrize(
    ("way", "module"),
    [
        (Preprocessing.CAFFE, "resnet50"),
        (Preprocessing.TF, "xception"),
        (Preprocessing.TF, "inception_v3"),
        (Preprocessing.TORCH, "densenet"),
        (Preprocessing.TF, "mobilenet"),
        (Preprocessing.TF, "mobilenet_v2"),
        (Preprocessing.TF, "nasnet"),
        (Preprocessing.TF, "inception_resnet_v2"),
    ],
)
def test_preprocessing_is_keras_own(way: Preprocessing, module: str) -> None:
    import keras

    some = images(2, side=32)
    expected = getattr(keras.applications, module).preprocess_input(some.astype(np.float32))
    ours = preprocessed(some.astype(np.float32), way)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-6 * np.abs(expected).max())
    assert {NETS[name].preprocessing for name in NETS if name.startswith(module)} == {way}


def test_vgg_only_turns_the_colours_round() -> None:
    some = images(1, side=8).astype(np.float32)
    np.testing.assert_array_equal(preprocessed(some, NETS["vgg16"].preprocessing), some[..., [2, 1, 0]])
    assert NETS["vgg19"].preprocessing is NETS["vgg16"].preprocessing


def squeezenet_by_hand(path: Path, image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """SqueezeNet 1.1 in NumPy, in double precision: one image [227, 227, 3] -> 512 values."""
    with h5py.File(path) as file:
        names = [name.decode() for name in file.attrs["layer_names"]]
        weights = {
            name: [
                np.asarray(file[name][each.decode()], np.float64) for each in file[name].attrs["weight_names"]
            ]
            for name in names
        }

    def convolution(x: NDArray[np.float64], name: str, *, stride: int = 1) -> NDArray[np.float64]:
        kernel, bias = weights[name]
        patches = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], axis=(0, 1))
        summed: NDArray[np.float64] = np.einsum("yxchw,hwco->yxo", patches[::stride, ::stride], kernel)
        return np.maximum(summed + bias, 0)

    def pool(x: NDArray[np.float64]) -> NDArray[np.float64]:
        windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(0, 1))
        result: NDArray[np.float64] = windows[::2, ::2].max(axis=(-2, -1))
        return result

    x = pool(convolution(image[..., ::-1] - np.array([103.939, 116.779, 123.68]), "conv1", stride=2))
    for number in range(2, 10):
        squeezed = convolution(x, f"fire{number}/squeeze1x1")
        padded = np.pad(squeezed, ((1, 1), (1, 1), (0, 0)))
        wide = convolution(padded, f"fire{number}/expand3x3")
        x = np.concatenate([convolution(squeezed, f"fire{number}/expand1x1"), wide], axis=-1)
        x = pool(x) if number in (3, 5) else x
    mean: NDArray[np.float64] = x.mean(axis=(0, 1))
    return mean


def test_the_trained_squeezenet_gives_what_its_formula_gives(shared_data: Path) -> None:
    path = shared_data / "weights" / SQUEEZENET
    some = images(2, side=227)
    expected = np.stack([squeezenet_by_hand(path, image) for image in some])
    ours = load_net("squeezenet", weights=str(path)).features(some)
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5 * expected.max())


def test_keras_reads_the_same_weights_from_a_file(tmp_path: Path) -> None:
    import keras

    path = write_weights(tmp_path / "mobilenet.h5", random_arrays("mobilenet", seed=3))
    model = keras.applications.MobileNet(weights=None)
    model.load_weights(str(path))
    some = images(2, side=224)
    expected = keras_features(model, "conv_pw_13_relu", some, keras.applications.mobilenet.preprocess_input)
    ours = load_net("mobilenet", layer="conv_pw_13_relu", weights=str(path)).features(some)
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


@pytest.mark.filterwarnings("ignore:.*HDF5")
def test_a_whole_model_that_keras_saved_has_the_same_weights(tmp_path: Path, squeezenet_file: Path) -> None:
    from models.image_nets.squeezenet import build_squeezenet

    model = build_squeezenet(227)
    model.load_weights(str(squeezenet_file))
    model.save(tmp_path / "whole.h5")
    some = images(1, side=227)
    ours = load_net("squeezenet", weights=str(tmp_path / "whole.h5")).features(some)
    np.testing.assert_array_equal(ours, load_net("squeezenet", weights=str(squeezenet_file)).features(some))


def test_random_nets_stay_as_they_are() -> None:
    # New numbers here mean a new version of the front ends that use nets.
    values = build_net("squeezenet").features(images(1, side=227))[0]
    np.testing.assert_allclose(
        values[[0, 100, 200, 300, 511]], [4.660834, 0.303731, 0.0, 19.018703, 25.42423], rtol=1e-4, atol=1e-4
    )


# An image's values are its own.


@pytest.mark.parametrize("name", SMALL)
def test_an_images_values_do_not_depend_on_its_neighbours(name: str) -> None:
    net = build_net(name)
    some = images(6, side=net.input_size)
    together = net.features(some)
    for count in range(1, 6):
        np.testing.assert_array_equal(net.features(some[:count]), together[:count])
        np.testing.assert_array_equal(net.features(some[-count:]), together[-count:])
    np.testing.assert_array_equal(net.features(some[::-1])[::-1], together)


def test_no_images_give_no_rows() -> None:
    assert build_net("squeezenet").features(images(0, side=227)).shape == (0, 512)


def test_black_and_white_images_give_finite_values() -> None:
    flat = np.stack([np.full((227, 227, 3), level, np.uint8) for level in (0, 255)])
    assert np.isfinite(build_net("squeezenet").features(flat)).all()


def test_threads_may_share_a_net() -> None:
    net = build_net("squeezenet")
    some = images(8, side=227)
    expected = net.features(some)
    results: dict[int, NDArray[np.float32]] = {}

    def work(index: int) -> None:
        results[index] = net.features(some[index : index + 2])

    threads = [threading.Thread(target=work, args=(index,)) for index in range(0, 8, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(np.concatenate([results[index] for index in range(0, 8, 2)]), expected)


def test_a_seed_makes_the_same_net_and_another_seed_another() -> None:
    some = images(1, side=227)
    first, again, other = (build_net("squeezenet", seed=seed).features(some) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((1, 224, 224, 3), np.uint8),
        np.zeros((227, 227, 3), np.uint8),
        np.zeros((1, 227, 227, 1), np.uint8),
        np.zeros((1, 227, 227, 3), np.float32),
    ],
)
def test_other_images_are_refused_with_their_shape(wrong: NDArray[Any]) -> None:
    message = rf"squeezenet must be uint8 \[n, 227, 227, 3\], not {wrong.dtype} \[{wrong.shape[0]}, "
    with pytest.raises(DataError, match=message) as raised:
        build_net("squeezenet").features(wrong)
    assert raised.value.kind is FailureKind.BAD_INPUT


# Names and shapes.


@pytest.mark.parametrize(
    ("name", "layer", "values"),
    [
        ("vgg16", "fc1", 4096),
        ("vgg16", "block5_pool", 7 * 7 * 512),
        ("squeezenet", "fire9/concat", 13 * 13 * 512),
        ("squeezenet", "fire9_concat", 13 * 13 * 512),
        ("mobilenet", "global_average_pooling2d", 1024),
        ("inception_v3", "mixed10", 8 * 8 * 2048),
        ("inception_v3", "activation_3", 73 * 73 * 80),
    ],
)
def test_the_values_of_a_layer_are_known_without_weights(name: str, layer: str, values: int) -> None:
    assert value_count(name, layer) == values


@pytest.mark.parametrize(
    "name", [name for name in NETS if name not in ("nasnet_large", "inception_resnet_v2")]
)
def test_the_table_of_nets_is_what_the_graphs_have(name: str) -> None:
    graph, entry = whole_graph(name), NETS[name]
    assert value_count(name) == int(np.prod(graph.get_layer(entry.layer).output.shape[1:]))
    assert graph.input.shape == (None, entry.input_size, entry.input_size, 3)


def test_building_other_nets_does_not_change_the_names_of_layers() -> None:
    import keras

    keras.applications.MobileNet(weights=None)
    whole_graph.cache_clear()
    assert "global_average_pooling2d" in [layer.name for layer in whole_graph("mobilenet").layers]


def test_an_output_of_more_than_one_axis_is_flattened_in_c_order() -> None:
    pooled, flat = build_net("squeezenet"), build_net("squeezenet", layer="fire9/concat")
    some = images(1, side=227)
    mean = flat.features(some).reshape(13 * 13, 512).mean(axis=0)
    np.testing.assert_allclose(mean, pooled.features(some)[0], rtol=1e-4)


def test_an_unknown_net_is_refused_with_near_names() -> None:
    with pytest.raises(DataError, match=r"'vgg61' is not known; did you mean .*vgg16") as raised:
        load_net("vgg61")
    assert raised.value.kind is FailureKind.BAD_INPUT


@pytest.mark.parametrize(("layer", "near"), [("fire9_concta", "fire9_concat"), ("zzz", "there are input_1")])
def test_an_unknown_layer_is_refused_with_near_names(squeezenet_file: Path, layer: str, near: str) -> None:
    with pytest.raises(DataError, match=f"squeezenet has no layer '{layer}'; .*{near}"):
        load_net("squeezenet", layer=layer, weights=str(squeezenet_file))
    with pytest.raises(DataError, match=near):
        value_count("squeezenet", layer)


# Files of weights.


def test_a_net_is_loaded_once_a_process(squeezenet_file: Path) -> None:
    loaded = []
    threads = [
        threading.Thread(target=lambda: loaded.append(load_net("squeezenet", weights=str(squeezenet_file))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loaded) == 4
    assert len({id(net) for net in loaded}) == 1


@pytest.mark.parametrize("name", NETS)
def test_without_weights_the_command_that_fetches_them_is_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(DataError, match=f"`moodscribe weights fetch {name}`") as raised:
        load_net(name)
    assert raised.value.kind is FailureKind.NOT_FOUND


def test_fetched_weights_are_found(
    squeezenet_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    home = tmp_path / "moodscribe" / "weights"
    home.mkdir(parents=True)
    squeezenet_file.rename(home / WEIGHTS["squeezenet"].file_name)
    some = images(1, side=227)
    np.testing.assert_array_equal(
        load_net("squeezenet").features(some), build_net("squeezenet").features(some)
    )


def test_a_file_without_the_last_layers_will_do_before_them(tmp_path: Path) -> None:
    layers = random_arrays("mobilenet")
    assert layers[-1][0] == "conv_preds"
    path = str(write_weights(tmp_path / "notop.h5", layers[:-1]))
    some = images(1, side=224)
    ours = load_net("mobilenet", weights=path).features(some)
    np.testing.assert_array_equal(ours, build_net("mobilenet").features(some))
    with pytest.raises(DataError, match="no weights for layer conv_preds"):
        load_net("mobilenet", layer="conv_preds", weights=path)


def _rewritten(change: Callable[[Any], None]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            change(file)

    return write


def _replace(file: Any, values: Any) -> None:
    del file["conv1/conv1/array_0:0"]
    file["conv1/conv1/array_0:0"] = values


def _leave_the_file(file: Any) -> None:
    del file["conv1/conv1/array_0:0"]
    file["conv1/conv1/array_0:0"] = h5py.ExternalLink("/etc/passwd", "/")


def _fewer_arrays(file: Any) -> None:
    file["conv1"].attrs["weight_names"] = [b"conv1/array_0:0"]


def _no_names(file: Any) -> None:
    del file.attrs["layer_names"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_text("no weights at all"), "is no HDF5 file, or is cut short"),
        (lambda path: path.write_bytes(b""), "is no HDF5 file, or is cut short"),
        (lambda path: path.write_bytes(path.read_bytes()[:100_000]), "is no HDF5 file, or is cut short"),
        (lambda path: write_weights(path, random_arrays("mobilenet")), "layers with weights, the net 25"),
        (lambda path: write_weights(path, VGG16_BEGINS), r"\[3, 3, 64, 64\], the net needs"),
        (_rewritten(_no_names), "it names no layers"),
        (_rewritten(_fewer_arrays), "its layer conv1 has 1 arrays, the net's conv1 2"),
        (_rewritten(_leave_the_file), "conv1/array_0:0 is not there"),
        (
            _rewritten(lambda file: _replace(file, np.full((3, 3, 3, 64), np.nan, np.float32))),
            r"conv1/kernel\) has a value that is not finite",
        ),
        (
            _rewritten(lambda file: _replace(file, np.zeros((3, 3, 3, 63), np.float32))),
            r"conv1/kernel\) is \[3, 3, 3, 63\], the net needs \[3, 3, 3, 64\]",
        ),
        (_rewritten(lambda file: _replace(file, "text")), "is no array of floats"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_name(
    squeezenet_file: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(squeezenet_file)
    with pytest.raises(DataError, match=message) as raised:
        load_net("squeezenet", weights=str(squeezenet_file))
    assert raised.value.kind is FailureKind.BAD_INPUT
    assert str(squeezenet_file) in raised.value.message


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file of weights") as raised:
        load_net("squeezenet", weights=str(tmp_path / "nothing.h5"))
    assert raised.value.kind is FailureKind.NOT_FOUND
