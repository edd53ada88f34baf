"""`pyaudio-68`: what pyAudioAnalysis gives, at any rate, of any sound, in little memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from schemas.errors import DataError, FailureKind, Stage
from tests.real import real_clips
from tests.references.pyaudio_68 import names, reference, windowed
from tests.sounds import clicks, music
from transforms.features.descriptors import pyaudio_68 as module
from transforms.features.descriptors.pyaudio_68 import FRONT_END, NAMES, PyAudioSettings, pyaudio_68

RATE_HZ = 44_100
WINDOW = 2205
INT16 = FRONT_END.presets["short-term-int16"]
RATES = pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 44_100, 48_000])


def error(found: NDArray[np.float32], expected: NDArray[np.float64]) -> float:
    """Largest error against the value, or its feature's root mean square where the value is smaller."""
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    scale = np.maximum(np.abs(expected), np.sqrt((expected**2).mean(axis=0)))
    return float((np.abs(found - expected) / np.where(scale > 0, scale, 1.0)).max())


def value(found: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    """One feature over all rows."""
    return found[:, NAMES.index(name)]


@RATES
def test_it_is_pyaudioanalysis_on_composed_music(rate_hz: int) -> None:
    samples = music(10.0, rate_hz=rate_hz)
    # All that is left is the rounding to single precision: half of 2^-23.
    assert error(pyaudio_68(samples, rate_hz=rate_hz), reference(samples, rate_hz=rate_hz)) < 1e-7


@RATES
def test_it_is_pyaudioanalysis_on_real_music(shared_data: Path, rate_hz: int) -> None:
    for samples in real_clips(shared_data, 3, rate_hz=rate_hz):
        assert error(pyaudio_68(samples, rate_hz=rate_hz), reference(samples, rate_hz=rate_hz)) < 1e-7


@pytest.mark.parametrize("gain", [1.0, 1e-3])
def test_the_int16_preset_is_what_the_library_gives_for_a_16_bit_file(gain: float) -> None:
    sixteen = np.round(32_768 * gain * music(5.0, rate_hz=RATE_HZ)).astype(np.int16)
    samples = (sixteen / 32_768).astype(np.float32)
    expected = reference(sixteen, rate_hz=RATE_HZ)
    assert error(pyaudio_68(samples, rate_hz=RATE_HZ, settings=INT16), expected) < 1e-7
    # Without it, what the library adds to the peak weighs 2^15 times as much.
    lower = (1.0 + 32_768e-10 / np.abs(samples).max()) ** -2
    energy = value(pyaudio_68(samples, rate_hz=RATE_HZ), "energy")
    np.testing.assert_allclose(energy, expected[:, 1] * lower, rtol=1e-5)


@pytest.mark.parametrize(("window_s", "step_s"), [(0.05, 0.025), (0.1, 0.01), (0.032, 0.05), (1.0, 0.5)])
def test_windows_and_steps_of_other_lengths_are_the_librarys(window_s: float, step_s: float) -> None:
    samples = music(3.0, rate_hz=16_000)
    found = pyaudio_68(samples, rate_hz=16_000, settings=PyAudioSettings(window_s=window_s, step_s=step_s))
    assert error(found, windowed(samples, rate_hz=16_000, window_s=window_s, step_s=step_s)) < 1e-7


SOUNDS = {
    "silence": np.zeros(RATE_HZ),
    "constant": np.full(RATE_HZ, 0.1),
    "almost silence": np.full(RATE_HZ, 1e-20),
    "one click": np.where(np.arange(RATE_HZ) == 3_000, 1, 0),
    "clicks": clicks(1.0, every_s=0.13, rate_hz=RATE_HZ),
    "square beyond full scale": np.where(np.arange(RATE_HZ) % 80 < 40, 8, -8),
    "a steady tone": 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ),
    "music, then silence": np.concatenate([music(0.5, rate_hz=RATE_HZ), np.zeros(RATE_HZ // 2)]),
    "music, then an offset": np.concatenate([music(0.5, rate_hz=RATE_HZ), np.full(RATE_HZ // 2, 0.01)]),
    "noise on an offset": 0.9 + 1e-4 * music(1.0, rate_hz=RATE_HZ),
    "noise at -100 dB": 1e-5 * np.random.default_rng(0).normal(size=RATE_HZ),
}


@pytest.mark.parametrize("samples", SOUNDS.values(), ids=SOUNDS)
def test_sounds_at_the_edge_are_the_librarys_too(samples: NDArray[np.float64]) -> None:
    narrow = samples.astype(np.float32)
    found, expected = pyaudio_68(narrow, rate_hz=RATE_HZ), reference(narrow, rate_hz=RATE_HZ)
    scale = np.sqrt((expected**2).mean(axis=0))
    # Below 1e-9 the library's own values are what rounding left.
    assert (np.abs(found - expected) <= 1e-4 * np.maximum(np.abs(expected), scale) + 1e-9).all()


def test_a_jump_between_two_constants_gives_finite_numbers() -> None:
    # Each frame is a constant: its spectrum, but for one bin, is what rounding left, here and in the library.
    jump = np.repeat(np.array([0.0, 1.0], np.float32), RATE_HZ)
    found, expected = pyaudio_68(jump, rate_hz=RATE_HZ), reference(jump, rate_hz=RATE_HZ)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


# Changing one of these numbers changes what trained models see: raise the front end's version, and train
# the models anew. Values at the given places for music(10.0) at 44.1 kHz, taken from version 1.
GOLDEN: dict[tuple[int, str], float] = {
    (0, "zcr"): 0.05036298,
    (0, "energy"): 0.08153173,
    (0, "mfcc_1"): -25.75508,
    (7, "energy_entropy"): 3.308197,
    (31, "spectral_centroid"): 0.1776103,
    (31, "spectral_spread"): 0.2675843,
    (50, "spectral_entropy"): 0.4616642,
    (64, "spectral_flux"): 0.0001837887,
    (64, "spectral_rolloff"): 0.05626134,
    (100, "mfcc_2"): 2.698141,
    (100, "mfcc_13"): 0.08008387,
    (127, "chroma_1"): 0.0002774591,
    (127, "chroma_2"): 0.1428047,
    (150, "chroma_12"): 2.273563e-05,
    (150, "chroma_std"): 0.03544942,
    (199, "delta energy"): 0.009530031,
    (199, "delta mfcc_5"): -0.06754484,
    (199, "delta spectral_flux"): 5.413845e-05,
}


def test_it_gives_the_numbers_pinned_for_its_version() -> None:
    assert FRONT_END.key == "pyaudio-68@1"
    found = pyaudio_68(music(10.0, rate_hz=RATE_HZ), rate_hz=RATE_HZ)
    for (row, name), number in GOLDEN.items():
        assert value(found, name)[row] == pytest.approx(number, rel=1e-4), (row, name)


def test_a_frame_of_one_click_has_a_flat_spectrum() -> None:
    # The second click takes the mean back to zero.
    samples = np.zeros(4 * WINDOW, np.float32)
    samples[100], samples[2 * WINDOW + 100] = 1.0, -1.0
    found = pyaudio_68(samples, rate_hz=RATE_HZ, settings=INT16)
    bins = WINDOW // 2
    expected = {
        "energy": 1 / WINDOW,
        "energy_entropy": 0.0,
        "zcr": 1 / (WINDOW - 1),
        "spectral_centroid": (bins + 1) / (2 * bins),
        "spectral_spread": np.sqrt((bins**2 - 1) / 12) / bins,
        # The ten parts leave two bins over.
        "spectral_entropy": -10 * (110 / bins) * np.log2(110 / bins),
        "spectral_rolloff": 991 / bins,
    }
    for name, number in expected.items():
        np.testing.assert_allclose(value(found, name)[[0, 2]], number, atol=1e-6, err_msg=name)
    # From silence to equal shares, and back.
    np.testing.assert_allclose(value(found, "spectral_flux"), [0, 1 / bins, 1 / bins, 1 / bins], rtol=1e-6)


def test_silence_is_zero_but_for_the_level_of_its_bands() -> None:
    found = pyaudio_68(np.zeros(RATE_HZ, np.float32), rate_hz=RATE_HZ)
    np.testing.assert_allclose(value(found, "mfcc_1"), np.sqrt(40) * np.log10(np.finfo(float).eps), rtol=1e-6)
    rest = np.delete(found, NAMES.index("mfcc_1"), axis=1)
    np.testing.assert_allclose(rest, 0.0, atol=1e-12)


def test_a_change_to_zero_is_half_a_crossing() -> None:
    # Per 8 samples: +, 0, -, 0, +, -, +, - : halves 1 1 1 1 2 2 2 2.
    samples = np.tile(np.array([1, 0, -1, 0, 1, -1, 1, -1], np.float32), 400)
    crossings = value(pyaudio_68(samples, rate_hz=8_000), "zcr") * 399
    # Of the last of 50 turns the change to the next window is not seen.
    np.testing.assert_allclose(crossings, [(12 * 50 - 2) / 2] * 8, rtol=1e-6)


def test_a_louder_track_has_the_same_features() -> None:
    samples = music(3.0, rate_hz=RATE_HZ)
    quiet = pyaudio_68(samples * np.float32(2**-7), rate_hz=RATE_HZ, settings=INT16)
    loud = pyaudio_68(samples, rate_hz=RATE_HZ, settings=INT16)
    assert error(quiet, loud.astype(np.float64)) < 1e-6


def test_deltas_are_differences_from_the_row_before() -> None:
    found = pyaudio_68(music(2.0, rate_hz=RATE_HZ), rate_hz=RATE_HZ)
    assert not found[0, 34:].any()
    np.testing.assert_allclose(found[1:, 34:], np.diff(found[:, :34], axis=0), atol=2e-6)


def test_a_row_describes_its_own_twentieth_of_a_second() -> None:
    for row in (0, 1, 17, 39):
        samples = np.zeros(40 * WINDOW, np.float32)
        samples[row * WINDOW], samples[(row + 1) * WINDOW - 1] = 1.0, -1.0
        energy = value(pyaudio_68(samples, rate_hz=RATE_HZ), "energy")
        assert np.flatnonzero(energy).tolist() == [row]


@pytest.mark.parametrize(("total", "rows"), [(2_205, 1), (4_409, 1), (4_410, 2), (441_000, 200)])
def test_there_is_one_row_for_each_whole_window(total: int, rows: int) -> None:
    assert pyaudio_68(music(10.0, rate_hz=RATE_HZ)[:total], rate_hz=RATE_HZ).shape == (rows, 68)


def test_the_size_of_the_blocks_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = music(5.0, rate_hz=RATE_HZ)
    whole = pyaudio_68(samples, rate_hz=RATE_HZ).astype(np.float64)
    for block in (1, 7 * WINDOW):
        monkeypatch.setattr(module, "_BLOCK_SAMPLES", block)
        assert error(pyaudio_68(samples, rate_hz=RATE_HZ), whole) < 2e-7


def test_samples_may_lie_apart_in_memory() -> None:
    samples = music(1.0, rate_hz=RATE_HZ)
    apart = np.stack([samples, -samples], axis=1)[:, 0]
    np.testing.assert_array_equal(pyaudio_68(apart, rate_hz=RATE_HZ), pyaudio_68(samples, rate_hz=RATE_HZ))


@pytest.mark.parametrize("total", [2_205, 65_537, 1_000_003])
def test_the_mean_is_numpys_to_the_last_bit(total: int) -> None:
    samples = (0.1 + np.random.default_rng(5).normal(size=total)).astype(np.float32)
    assert module._level(samples, 1.0)[0] == np.double(samples).mean()


def test_a_long_track_takes_little_memory_besides_its_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    # The check that all front ends share has a memory of its own.
    monkeypatch.setattr(module, "check_samples", lambda *_, **__: None)
    samples = np.random.default_rng(1).uniform(-1, 1, 600 * RATE_HZ).astype(np.float32)
    pyaudio_68(samples[:RATE_HZ], rate_hz=RATE_HZ)
    tracemalloc.start()
    try:
        pyaudio_68(samples, rate_hz=RATE_HZ)
        assert tracemalloc.get_traced_memory()[1] < samples.nbytes / 2
    finally:
        tracemalloc.stop()


def spoilt(number: float) -> NDArray[np.float32]:
    """Music with one sample that is no number."""
    samples = music(1.0)
    samples[1234] = number
    return samples


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(16_000), r"samples must be float32 \[n\], not float64 \[16000\]"),
        (np.zeros((16_000, 2), np.float32), r"samples must be float32 \[n\], not float32 \[16000, 2\]"),
        (np.zeros(0, np.float32), "samples are empty"),
        (spoilt(np.nan), "sample 1234 is not finite"),
        (spoilt(-np.inf), "sample 1234 is not finite"),
    ],
    ids=["float64", "stereo", "empty", "nan", "infinity"],
)
def test_what_is_not_samples_is_refused_with_its_value(samples: NDArray[np.float32], message: str) -> None:
    with pytest.raises(DataError, match=f"^{message}$") as caught:
        pyaudio_68(samples, rate_hz=RATE_HZ)
    assert (caught.value.kind, caught.value.stage) == (FailureKind.BAD_INPUT, Stage.FEATURES)


def test_less_than_one_window_is_too_short() -> None:
    with pytest.raises(DataError, match=r"^2204 samples \(0\.050 s\); at least 2205") as caught:
        pyaudio_68(np.ones(2_204, np.float32), rate_hz=RATE_HZ)
    assert caught.value.kind is FailureKind.TOO_SHORT


@pytest.mark.parametrize(
    ("rate_hz", "settings", "message"),
    [
        (0, PyAudioSettings(), "rate_hz is 0; it must be a whole number above zero"),
        (6_800, PyAudioSettings(), "rate_hz is 6800; the filters of pyaudio-68 need more than 6854"),
        (44_100, PyAudioSettings(window_s=0.005), "a window of 220 samples at 44100 Hz has too few bins"),
        (44_100, PyAudioSettings(window_s=1e-6), "a window of 0 samples at 44100 Hz has too few bins"),
        (44_100, PyAudioSettings(step_s=1e-6), "step_s is 1e-06, less than a sample at 44100 Hz"),
    ],
)
def test_where_the_library_would_fail_the_value_is_named(
    rate_hz: int, settings: PyAudioSettings, message: str
) -> None:
    with pytest.raises(DataError, match=f"^{message}") as caught:
        pyaudio_68(music(1.0), rate_hz=rate_hz, settings=settings)
    assert caught.value.kind is FailureKind.BAD_INPUT


@pytest.mark.parametrize(
    ("name", "number"),
    [("window_s", 0.0), ("window_s", 11.0), ("step_s", -0.05), ("step_s", np.nan), ("full_scale", np.inf)],
)
def test_settings_out_of_range_are_refused_with_their_value(name: str, number: float) -> None:
    with pytest.raises(DataError, match=f"^{name} is {number}"):
        PyAudioSettings(**{name: number})


def test_the_rows_are_named_as_the_library_names_them_on_a_clock_of_20_hz() -> None:
    layout = FRONT_END.layout(PyAudioSettings())
    assert (layout.names, layout.step_s, layout.row_shape) == (tuple(names()), 0.05, (68,))
    assert list(FRONT_END.presets) == ["short-term", "short-term-int16"]
    found = FRONT_END.start(INT16)(music(0.2, rate_hz=RATE_HZ), rate_hz=RATE_HZ)
    assert found.shape == (4, 68)


def test_a_step_that_is_no_whole_number_of_samples_is_told_as_it_is() -> None:
    assert FRONT_END.layout(PyAudioSettings(step_s=1 / 30.01)).step_s == 1_470 / 44_100
    rows = len(
        pyaudio_68(
            np.ones(10 * RATE_HZ, np.float32), rate_hz=RATE_HZ, settings=PyAudioSettings(step_s=1 / 30.01)
        )
    )
    assert rows == (10 * RATE_HZ - WINDOW) // 1_470 + 1
