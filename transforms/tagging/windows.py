"""Rows of a track to the fixed-shape inputs of the models: chunks for taggers, stretches for curves.

    ChunkView    the rows that begin in a chunk        -> values [rows, ...], how many count
    StepView     lead | own rows | rest                -> values [rows, ...], which are inside the track
    SummaryView  all rows, or those of the middle      -> mean and deviation [2, ...], of how many

Every input of one view has one shape, whatever the track's length, and says what of it is padding.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
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


@dataclass(frozen=True, slots=True)
class Window:
    """One input of a model: `values` and its `extent`, as models.ensemble.Batch stacks them.

    `weight` is how much its prediction counts, `steps` how many values of a curve it gives.
    """

    values: NDArray[Any]
    extent: NDArray[Any]
    weight: float = 1.0
    steps: int = 0


def windows(rows: Rows, view: View, plan: TaggingPlan) -> list[Window]:
    """All inputs of a track for models of one view. DataError(too_short) for a track below its least."""
    if isinstance(view, StepView):
        return _stretches(rows.values, view) if view.rows else _whole(rows.values)
    chunks = plan.cut(rows.total_samples, view, rate_hz=rows.rate_hz)
    if isinstance(view, ChunkView):
        cut = [_chunk_window(rows, view, chunk) for chunk in chunks]
    else:
        cut = [_summary(rows.values if plan.coverage is Coverage.WHOLE else _rows_in(rows, chunks[0]))]
    # A tail may be too short for a row of its own: what it has is heard in the chunk before.
    heard = [window for window in cut if window.extent]
    if not heard:
        seconds = to_seconds(rows.total_samples, rate_hz=rows.rate_hz)
        message = f"{seconds:.2f} s decoded, too short for a row of {rows.layout.step_s:g} s"
        raise DataError(FailureKind.TOO_SHORT, Stage.FEATURES, message)
    return heard


def _chunk_window(rows: Rows, view: ChunkView, chunk: Chunk) -> Window:
    values = _rows_in(rows, chunk)[: view.rows]
    padding = [(0, view.rows - len(values)), *[(0, 0)] * (values.ndim - 1)]
    return Window(np.pad(values, padding), np.array(len(values), np.int32), float(chunk.weight_samples))


def _summary(values: NDArray[Any]) -> Window:
    """Mean and standard deviation over rows, in double precision; zeros of none."""
    summary = np.zeros((2, *values.shape[1:]), np.float32)
    if len(values):
        summary[0], summary[1] = values.mean(axis=0, dtype=np.float64), values.std(axis=0, dtype=np.float64)
    return Window(summary, np.array(len(values), np.int32))


def _rows_in(rows: Rows, chunk: Chunk) -> NDArray[Any]:
    """The rows that begin inside the chunk and, but for the track's last, end inside it."""
    rate, layout = rows.rate_hz, rows.layout
    begins = np.rint((layout.start_s + layout.step_s * np.arange(len(rows.values))) * rate).astype(np.int64)
    end = chunk.start_samples + chunk.length_samples
    inside = (begins >= chunk.start_samples) & (begins < end)
    if end < rows.total_samples:
        inside &= begins + round(layout.step_s * rate) <= end
    found: NDArray[Any] = rows.values[inside]
    return found


def _stretches(values: NDArray[Any], view: StepView) -> list[Window]:
    return [
        _stretch(values, np.arange(first - view.lead, first - view.lead + view.rows), steps)
        for first in range(0, len(values), view.hop)
        # A model with its own count of steps gives them for whole hops only.
        if (steps := min(view.hop, len(values) - first)) == view.hop or not view.steps
    ]


def _stretch(values: NDArray[Any], wanted: NDArray[np.int64], steps: int) -> Window:
    inside = (wanted >= 0) & (wanted < len(values))
    around = np.zeros((len(wanted), *values.shape[1:]), values.dtype)
    around[inside] = values[wanted[inside]]
    return Window(around, inside, steps=steps)


def _whole(values: NDArray[Any]) -> list[Window]:
    if not len(values):
        return []
    length = -(-len(values) // _WHOLE_ROWS) * _WHOLE_ROWS
    return [_stretch(values, np.arange(length), len(values))]
