"""One net of a system from its first weights to its best epoch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.antonyms import antonym_rnn
from models.ensemble import compiled
from models.registry import Role, architecture
from models.training.learning.checkpoint import Progress
from models.training.learning.fit import Manner, Phase, Task, constant, fit
from models.training.systems.denoising import pretrain_first_layer
from models.training.systems.framing import Framing, predict
from models.training.systems.losses import loss_of, monitored, validation_loss
from models.training.systems.plan import MemberPlan
from models.training.systems.schedules import RatePhase, make_optimizer
from models.training.systems.stream import StoredFeatures, Stream
from models.training.systems.targets import on_steps
from models.weights import arrays_of, set_weights

Floats = NDArray[np.float32]
Told = Callable[[str, Progress], None]
# Measured on a processor: 2.5 times as fast for many short sequences, slower for long ones and for pictures.
_BY_XLA = ("gru",)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a net learns from and what picks its best epoch."""

    train: Stream
    validation: Stream


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Folder of the checkpoints, what else makes a checkpoint another one's, VGGish weights for a CRNN of
    published width (None: random), and who is told of each epoch."""

    checkpoints: Path
    fingerprint: str
    vggish: Path | None = None
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """A net at its best epoch: weights by path, the course of its training, and what it gives for the
    validation tracks, by id."""

    plan: MemberPlan
    weights: dict[str, NDArray[Any]]
    losses: list[float]
    validation_losses: list[float]
    scores: list[float]
    best_epoch: int
    outputs: dict[str, Floats]


def train_member(plan: MemberPlan, parts: Parts, around: Surroundings) -> Trained:
    """Train one net; go on where an earlier call with the same plan, data and folder was stopped.

    The result is the same as without the stop. `scores` are as the schedule's monitor names them. Raises
    DataError(non_finite) where the loss is no number any more.
    """
    import keras

    keras.utils.set_random_seed(plan.seed)
    model = architecture(plan.architecture).build(plan.settings)
    frozen_start = _prepare(model, plan, parts, around)
    judge = _Judge(model, plan, parts.validation)
    manner = Manner(
        optimizer=lambda phase: make_optimizer(plan.schedule, RatePhase(phase.epochs, phase.rate)),
        fall=constant,
        patience=plan.schedule.patience,
        told=partial(around.told, plan.name) if around.told else None,
        plan=f"{plan}{around.fingerprint}",
        xla=plan.architecture in _BY_XLA,
    )
    phases = tuple(
        Phase(one.epochs, one.rate, one.frozen if frozen_start else "") for one in plan.schedule.phases
    )
    checkpoint = around.checkpoints / f"{plan.name}.npz"
    task = Task(parts.train, loss_of(plan, model), judge.score, judge.loss)
    progress = fit(model, task, phases, checkpoint, manner=manner)
    judge.score(model)
    return Trained(
        plan,
        arrays_of(model),
        progress.losses,
        progress.validation_losses,
        [judge.sign * value for value in progress.scores],
        progress.best_epoch,
        judge.outputs,
    )


def _prepare(model: Any, plan: MemberPlan, parts: Parts, around: Surroundings) -> bool:
    """First weights beyond the random ones; whether layers that the schedule freezes have learned before."""
    names = {layer.name for layer in model.layers}
    if plan.role is Role.ANTONYM:
        batches = [inputs for inputs, _ in parts.train.batches(0)]
        antonym_rnn.standardise(
            model,
            np.concatenate([values for values, _ in batches]),
            np.concatenate([valid for _, valid in batches]),
        )
    elif "standardise" in names:
        _standardise(model, parts.train)
    if "rescale" in names and plan.schedule.standardised:
        tracks = parts.train.tracks()
        model.get_layer("rescale").adapt(
            np.concatenate([on_steps(target, len(values)) for _, values, target in tracks])
        )
    if epochs := min(plan.schedule.pretraining, plan.schedule.epochs):
        sequences = [values for _, values, _ in parts.train.tracks()]
        pretrain_first_layer(model, sequences, epochs=epochs, seed=plan.seed)
    if around.vggish is not None:
        from models.taggers.vggish_weights import load_vggish

        load_vggish(model, around.vggish)
    return around.vggish is not None


def _standardise(model: Any, train: Stream) -> None:
    """Mean and variance of every value over all rows of the training tracks."""
    arrays = arrays_of(model)
    total = np.zeros(arrays["standardise/mean"].size)
    squares, count = np.zeros_like(total), 0
    for _, values, _ in train.tracks():
        rows = values.astype(np.float64)
        total, squares, count = (
            total + rows.sum(axis=0),
            squares + np.square(rows).sum(axis=0),
            count + len(rows),
        )
    mean = total / count
    variance = np.maximum(squares / count - np.square(mean), 0.0)
    # Rounding leaves some variance where there is none.
    variance[np.sqrt(variance) <= 1e-6 * np.abs(mean)] = 0.0
    variance[variance == 0.0] = 1.0
    shape = arrays["standardise/mean"].shape
    arrays["standardise/mean"] = mean.astype(np.float32).reshape(shape)
    arrays["standardise/variance"] = variance.astype(np.float32).reshape(shape)
    set_weights(model, arrays, source=model.name)


def outputs_of(
    trained: Trained, features: StoredFeatures, framing: Framing, wanted: Collection[str]
) -> dict[str, Floats]:
    """What a trained net gives for other tracks, by id: see `predict`."""
    model = architecture(trained.plan.architecture).build(trained.plan.settings)
    set_weights(model, trained.weights, source=trained.plan.name)
    return predict(compiled(model), _rows(features, wanted), framing)


def _rows(features: StoredFeatures, wanted: Collection[str]) -> Iterator[tuple[str, Floats]]:
    for group, names in enumerate(features.groups):
        if any(name in wanted for name in names):
            yield from features.read(group, wanted).items()


class _Judge:
    """The validation tracks: their outputs at the end of an epoch, by which it is judged."""

    def __init__(self, model: Any, plan: MemberPlan, part: Stream) -> None:
        self._model, self._plan, self._part = model, plan, part
        self._forward = compiled(model)
        self.outputs: dict[str, Floats] = {}

    @property
    def sign(self) -> float:
        """1 where more of the schedule's monitor is better, else -1."""
        return 1.0 if self._plan.schedule.direction == "max" else -1.0

    def score(self, _: Any) -> float:
        """The schedule's monitor, of which more is better here, of the model as it is now."""
        rows = ((name, values) for name, values, _ in self._part.tracks())
        self.outputs = predict(self._forward, rows, self._part.framing)
        return self.sign * monitored(self._plan, *self._pairs(), self._model)

    def loss(self) -> float:
        """The schedule's loss of what `score` saw last."""
        return validation_loss(self._plan, *self._pairs(), self._model)

    def _pairs(self) -> tuple[list[Floats], list[Floats]]:
        return list(self.outputs.values()), [self._part.targets[name] for name in self.outputs]
