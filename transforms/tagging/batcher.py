"""Batches across tracks: windows of many tracks fill each batch, predictions come back by track.

    add(track) -> its windows wait -> a full batch goes through the models -> tracks that are complete

Batches have one shape, filled up with zeros at the end, so that a track's numbers do not depend on what
it shares a batch with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.ensemble import Batch
from schemas.clock import Chunk
from transforms.tagging.windows import (
    MEL_STEPS,
    Features,
    ModelInput,
    Segment,
    TaggingPlan,
    chunk_inputs,
    segment_inputs,
    segments,
)

Key = TypeVar("Key")


class Models(Protocol):
    """What a batch is sent through: see models.ensemble.Ensemble."""

    def tag(self, batches: Mapping[str, Batch]) -> NDArray[np.float32]:
        """[taggers, batch, tags]."""

    def regress(self, batches: Mapping[str, Batch]) -> NDArray[np.float32]:
        """[regressors, batch, steps, 2]."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the members say of a track: scores [taggers, tags] and curves [regressors, steps, 2]."""

    member_scores: NDArray[np.float64]
    member_curves: NDArray[np.float32]


@dataclass(slots=True, eq=False)
class _Pending(Generic[Key]):
    """A track whose windows are under way: results come in by window, in any order."""

    key: Key
    chunks: list[Chunk]
    segments: list[Segment]
    scores: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    curves: dict[int, NDArray[np.float32]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        return len(self.scores) == len(self.chunks) and len(self.curves) == len(self.segments)

    def prediction(self) -> Prediction:
        """Scores averaged over chunks by their weight; curves joined."""
        scores = np.stack([self.scores[index] for index in range(len(self.chunks))]).astype(np.float64)
        weights = np.array([chunk.weight_samples for chunk in self.chunks], np.float64)
        parts = [self.curves[index][:, : part.length] for index, part in enumerate(self.segments)]
        return Prediction(np.average(scores, axis=0, weights=weights), np.concatenate(parts, axis=1))


@dataclass(slots=True)
class _Waiting(Generic[Key]):
    """A window that waits for its batch: `index` among the chunks or the segments of its track."""

    track: _Pending[Key]
    index: int
    inputs: dict[str, ModelInput]


class TrackBatcher(Generic[Key]):
    """Sends windows of many tracks through the models in full batches; memory is bounded by two batches
    and the inputs of one track."""

    def __init__(self, models: Models, plan: TaggingPlan, *, batch_size: int) -> None:
        self._models = models
        self._plan = plan
        self._batch_size = batch_size
        self._chunks: list[_Waiting[Key]] = []
        self._segments: list[_Waiting[Key]] = []

    def add(self, key: Key, features: Features, *, total_samples: int) -> Iterator[tuple[Key, Prediction]]:
        """Take a track's features; yield the tracks that are complete now.

        Raises DataError(too_short) before anything of the track has been taken.
        """
        chunks = self._plan.cut(total_samples)
        track = _Pending(key, chunks, segments(len(features[MEL_STEPS])))
        for index, chunk in enumerate(chunks):
            self._chunks.append(_Waiting(track, index, chunk_inputs(features, chunk)))
            if len(self._chunks) == self._batch_size:
                yield from self._run_chunks()
        for index, segment in enumerate(track.segments):
            inputs = segment_inputs(features, segment, margin=self._plan.margin_steps)
            self._segments.append(_Waiting(track, index, inputs))
            if len(self._segments) == self._batch_size:
                yield from self._run_segments()

    def flush(self) -> Iterator[tuple[Key, Prediction]]:
        """Send what waits; yield the tracks left."""
        if self._chunks:
            yield from self._run_chunks()
        if self._segments:
            yield from self._run_segments()

    def _run_chunks(self) -> Iterator[tuple[Key, Prediction]]:
        waiting, self._chunks = self._chunks, []
        scores = self._models.tag(self._stack(waiting))
        for row, window in enumerate(waiting):
            window.track.scores[window.index] = scores[:, row]
        yield from _completed(waiting)

    def _run_segments(self) -> Iterator[tuple[Key, Prediction]]:
        waiting, self._segments = self._segments, []
        curves = self._models.regress(self._stack(waiting))
        margin = self._plan.margin_steps
        for row, window in enumerate(waiting):
            window.track.curves[window.index] = curves[:, row, margin : curves.shape[2] - margin]
        yield from _completed(waiting)

    def _stack(self, waiting: list[_Waiting[Key]]) -> dict[str, Batch]:
        missing = self._batch_size - len(waiting)
        batches = {}
        for front_end in waiting[0].inputs:
            inputs = [window.inputs[front_end] for window in waiting]
            batches[front_end] = Batch(
                _filled([one.values for one in inputs], missing),
                _filled([one.extent for one in inputs], missing),
            )
        return batches


def _completed(waiting: list[_Waiting[Key]]) -> Iterator[tuple[Key, Prediction]]:
    for track in dict.fromkeys(window.track for window in waiting):
        if track.complete:
            yield track.key, track.prediction()


def _filled(arrays: list[NDArray[np.generic]], missing: int) -> NDArray[np.generic]:
    stacked = np.stack(arrays)
    return np.pad(stacked, [(0, missing), *[(0, 0)] * (stacked.ndim - 1)]) if missing else stacked
