"""The front ends: what they compute by independent means, in any blocks, and that it does not drift."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import librosa
import numpy as np
import pytest
from librosa.filters import mel as librosa_mel
from numpy.typing import NDArray

from models.registry import ARCHITECTURES
from schemas.errors import DataError, FailureKind
from tests.sounds import music
from transforms.features.images import window_image
from transforms.features.mel import crnn_logmel, mel_steps, spectrum
from transforms.features.mel.filter_bank import filter_bank, hz_to_mel, mel_to_hz
from transforms.features.registry import FRONT_ENDS
from transforms.features.streams import STREAMED, extract, resolve

RATE_HZ = 16_000
WHOLE: dict[str, Callable[[NDArray[np.float32]], NDArray[Any]]] = {
    "crnn-logmel@1": crnn_logmel.crnn_logmel,
    "window-image@1": window_image.window_images,
    "mel-steps@1": mel_steps.mel_steps,
}
FRONT_END = pytest.mark.parametrize("key", WHOLE)


def librosa_power(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Power of the frames as librosa sees them, in double precision: [257, ceil(n / 256)]."""
    padded = np.pad(samples.astype(np.float64), (128, 128 + -len(samples) % 256))
    frames = librosa.stft(padded, n_fft=512, hop_length=256, window="hann", center=False)
    power: NDArray[np.float64] = np.abs(frames) ** 2
    return power


def librosa_relative_db(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Level of 64 bands against the track's maximum, floor -80 dB: [frames, 64]."""
    bank = librosa_mel(sr=RATE_HZ, n_fft=512, n_mels=64, fmin=125, fmax=7500, dtype=np.float64)
    level = 10 * np.log10(np.maximum(np.sqrt(bank @ librosa_power(samples)), 1e-10))
    relative: NDArray[np.float64] = np.maximum(level - level.max(), -80.0).T
    return relative


@pytest.mark.parametrize("seconds", [20.0, 20.003, 3.0])
def test_log_mel_is_what_librosa_gives(seconds: float) -> None:
    samples = music(seconds)
    db = librosa_relative_db(samples)
    expected = (db - db.mean(axis=0)) / db.std(axis=0)
    found = crnn_logmel.crnn_logmel(samples)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_twenty_seconds_are_1250_frames_of_64_bands() -> None:
    assert crnn_logmel.crnn_logmel(music(20.0)).shape == (1250, 64)


@pytest.mark.parametrize("total", [1, 255, 256, 257, 511, 512, 513, 1023, 7_999, 8_000, 48_000, 320_001])
def test_a_track_has_one_frame_for_each_hop_begun(total: int) -> None:
    power = spectrum.power_spectrum(music(21)[:total])
    assert power.shape == ((total + 255) // 256, 257) == (spectrum.frame_count(total), 257)


def test_a_frame_is_centred_half_a_hop_after_its_first_sample() -> None:
    for frame in (0, 1, 17):
        samples = np.zeros(20 * 256, np.float32)
        samples[frame * 256 + 128] = 1.0
        power = spectrum.power_spectrum(samples)
        # The window is one at its centre and falls off to either side.
        assert np.argmax(power[:, 100]) == frame
        np.testing.assert_allclose(power[frame], 1.0, atol=1e-5)


@pytest.mark.parametrize(
    ("bands", "low_hz", "high_hz"), [(64, 125.0, 7500.0), (128, 0.0, 8000.0), (40, 20.0, 4000.0)]
)
def test_the_mel_bank_is_librosas(bands: int, low_hz: float, high_hz: float) -> None:
    bank = filter_bank(bands, fft_samples=512, rate_hz=RATE_HZ, low_hz=low_hz, high_hz=high_hz)
    theirs = librosa_mel(sr=RATE_HZ, n_fft=512, n_mels=bands, fmin=low_hz, fmax=high_hz)
    np.testing.assert_allclose(bank, theirs.T, rtol=0, atol=1e-7)
    with pytest.raises(ValueError, match="read-only"):
        bank[0, 0] = 1.0  # it is shared by all callers


def test_mels_and_hertz_are_each_others_inverse() -> None:
    hz = np.array([0.0, 100.0, 999.0, 1000.0, 1001.0, 4000.0, 8000.0])
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(hz)), hz, atol=1e-9)
    np.testing.assert_allclose(hz_to_mel(np.array([200 / 3, 1000.0, 6400.0])), [1.0, 15.0, 42.0])


@pytest.mark.parametrize(("bands", "low_hz", "high_hz"), [(64, 125, 7500), (128, 0, 8000)])
def test_the_mel_bands_are_essentias(bands: int, low_hz: float, high_hz: float) -> None:
    reason = "Essentia (AGPL, the `essentia` extra) is not installed: its mel bands are not compared"
    essentia = pytest.importorskip("essentia", reason=reason)
    essentia.log.infoActive = False
    from essentia.standard import MelBands

    theirs = MelBands(
        inputSize=257,
        sampleRate=RATE_HZ,
        numberBands=bands,
        lowFrequencyBound=low_hz,
        highFrequencyBound=high_hz,
        warpingFormula="slaneyMel",
        normalize="unit_tri",
        type="power",
        weighting="linear",
        log=False,
    )
    power = spectrum.power_spectrum(music(1.0))
    ours = power @ filter_bank(bands, fft_samples=512, rate_hz=RATE_HZ, low_hz=low_hz, high_hz=high_hz)
    # "power" has Essentia square the magnitudes that it is given.
    expected = np.stack([theirs(np.sqrt(frame)) for frame in power])
    # Essentia puts its band edges on the scale in single precision: a hundredth of a decibel.
    np.testing.assert_allclose(10 * np.log10(ours), 10 * np.log10(expected), atol=0.01)


def test_images_are_librosas_mel_levels_scaled_from_each_windows_minimum_to_its_maximum() -> None:
    samples = music(4.0)
    bank = librosa_mel(sr=RATE_HZ, n_fft=512, n_mels=128, fmin=0, fmax=8000, dtype=np.float64)
    level = np.log10(np.maximum(bank @ librosa_power(samples), 1e-10))
    found = window_image.window_images(samples)
    assert found.shape == (4, 128, 62)
    assert found.dtype == np.uint8
    for image, first in zip(found, (0, 62, 125, 187), strict=True):
        window = level[:, first : first + 62]
        scaled = 255 * (window - window.min()) / (window.max() - window.min())
        # Within the half that rounding takes, and what single precision adds.
        assert np.abs(image - scaled).max() < 0.51


def test_every_image_of_music_uses_the_whole_range_of_a_byte() -> None:
    images = window_image.window_images(music(6.3))
    assert images.min(axis=(1, 2)).tolist() == [0] * len(images)
    assert images.max(axis=(1, 2)).tolist() == [255] * len(images)


def test_the_first_row_of_an_image_is_the_lowest_band() -> None:
    time = np.arange(RATE_HZ) / RATE_HZ
    peaks = []
    for hz in (200, 1000, 4000):
        (image,) = window_image.window_images((0.5 * np.sin(2 * np.pi * hz * time)).astype(np.float32))
        peaks.append(int(image.astype(int).sum(axis=1).argmax()))
    # 129 equal steps up to the mel of 8 kHz; band b has its centre at step b + 1.
    top = 15 + 27 * np.log(8) / np.log(6.4)
    mels = np.array([3.0, 15.0, 15 + 27 * np.log(4) / np.log(6.4)])
    np.testing.assert_allclose(peaks, mels / top * 129 - 1, atol=1.0)


@pytest.mark.parametrize(
    ("total", "windows"),
    [
        (61 * 256, 0),
        (61 * 256 + 1, 1),  # a frame begun is a frame
        (RATE_HZ, 1),
        (123 * 256, 1),
        (123 * 256 + 1, 2),
        (20 * RATE_HZ, 20),
        (1248 * 256, 19),  # the window of second 19 begins with frame 1187
        (1248 * 256 + 1, 20),
    ],
)
def test_there_is_one_image_for_each_second_begun_that_has_its_62_frames(total: int, windows: int) -> None:
    assert len(window_image.window_images(music(21)[:total])) == windows


def test_steps_are_means_deviations_and_rises_of_the_frames_centred_in_each_half_second() -> None:
    samples = music(5.3)
    scaled = librosa_relative_db(samples) / 80 + 1
    found = mel_steps.mel_steps(samples)
    assert found.shape == (10, 192)
    assert found.dtype == np.float32
    centres = np.arange(len(scaled)) * 256 + 128
    rises = np.maximum(np.diff(scaled, axis=0, prepend=scaled[:1]), 0)
    for step, values in enumerate(found):
        inside = (centres >= step * 8_000) & (centres < (step + 1) * 8_000)
        assert inside.sum() in (31, 32)
        expected = [scaled[inside].mean(axis=0), scaled[inside].std(axis=0), rises[inside].mean(axis=0)]
        np.testing.assert_allclose(values, np.concatenate(expected), rtol=0, atol=2e-5)


def test_steps_of_a_signal_half_a_second_late_are_one_step_late() -> None:
    # The level swings by 40 dB every two seconds and a half, so that neighbouring steps differ.
    swing = 10 ** np.sin(2 * np.pi * 0.4 * np.arange(30 * RATE_HZ) / RATE_HZ)
    samples = (0.2 * swing * music(30.0, seed=3)).astype(np.float32)
    early, late = mel_steps.mel_steps(samples), mel_steps.mel_steps(np.concatenate([music(0.5), samples]))
    assert len(late) == len(early) + 1
    np.testing.assert_allclose(late[3:-2], early[2:-2], rtol=0, atol=0.02)
    # Against the wrong neighbour they are far off: the test would see a clock that slips.
    assert np.abs(late[2:-3] - early[2:-2]).max() > 0.1


@pytest.mark.parametrize(("total", "steps"), [(1, 0), (7_999, 0), (8_000, 1), (16_100, 2), (24_000, 3)])
def test_there_is_one_row_of_steps_for_each_whole_half_second(total: int, steps: int) -> None:
    assert mel_steps.mel_steps(music(2)[:total]).shape == (steps, 192)


def streamed(samples: NDArray[np.float32], sizes: list[int]) -> dict[str, NDArray[Any]]:
    """Features by way of the streams: blocks of the given sizes, over and over."""
    blocks: list[NDArray[np.float32]] = []
    start = 0
    while start < len(samples):
        size = sizes[len(blocks) % len(sizes)]
        blocks.append(samples[start : start + size])
        start += size
    return extract(blocks, resolve(WHOLE), total_samples=lambda: len(samples))


@pytest.mark.parametrize(
    ("seconds", "sizes"),
    [
        (3.01, [1]),
        (3.01, [255]),
        (21.7, [777]),
        (21.7, [256]),
        (21.7, [100_001]),
        (21.7, [320_000]),
        (21.7, [1, 511, 40_000, 3, 0, 12_345]),
    ],
    ids=str,
)
def test_blocks_of_any_sizes_give_what_the_whole_track_gives(seconds: float, sizes: list[int]) -> None:
    samples = music(seconds, seed=11)
    found = streamed(samples, sizes)
    assert list(found) == list(WHOLE)
    for key, whole in WHOLE.items():
        expected = whole(samples)
        assert found[key].shape == expected.shape
        assert found[key].dtype == expected.dtype
        # Sums in another order: the last bits of a float32, or a pixel on the edge between two bytes.
        tolerance = 1 if expected.dtype == np.uint8 else 2e-5
        assert np.abs(found[key].astype(np.float64) - expected).max() <= tolerance


@FRONT_END
def test_a_tracks_features_do_not_depend_on_its_level(key: str) -> None:
    samples = music(4.0)
    loud, quiet = (WHOLE[key](samples * np.float32(gain)).astype(np.float64) for gain in (1.0, 0.125))
    assert np.abs(loud - quiet).max() <= (1 if key == "window-image@1" else 1e-4)


# Changing one of these numbers changes what trained models see: raise the front end's version, and train
# the bundles anew. Values at the given places for music(10.0), taken from version 1.
GOLDEN: dict[str, dict[tuple[int, ...], float]] = {
    "crnn-logmel@1": {
        (0, 0): 0.865041,
        (1, 63): 0.58537,
        (100, 5): -1.535129,
        (311, 31): -1.378261,
        (312, 32): -1.545835,
        (624, 10): 2.788277,
    },
    "window-image@1": {
        (0, 0, 0): 185,
        (2, 100, 0): 87,
        (3, 5, 61): 241,
        (5, 20, 31): 159,
        (9, 64, 10): 99,
        (9, 127, 61): 93,
    },
    "mel-steps@1": {
        (0, 0): 0.904159,
        (0, 70): 0.006897,
        (0, 140): 0.01039,
        (7, 31): 0.722294,
        (10, 100): 0.017972,
        (10, 191): 0.002195,
        (19, 63): 0.789177,
    },
}


@FRONT_END
def test_a_front_end_gives_the_numbers_pinned_for_its_version(key: str) -> None:
    found = WHOLE[key](music(10.0))
    for place, value in GOLDEN[key].items():
        assert found[place] == pytest.approx(value, abs=1 if key == "window-image@1" else 1e-4), place


def test_silence_is_zero_everywhere() -> None:
    silence = np.zeros(48_000, np.float32)
    assert not crnn_logmel.crnn_logmel(silence).any()
    assert not window_image.window_images(silence).any()
    steps = mel_steps.mel_steps(silence)
    # Silence is its own maximum: level one, even and without a rise.
    assert (steps[:, :64] == 1.0).all()
    assert not steps[:, 64:].any()


def test_the_registry_has_the_front_ends_that_the_architectures_name() -> None:
    # `step-mel` has a test file of its own.
    assert set(STREAMED) == {*WHOLE, "step-mel@1"}
    named = {architecture.front_end for architecture in ARCHITECTURES.values() if architecture.front_end}
    assert set(WHOLE) <= named <= {one.key for one in FRONT_ENDS.values()}
    assert [front_end.key for front_end in resolve(WHOLE)] == list(WHOLE)


@pytest.mark.parametrize("key", ["crnn-logmel@2", "crnn-logmel", "log-mel@1", "", "@1"])
def test_a_front_end_that_is_not_here_is_refused_by_name(key: str) -> None:
    with pytest.raises(DataError, match=f"^front end {key} is not here; there are crnn-logmel@1, ") as caught:
        resolve(["mel-steps@1", key])
    assert caught.value.kind is FailureKind.BAD_BUNDLE
