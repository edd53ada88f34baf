"""Spectrogram pictures: pixel by pixel those of the drawn figure, and what nets see in them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from models.image_nets import nets
from pipelines.training.systems.feature_store import settings_of_run
from schemas.errors import DataError, FailureKind, Stage
from tests.real import real_clips
from tests.references import deep_spectrum as toolkit
from tests.sounds import clicks, music
from transforms.features.images.colour_table import colour_table
from transforms.features.images.deep_spectrum import (
    FRONT_END,
    DeepSpectrumSettings,
    chunk_bounds,
    deep_spectrum,
    image_batches,
    spectrogram_images,
)
from transforms.features.images.drawing import Look, drawing
from transforms.features.images.mel_levels import fft_samples, mel_levels
from transforms.features.images.pixel_grid import pixel_columns, pixel_rows
from transforms.features.images.resizing import bicubic_weights, nearest_places

RATE_HZ = 44_100
Bytes = NDArray[np.uint8]

# A level that single precision puts on the other side of a step takes the next of 256 colours; mean and
# greatest difference of a picture in steps of a byte.
MEAN, GREATEST = 0.02, 8


def differences(found: Bytes, expected: Bytes) -> NDArray[np.int64]:
    """Absolute differences of pictures: any shape."""
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype == np.uint8
    difference: NDArray[np.int64] = np.abs(found.astype(np.int64) - expected)
    return difference


def cosines(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """Cosine of each row with the other's: [n]."""
    one, other = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (one, other))
    cosine: NDArray[np.float64] = (one.astype(np.float64) * other).sum(axis=1)
    return cosine


@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 44_100])
@pytest.mark.parametrize("frames", [2, 3, 42, 61, 214, 227, 311, 454, 908])
def test_every_pixel_shows_the_cell_that_it_shows_in_the_figure(rate_hz: int, frames: int) -> None:
    values = np.random.default_rng(frames).integers(0, 256, (128, frames)).astype(np.float32)
    values[0, 0], values[-1, -1] = 0, 255
    figure = toolkit.drawn(values, rate_hz=rate_hz, colour_map="gray")
    rows = pixel_rows(128, rate_hz=rate_hz)
    columns = pixel_columns(frames, hop_samples=fft_samples(rate_hz) // 2, rate_hz=rate_hz)
    np.testing.assert_array_equal(figure[..., 0], values[rows][:, columns])


@pytest.mark.parametrize("bands", [2, 3, 10, 64, 227, 300])
def test_any_number_of_bands_is_drawn_as_in_the_figure(bands: int) -> None:
    values = np.tile((np.arange(bands) % 256.0).astype(np.float32)[:, None], (1, 4))
    figure = toolkit.drawn(values, rate_hz=RATE_HZ, colour_map="gray")[:, 0, 0]
    steps = 255 / (values.max() - values.min())
    np.testing.assert_allclose(figure, values[pixel_rows(bands, rate_hz=RATE_HZ), 0] * steps, atol=1)


def test_a_single_frame_fills_the_picture_that_the_figure_leaves_blank() -> None:
    ramp = np.linspace(0, 1, 128, dtype=np.float32)
    assert (toolkit.drawn(ramp[:, None], rate_hz=RATE_HZ, colour_map="gray") == 255).all()
    (image,) = spectrogram_images(music(1.0, rate_hz=RATE_HZ)[:2048], rate_hz=RATE_HZ)
    assert (image == image[:, :1]).all()
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 50


@pytest.mark.parametrize("side", [64, 223, 224, 227, 299, 331])
def test_resizing_is_pillows(side: int) -> None:
    image = np.random.default_rng(side).integers(0, 256, (227, 227), np.uint8)
    weights = bicubic_weights(227, wanted=side)
    lines = np.clip(np.floor(image @ weights.T + 0.5), 0, 255)
    found = np.clip(np.floor(weights @ lines + 0.5), 0, 255).astype(np.uint8)
    bicubic = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
    # Pillow's weights are whole numbers of 22 bits: a tie may fall to the other side.
    assert differences(found, np.asarray(bicubic)).max() <= 1
    assert differences(found, np.asarray(bicubic)).mean() < 1e-3
    places = nearest_places(227, wanted=side)
    nearest = Image.fromarray(image).resize((side, side), Image.Resampling.NEAREST)
    np.testing.assert_array_equal(image[places][:, places], np.asarray(nearest))


@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 44_100])
def test_levels_are_librosas(rate_hz: int) -> None:
    for chunk in (music(1.0, rate_hz=rate_hz), clicks(1.0, every_s=0.3, rate_hz=rate_hz)):
        found = mel_levels(chunk, rate_hz=rate_hz, bands=128)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, toolkit.levels(chunk, rate_hz=rate_hz).T, rtol=0, atol=1e-3)


@pytest.mark.parametrize("resize", ["bicubic", "nearest"])
@pytest.mark.parametrize(
    ("rate_hz", "window_s", "colour_map"),
    [(44_100, 1.0, "viridis"), (44_100, 5.0, "magma"), (16_000, 5.0, "viridis"), (24_000, 1.0, "twilight")],
)
def test_pictures_of_composed_sounds_are_those_of_the_figure(
    rate_hz: int, window_s: float, colour_map: str, resize: str
) -> None:
    samples = np.concatenate([music(5.0, rate_hz=rate_hz), clicks(5.0, every_s=0.7, rate_hz=rate_hz)])
    settings = DeepSpectrumSettings(window_s=window_s, hop_s=5.0, colour_map=colour_map, resize=resize)
    images = spectrogram_images(samples, rate_hz=rate_hz, settings=settings)
    for image, start in zip(images, (0, 5 * rate_hz), strict=True):
        chunk = samples[start : start + round(window_s * rate_hz)]
        expected = toolkit.picture(chunk, rate_hz=rate_hz, colour_map=colour_map, resize=resize)
        assert differences(image, expected).mean() < MEAN
        assert differences(image, expected).max() <= GREATEST


def real_pictures(data: Path) -> Iterator[tuple[Bytes, Bytes, Bytes, Bytes]]:
    """Chunks of real clips at three rates: ours and Pillow's at 224, ours and the figure at 227."""
    one, five = DeepSpectrumSettings(), DeepSpectrumSettings(window_s=5.0, hop_s=5.0, colour_map="magma")
    for rate_hz in (16_000, 24_000, 44_100):
        for clip, settings in zip(real_clips(data, 4, rate_hz=rate_hz), (one, one, five, five), strict=True):
            ours, plain = (
                spectrogram_images(clip, rate_hz=rate_hz, settings=settings, side=side) for side in (224, 227)
            )
            bounds = chunk_bounds(len(clip), rate_hz=rate_hz, settings=settings)
            for image, unresized, (start, end) in zip(ours, plain, bounds, strict=True):
                values = toolkit.levels(clip[start:end], rate_hz=rate_hz)
                figure = toolkit.drawn(values, rate_hz=rate_hz, colour_map=settings.colour_map)
                yield image, toolkit.resized(figure, "bicubic"), unresized, figure


def test_pictures_of_real_music_are_the_figures_and_so_is_what_a_net_sees_in_them(shared_data: Path) -> None:
    ours, resized, plain, figures = (
        np.stack(images) for images in zip(*real_pictures(shared_data), strict=True)
    )
    assert len(ours) >= 200
    for found, expected in ((ours, resized), (plain, figures)):
        assert differences(found, expected).mean(axis=(1, 2, 3)).max() < MEAN
        assert differences(found, expected).max() <= GREATEST
    weights = shared_data / "weights" / "squeezenet_imagenet_notop_tf.h5"
    squeezenet = nets.load_net("squeezenet", layer="", weights=str(weights))
    assert squeezenet.input_size == plain.shape[1]
    assert cosines(squeezenet.features(plain), squeezenet.features(figures)).min() > 0.9995


def test_fc2_of_vgg16_is_that_of_the_figure() -> None:
    samples = np.concatenate([music(2.0, rate_hz=RATE_HZ), clicks(2.0, every_s=0.4, rate_hz=RATE_HZ)])
    vgg16 = nets.build_net("vgg16", layer="fc2", seed=1)
    extract = deep_spectrum(vgg16, side=vgg16.input_size, settings=DeepSpectrumSettings())
    found = extract(samples, rate_hz=RATE_HZ)
    assert found.shape == (4, 4096)
    expected = vgg16.features(toolkit.reference(samples, rate_hz=RATE_HZ))
    assert cosines(found, expected).min() > 0.99999
    # Two chunks differ: the cosine would see another picture.
    assert cosines(found[:1], found[2:3]).max() < 0.99


@pytest.mark.parametrize(
    ("total", "window_s", "hop_s", "expected"),
    [
        (2048, 1.0, 1.0, [(0, 2048)]),
        (44_099, 1.0, 1.0, [(0, 44_099)]),
        (88_199, 1.0, 1.0, [(0, 44_100)]),  # as many as whole hops
        (88_200, 1.0, 1.0, [(0, 44_100), (44_100, 88_200)]),
        (88_200, 2.0, 1.0, [(0, 88_200), (44_100, 88_200)]),  # the last has what is left
        (4 * 2048, 0.1, 2048 / 44_100, [(0, 4410), (2048, 6458), (4096, 8192), (6144, 8192)]),
        (4 * 2048 - 1, 0.1, 1024 / 44_100, [(k, min(k + 4410, 8191)) for k in range(0, 6143, 1024)]),
        (120_000, 1.0, 1.00001, [(0, 44_100), (44_100, 88_200)]),
        (13_230, 0.1, 0.1, [(0, 4410), (4410, 8820), (8820, 13_230)]),
    ],
)
def test_chunks_follow_the_clock(
    total: int, window_s: float, hop_s: float, expected: list[tuple[int, int]]
) -> None:
    settings = DeepSpectrumSettings(window_s=window_s, hop_s=hop_s)
    assert list(chunk_bounds(total, rate_hz=RATE_HZ, settings=settings)) == expected


def test_starts_do_not_drift_over_an_hour() -> None:
    settings = DeepSpectrumSettings(window_s=1 / 3, hop_s=1 / 3)
    bounds = list(chunk_bounds(3600 * RATE_HZ + 7, rate_hz=RATE_HZ, settings=settings))
    assert len(bounds) == 10_800
    assert bounds[-1] == (round(10_799 / 3 * RATE_HZ), 3600 * RATE_HZ)


def test_a_chunks_picture_does_not_depend_on_its_neighbours() -> None:
    samples = music(3.0, rate_hz=RATE_HZ)
    images = spectrogram_images(samples, rate_hz=RATE_HZ)
    for second, image in enumerate(images):
        alone = spectrogram_images(samples[second * RATE_HZ : (second + 1) * RATE_HZ], rate_hz=RATE_HZ)
        np.testing.assert_array_equal(image, alone[0])


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 32])
def test_batches_are_the_pictures_in_turn(batch: int) -> None:
    samples = music(5.0, rate_hz=16_000)
    batches = list(image_batches(samples, rate_hz=16_000, batch=batch))
    assert {len(images) for images in batches[:-1]} <= {batch}
    np.testing.assert_array_equal(np.concatenate(batches), spectrogram_images(samples, rate_hz=16_000))


def test_pictures_do_not_depend_on_the_level() -> None:
    samples = music(2.0, rate_hz=RATE_HZ)
    loud, quiet = (spectrogram_images(samples * np.float32(gain), rate_hz=RATE_HZ) for gain in (1.0, 0.3))
    assert differences(loud, quiet).mean() < MEAN


@pytest.mark.parametrize("resize", ["bicubic", "nearest"])
@pytest.mark.parametrize("hz", [200, 500, 1000, 2000, 4000, 16_000])
def test_a_tone_is_a_bright_line_at_its_height(hz: int, resize: str) -> None:
    tone = (0.5 * np.sin(2 * np.pi * hz * np.arange(RATE_HZ) / RATE_HZ)).astype(np.float32)
    settings = DeepSpectrumSettings(colour_map="gray", resize=resize)
    (image,) = spectrogram_images(tone, rate_hz=RATE_HZ, settings=settings)
    octaves = hz / 500 if hz < 1000 else 2 + np.log2(hz / 1000)
    height = 224 * (1 - octaves / (2 + np.log2(22.05)))
    # The figure puts band b where the mel scale has step b of 127; its centre is step b + 1 of 129.
    assert image[..., 0].sum(axis=1, dtype=int).argmax() == pytest.approx(height, abs=3.0)


def test_a_click_is_a_bright_column_at_its_time() -> None:
    samples = np.full(RATE_HZ, 1e-4, np.float32) * np.random.default_rng(0).standard_normal(
        RATE_HZ, np.float32
    )
    samples[30_000] = 1.0
    (image,) = spectrogram_images(samples, rate_hz=RATE_HZ, settings=DeepSpectrumSettings(colour_map="gray"))
    # Frame 28 is centred on sample 29,696: the 29th of 42 cells of 224 / 42 pixels.
    assert image[:112, :, 0].sum(axis=0, dtype=int).argmax() == pytest.approx(28.5 * 224 / 42, abs=3.0)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(16_000, np.float32),
        np.full(16_000, 0.5, np.float32),
        np.full(16_000, 1e-30, np.float32),
        np.where(np.arange(16_000) == 8_000, 1, 0).astype(np.float32),
        np.where(np.arange(16_000) % 80 < 40, 8, -8).astype(np.float32),
    ],
    ids=["silence", "constant", "almost silence", "one click", "square beyond full scale"],
)
def test_sounds_without_music_are_drawn_as_in_the_figure(samples: NDArray[np.float32]) -> None:
    (image,) = spectrogram_images(samples, rate_hz=16_000)
    expected = toolkit.picture(samples, rate_hz=16_000, colour_map="viridis")
    assert differences(image, expected).mean() < MEAN


def test_silence_has_the_first_colour_of_the_map() -> None:
    for colour_map in ("viridis", "magma"):
        settings = DeepSpectrumSettings(colour_map=colour_map)
        images = spectrogram_images(np.zeros(32_000, np.float32), rate_hz=16_000, settings=settings)
        assert (images == colour_table(colour_map)[0]).all()


def test_a_table_of_colours_is_as_long_as_its_map() -> None:
    assert [len(colour_table(name)) for name in ("viridis", "magma", "twilight", "tab10")] == [
        256,
        256,
        510,
        10,
    ]
    with pytest.raises(ValueError, match="read-only"):
        colour_table("magma")[0, 0] = 1


def test_a_drawing_of_many_frames_keeps_small_tables() -> None:
    levels = np.random.default_rng(1).random((20_000, 128), np.float32)
    image = np.empty((224, 224, 3), np.uint8)
    drawing(20_000, 128, RATE_HZ, Look("magma", "bicubic", 224))(levels, image)
    assert image.std() > 10


# Changing one of these numbers changes what trained models see: raise the front end's version, and train
# the models anew. Pixels at the given places (chunk, row, column) for music(10.0), taken from version 1.
GOLDEN: dict[str, dict[tuple[int, int, int], list[int]]] = {
    "1s": {
        (0, 0, 0): [59, 81, 139],
        (0, 223, 223): [50, 100, 142],
        (3, 40, 100): [55, 91, 141],
        (5, 120, 17): [63, 71, 136],
        (9, 200, 150): [57, 87, 139],
    },
    "5s": {(0, 10, 5): [57, 85, 140], (1, 111, 112): [52, 97, 141]},
    "1s-magma": {(0, 0, 0): [79, 18, 123], (4, 90, 60): [239, 84, 98], (9, 180, 200): [41, 17, 90]},
    "5s-magma": {(0, 150, 20): [102, 25, 131], (1, 60, 210): [83, 19, 125]},
}


@pytest.mark.parametrize("preset", GOLDEN)
def test_a_preset_gives_the_pixels_pinned_for_its_version(preset: str) -> None:
    assert FRONT_END.key == "deep-spectrum@1"
    samples = music(10.0, rate_hz=RATE_HZ)
    images = spectrogram_images(samples, rate_hz=RATE_HZ, settings=FRONT_END.presets[preset])
    for place, colour in GOLDEN[preset].items():
        np.testing.assert_allclose(images[place], colour, atol=1, err_msg=str(place))


class MeanColour:
    """A stand-in for a net: the mean of each channel."""

    input_size, values, batch = 64, 3, 4

    def features(self, images: Bytes) -> NDArray[np.float32]:
        """Images [n, 64, 64, 3] -> [n, 3]."""
        assert images.shape[1:] == (64, 64, 3)
        mean: NDArray[np.float32] = images.mean(axis=(1, 2), dtype=np.float32)
        return mean


def test_the_front_end_gives_the_values_of_its_net_a_row_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load(name: str, *, layer: str, weights: str, quantised_by: None) -> MeanColour:
        asked.append((name, layer, weights))
        return MeanColour()

    monkeypatch.setattr(nets, "load_net", load)
    samples = music(40.0, rate_hz=16_000)
    rows = FRONT_END.start(FRONT_END.presets["1s"])(samples, rate_hz=16_000)
    assert asked == [("vgg16", "", "")]
    assert rows.dtype == np.float32
    images = spectrogram_images(samples, rate_hz=16_000, side=64)
    np.testing.assert_allclose(rows, images.mean(axis=(1, 2)), rtol=1e-5)


def test_weights_of_another_hash_than_asked_for_are_refused(tmp_path: Path) -> None:
    weights = tmp_path / "squeezenet.h5"
    weights.write_bytes(b"some weights")
    known = hashlib.sha256(b"some weights").hexdigest()
    for asked in ("", known):
        settings = DeepSpectrumSettings("squeezenet", weights=str(weights), weights_sha256=asked)
        assert FRONT_END.needs(settings)["weights"] == f"sha256 {known}"
    with pytest.raises(DataError, match=f"squeezenet.h5 has SHA-256 {known}; weights of 00ff are asked for"):
        FRONT_END.needs(DeepSpectrumSettings("squeezenet", weights=str(weights), weights_sha256="00ff"))


def test_what_is_trained_on_pictures_asks_for_the_weights_that_they_were_seen_with() -> None:
    recorded = {"net": "squeezenet", "window_s": 5.0, "weights": "sha256 00ff", "layer": "avg_pool"}
    settings = settings_of_run("deep-spectrum@1", recorded)
    assert settings == DeepSpectrumSettings(
        "squeezenet", layer="avg_pool", window_s=5.0, weights_sha256="00ff"
    )


@pytest.mark.parametrize(
    ("preset", "step_s"), [("1s", 1.0), ("5s", 5.0), ("1s-magma", 1.0), ("5s-magma", 5.0)]
)
def test_the_layout_names_4096_neurons_a_hop(preset: str, step_s: float) -> None:
    layout = FRONT_END.layout(FRONT_END.presets[preset])
    assert (layout.step_s, layout.start_s, layout.row_shape) == (step_s, 0.0, (4096,))
    assert (layout.names[0], layout.names[-1]) == ("neuron_0", "neuron_4095")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window_s": 0.0}, "window_s is 0.0; it must be above zero"),
        ({"hop_s": -1.0}, "hop_s is -1.0; it must be above zero"),
        ({"hop_s": float("nan")}, "hop_s is nan; it must be above zero"),
        ({"window_s": float("inf")}, "window_s is inf; it must be above zero"),
        ({"mel_bands": 1}, "mel_bands is 1; at least 2 are needed"),
        ({"resize": "linear"}, "resize is 'linear'; there are bicubic, nearest"),
        ({"window_s": 0.04}, "window_s is 0.04; at 44100 Hz a frame has 2048 samples"),
        ({"hop_s": 1e-6}, "hop_s is 1e-06; at 44100 Hz that is less than a sample"),
        ({"colour_map": "virdis"}, "colour map 'virdis' is not one of matplotlib's; did you mean viridis"),
        ({"colour_map": "?"}, "colour map '\\?' is not one of matplotlib's; viridis and magma are"),
    ],
)
def test_settings_that_cannot_be_are_refused_with_their_value(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=f"^{message}") as caught:
        spectrogram_images(
            music(1.0, rate_hz=RATE_HZ),
            rate_hz=RATE_HZ,
            settings=DeepSpectrumSettings(**settings),  # type: ignore[arg-type]
        )
    assert (caught.value.kind, caught.value.stage) == (FailureKind.BAD_INPUT, Stage.FEATURES)


@pytest.mark.parametrize(
    ("samples", "rate_hz", "message"),
    [
        (np.zeros(16_000), 16_000, r"samples must be float32 \[n\], not float64 \[16000\]"),
        (np.zeros((9, 2), np.float32), 16_000, r"samples must be float32 \[n\], not float32 \[9, 2\]"),
        (np.zeros(0, np.float32), 16_000, "samples are empty"),
        (np.full(9, np.nan, np.float32), 16_000, "sample 0 is not finite"),
        (np.zeros(9, np.float32), 0, "rate_hz is 0; it must be a whole number above zero"),
        (np.zeros(9, np.float32), 79, "rate_hz is 79; spectrogram images need at least 80"),
    ],
)
def test_what_is_not_samples_is_refused_with_its_value(
    samples: NDArray[np.float32], rate_hz: int, message: str
) -> None:
    with pytest.raises(DataError, match=f"^{message}$"):
        # At once, not with the first batch.
        image_batches(samples, rate_hz=rate_hz, batch=4)


@pytest.mark.parametrize(("rate_hz", "least"), [(16_000, 512), (24_000, 1024), (44_100, 2048)])
def test_a_track_below_one_frame_is_too_short(rate_hz: int, least: int) -> None:
    samples = music(1.0, rate_hz=rate_hz)
    assert len(spectrogram_images(samples[:least], rate_hz=rate_hz)) == 1
    with pytest.raises(DataError, match=rf"^{least - 1} samples \(.* s\); at least {least}") as caught:
        spectrogram_images(samples[: least - 1], rate_hz=rate_hz)
    assert caught.value.kind is FailureKind.TOO_SHORT
