"""`vggish` and `yamnet`: the published numbers on composed and real sounds, the cutting, and the edges."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from schemas.errors import DataError, FailureKind, Stage
from tests.real import real_clips
from tests.references import vggish as published
from tests.references import yamnet as tensorflow_yamnet
from tests.sounds import clicks, music
from transforms.features.front_end import FrontEnd
from transforms.features.mel import patches, vggish, yamnet
from transforms.features.mel.filter_bank import htk_filter_bank, hz_to_htk_mel

RATE_HZ = 16_000
FRONT_ENDS = [vggish.FRONT_END, yamnet.FRONT_END]
EACH = pytest.mark.parametrize("front_end", FRONT_ENDS, ids=lambda front_end: front_end.name)
Front = FrontEnd[patches.PatchSettings]


def run(front_end: Front, samples: NDArray[np.float32], preset: str = "default") -> NDArray[np.float32]:
    """A front end with one of its presets, on samples at 16 kHz."""
    return front_end.start(front_end.presets[preset])(samples, rate_hz=RATE_HZ)


def formula(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """YAMNet's whole patches by the published formula in double precision."""
    levels = published.log_mel(samples, offset=0.001)
    return np.stack([levels[first : first + 96] for first in range(0, len(levels) - 95, 48)])


COMPOSED = pytest.mark.parametrize(
    "samples",
    [music(10.0), music(0.975), music(2.5)[7:], clicks(5.0, every_s=0.37)],
    ids=["music", "one patch", "odd length", "clicks"],
)


@COMPOSED
def test_vggish_patches_are_those_of_the_published_formula(samples: NDArray[np.float32]) -> None:
    found = vggish.vggish(samples, rate_hz=RATE_HZ)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, published.reference(samples, rate_hz=RATE_HZ), rtol=0, atol=5e-6)


@COMPOSED
def test_yamnet_patches_are_those_of_tensorflow(samples: NDArray[np.float32]) -> None:
    found = yamnet.yamnet(samples, rate_hz=RATE_HZ)
    assert found.dtype == np.float32
    expected = tensorflow_yamnet.reference(samples, rate_hz=RATE_HZ)
    np.testing.assert_allclose(found, expected, rtol=0, atol=5e-4)


def test_vggish_patches_of_real_music_are_those_of_the_published_formula(shared_data: Path) -> None:
    for samples in real_clips(shared_data, 8, rate_hz=RATE_HZ):
        found = vggish.vggish(samples, rate_hz=RATE_HZ)
        np.testing.assert_allclose(found, published.reference(samples, rate_hz=RATE_HZ), rtol=0, atol=5e-6)


def test_yamnet_patches_of_real_music_are_nearer_to_the_formula_than_tensorflows(shared_data: Path) -> None:
    for samples in real_clips(shared_data, 8, rate_hz=RATE_HZ):
        expected = formula(samples)
        found = run(yamnet.FRONT_END, samples, "whole")
        np.testing.assert_allclose(found, expected, rtol=0, atol=5e-6)
        theirs = tensorflow_yamnet.reference(samples, rate_hz=RATE_HZ)
        # TensorFlow's single precision is off by up to .001 in quiet bands under a loud bass.
        np.testing.assert_allclose(yamnet.yamnet(samples, rate_hz=RATE_HZ), theirs, rtol=0, atol=5e-3)
        assert np.abs(found - expected).max() < np.abs(theirs[: len(expected)] - expected).max()


@pytest.mark.filterwarnings(
    "ignore:.*experimental_preserve_all_tensors"
)  # what lies inside is what is tested
def test_the_spectra_and_the_bands_inside_yamnets_file_give_our_patches(shared_data: Path) -> None:
    litert = pytest.importorskip("ai_edge_litert.interpreter", reason="the `train` extra is not installed")
    path = shared_data / "weights" / "yamnet_dynrange.tflite"
    if not path.is_file():
        pytest.skip(f"no {path.name}")
    net = litert.Interpreter(str(path), experimental_preserve_all_tensors=True, num_threads=1)
    net.allocate_tensors()
    details = {
        (detail["name"].split("/")[-1], *detail["shape"]): detail for detail in net.get_tensor_details()
    }
    # The file keeps its bank in bytes, and its product squeezes each spectrum into bytes too: both are taken
    # before that.
    scale, _ = details["MatMul", 64, 257]["quantization"]
    bank = htk_filter_bank(64, fft_samples=512, rate_hz=RATE_HZ, low_hz=125.0, high_hz=7500.0)
    theirs = net.get_tensor(details["MatMul", 64, 257]["index"]).T * scale
    assert np.abs(theirs - bank).max() <= 0.51 * scale
    samples = real_clips(shared_data, 1, rate_hz=RATE_HZ)[0]
    for row, patch in enumerate(run(yamnet.FRONT_END, samples[: 5 * RATE_HZ], "whole")):
        net.set_tensor(net.get_input_details()[0]["index"], samples[7_680 * row : 7_680 * row + 15_600])
        net.invoke()
        magnitudes = net.get_tensor(details["ComplexAbs", 96, 257]["index"])
        np.testing.assert_allclose(patch, np.log(magnitudes @ bank + 0.001), rtol=0, atol=2e-3)


# Changing one of these numbers changes what trained models see: raise the front end's version. Values at the
# given places for music(10.0), taken from version 1.
GOLDEN: dict[str, dict[tuple[int, int, int], float]] = {
    "vggish@1": {
        (0, 0, 0): 1.99758,
        (0, 95, 63): 0.804766,
        (3, 48, 10): 0.101656,
        (5, 10, 40): -0.792615,
        (9, 95, 31): -1.63126,
    },
    "yamnet@1": {
        (0, 0, 0): 1.996358,
        (0, 95, 63): 0.800733,
        (7, 48, 10): 0.33662,
        (12, 10, 40): -0.49708,
        (19, 31, 31): -0.728176,
        (19, 95, 5): -6.907755,
    },
}


@EACH
def test_a_front_end_gives_the_numbers_pinned_for_its_version(front_end: Front) -> None:
    found = run(front_end, music(10.0))
    assert GOLDEN[front_end.key]
    for place, value in GOLDEN[front_end.key].items():
        assert found[place] == pytest.approx(value, rel=1e-4), place


def test_the_bank_has_triangles_straight_on_the_mel_scale_with_unit_peaks() -> None:
    bank = htk_filter_bank(64, fft_samples=512, rate_hz=RATE_HZ, low_hz=125.0, high_hz=7500.0)
    np.testing.assert_allclose(bank, published.mel_weights(), rtol=0, atol=1e-6)
    fine = htk_filter_bank(64, fft_samples=1 << 17, rate_hz=RATE_HZ, low_hz=125.0, high_hz=7500.0)
    np.testing.assert_allclose(fine.max(axis=0), 1.0, atol=2e-3)
    between = slice(*np.searchsorted(np.linspace(0, 8000, (1 << 16) + 1), [160.0, 7200.0]))
    np.testing.assert_allclose(fine[between].sum(axis=1), 1.0, atol=1e-4)
    with pytest.raises(ValueError, match="read-only"):
        bank[0, 0] = 1.0  # it is shared by all callers


def test_the_bin_of_zero_hertz_is_in_no_band() -> None:
    bank = htk_filter_bank(4, fft_samples=64, rate_hz=RATE_HZ, low_hz=-500.0, high_hz=8000.0)
    assert not bank[0].any()
    assert bank[1].any()


def test_a_thousand_hertz_are_a_thousand_mels() -> None:
    np.testing.assert_allclose(
        hz_to_htk_mel(np.array([0.0, 700.0, 1000.0])), [0.0, 781.17, 1000.0], atol=0.02
    )


def test_one_click_is_flat_over_the_bins_and_as_high_as_the_window_there() -> None:
    samples = np.zeros(RATE_HZ, np.float32)
    samples[8_000] = 0.5
    bank = published.mel_weights().sum(axis=0)
    levels = patches.log_mel(samples, offset=0.01)
    for frame in range(len(levels)):
        place = 8_000 - 160 * frame
        weight = 0.5 - 0.5 * np.cos(2 * np.pi * place / 400) if 0 <= place < 400 else 0.0
        np.testing.assert_allclose(levels[frame], np.log(0.5 * weight * bank + 0.01), atol=1e-5)


def test_a_tone_is_loudest_in_the_band_that_is_centred_nearest_to_it() -> None:
    low, high = hz_to_htk_mel(np.array([125.0, 7500.0]))
    edges = np.linspace(low, high, 66)
    time = np.arange(RATE_HZ) / RATE_HZ
    for hz in (500.0, 1000.0, 3000.0, 6500.0):
        levels = patches.log_mel((0.5 * np.sin(2 * np.pi * hz * time)).astype(np.float32), offset=0.01)
        nearest = int(np.abs(edges[1:-1] - hz_to_htk_mel(np.array([hz]))).argmin())
        assert set(levels.argmax(axis=1)) == {nearest}


@EACH
def test_twice_the_sound_is_twice_the_mel(front_end: Front) -> None:
    offset = front_end.presets["default"].offset
    loud, quiet = (np.exp(run(front_end, music(2.0) * np.float32(gain)), dtype=np.float64) for gain in (2, 1))
    np.testing.assert_allclose(loud - offset, 2 * (quiet - offset), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("front_end", "preset", "total", "count"),
    [
        (vggish.FRONT_END, "default", 15_600, 1),
        (vggish.FRONT_END, "default", 30_959, 1),
        (vggish.FRONT_END, "default", 30_960, 2),
        (vggish.FRONT_END, "default", 160_000, 10),
        (yamnet.FRONT_END, "whole", 15_600, 1),
        (yamnet.FRONT_END, "whole", 23_279, 1),
        (yamnet.FRONT_END, "whole", 23_280, 2),
        (yamnet.FRONT_END, "default", 1, 1),
        (yamnet.FRONT_END, "default", 15_600, 1),
        (yamnet.FRONT_END, "default", 15_601, 2),
        (yamnet.FRONT_END, "default", 23_280, 2),
        (yamnet.FRONT_END, "default", 23_281, 3),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_a_track_has_its_whole_patches_and_yamnet_fills_the_last(
    front_end: Front, preset: str, total: int, count: int
) -> None:
    assert run(front_end, music(10.0)[:total], preset).shape == (count, 96, 64)


def test_what_fills_yamnets_last_patch_is_silence() -> None:
    samples = music(1.2)
    filled = np.concatenate([samples, np.zeros(23_280 - len(samples), np.float32)])
    assert np.array_equal(yamnet.yamnet(samples, rate_hz=RATE_HZ), run(yamnet.FRONT_END, filled, "whole"))


@EACH
def test_rows_follow_the_clock_of_the_layout(front_end: Front) -> None:
    settings = front_end.presets["default"]
    layout = front_end.layout(settings)
    assert layout.step_s == settings.hop_frames / 100
    assert layout.row_shape == (96, 64)
    assert layout.names[64 * 3 + 5] == "frame_3_mel_5"
    samples = music(6.0)
    later = samples[round(layout.step_s * RATE_HZ) :]
    whole = len(run(front_end, later)) - 1
    np.testing.assert_allclose(
        run(front_end, samples)[1 : whole + 1], run(front_end, later)[:whole], atol=2e-6
    )


def test_half_of_each_yamnet_patch_is_in_the_next() -> None:
    found = yamnet.yamnet(music(5.0), rate_hz=RATE_HZ)
    assert np.array_equal(found[1:, :48], found[:-1, 48:])


def test_frames_are_the_same_wherever_the_blocks_are_cut() -> None:
    samples = music(5.0)
    whole = patches.log_mel(samples, offset=0.01)
    for frame in (1, 50, 95, 96, 97, 400):
        part = patches.log_mel(samples[160 * frame :], offset=0.01)
        np.testing.assert_allclose(part, whole[frame:], rtol=0, atol=2e-6)


@EACH
@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(48_000, np.float32),
        np.full(48_000, 0.5, np.float32),
        np.full(48_000, 1e-20, np.float32),
        np.where(np.arange(48_000) == 24_000, 1, 0).astype(np.float32),
        np.where(np.arange(48_000) % 80 < 40, 8, -8).astype(np.float32),
    ],
    ids=["silence", "constant", "almost silence", "one click", "square beyond full scale"],
)
def test_sounds_without_music_give_finite_numbers(front_end: Front, samples: NDArray[np.float32]) -> None:
    found = run(front_end, samples)
    assert np.isfinite(found).all()
    floor = np.log(front_end.presets["default"].offset)
    assert found.min() >= floor - 1e-5
    if not samples.any():
        np.testing.assert_allclose(found, floor, rtol=1e-6)


@pytest.mark.parametrize(
    ("front_end", "preset"), [(vggish.FRONT_END, "default"), (yamnet.FRONT_END, "whole")]
)
def test_a_track_one_sample_short_of_a_patch_is_too_short(front_end: Front, preset: str) -> None:
    message = r"^15599 samples \(0.975 s\); at least 15600 \(0.975 s\) are needed$"
    with pytest.raises(DataError, match=message) as caught:
        run(front_end, music(1.0)[:15_599], preset)
    assert caught.value.kind is FailureKind.TOO_SHORT


@EACH
def test_what_is_not_samples_is_refused(front_end: Front) -> None:
    spoilt = music(1.0)
    spoilt[99] = np.nan
    start = front_end.start(front_end.presets["default"])
    refused: list[tuple[Callable[[], object], str]] = [
        (lambda: start(spoilt, rate_hz=RATE_HZ), "sample 99 is not finite"),
        (lambda: start(music(1.0), rate_hz=44_100), "rate_hz is 44100; this front end takes 16000"),
        (lambda: start(np.zeros(0, np.float32), rate_hz=RATE_HZ), "samples are empty"),
        (lambda: start(np.zeros((2, 16_000), np.float32), rate_hz=RATE_HZ), "samples must be float32"),
    ]
    for call, message in refused:
        with pytest.raises(DataError, match=message) as caught:
            call()
        assert (caught.value.kind, caught.value.stage) == (FailureKind.BAD_INPUT, Stage.FEATURES)


def test_settings_that_cannot_be_are_refused_with_their_value() -> None:
    with pytest.raises(DataError, match="hop_frames is 0"):
        patches.PatchSettings(hop_frames=0, offset=0.01, pad_end=False)
    for offset in (0.0, 1e-50, float("nan"), float("inf")):
        with pytest.raises(DataError, match=f"offset is {offset}"):
            patches.PatchSettings(hop_frames=96, offset=offset, pad_end=False)


@pytest.mark.parametrize(("front_end", "most"), [(vggish.FRONT_END, 0.8), (yamnet.FRONT_END, 2.5)])
def test_memory_stays_within_a_little_more_than_the_result(front_end: Front, most: float) -> None:
    samples = np.resize(music(10.0), 180 * RATE_HZ)
    run(front_end, samples[:16_000])
    tracemalloc.start()
    run(front_end, samples)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < most * samples.nbytes
