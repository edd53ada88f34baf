"""The clock: every sample of a track is in the plan once, and every time is a whole number of samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from models.views import ChunkView, StepView
from schemas.clock import (
    CHUNK_S,
    Chunk,
    ChunkPlan,
    centre_chunk,
    step_count,
    to_samples,
    to_seconds,
    whole_track_chunks,
)
from schemas.errors import DataError, FailureKind, Stage
from transforms.decoding.audio import regroup, resample
from transforms.features.front_end import Layout
from transforms.features.mel import mel_steps, spectrum
from transforms.tagging.features import Rows
from transforms.tagging.windows import Coverage, TaggingPlan, windows

RATE_HZ = 16_000
CHUNK, MINIMUM, HOP = 320_000, 48_000, 256
PLAN = ChunkPlan(
    RATE_HZ, chunk_samples=CHUNK, stride_samples=CHUNK, minimum_samples=MINIMUM, grid_samples=HOP
)
OVERLAPPING = ChunkPlan(
    RATE_HZ, chunk_samples=CHUNK, stride_samples=CHUNK // 2, minimum_samples=MINIMUM, grid_samples=HOP
)


def random_lengths() -> list[int]:
    """Lengths of tracks: the edges, and random ones up to ten minutes."""
    edges = [n + by for n in (CHUNK, 2 * CHUNK, CHUNK + MINIMUM) for by in (-HOP, -1, 0, 1, HOP)]
    generator = np.random.default_rng(20_261_121)
    return [MINIMUM, MINIMUM + 1, *edges, *generator.integers(MINIMUM, 600 * RATE_HZ, 300).tolist()]


@pytest.mark.parametrize(
    ("seconds", "rate_hz", "samples"),
    [
        (0.0, 16_000, 0),
        (20.0, 16_000, 320_000),
        (0.1, 44_100, 4_410),
        (1 / 3, 16_000, 5_333),
        (2 / 3, 16_000, 10_667),
        (0.29, 100, 29),  # 0.29 * 100 is 28.999...: cutting it off would lose a sample
        (239.99999, 48_000, 11_520_000),
    ],
)
def test_seconds_become_the_nearest_whole_sample(seconds: float, rate_hz: int, samples: int) -> None:
    assert to_samples(seconds, rate_hz=rate_hz) == samples


VIEW = ChunkView(rows=1250)


def test_samples_survive_the_way_to_seconds_and_back() -> None:
    generator = np.random.default_rng(1)
    for rate_hz in (8_000, 16_000, 22_050, 44_100, 48_000, 192_000):
        for samples in generator.integers(0, 6 * 3600 * rate_hz, 200).tolist():
            assert to_samples(to_seconds(samples, rate_hz=rate_hz), rate_hz=rate_hz) == samples


def test_chunks_cover_every_sample_once_by_weight() -> None:
    for total in random_lengths():
        position = 0
        for chunk in whole_track_chunks(total, PLAN):
            # What is new in a chunk begins where the one before it ends.
            assert chunk.start_samples + chunk.length_samples - chunk.weight_samples == position
            position += chunk.weight_samples
        assert position == total


def test_chunks_lie_inside_the_track_on_the_grid_and_are_neither_too_short_nor_too_long() -> None:
    for total in random_lengths():
        for chunk in whole_track_chunks(total, PLAN):
            assert chunk.start_samples >= 0
            assert chunk.start_samples % HOP == 0
            assert chunk.start_samples + chunk.length_samples <= total
            assert MINIMUM <= chunk.length_samples <= CHUNK
            assert 0 < chunk.weight_samples <= chunk.length_samples


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (MINIMUM, [Chunk(0, MINIMUM, MINIMUM)]),
        (CHUNK, [Chunk(0, CHUNK, CHUNK)]),
        (CHUNK + MINIMUM, [Chunk(0, CHUNK, CHUNK), Chunk(CHUNK, MINIMUM, MINIMUM)]),
        # One sample over: the tail reaches back for its three seconds, to the frame before 272,001.
        (CHUNK + 1, [Chunk(0, CHUNK, CHUNK), Chunk(271_872, 48_129, 1)]),
        (CHUNK + 1_000, [Chunk(0, CHUNK, CHUNK), Chunk(272_896, 48_104, 1_000)]),
    ],
)
def test_a_tail_reaches_back_on_the_grid_and_weighs_only_what_is_new_in_it(
    total: int, expected: list[Chunk]
) -> None:
    assert whole_track_chunks(total, PLAN) == expected


@pytest.mark.parametrize("cut", [whole_track_chunks, centre_chunk], ids=["whole", "centre"])
@pytest.mark.parametrize(
    ("total", "seconds"), [(MINIMUM - 1, "3.00"), (40_000, "2.50"), (1, "0.00"), (0, "0.00")]
)
def test_a_track_below_three_seconds_is_refused_with_its_length(
    cut: Callable[[int, ChunkPlan], list[Chunk]], total: int, seconds: str
) -> None:
    with pytest.raises(DataError, match=rf"^{seconds} s decoded, at least 3 s are needed$") as caught:
        cut(total, PLAN)
    assert (caught.value.kind, caught.value.stage) == (FailureKind.TOO_SHORT, Stage.DECODE)


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (MINIMUM, Chunk(0, MINIMUM, MINIMUM)),
        (CHUNK, Chunk(0, CHUNK, CHUNK)),
        (CHUNK + 511, Chunk(0, CHUNK, CHUNK)),  # half of it is not yet a hop
        (CHUNK + 512, Chunk(HOP, CHUNK, CHUNK)),
        (60 * RATE_HZ, Chunk(CHUNK, CHUNK, CHUNK)),
        (61 * RATE_HZ, Chunk(327_936, CHUNK, CHUNK)),  # 20.5 s is 328,000, between two frames
    ],
)
def test_the_centre_chunk_is_the_middle_of_the_track(total: int, expected: Chunk) -> None:
    assert centre_chunk(total, PLAN) == [expected]


def test_the_centre_chunk_is_off_the_middle_by_less_than_a_frame() -> None:
    for total in random_lengths():
        (chunk,) = centre_chunk(total, PLAN)
        assert chunk.length_samples == min(total, CHUNK)
        assert 0 <= (total - chunk.length_samples) // 2 - chunk.start_samples < HOP


def test_overlapping_chunks_start_at_every_stride_and_reach_the_end_once() -> None:
    for total in random_lengths():
        chunks = whole_track_chunks(total, OVERLAPPING)
        heard = np.zeros(total // HOP + 2, np.int64)  # in frames: enough to see a gap
        for index, chunk in enumerate(chunks):
            assert chunk == Chunk(
                index * CHUNK // 2, min(CHUNK, total - index * CHUNK // 2), chunk.weight_samples
            )
            assert chunk.weight_samples == chunk.length_samples
            heard[chunk.start_samples // HOP : (chunk.start_samples + chunk.length_samples) // HOP] += 1
        assert heard[: total // HOP].min() >= 1
        assert sum(chunk.start_samples + chunk.length_samples == total for chunk in chunks) == 1


@pytest.mark.parametrize(
    ("stride_s", "samples"), [(20.0, 320_000), (10.0, 160_000), (5.0, 79_872), (0.1, 1_536), (1e-6, 256)]
)
def test_strides_are_whole_frames_and_at_least_one(stride_s: float, samples: int) -> None:
    # 5 s are 312.5 frames: halves go to the even neighbour.
    assert TaggingPlan(stride_s=stride_s).chunks(VIEW, rate_hz=RATE_HZ).stride_samples == samples


def test_the_plan_of_a_job_cuts_as_its_coverage_says() -> None:
    total = 61 * RATE_HZ
    whole, centre = TaggingPlan(Coverage.WHOLE), TaggingPlan(Coverage.CENTRE)
    assert whole.chunks(VIEW, rate_hz=RATE_HZ) == PLAN
    assert whole.cut(total, VIEW, rate_hz=RATE_HZ) == whole_track_chunks(total, PLAN)
    assert centre.cut(total, VIEW, rate_hz=RATE_HZ) == [Chunk(327_936, CHUNK, CHUNK)]


@pytest.mark.parametrize(
    ("total", "steps"), [(0, 0), (7_999, 0), (8_000, 1), (15_999, 1), (240 * RATE_HZ, 480)]
)
def test_a_curve_has_only_whole_steps(total: int, steps: int) -> None:
    assert step_count(total, step_samples=mel_steps.STEP_SAMPLES) == steps


def test_no_step_of_a_curve_ends_past_the_track_and_less_than_one_is_left_over() -> None:
    for total in random_lengths():
        end = step_count(total, step_samples=8_000) * 8_000
        assert 0 <= total - end < 8_000


def rows(count: int, *, step_s: float = 0.5, rate_hz: int = RATE_HZ) -> Rows:
    """Rows that hold their own number, of a track as long as they are."""
    values = np.arange(count, dtype=np.float32)[:, None]
    return Rows(values, Layout(("number",), step_s=step_s), rate_hz, round(count * step_s * rate_hz))


def test_stretches_make_up_the_curve_and_see_what_lies_around_them() -> None:
    view = StepView(rows=80 + 2 * 14, hop=80, lead=14, first_step=14)
    for steps in (1, 79, 80, 81, 160, 479, 480):
        cut = windows(rows(steps), view, TaggingPlan())
        assert sum(window.steps for window in cut) == steps
        kept = [window.values[14 : 14 + window.steps, 0] for window in cut]
        assert np.concatenate(kept).tolist() == list(range(steps))
        for index, window in enumerate(cut):
            seen = np.arange(index * 80 - 14, index * 80 + 94)
            inside = (seen >= 0) & (seen < steps)
            np.testing.assert_array_equal(window.extent, inside)
            np.testing.assert_array_equal(window.values[:, 0], np.where(inside, seen, 0))


def test_a_model_that_looks_back_gives_a_value_for_each_whole_hop() -> None:
    view = StepView(rows=60, hop=10, lead=50, steps=1)
    cut = windows(rows(57, step_s=0.05), view, TaggingPlan())
    assert len(cut) == 5
    assert [int(window.values[window.extent].max()) for window in cut] == [9, 19, 29, 39, 49]
    assert [int(window.extent.sum()) for window in cut] == [10, 20, 30, 40, 50]


def test_a_view_of_whole_tracks_is_padded_to_two_minutes() -> None:
    (window,) = windows(rows(241), StepView(rows=0, hop=0), TaggingPlan())
    assert (window.values.shape, window.extent.sum(), window.steps) == ((480, 1), 241, 241)
    assert windows(rows(0), StepView(rows=0, hop=0), TaggingPlan()) == []


@pytest.mark.parametrize(
    ("step_s", "rate_hz", "in_chunk"), [(1.0, 44_100, 30), (5.0, 22_050, 6), (0.5, 16_000, 60)]
)
def test_chunks_of_thirty_seconds_have_the_rows_that_lie_in_them(
    step_s: float, rate_hz: int, in_chunk: int
) -> None:
    view = ChunkView(rows=in_chunk, length_s=30.0)
    first, second = windows(rows(round(50 / step_s), step_s=step_s, rate_hz=rate_hz), view, TaggingPlan())
    assert first.values[:, 0].tolist() == list(range(in_chunk))
    assert second.extent == round(20 / step_s)
    assert second.values[: second.extent, 0].tolist() == list(range(in_chunk, round(50 / step_s)))
    assert (first.weight, second.weight) == (30 * rate_hz, 20 * rate_hz)


def test_a_tail_without_a_row_of_its_own_gives_no_window() -> None:
    view = ChunkView(rows=6, length_s=30.0, minimum_s=5.0)
    of_32_s = Rows(np.zeros((6, 1), np.float32), Layout(("number",), step_s=5.0), 16_000, 32 * 16_000)
    assert [int(window.extent) for window in windows(of_32_s, view, TaggingPlan())] == [6]
    none = Rows(np.zeros((0, 1), np.float32), Layout(("number",), step_s=5.0), 16_000, 6 * 16_000)
    with pytest.raises(DataError, match=r"^6\.00 s decoded, too short for a row of 5 s$"):
        windows(none, view, TaggingPlan())


def blocks_of(total: int, rate_hz: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Samples at a rate in blocks as a decoder hands them out."""
    for start in range(0, total, 131_072):
        yield rate_hz, np.zeros(min(131_072, total - start), np.float32)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("seconds", [3.0, 29.97, 240.0])
def test_a_resampled_track_is_as_long_as_it_was_to_two_samples(rate_hz: int, seconds: float) -> None:
    total = round(seconds * rate_hz)
    decoded = sum(map(len, regroup(resample(blocks_of(total, rate_hz), RATE_HZ), 320_000)))
    assert abs(decoded - total * RATE_HZ / rate_hz) <= 2


@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000])
def test_the_last_step_of_four_minutes_is_on_time_to_ten_milliseconds(rate_hz: int) -> None:
    generator = np.random.default_rng(rate_hz)
    for extra in (0, *generator.integers(1, rate_hz, 3).tolist()):
        total = 240 * rate_hz + extra
        decoded = sum(map(len, resample(blocks_of(total, rate_hz), RATE_HZ)))
        steps = step_count(decoded, step_samples=mel_steps.STEP_SAMPLES)
        last_end_s = to_seconds(steps * mel_steps.STEP_SAMPLES, rate_hz=spectrum.RATE_HZ)
        # In the source's own time: the last whole half second, unless the track ends within 10 ms of one.
        assert abs(last_end_s - np.floor((total / rate_hz + 0.01) * 2) / 2) < 0.01
        assert last_end_s <= total / rate_hz + 0.01


@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000])
def test_a_click_late_in_a_track_is_still_on_time_to_a_tenth_of_a_millisecond(rate_hz: int) -> None:
    total, click = 240 * rate_hz, 239 * rate_hz + 7
    blocks = [(rate, block.copy()) for rate, block in blocks_of(total, rate_hz)]
    blocks[click // 131_072][1][click % 131_072] = 1.0
    samples = np.concatenate(list(resample(iter(blocks), RATE_HZ)))
    assert abs(np.argmax(samples) / RATE_HZ - click / rate_hz) < 1e-4


def test_chunks_and_steps_share_the_rate_of_the_front_end() -> None:
    assert to_samples(CHUNK_S, rate_hz=spectrum.RATE_HZ) == CHUNK
    assert spectrum.RATE_HZ == RATE_HZ
    assert (spectrum.HOP_SAMPLES, mel_steps.STEP_SAMPLES) == (HOP, 8_000)
