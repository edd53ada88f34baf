"""`step-mel`: the formula on composed and real sounds, the clock, the level, the edges, and any blocks."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from schemas.errors import DataError, FailureKind
from tests.features import step_mel_formula as formula
from tests.real import real_clips
from tests.sounds import clicks, music
from transforms.features.mel import spectrum
from transforms.features.mel import step_mel as front_end
from transforms.features.mel.long_track import SpooledRows
from transforms.features.mel.step_mel import FRONT_END, LEAST, OFFSET, TARGET, StepMelStream, step_mel
from transforms.features.streams import STREAMED, extract, resolve

RATE_HZ = 16_000
STEP = 8_000
KEY = FRONT_END.key
Samples = NDArray[np.float32]


def cut(samples: Samples, sizes: list[int]) -> Iterator[Samples]:
    """Blocks of the given sizes, over and over, until the samples end."""
    start = count = 0
    while start < len(samples):
        size = sizes[count % len(sizes)]
        yield samples[start : start + size]
        start, count = start + size, count + 1


def streamed(samples: Samples, sizes: list[int]) -> Samples:
    """The front end by itself, on blocks of the given sizes."""
    return extract(cut(samples, sizes), resolve([KEY]), total_samples=lambda: len(samples))[KEY]


def scaled_mel(rows: Samples) -> NDArray[np.float64]:
    """What the logarithm was taken of, less the offset."""
    return np.exp(rows, dtype=np.float64) - OFFSET


@pytest.mark.parametrize(
    "samples",
    [music(10.0), music(0.5), music(2.7)[7:], clicks(5.0, every_s=0.37), music(3.0) * np.float32(1e-5)],
    ids=["music", "one step", "odd length", "clicks", "hardly a sound"],
)
def test_rows_are_those_of_the_formula(samples: Samples) -> None:
    found = step_mel(samples)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, formula.reference(samples, rate_hz=RATE_HZ), rtol=0, atol=2e-5)


def test_rows_of_real_music_are_those_of_the_formula(shared_data: Path) -> None:
    for samples in real_clips(shared_data, 8, rate_hz=RATE_HZ):
        expected = formula.reference(samples, rate_hz=RATE_HZ)
        np.testing.assert_allclose(step_mel(samples), expected, rtol=0, atol=5e-5)


# Changing one of these numbers changes what trained models see: raise the front end's version, and train
# the bundles anew. Values at the given places for music(10.0), taken from version 1.
GOLDEN: dict[str, dict[tuple[int, int, int], float]] = {
    "step-mel@1": {
        (0, 0, 0): 2.177239,
        (0, 31, 63): 0.842668,
        (3, 10, 20): -0.815714,
        (7, 16, 5): -1.706717,
        (12, 0, 40): -0.089214,
        (19, 31, 31): -0.821963,
    },
}


def test_the_front_end_gives_the_numbers_pinned_for_its_version() -> None:
    found = step_mel(music(10.0))
    for place, value in GOLDEN[KEY].items():
        assert found[place] == pytest.approx(value, abs=1e-4), place


@pytest.mark.parametrize(
    ("total", "steps"), [(1, 0), (7_999, 0), (8_000, 1), (15_999, 1), (16_000, 2), (24_074, 3), (24_075, 3)]
)
def test_there_is_one_row_of_32_frames_for_each_half_second_that_the_track_fills(
    total: int, steps: int
) -> None:
    assert step_mel(music(2.0)[:total]).shape == (steps, 32, 64)


@pytest.mark.parametrize("frame", [0, 1, 31, 32, 95, 96, 127])
def test_a_frame_is_centred_on_the_middle_of_its_250_samples(frame: int) -> None:
    samples = np.zeros(4 * STEP, np.float32)
    samples[250 * frame + 125] = 1.0
    mel = scaled_mel(step_mel(samples)).reshape(-1, 64).sum(axis=1)
    # The window is one at its centre, and nothing 200 samples from there: half a hop would show.
    assert np.flatnonzero(mel > mel.max() / 10).tolist() == [frame]


@pytest.mark.parametrize(
    ("place", "frames"),
    [(0, [0]), (7_924, [31]), (7_926, [31, 32]), (8_000, [31, 32]), (8_074, [31, 32]), (8_075, [32])],
)
def test_frames_reach_75_samples_beyond_their_own_on_either_side(place: int, frames: list[int]) -> None:
    samples = np.zeros(2 * STEP, np.float32)
    samples[place] = 1.0
    mel = scaled_mel(step_mel(samples)).reshape(-1, 64).max(axis=1)
    assert np.flatnonzero(mel > 1e-6).tolist() == frames


def test_what_follows_the_last_whole_step_is_heard_only_where_its_last_frame_reaches() -> None:
    samples = music(1.4)
    changed = samples.copy()
    changed[16_075:] = 0.9
    np.testing.assert_array_equal(step_mel(samples), step_mel(changed))
    changed[16_000:] = 0.9
    assert not np.array_equal(step_mel(samples)[1, 31], step_mel(changed)[1, 31])


@pytest.mark.parametrize("gain_db", [-12.0, -30.0, 6.0, 40.0])
def test_a_track_at_another_level_has_the_same_rows(gain_db: float) -> None:
    samples = music(6.0) + clicks(6.0, every_s=0.7)
    other = (samples * 10 ** (gain_db / 20)).astype(np.float32)
    np.testing.assert_allclose(step_mel(other), step_mel(samples), rtol=0, atol=1e-4)


def test_the_root_mean_square_of_the_bands_becomes_the_target() -> None:
    assert np.sqrt(np.mean(scaled_mel(step_mel(music(7.0))) ** 2)) == pytest.approx(TARGET, rel=1e-5)


def test_below_a_thousandth_of_the_target_a_track_stays_quieter_than_others() -> None:
    samples = music(3.0)
    rms = np.sqrt(np.mean(formula.mel_magnitudes(samples) ** 2))
    quiet = step_mel((samples * (0.1 * LEAST / rms)).astype(np.float32))
    assert np.sqrt(np.mean(scaled_mel(quiet) ** 2)) == pytest.approx(0.1 * TARGET, rel=1e-4)


def test_silence_is_the_offset_everywhere() -> None:
    np.testing.assert_allclose(step_mel(np.zeros(20_000, np.float32)), np.log(0.001), rtol=1e-6)


def test_rows_of_a_sound_half_a_second_late_are_one_step_late() -> None:
    swing = 10 ** np.sin(2 * np.pi * 0.4 * np.arange(10 * RATE_HZ) / RATE_HZ)
    samples = (0.2 * swing * music(10.0, seed=3)).astype(np.float32)
    early, late = (scaled_mel(step_mel(each)) for each in (samples, np.concatenate([music(0.5), samples])))
    assert len(late) == len(early) + 1
    # The half second before changes the level of the whole track, by one factor.
    factor = np.sum(late[2:] * early[1:]) / np.sum(early[1:] ** 2)
    np.testing.assert_allclose(late[2:], factor * early[1:], rtol=1e-4, atol=1e-6)
    # Against the wrong neighbour they are far off: the test would see a clock that slips.
    assert np.abs(late[2:-1] - factor * early[2:]).max() > 0.1


@pytest.mark.parametrize(
    ("seconds", "sizes"),
    [
        (1.51, [1]),
        (3.01, [255]),
        (21.7, [777]),
        (21.7, [24_000]),
        (21.7, [24_075]),
        (21.7, [100_001]),
        (21.7, [1, 511, 40_000, 3, 0, 12_345]),
        (0.3, [100]),
    ],
    ids=str,
)
def test_blocks_of_any_sizes_give_the_numbers_of_the_whole_track_to_the_last_bit(
    seconds: float, sizes: list[int]
) -> None:
    samples = music(seconds, seed=11)
    np.testing.assert_array_equal(streamed(samples, sizes), step_mel(samples))


@pytest.mark.parametrize("blocks", [[], [0], [0, 0]], ids=str)
def test_a_track_without_a_sample_has_no_row(blocks: list[int]) -> None:
    found = extract([np.zeros(size, np.float32) for size in blocks], resolve([KEY]), total_samples=lambda: 0)
    assert found[KEY].shape == (0, 32, 64)


def test_a_stream_keeps_nothing_of_the_blocks_that_it_was_given() -> None:
    samples = music(2.0)
    stream = StepMelStream()
    for block in cut(samples.copy(), [5_000]):
        stream.push(block)
        block[:] = 0.0
    np.testing.assert_array_equal(stream.finish(len(samples)), step_mel(samples))


def test_beside_others_it_is_the_same_and_so_are_they() -> None:
    samples, sizes = music(5.3), [1, 511, 40_000, 3, 0, 12_345]
    together = extract(cut(samples, sizes), STREAMED.values(), total_samples=lambda: len(samples))
    assert list(together) == list(STREAMED)
    for key, values in together.items():
        alone = extract(cut(samples, sizes), resolve([key]), total_samples=lambda: len(samples))
        np.testing.assert_array_equal(values, alone[key])


def test_nothing_is_analysed_that_no_front_end_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("the power spectrum was taken")

    monkeypatch.setattr(spectrum, "_power", fail)
    assert streamed(music(2.0), [7_000]).shape == (4, 32, 64)
    with pytest.raises(AssertionError, match="the power spectrum was taken"):
        extract([music(2.0)], resolve(["mel-steps@1"]), total_samples=lambda: 32_000)


def test_the_layout_names_frames_and_bands_on_the_half_second() -> None:
    layout = FRONT_END.layout(None)
    assert (layout.start_s, layout.step_s, layout.row_shape) == (0.0, 0.5, (32, 64))
    assert layout.names[64 * 3 + 5] == "frame_3_mel_5"


def test_memory_stays_within_a_little_more_than_twice_the_result() -> None:
    samples = np.resize(music(10.0), 180 * RATE_HZ)
    rows = streamed(samples[: 5 * RATE_HZ], [RATE_HZ])
    tracemalloc.start()
    rows = streamed(samples, [RATE_HZ])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * rows.nbytes + 3_000_000


def test_a_long_track_is_read_from_the_disk_and_has_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = music(40.0)
    held = step_mel(samples)
    monkeypatch.setattr(front_end, "_HELD_BLOCKS", 2)
    stream = StepMelStream()
    for start in range(0, len(samples), 5_000):
        stream.push(samples[start : start + 5_000])
    rows = stream.finish(len(samples))
    assert isinstance(rows, SpooledRows)
    assert (rows.shape, rows.dtype, len(rows)) == (held.shape, held.dtype, len(held))
    np.testing.assert_allclose(rows[3:9], held[3:9], atol=1e-6)
    np.testing.assert_allclose(np.asarray(rows), held, atol=1e-6)
    assert rows[80:80].shape == (0, 32, 64)
    np.testing.assert_allclose(step_mel(samples), held, atol=1e-6)


def test_a_disk_that_takes_no_file_fails_the_track(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(front_end, "_HELD_BLOCKS", 1)
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(DataError, match="Permission denied") as caught:
        StepMelStream().push(music(8.0))
    assert caught.value.kind is FailureKind.STORAGE


def test_a_disk_that_is_full_fails_the_track(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front_end, "_HELD_BLOCKS", 1)
    stream = StepMelStream()
    stream.push(np.zeros(STEP * 8, np.float32))
    spool = stream._spool
    assert spool is not None
    spool._file.close()
    spool._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115, PTH123 - the spool closes it
    with pytest.raises(DataError, match="No space left on device") as caught:
        stream.push(music(8.0))
    assert caught.value.kind is FailureKind.STORAGE
