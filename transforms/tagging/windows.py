"""Rows of a track to the fixed-shape inputs of the models: chunks for taggers, stretches for curves.

    ChunkView    the rows that begin in a chunk        -> values [rows, ...], how many count
    StepView     lead | own rows | rest                -> values [rows, ...], which are inside the track
    SummaryView  all rows, or those of the middle      -> mean and deviation [2, ...], of how many

Every input of one view has one shape, whatever the track's length, and says what of it is padding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.views import ChunkView, StepView, SummaryView, View
from schemas.clock import (
    CHUNK_S,
    Chunk,
    ChunkPlan,
    centre_chunk,
    to_samples,
    to_seconds,
    whole_track_chunks,
)
from schemas.errors import DataError, FailureKind, Stage
from transforms.features.mel import spectrum
from transforms.tagging.features import Rows

# Whole tracks are padded to multiples of two minutes at 2 Hz: a model is compiled for each length.
_WHOLE_ROWS = 240
# Rows whose doubles a summary holds at once.
_SUMMED_ROWS = 1024


class Coverage(StrEnum):
    """What of a track is tagged: all of it, or the chunk in its middle as published."""

    WHOLE = "whole"
    CENTRE = "centre"


@dataclass(frozen=True, slots=True)
class TaggingPlan:
    """How tracks are cut: `stride_s` is of chunks of 20 s, that of other chunks is in proportion."""

    coverage: Coverage = Coverage.WHOLE
    stride_s: float = CHUNK_S

    def chunks(self, view: ChunkView | SummaryView, *, rate_hz: int) -> ChunkPlan:
        """The plan of a view in whole samples; at 16 kHz strides and starts are on the grid of frames."""
        grid = spectrum.HOP_SAMPLES if rate_hz == spectrum.RATE_HZ else 1
        stride_s = self.stride_s * view.length_s / CHUNK_S
        return ChunkPlan(
            rate_hz=rate_hz,
            chunk_samples=to_samples(view.length_s, rate_hz=rate_hz),
            stride_samples=max(grid, round(stride_s * rate_hz / grid) * grid),
            minimum_samples=to_samples(view.minimum_s, rate_hz=rate_hz),
            grid_samples=grid,
        )

    def cut(self, total_samples: int, view: ChunkView | SummaryView, *, rate_hz: int) -> list[Chunk]:
        """Chunks of a track; DataError(too_short) below the view's least."""
        cut = centre_chunk if self.coverage is Coverage.CENTRE else whole_track_chunks
        return cut(total_samples, self.chunks(view, rate_hz=rate_hz))


# What a model takes of a window, and what of it counts.
Input = tuple[NDArray[Any], NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Window:
    """One input of a model: `values` and its `extent`, as models.ensemble.Batch stacks them, cut out of the
    track's rows each time they are asked for.

    `weight` is how much its prediction counts, `steps` how many values of a curve it gives.
    """

    cut: Callable[[], Input]
    weight: float = 1.0
    steps: int = 0

    @property
    def values(self) -> NDArray[Any]:
        """What a model takes."""
        return self.cut()[0]

    @property
    def extent(self) -> NDArray[Any]:
        """What of it counts."""
        return self.cut()[1]


def windows(rows: Rows, view: View, plan: TaggingPlan) -> list[Window]:
    """All inputs of a track for models of one view. DataError(too_short) for a track below its least."""
    if isinstance(view, StepView):
        return _stretches(rows.values, view) if view.rows else _whole(rows.values)
    chunks = plan.cut(rows.total_samples, view, rate_hz=rows.rate_hz)
    if isinstance(view, ChunkView):
        # A tail may be too short for a row of its own: what it has is heard in the chunk before.
        heard = [(chunk, places) for chunk in chunks if len(places := _places(rows, chunk))]
        found = [_chunk_window(rows.values, view, *one) for one in heard]
    else:
        whole = plan.coverage is Coverage.WHOLE
        places = range(len(rows.values)) if whole else _places(rows, chunks[0])
        found = [Window(partial(_summary, rows.values[places.start : places.stop]))] if places else []
    if not found:
        seconds = to_seconds(rows.total_samples, rate_hz=rows.rate_hz)
        message = f"{seconds:.2f} s decoded, too short for a row of {rows.layout.step_s:g} s"
        raise DataError(FailureKind.TOO_SHORT, Stage.FEATURES, message)
    return found


def _chunk_window(values: NDArray[Any], view: ChunkView, chunk: Chunk, places: range) -> Window:
    return Window(partial(_chunk, values, view.rows, places), float(chunk.weight_samples))


def _chunk(values: NDArray[Any], rows: int, places: range) -> Input:
    some = values[places.start : places.stop][:rows]
    padding = [(0, rows - len(some)), *[(0, 0)] * (some.ndim - 1)]
    return np.pad(some, padding), np.array(len(some), np.int32)


def _summary(values: NDArray[Any]) -> Input:
    """Mean and standard deviation over rows, in double precision, some rows at a time."""
    blocks = [values[at : at + _SUMMED_ROWS] for at in range(0, len(values), _SUMMED_ROWS)]
    mean = sum(block.sum(axis=0, dtype=np.float64) for block in blocks) / len(values)
    with np.errstate(invalid="ignore"):  # of rows that are not finite the members' outputs tell
        squares = sum(((block - mean) ** 2).sum(axis=0) for block in blocks)
    summary = np.stack([mean, np.sqrt(squares / len(values))]).astype(np.float32)
    return summary, np.array(len(values), np.int32)


def _places(rows: Rows, chunk: Chunk) -> range:
    """Of the rows that begin inside the chunk and, but for the track's last, end inside it."""
    rate, layout = rows.rate_hz, rows.layout
    begins = np.rint((layout.start_s + layout.step_s * np.arange(len(rows.values))) * rate).astype(np.int64)
    end = chunk.start_samples + chunk.length_samples
    inside = (begins >= chunk.start_samples) & (begins < end)
    if end < rows.total_samples:
        inside &= begins + round(layout.step_s * rate) <= end
    found = np.flatnonzero(inside)
    return range(int(found[0]), int(found[-1]) + 1) if len(found) else range(0)


def _stretches(values: NDArray[Any], view: StepView) -> list[Window]:
    return [
        Window(
            partial(_stretch, values, range(first - view.lead, first - view.lead + view.rows)), steps=steps
        )
        for first in range(0, len(values), view.hop)
        # A model with its own count of steps gives them for whole hops only.
        if (steps := min(view.hop, len(values) - first)) == view.hop or not view.steps
    ]


def _stretch(values: NDArray[Any], wanted: range) -> Input:
    first, end = max(0, wanted.start), min(len(values), wanted.stop)
    inside = np.zeros(len(wanted), np.bool_)
    inside[first - wanted.start : end - wanted.start] = True
    around = np.zeros((len(wanted), *values.shape[1:]), values.dtype)
    around[inside] = values[first:end]
    return around, inside


def _whole(values: NDArray[Any]) -> list[Window]:
    if not len(values):
        return []
    length = -(-len(values) // _WHOLE_ROWS) * _WHOLE_ROWS
    return [Window(partial(_stretch, values, range(length)), steps=len(values))]
