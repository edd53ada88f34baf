"""YAMNet's weights in our encoder: what the published file says of the same patches, and files that fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.encoders.mobile import MobileSettings, build
from models.training.teaching.yamnet import Yamnet, yamnet_arrays
from schemas.errors import DataError, FailureKind, Stage
from tests.real import real_clips
from transforms.features.mel import yamnet
from transforms.features.mel.patches import PATCH_SAMPLES

RATE_HZ = 16_000
FILE = "yamnet_dynrange.tflite"
HOP_SAMPLES = yamnet.WHOLE.hop_samples
CLIP_S = 15
# The file's own layer of the embedding.
TAP, VALUES = "global_average_pooling2d/Mean", 1024
Floats = NDArray[np.float32]


@pytest.fixture
def litert() -> Any:
    reason = "the `train` extra is not installed"
    return pytest.importorskip("ai_edge_litert.interpreter", reason=reason)


@pytest.fixture
def published(shared_data: Path) -> Path:
    path = shared_data / "weights" / FILE
    if not path.is_file():
        pytest.skip(f"no {FILE}")
    return path


def embedded_by_the_file(litert: Any, path: Path, samples: Floats) -> Floats:
    """Embeddings [patches, 1024] of the TensorFlow Lite file itself, from samples, patch by patch."""
    net = litert.Interpreter(str(path), experimental_preserve_all_tensors=True, num_threads=1)
    net.allocate_tensors()
    (tap,) = {
        detail["index"]
        for detail in net.get_tensor_details()
        if TAP in detail["name"] and list(detail["shape"]) == [1, VALUES]
    }
    rows = []
    for start in range(0, len(samples) - PATCH_SAMPLES + 1, HOP_SAMPLES):
        net.set_tensor(net.get_input_details()[0]["index"], samples[start : start + PATCH_SAMPLES])
        net.invoke()
        rows.append(net.get_tensor(tap)[0].copy())
    return np.stack(rows)


def correlation(found: Floats, expected: Floats) -> float:
    return float(np.corrcoef(found.ravel(), expected.ravel())[0, 1])


@pytest.mark.filterwarnings(
    "ignore:.*experimental_preserve_all_tensors"
)  # what lies inside is what is compared
def test_our_net_says_of_a_clips_patches_what_the_file_says(
    litert: Any, published: Path, shared_data: Path
) -> None:
    samples = real_clips(shared_data, 1, rate_hz=RATE_HZ)[0][: CLIP_S * RATE_HZ]
    expected = embedded_by_the_file(litert, published, samples)
    found = Yamnet(published).embed(yamnet.yamnet(samples, rate_hz=RATE_HZ, settings=yamnet.WHOLE))
    assert found.shape == expected.shape == (30, VALUES)
    # The file computes with bytes, each layer at a scale of its own: near, not equal.
    assert correlation(found, expected) > 0.95
    assert correlation(found.mean(axis=0), expected.mean(axis=0)) > 0.985
    # What sets the patches of one clip apart is the same too.
    assert correlation(found - found.mean(axis=0), expected - expected.mean(axis=0)) > 0.9
    assert abs(found.mean() / expected.mean() - 1.0) < 0.03


def test_the_file_fills_every_variable_of_the_encoder(litert: Any, published: Path) -> None:
    variables = {weight.path: tuple(weight.shape) for weight in build(MobileSettings(rows=3)).weights}
    found = yamnet_arrays(published)
    assert {name: array.shape for name, array in found.items()} == variables
    assert {array.dtype.name for array in found.values()} == {"float32"}


@pytest.mark.parametrize("convolutions", [0, 1, 28])
def test_a_file_with_other_convolutions_is_refused(litert: Any, convolutions: int, tmp_path: Path) -> None:
    path = tmp_path / "other.tflite"
    path.write_bytes(lite_net(convolutions))
    message = f"other.tflite has {convolutions} convolutions, YAMNet 27"
    for read in (yamnet_arrays, Yamnet):
        with pytest.raises(DataError, match=message) as caught:
            read(path)
        assert (caught.value.kind, caught.value.stage) == (FailureKind.BAD_INPUT, Stage.INPUT)


def lite_net(convolutions: int) -> bytes:
    """A TensorFlow Lite file of a net with so many convolutions."""
    import tensorflow as tf

    def run(values: Any) -> Any:
        for _ in range(convolutions):
            values = tf.nn.relu(tf.nn.conv2d(values, tf.ones((3, 3, 2, 2)), 1, "SAME"))
        return tf.nn.relu(values - 1.0)

    module = tf.Module()
    module.run = tf.function(run, input_signature=[tf.TensorSpec((1, 8, 8, 2), tf.float32)])
    concrete = module.run.get_concrete_function()
    data: bytes = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module).convert()
    return data


@pytest.mark.parametrize(
    ("size", "data"),
    [(0, b""), (9, b"not a net"), (2000, b"\0"), (2000, b"\x1c\0\0\0TFL3")],
    ids=["empty", "text", "zeros", "a head alone"],
)
def test_a_file_that_is_no_net_is_refused_by_name(
    litert: Any, size: int, data: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "other.tflite"
    path.write_bytes(data.ljust(size, b"\0"))
    for read in (yamnet_arrays, Yamnet):
        with pytest.raises(DataError, match=r"other\.tflite is no TensorFlow Lite file") as caught:
            read(path)
        assert (caught.value.kind, caught.value.stage) == (FailureKind.BAD_INPUT, Stage.INPUT)


def test_the_first_half_of_a_net_is_no_net(litert: Any, tmp_path: Path) -> None:
    path, data = tmp_path / "half.tflite", lite_net(2)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match=r"half\.tflite is no TensorFlow Lite file"):
        yamnet_arrays(path)


def test_no_file_is_not_found(tmp_path: Path) -> None:
    for read in (yamnet_arrays, Yamnet):
        with pytest.raises(DataError, match=f"{FILE} is not in the data folder") as caught:
            read(tmp_path / FILE)
        assert caught.value.kind is FailureKind.NOT_FOUND
