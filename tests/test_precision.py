"""Image nets in eight-bit integers are close to their floats, and refused where they are not."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from numpy.typing import NDArray

from models.bundle import Bundle
from models.image_nets import quantised
from models.image_nets.nets import ImageNet, KnownPictures, build_net, load_net, quantise, random_net
from models.image_nets.weights import WEIGHTS
from models.taggers.deep_spectrum_rnn import DeepSpectrumRnnSettings
from pipelines.cli import main
from schemas.errors import DataError, FailureKind
from schemas.precision import Precision
from tests.bundles import MEMBERS, TAGS, Planned, write_bundle
from tests.full_tracks import clip_samples
from tests.sounds import music
from tests.test_image_nets import SQUEEZENET, random_arrays, write_weights
from transforms.features.images.deep_spectrum import DeepSpectrumSettings, spectrogram_images
from transforms.features.images.known_pictures import known_pictures
from transforms.tagging.job import at_precision

pytest.importorskip("openvino", reason="OpenVINO (the `openvino` extra) is not installed")

SIDE = 227
Images = NDArray[np.uint8]


@pytest.fixture(scope="module")
def known() -> KnownPictures:
    """What `deep-spectrum` quantises by, for squeezenet."""
    pictures = known_pictures("viridis", side=SIDE)
    return KnownPictures("viridis", pictures[::2], pictures[1::2])


@pytest.fixture(scope="module")
def integers(known: KnownPictures) -> ImageNet:
    """A squeezenet of random weights in integers."""
    return quantise(*random_net("squeezenet"), known)


def music_pictures(count: int) -> Images:
    """Pictures of composed music, a second each: [count, 227, 227, 3]."""
    return spectrogram_images(music(count, rate_hz=44_100), rate_hz=44_100, side=SIDE)


# Close to the floats.


def test_values_are_close_to_those_of_single_precision(integers: ImageNet) -> None:
    some = music_pictures(6)
    found, wanted = integers.features(some), build_net("squeezenet").features(some)
    assert found.shape == wanted.shape == (6, 512)
    assert quantised.least_cosine(found, wanted) > 0.995
    assert not np.array_equal(found, wanted)


def test_an_image_has_the_same_values_whatever_stands_beside_it(integers: ImageNet) -> None:
    some = music_pictures(6)
    together = integers.features(some)
    for index in range(6):
        np.testing.assert_array_equal(integers.features(some[index : index + 1])[0], together[index])


def test_the_trained_squeezenet_is_close_on_real_music(shared_data: Path) -> None:
    path = shared_data / "weights" / SQUEEZENET
    clips = sorted((shared_data / "moods4q" / "audio").glob("*"))[:6]
    if not (path.is_file() and clips):
        pytest.skip("squeezenet's weights and the moods4q clips are not here")
    settings = DeepSpectrumSettings(net="squeezenet", window_s=5.0, hop_s=5.0)
    some = np.concatenate(
        [
            spectrogram_images(clip_samples(clip), rate_hz=44_100, settings=settings, side=SIDE)[:2]
            for clip in clips
        ]
    )
    pictures = known_pictures("viridis", side=SIDE)
    known = KnownPictures("viridis", pictures[::2], pictures[1::2])
    found = load_net("squeezenet", weights=str(path), quantised_by=known).features(some)
    wanted = load_net("squeezenet", weights=str(path)).features(some)
    assert quantised.least_cosine(found, wanted) > 0.995


def test_vgg16_has_an_integer_form_as_far_as_its_second_pooling() -> None:
    some = known_pictures("magma", side=224)
    known = KnownPictures("magma", some[:4], some[4:8])
    found = quantise(*random_net("vgg16", layer="block2_pool"), known).features(some[8:10])
    wanted = build_net("vgg16", layer="block2_pool").features(some[8:10])
    assert quantised.least_cosine(found, wanted) > 0.995


# The check at load.


def test_a_net_that_integers_make_another_is_refused() -> None:
    some = known_pictures("viridis", side=SIDE)
    # By pictures without light there are no ranges that fit any other.
    dark = KnownPictures("dark", np.zeros_like(some[:4]), some[:4])
    with pytest.raises(DataError, match=r"squeezenet in int8 is not .* cosine .* at least 0.995") as caught:
        quantise(*random_net("squeezenet"), dark)
    assert caught.value.kind is FailureKind.BAD_INPUT


def test_cosines_that_are_no_number_are_refused() -> None:
    with pytest.raises(DataError, match="cosine nan"):
        quantised.refuse_unlike("vgg16", float("nan"))


def test_rows_of_zeros_are_alike_and_unlike_anything_else() -> None:
    zeros, ones = np.zeros((2, 3), np.float32), np.ones((2, 3), np.float32)
    assert quantised.least_cosine(zeros, zeros) == 1.0
    assert quantised.least_cosine(zeros, ones) == 0.0
    assert quantised.least_cosine(ones, 2 * ones) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("net", "layer", "what"),
    [
        ("mobilenet", "", r"preprocessing tf"),
        ("resnet50", "conv1_bn", r"layer conv1_pad \(ZeroPadding2D\)"),
    ],
)
def test_a_net_without_an_integer_form_is_named(net: str, layer: str, what: str) -> None:
    parts = random_net(net, layer=layer)
    side = parts[0].input_size
    some = np.zeros((4, side, side, 3), np.uint8)
    with pytest.raises(DataError, match=rf"{what} has no int8 form; vgg16, vgg19 and squeezenet"):
        quantise(*parts, KnownPictures("none", some, some))


def test_pictures_are_unlike_each_other_and_the_same_every_time() -> None:
    some = known_pictures("viridis", side=64)
    assert some.shape == (32, 64, 64, 3)
    np.testing.assert_array_equal(some, known_pictures("viridis", side=64))
    assert len({picture.tobytes() for picture in some}) == 32


# Asked for.


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A tagger on pictures, with random weights of its net in the place of those that are fetched."""
    folder = tmp_path_factory.mktemp("precision")
    weights = folder / "moodscribe" / "weights"
    weights.mkdir(parents=True)
    write_weights(weights / WEIGHTS["squeezenet"].file_name, random_arrays("squeezenet"))
    member = Planned(
        "gru",
        "deep-spectrum-rnn",
        DeepSpectrumRnnSettings("gru", 1, inputs=512, units=4, dense=4, tags=8),
        {"net": "squeezenet"},
    )
    return write_bundle(folder / "bundle", [member], tags=TAGS)


def test_the_main_job_tags_in_integers_and_takes_up_what_floats_have_tagged(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(bundle.folder.parent))
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "in" / "a.wav", music(6.0, seed=3), 16_000)
    command = ["tag", str(tmp_path / "in"), "--output", str(tmp_path / "out"), "--workers", "1"]
    command += ["--bundle", str(bundle.folder)]
    assert main(command) == 0
    assert main([*command, "--precision", "int8"]) == 0
    runs = sorted((tmp_path / "out").glob("run_id=*/run.json"))
    floats, integers = (json.loads(run.read_text()) for run in runs)
    assert (floats["reasons"], integers["reasons"]) == ({"new": 1}, {"front_end": 1})
    assert '"precision": "int8"' in integers["settings"]["front_ends"][0]
    first, second = (
        pq.read_table(run.parent / "mood_tags").sort_by("tag")["raw_score"].to_numpy() for run in runs
    )
    np.testing.assert_allclose(second, first, atol=0.005)
    assert not np.array_equal(first, second)


def test_a_bundle_without_an_image_net_is_refused(tmp_path: Path) -> None:
    plain = write_bundle(tmp_path / "plain", [Planned(*MEMBERS[0])], tags=TAGS)
    assert at_precision(plain, Precision.FLOAT32) is plain
    with pytest.raises(DataError, match="precision int8 is for bundles with an image net"):
        at_precision(plain, Precision.INT8)


def test_integers_have_an_identity_of_their_own(bundle: Bundle) -> None:
    other = at_precision(bundle, Precision.INT8)
    assert other.model_hash != bundle.model_hash
    assert other.front_ends != bundle.front_ends
    assert bundle.members[0].front_end_settings.get("precision") is None


def test_without_openvino_it_is_said_what_to_install(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(DataError, match=r"pip install 'moodscribe\[openvino\]'"):
        at_precision(bundle, Precision.INT8)


def test_another_precision_is_refused() -> None:
    with pytest.raises(DataError, match="precision is 'int4'; there are float32, int8"):
        replace(DeepSpectrumSettings(), precision="int4")
