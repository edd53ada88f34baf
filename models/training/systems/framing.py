"""What a net sees of a track: random cuts to learn from, all of it to be judged by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.training.learning.masks import hide
from models.training.systems.targets import on_steps
from models.views import ChunkView, RowView, StepView
from schemas.clock import ChunkPlan, whole_track_chunks

Floats = NDArray[np.float32]
# Whole tracks are padded to half minutes: a model is compiled for each length.
_WHOLE_ROWS = 60
_TOGETHER = 32


@dataclass(frozen=True, slots=True)
class Framing:
    """A view on rows that are `step_s` apart; `several` draws as many chunks of a track as fit, else one;
    `masks` are SpecAugment's, None for none."""

    view: RowView
    step_s: float
    several: bool = False
    masks: tuple[int, int] | None = None

    @property
    def chunk_rows(self) -> int:
        """Rows of a whole chunk."""
        assert isinstance(self.view, ChunkView)  # noqa: S101 - of chunks alone
        return max(1, min(self.view.rows, int(self.view.length_s / self.step_s + 1e-6)))

    @property
    def minimum_rows(self) -> int:
        """Least rows of a track."""
        if isinstance(self.view, ChunkView):
            return min(self.chunk_rows, max(1, int(self.view.minimum_s / self.step_s + 1e-6)))
        return self.rows_a_step

    @property
    def rows_a_step(self) -> int:
        """Rows of half a second of a curve."""
        return self.view.hop if isinstance(self.view, StepView) and self.view.steps == 1 else 1


@dataclass(frozen=True, slots=True)
class Cut:
    """A cut of a track's rows [n, ...] from row `first` on, with the target of what it gives."""

    values: Floats
    first: int
    target: Floats


def cut_count(length: int, framing: Framing) -> int:
    """How many cuts a track of so many rows gives in an epoch."""
    view = framing.view
    if isinstance(view, ChunkView):
        return max(1, length // framing.chunk_rows) if framing.several else 1
    if not view.rows:
        return 1
    return length // view.hop if view.steps else max(1, length // view.rows)


def random_cuts(values: Floats, target: Floats, framing: Framing, rng: np.random.Generator) -> list[Cut]:
    """The cuts of one epoch: chunks and stretches anywhere in the track, or every half second of it."""
    view, count = framing.view, cut_count(len(values), framing)
    if isinstance(view, ChunkView):
        starts = rng.integers(max(1, len(values) - framing.chunk_rows + 1), size=count)
        return [Cut(values, int(first), target) for first in starts]
    targets = on_steps(target, len(values) // framing.rows_a_step)
    if view.steps:
        return [Cut(values, step * view.hop, targets[step : step + 1]) for step in range(count)]
    if not view.rows:
        return [Cut(values, 0, targets)]
    starts = rng.integers(max(1, len(values) - view.rows + 1), size=count)
    return [Cut(values, int(first), targets[first : first + view.rows]) for first in starts]


def stack(
    cuts: Sequence[Cut], framing: Framing, rng: np.random.Generator | None = None
) -> tuple[Floats, NDArray[Any], Floats]:
    """Cuts as one batch: values [batch, rows, ...], extent as models.ensemble.Batch has it, targets; what is
    not of the track is zero, and its target NaN. With `rng` masks are drawn."""
    view = framing.view
    longest = -(-max(len(cut.values) for cut in cuts) // _WHOLE_ROWS) * _WHOLE_ROWS
    rows = view.rows or longest
    values = np.zeros((len(cuts), rows, *cuts[0].values.shape[1:]), np.float32)
    inside = np.zeros((len(cuts), rows), bool)
    most = framing.chunk_rows if isinstance(view, ChunkView) else rows
    lead = view.lead if isinstance(view, StepView) else 0
    for row, cut in enumerate(cuts):
        begin, end = cut.first - lead, min(cut.first - lead + most, len(cut.values))
        kept = slice(max(0, -begin), end - begin)
        values[row, kept], inside[row, kept] = cut.values[max(0, begin) : end], True
        if framing.masks and rng is not None:
            hide(values[row, kept], framing.masks, rng)
    if isinstance(view, ChunkView):
        targets = np.stack([cut.target for cut in cuts])
        return values, inside.sum(axis=1).astype(np.int32), targets
    return values, inside, np.stack([on_steps(cut.target, view.steps or rows) for cut in cuts])


def predict(
    forward: Callable[[Any, Any], Any], tracks: Iterable[tuple[str, Floats]], framing: Framing
) -> dict[str, Floats]:
    """Tracks' rows [n, ...] -> by id scores or shares [m], the mean over a track's chunks by their length, or
    its curve [steps, targets]; cuts of many tracks fill each batch. `forward` is a compiled model."""
    found: dict[str, list[Floats]] = {}
    plans: dict[str, tuple[list[int], int]] = {}
    waiting: list[tuple[str, Cut]] = []
    for name, values in tracks:
        cuts, weights, steps = _whole_track(values, framing)
        found[name], plans[name] = [], (weights, steps)
        waiting += [(name, cut) for cut in cuts]
        while len(waiting) >= _TOGETHER:
            _run(forward, waiting[:_TOGETHER], framing, found)
            del waiting[:_TOGETHER]
    if waiting:
        _run(forward, waiting, framing, found)
    return {name: _joined(outputs, *plans[name]) for name, outputs in found.items()}


def _whole_track(values: Floats, framing: Framing) -> tuple[list[Cut], list[int], int]:
    """All cuts of a track, with the weights of chunks, or none and the steps of the curve."""
    view, nothing = framing.view, np.zeros((0, 1), np.float32)
    if isinstance(view, ChunkView):
        size = framing.chunk_rows
        chunks = whole_track_chunks(len(values), ChunkPlan(1, size, size, framing.minimum_rows))
        cuts = [Cut(values[: c.start_samples + c.length_samples], c.start_samples, nothing) for c in chunks]
        return cuts, [chunk.weight_samples for chunk in chunks], 0
    steps = len(values) // framing.rows_a_step
    firsts = range(0, steps * framing.rows_a_step, view.hop or len(values))
    return [Cut(values, first, nothing) for first in firsts], [], steps


def _joined(outputs: list[Floats], weights: list[int], steps: int) -> Floats:
    joined: Floats
    if weights:
        joined = np.average(np.stack(outputs), axis=0, weights=weights).astype(np.float32)
    else:
        joined = np.concatenate(outputs)[:steps]
    return joined


def _run(
    forward: Callable[[Any, Any], Any],
    batch: Sequence[tuple[str, Cut]],
    framing: Framing,
    found: Mapping[str, list[Floats]],
) -> None:
    """Outputs of a batch of cuts, added to those found of their tracks."""
    some = [cut for _, cut in batch]
    # A model is compiled for each size of batch: all but the smallest are filled up to fours.
    missing = -len(some) % 4 if len(some) > 4 else 0
    values, extent, _ = stack(some + [some[-1]] * missing, framing)
    outputs = np.asarray(forward(values, extent))
    for (name, _), output in zip(batch, outputs, strict=False):
        found[name].append(output)
