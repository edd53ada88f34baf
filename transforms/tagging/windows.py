"""Features of a track to the fixed-shape inputs of the models: chunks for taggers, segments for curves.

    chunk      20 s                      -> log-mel [1250, 64], images [20, 128, 62], and how much counts
    segment    margin | core | margin    -> steps [core + 2 * margin, 192], and which are inside the track

Every input of one kind has one shape, whatever the track's length, and says what of it is padding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.clock import (
    CHUNK_S,
    MINIMUM_S,
    Chunk,
    ChunkPlan,
    centre_chunk,
    to_samples,
    whole_track_chunks,
)
from transforms.features.images import window_image
from transforms.features.mel import crnn_logmel, mel_steps, spectrum

CORE_STEPS = 80

Features = Mapping[str, NDArray[Any]]


class Coverage(StrEnum):
    """What of a track is tagged: all of it, or the 20 s in its middle as published."""

    WHOLE = "whole"
    CENTRE = "centre"


@dataclass(frozen=True, slots=True)
class TaggingPlan:
    """How tracks are cut: `margin_steps` is how far the curves' models look to either side."""

    coverage: Coverage = Coverage.WHOLE
    stride_s: float = CHUNK_S
    margin_steps: int = 0

    @property
    def chunks(self) -> ChunkPlan:
        """The plan in whole samples, strides and starts on the frame grid."""
        rate, hop = spectrum.RATE_HZ, spectrum.HOP_SAMPLES
        return ChunkPlan(
            rate_hz=rate,
            chunk_samples=to_samples(CHUNK_S, rate_hz=rate),
            stride_samples=max(hop, round(self.stride_s * rate / hop) * hop),
            minimum_samples=to_samples(MINIMUM_S, rate_hz=rate),
            grid_samples=hop,
        )

    def cut(self, total_samples: int) -> list[Chunk]:
        """Chunks of a track; DataError(too_short) below three seconds."""
        cut = centre_chunk if self.coverage is Coverage.CENTRE else whole_track_chunks
        return cut(total_samples, self.chunks)


@dataclass(frozen=True, slots=True)
class ModelInput:
    """One input of one front end: `values` and its `extent`, as models.ensemble.Batch stacks them."""

    values: NDArray[Any]
    extent: NDArray[Any]


def chunk_inputs(features: Features, chunk: Chunk) -> dict[str, ModelInput]:
    """Inputs of the taggers for one chunk, by front end."""
    first = chunk.start_samples // spectrum.HOP_SAMPLES
    count = spectrum.frame_count(chunk.length_samples)
    return {key: _CHUNKERS[key](values, first, count) for key, values in features.items() if key in _CHUNKERS}


def _log_mel_chunk(values: NDArray[Any], first: int, count: int) -> ModelInput:
    frames = spectrum.frame_count(to_samples(CHUNK_S, rate_hz=spectrum.RATE_HZ))
    return _padded(values[first : first + count], frames)


def _image_chunk(values: NDArray[Any], first: int, count: int) -> ModelInput:
    starts = np.array([window_image.window_start(index) for index in range(len(values))], np.int64)
    inside = (starts >= first) & (starts + window_image.FRAMES <= first + count)
    return _padded(values[inside], int(CHUNK_S))


def _padded(values: NDArray[Any], length: int) -> ModelInput:
    padding = [(0, length - len(values)), *[(0, 0)] * (values.ndim - 1)]
    return ModelInput(np.pad(values, padding), np.array(len(values), np.int32))


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a curve, in steps."""

    start: int
    length: int


def segments(steps: int) -> list[Segment]:
    """Stretches of at most 80 steps (40 s) that make up a curve."""
    return [Segment(start, min(CORE_STEPS, steps - start)) for start in range(0, steps, CORE_STEPS)]


def segment_inputs(features: Features, segment: Segment, *, margin: int) -> dict[str, ModelInput]:
    """Inputs of the regressors for one segment and what lies `margin` steps around it, by front end."""
    values = features[MEL_STEPS]
    wanted = np.arange(segment.start - margin, segment.start + CORE_STEPS + margin)
    inside = (wanted >= 0) & (wanted < len(values))
    around = np.zeros((len(wanted), values.shape[1]), values.dtype)
    around[inside] = values[wanted[inside]]
    return {MEL_STEPS: ModelInput(around, inside)}


CRNN_LOGMEL = f"{crnn_logmel.NAME}@{crnn_logmel.VERSION}"
WINDOW_IMAGE = f"{window_image.NAME}@{window_image.VERSION}"
MEL_STEPS = f"{mel_steps.NAME}@{mel_steps.VERSION}"
_CHUNKERS = {CRNN_LOGMEL: _log_mel_chunk, WINDOW_IMAGE: _image_chunk}
