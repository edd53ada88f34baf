"""Batches across tracks: windows of many tracks fill each batch, predictions come back by track.

    add(track) -> its windows wait -> a full batch goes through the models -> tracks that are complete

Batches have one shape, filled up with zeros at the end, so that a track's numbers do not depend on what
it shares a batch with. Members with the same features and the same view share their windows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.bundle_members import Member
from models.ensemble import Batch
from models.views import StepView, View
from schemas.errors import DataError, FailureKind, Stage
from transforms.tagging.features import Rows
from transforms.tagging.windows import TaggingPlan, Window, windows

Key = TypeVar("Key")


class Models(Protocol):
    """What a batch is sent through: see models.ensemble.Ensemble."""

    def run(self, member: str, batch: Batch) -> NDArray[np.float32]:
        """Output of one member: [batch, ...]."""


@dataclass(frozen=True, slots=True)
class Group:
    """Members that look at the same features in the same way."""

    input_key: str
    view: View
    members: tuple[str, ...]

    @property
    def single(self) -> bool:
        """Whether its windows are whole tracks, each of a length of its own."""
        return isinstance(self.view, StepView) and not self.view.rows


def groups_of(members: Iterable[Member]) -> list[Group]:
    """Members of a bundle by what they share."""
    by_input: dict[tuple[str, View], list[str]] = {}
    for member in members:
        by_input.setdefault((member.input_key, member.view), []).append(member.name)
    return [Group(key, view, tuple(names)) for (key, view), names in by_input.items()]


@dataclass(frozen=True, slots=True)
class Predicted:
    """What one member says of a track.

    `values` are [chunks, n] with the `weights` [chunks] of the chunks, or a curve [steps, n].
    """

    values: NDArray[np.float32]
    weights: NDArray[np.float64]


Prediction = Mapping[str, Predicted]


def not_finite(prediction: Prediction) -> DataError | None:
    """What is wrong with a prediction that is not all numbers: finite weights can overflow inside a net."""
    for name, predicted in prediction.items():
        if not np.isfinite(predicted.values).all():
            message = f"member {name!r} gives values that are not finite"
            return DataError(FailureKind.NON_FINITE, Stage.INFER, message)
    return None


@dataclass(slots=True, eq=False)
class _Pending(Generic[Key]):
    """A track whose windows are under way: outputs come in by member and window, in any order."""

    key: Key
    left: int
    joined: dict[str, _Joined]

    def prediction(self) -> Prediction:
        return {name: Predicted(one.values, one.weights) for name, one in self.joined.items()}


class _Joined:
    """What a member gives of a track, in one array that its windows fill: [chunks, n], or [steps, n]."""

    def __init__(self, some: list[Window], view: View) -> None:
        self.weights = np.array([window.weight for window in some], np.float64)
        self.values = np.zeros((0, 0), np.float32)
        self._view = view if isinstance(view, StepView) else None
        steps = [(view.steps or window.steps) if isinstance(view, StepView) else 1 for window in some]
        self._ends = np.cumsum([0, *steps])

    def put(self, index: int, output: NDArray[np.float32]) -> None:
        """Take the output of a window."""
        begin, end = self._ends[index], self._ends[index + 1]
        first = self._view.first_step if self._view else 0
        kept = output[first : first + end - begin] if self._view else output[None]
        if not len(self.values):
            self.values = np.empty((self._ends[-1], *kept.shape[1:]), np.float32)
        self.values[begin:end] = kept


@dataclass(slots=True)
class _Waiting(Generic[Key]):
    """A window that waits for its batch: `index` among those of its track."""

    track: _Pending[Key]
    index: int
    values: NDArray[np.generic]
    extent: NDArray[np.generic]


def unseen(_: int) -> None:
    """Nobody counts batches."""


class TrackBatcher(Generic[Key]):
    """Sends windows of many tracks through the models in full batches; memory is bounded by a batch of each
    group and the inputs of one track. `on_batch` is told how many windows each batch has, without those that
    fill it up."""

    def __init__(
        self,
        models: Models,
        groups: list[Group],
        plan: TaggingPlan,
        *,
        batch_size: int,
        on_batch: Callable[[int], None] = unseen,
    ) -> None:
        self._models = models
        self._groups = groups
        self._plan = plan
        self._batch_size = batch_size
        self._waiting: list[list[_Waiting[Key]]] = [[] for _ in groups]
        self._on_batch = on_batch

    def add(self, key: Key, features: Mapping[str, Rows]) -> Iterator[tuple[Key, Prediction]]:
        """Take a track's features; yield the tracks that are complete now.

        Raises DataError(too_short) before anything of the track has been taken.
        """
        cut = [windows(features[group.input_key], group.view, self._plan) for group in self._groups]
        track = _Pending(
            key,
            left=sum(map(len, cut)),
            joined={
                name: _Joined(some, group.view)
                for group, some in zip(self._groups, cut, strict=True)
                for name in group.members
            },
        )
        for group, waiting, some in zip(self._groups, self._waiting, cut, strict=True):
            for index, window in enumerate(some):
                waiting.append(_Waiting(track, index, *window.cut()))
                if len(waiting) == self._batch_size or group.single:
                    yield from self._run(group, waiting)

    def flush(self) -> Iterator[tuple[Key, Prediction]]:
        """Send what waits; yield the tracks left."""
        for group, waiting in zip(self._groups, self._waiting, strict=True):
            if waiting:
                yield from self._run(group, waiting)

    def _run(self, group: Group, waiting: list[_Waiting[Key]]) -> Iterator[tuple[Key, Prediction]]:
        here = waiting.copy()
        waiting.clear()
        self._on_batch(len(here))
        missing = 0 if group.single else self._batch_size - len(here)
        batch = Batch(
            _filled([one.values for one in here], missing),
            _filled([one.extent for one in here], missing),
        )
        for name in group.members:
            outputs = self._models.run(name, batch)
            for row, one in enumerate(here):
                one.track.joined[name].put(one.index, outputs[row])
        for one in here:
            one.track.left -= 1
            if not one.track.left:
                yield one.track.key, one.track.prediction()


def _filled(arrays: list[NDArray[np.generic]], missing: int) -> NDArray[np.generic]:
    stacked = np.stack(arrays)
    return np.pad(stacked, [(0, missing), *[(0, 0)] * (stacked.ndim - 1)]) if missing else stacked
