"""`mel96`: librosa's numbers on the exact clock of half seconds, and the edges."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray

from schemas.errors import DataError, FailureKind, Stage
from tests.real import real_clips
from tests.references import mel96 as by_librosa
from tests.sounds import clicks, music
from transforms.features.mel.filter_bank import filter_bank
from transforms.features.mel.mel96 import FRONT_END, LEVELS, Mel96Settings, mel96

RATE_HZ = 22_050
STEP = 11_025
PRESET = pytest.mark.parametrize("preset", FRONT_END.presets)


def run(samples: NDArray[np.float32], preset: str = "default") -> NDArray[np.float32]:
    """The front end with one of its presets, on samples at 22.05 kHz."""
    return FRONT_END.start(FRONT_END.presets[preset])(samples, rate_hz=RATE_HZ)


COMPOSED = pytest.mark.parametrize(
    "samples",
    [music(10.0, rate_hz=RATE_HZ), music(0.5, rate_hz=RATE_HZ), clicks(7.3, every_s=0.37, rate_hz=RATE_HZ)],
    ids=["music", "one column", "clicks"],
)


@COMPOSED
def test_columns_are_librosas(samples: NDArray[np.float32]) -> None:
    found = mel96(samples, rate_hz=RATE_HZ)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, by_librosa.reference(samples, rate_hz=RATE_HZ), rtol=0, atol=1e-4)


def test_columns_of_real_music_are_librosas(shared_data: Path) -> None:
    for samples in real_clips(shared_data, 8, rate_hz=RATE_HZ):
        expected = by_librosa.reference(samples.astype(np.float64), rate_hz=RATE_HZ)
        np.testing.assert_allclose(mel96(samples, rate_hz=RATE_HZ), expected, rtol=0, atol=1e-4)


@COMPOSED
def test_power_is_the_mean_of_librosas_frames(samples: NDArray[np.float32]) -> None:
    expected = by_librosa.frame_power(samples.astype(np.float64), rate_hz=RATE_HZ).mean(axis=1)
    np.testing.assert_allclose(run(samples, "power"), expected, rtol=1e-4, atol=1e-9 * expected.max())


@COMPOSED
def test_mean_db_is_the_mean_of_the_levels_of_librosas_frames(samples: NDArray[np.float32]) -> None:
    power = by_librosa.frame_power(samples.astype(np.float64), rate_hz=RATE_HZ)
    expected = librosa.power_to_db(power, ref=np.max).mean(axis=1)
    np.testing.assert_allclose(run(samples, "mean_db"), expected, rtol=0, atol=1e-4)


# Changing one of these numbers changes what trained models see: raise the front end's version. Values at the
# given places for music(10.0), taken from version 1.
GOLDEN: dict[str, dict[tuple[int, int], float]] = {
    "default": {
        (0, 0): -43.87337,
        (3, 20): -49.40854,
        (7, 47): -47.63041,
        (12, 70): -49.27644,
        (19, 95): -48.63049,
    },
    "mean_db": {
        (0, 0): -44.11343,
        (3, 20): -50.45879,
        (7, 47): -48.51706,
        (12, 70): -49.89168,
        (19, 95): -49.21003,
    },
    "power": {
        (0, 0): 0.01883541,
        (3, 20): 0.005265723,
        (7, 47): 0.007929969,
        (12, 70): 0.005428349,
        (19, 95): 0.006298869,
    },
}


@PRESET
def test_the_front_end_gives_the_numbers_pinned_for_its_version(preset: str) -> None:
    assert FRONT_END.key == "mel96@1"
    found = run(music(10.0, rate_hz=RATE_HZ), preset)
    for place, value in GOLDEN[preset].items():
        assert found[place] == pytest.approx(value, rel=1e-4), place


@pytest.mark.parametrize("place", [40_000, 44_099, 44_100, 44_761, 44_762, 45_000, 54_000])
def test_one_click_has_in_each_column_the_power_of_the_windows_over_it(place: int) -> None:
    samples = np.zeros(3 * RATE_HZ, np.float32)
    samples[place] = 0.5
    bands = filter_bank(96, fft_samples=2048, rate_hz=RATE_HZ, low_hz=0.0, high_hz=RATE_HZ / 2).sum(axis=0)
    found = run(samples, "power")
    for column, values in enumerate(found):
        offsets = place - column * STEP - np.round(np.arange(17) * 661.5)
        inside = offsets[(offsets >= 0) & (offsets < 1323)]
        weights = 0.5 - 0.5 * np.cos(2 * np.pi * inside / 1323)
        np.testing.assert_allclose(values, 0.25 * (weights**2).sum() / 17 * bands, rtol=1e-4, atol=1e-9)


def test_a_steady_tone_has_the_same_column_all_along_and_its_peak_where_its_band_is() -> None:
    time = np.arange(20 * RATE_HZ) / RATE_HZ
    found = mel96((0.5 * np.sin(2 * np.pi * 1000 * time)).astype(np.float32), rate_hz=RATE_HZ)
    centres = librosa.mel_frequencies(n_mels=98, fmin=0, fmax=RATE_HZ / 2)[1:-1]
    assert set(found.argmax(axis=1)) == {int(np.abs(centres - 1000).argmin())}
    # The last column reaches over the end.
    np.testing.assert_allclose(found[:-1], np.tile(found[0], (39, 1)), atol=0.01)


def test_a_signal_half_a_second_late_is_one_column_late_on_a_long_track_too() -> None:
    samples = music(20.3, rate_hz=RATE_HZ)
    # After a hundred columns, seventeen frames on end would be a second late.
    late = np.concatenate([np.zeros(101 * STEP, np.float32), samples])
    early, found = run(samples, "power"), run(late, "power")
    assert len(found) == len(early) + 101
    # The column before the signal reaches into it.
    assert not found[:100].any()
    np.testing.assert_allclose(found[101:], early, rtol=1e-4)


def test_columns_are_the_same_wherever_the_blocks_are_cut() -> None:
    samples = music(9.0, rate_hz=RATE_HZ)
    whole = run(samples, "power")
    for column in range(1, 10):
        np.testing.assert_allclose(run(samples[column * STEP :], "power"), whole[column:], rtol=1e-4)


@pytest.mark.parametrize(("total", "rows"), [(11_025, 1), (22_049, 1), (22_050, 2), (60 * RATE_HZ, 120)])
@PRESET
def test_there_is_one_row_for_each_whole_half_second(preset: str, total: int, rows: int) -> None:
    assert run(np.resize(music(2.0, rate_hz=RATE_HZ), total), preset).shape == (rows, 96)


def test_a_track_below_half_a_second_is_too_short() -> None:
    message = r"^11024 samples \(0.500 s\); at least 11025 \(0.500 s\) are needed$"
    with pytest.raises(DataError, match=message) as caught:
        run(music(0.5, rate_hz=RATE_HZ)[:-1])
    assert caught.value.kind is FailureKind.TOO_SHORT


@pytest.mark.parametrize("preset", ["default", "mean_db"])
def test_levels_do_not_depend_on_the_level_of_the_track(preset: str) -> None:
    samples = music(4.0, rate_hz=RATE_HZ)
    loud, quiet = (run(samples * np.float32(gain), preset) for gain in (1.0, 0.125))
    np.testing.assert_allclose(loud, quiet, rtol=0, atol=1e-4)
    assert loud.max() <= 0.0
    assert loud.min() >= -80.0


@PRESET
@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(3 * STEP, np.float32),
        np.full(3 * STEP, 0.5, np.float32),
        np.full(3 * STEP, 1e-20, np.float32),
        np.where(np.arange(3 * STEP) == 5_000, 1, 0).astype(np.float32),
        np.where(np.arange(3 * STEP) % 80 < 40, 8, -8).astype(np.float32),
    ],
    ids=["silence", "constant", "almost silence", "one click", "square beyond full scale"],
)
def test_sounds_without_music_give_finite_numbers(preset: str, samples: NDArray[np.float32]) -> None:
    found = run(samples, preset)
    assert np.isfinite(found).all()
    if not samples.any():
        assert not found.any()  # silence is its own maximum


def test_what_is_not_samples_is_refused() -> None:
    spoilt = music(1.0, rate_hz=RATE_HZ)
    spoilt[99] = np.inf
    refused: list[tuple[Callable[[], object], str]] = [
        (lambda: mel96(spoilt, rate_hz=RATE_HZ), "sample 99 is not finite"),
        (lambda: mel96(music(1.0), rate_hz=16_000), "rate_hz is 16000; this front end takes 22050"),
        (lambda: mel96(np.zeros(0, np.float32), rate_hz=RATE_HZ), "samples are empty"),
        (lambda: mel96(np.zeros((2, 16_000), np.float32), rate_hz=RATE_HZ), "samples must be float32"),
        (lambda: Mel96Settings(level="loud"), "level is 'loud'; it must be one of db, mean_db, power"),
    ]
    for call, message in refused:
        with pytest.raises(DataError, match=message) as caught:
            call()
        assert (caught.value.kind, caught.value.stage) == (FailureKind.BAD_INPUT, Stage.FEATURES)


def test_the_layout_has_a_name_for_each_band_and_two_rows_a_second() -> None:
    assert {settings.level for settings in FRONT_END.presets.values()} == set(LEVELS)
    layout = FRONT_END.layout(Mel96Settings())
    assert (layout.step_s, layout.start_s, layout.row_shape) == (0.5, 0.0, (96,))
    assert (layout.names[0], layout.names[-1]) == ("mel_0", "mel_95")


@pytest.mark.parametrize(("preset", "most"), [("default", 0.4), ("mean_db", 0.7)])
def test_memory_stays_below_that_of_the_samples(preset: str, most: float) -> None:
    samples = np.resize(music(10.0, rate_hz=RATE_HZ), 180 * RATE_HZ)
    run(samples[: 2 * STEP], preset)
    tracemalloc.start()
    run(samples, preset)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < most * samples.nbytes
