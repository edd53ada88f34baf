"""The one clock: every time in the project is a whole number of samples over a rate.

samples   0        start_k = k * stride           total
          |--- chunk 0 ---|--- chunk 1 ---|--- tail --|
steps     |.|.|.|.|.|.|.|.|.|.|.|.|.|.|.|.|.|.|.|.|.|    only whole steps inside the track
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.errors import DataError, FailureKind, Stage

# What taggers see and are trained on: 20 s as published (Amiriparian 2019), at least 3 s of a short track.
CHUNK_S = 20.0
MINIMUM_S = 3.0
# Fine enough for any time that somebody types, and no step of ours is a fraction of it.
_MICROSECONDS_HZ = 1_000_000


def to_samples(seconds: float, *, rate_hz: int) -> int:
    """Nearest whole sample of a time in seconds."""
    return round(seconds * rate_hz)


def to_seconds(samples: int, *, rate_hz: int) -> float:
    """Time of a whole sample, in seconds."""
    return samples / rate_hz


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a track that gives one prediction.

    `weight_samples` is its length, but for a tail that reaches back to have the minimum: that one
    weighs only what is new in it.
    """

    start_samples: int
    length_samples: int
    weight_samples: int


@dataclass(frozen=True, slots=True)
class ChunkPlan:
    """How a track is cut: all lengths in whole samples at one rate."""

    rate_hz: int
    chunk_samples: int
    stride_samples: int
    minimum_samples: int
    grid_samples: int = 1  # every start is a multiple of it, so that chunks share one frame grid


def whole_track_chunks(total_samples: int, plan: ChunkPlan) -> list[Chunk]:
    """Chunks that cover the whole track.

    A tail shorter than the minimum reaches back until it has the minimum. Raises
    DataError(too_short) for a track below the minimum.
    """
    _refuse_short(total_samples, plan)
    chunks: list[Chunk] = []
    covered = 0
    for start in range(0, total_samples, plan.stride_samples):
        end = min(start + plan.chunk_samples, total_samples)
        if end <= covered:
            break
        begin = start
        if end - start < plan.minimum_samples:
            begin = _on_grid(end - plan.minimum_samples, plan)
        chunks.append(Chunk(begin, end - begin, end - start))
        covered = end
    return chunks


def centre_chunk(total_samples: int, plan: ChunkPlan) -> list[Chunk]:
    """The one chunk in the middle of the track, as Amiriparian et al. (2019) cut it."""
    _refuse_short(total_samples, plan)
    length = min(total_samples, plan.chunk_samples)
    start = _on_grid((total_samples - length) // 2, plan)
    return [Chunk(start, length, length)]


def step_count(total_samples: int, *, step_samples: int) -> int:
    """Whole steps inside the track: a curve has no value past the end."""
    return total_samples // step_samples


def steps_between(from_s: float, to_s: float, *, start_s: float, step_s: float) -> range:
    """Steps that have time in common with an interval [from_s, to_s): k may be below 0 or past the end.

    Step k is of the time [start_s + k * step_s, start_s + (k + 1) * step_s). Compared are whole microseconds:
    a step that ends where the interval begins is not in it, nor is one that begins where it ends.
    """
    begin, end, first, step = (
        to_samples(seconds, rate_hz=_MICROSECONDS_HZ) for seconds in (from_s, to_s, start_s, step_s)
    )
    return range((begin - first) // step, -(-(end - first) // step))


def _on_grid(start: int, plan: ChunkPlan) -> int:
    return max(0, start // plan.grid_samples * plan.grid_samples)


def _refuse_short(total_samples: int, plan: ChunkPlan) -> None:
    if total_samples < plan.minimum_samples:
        raise DataError(
            FailureKind.TOO_SHORT,
            Stage.DECODE,
            f"{to_seconds(total_samples, rate_hz=plan.rate_hz):.2f} s decoded, "
            f"at least {to_seconds(plan.minimum_samples, rate_hz=plan.rate_hz):g} s are needed",
        )
