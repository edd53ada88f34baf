"""The training loop: phases of epochs, a checkpoint after each, the best epoch restored at the end.

A run that is killed continues after its last whole epoch and ends with the same weights as one that was not:
the checkpoint holds the optimiser and the state of every random generator, and an epoch's data depend on its
number alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.training.learning.checkpoint import Progress, read_checkpoint, write_checkpoint
from schemas.errors import DataError, FailureKind, Stage

log = logging.getLogger(__name__)

Step = tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], ...]]


@dataclass(frozen=True, slots=True)
class Phase:
    """Epochs with one optimiser: the rate falls on a cosine from `rate` to a fiftieth of it.

    Layers whose name starts with `frozen` keep their weights; none does where it is empty.
    """

    epochs: int
    rate: float
    frozen: str = ""


class Source(Protocol):
    """Where batches come from: the same number of them, of the same shapes, in every epoch."""

    def steps(self) -> int:
        """Batches in an epoch."""

    def epoch(self, number: int) -> Iterable[Step]:
        """Batches of an epoch, ((values, extent), targets); they depend on the number alone."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is trained towards: `loss(output, *targets)` is a tensor; of `score(model)` more is better.

    `validation_loss()` is that of what `score` saw last, for the record; None for none.
    """

    source: Source
    loss: Callable[..., Any]
    score: Callable[[Any], float]
    validation_loss: Callable[[], float] | None = None


def clipped_adam(phase: Phase) -> Any:
    """Adam with the norm of each gradient clipped to one."""
    import keras

    return keras.optimizers.Adam(phase.rate, clipnorm=1.0)


def cosine(part: float) -> float:
    """Share of the rate at a part of a phase: from 1 on a cosine to a fiftieth."""
    return float(0.02 + 0.98 * (0.5 + 0.5 * np.cos(np.pi * part)))


def constant(_: float) -> float:
    """Share of the rate at a part of a phase: all of it."""
    return 1.0


@dataclass(frozen=True, slots=True)
class Manner:
    """How a training goes: `optimizer` for a phase, `fall` of its rate, when it stops, and who is told.

    `patience` counts epochs without a better score before it stops, 0 for never. `told` hears of every epoch.
    A checkpoint of another `plan` is not continued. With `xla` the update is compiled as a whole.
    """

    optimizer: Callable[[Phase], Any] = clipped_adam
    fall: Callable[[float], float] = cosine
    patience: int = 0
    told: Callable[[Progress], None] | None = None
    plan: str = ""
    xla: bool = False

    def is_over(self, progress: Progress) -> bool:
        """Whether patience has run out."""
        return bool(self.patience and progress.epoch and progress.since_best >= self.patience)


def fit(
    model: Any, task: Task, phases: tuple[Phase, ...], checkpoint: Path, *, manner: Manner = Manner()
) -> Progress:
    """Train `model` in place and leave it with the weights of its best epoch.

    A checkpoint of other phases is not continued but replaced.
    """
    plan = repr(phases) + manner.plan
    progress = read_checkpoint(checkpoint, model, plan=plan) or Progress(plan)
    first = 0
    for phase in phases:
        last = first + phase.epochs
        if progress.epoch < last and not manner.is_over(progress):
            _run_phase(model, task, _Course(phase, first, manner), progress, checkpoint)
        first = last
    if progress.best_weights is not None:
        model.set_weights(progress.best_weights)
    return progress


@dataclass(frozen=True, slots=True)
class _Course:
    """A phase, the epochs before it, and how it goes."""

    phase: Phase
    first: int
    manner: Manner


def _run_phase(model: Any, task: Task, course: _Course, progress: Progress, checkpoint: Path) -> None:
    phase, manner, first = course.phase, course.manner, course.first
    for layer in model.layers:
        layer.trainable = not (phase.frozen and layer.name.startswith(phase.frozen))
    optimizer = manner.optimizer(phase)
    optimizer.build(model.trainable_variables)
    progress.restore_optimizer(optimizer, inside=progress.epoch > first)
    advance = _step(model, task.loss, optimizer, xla=manner.xla)
    while progress.epoch < first + phase.epochs and not manner.is_over(progress):
        loss = _run_epoch(task, course, progress.epoch, optimizer, advance)
        progress.add(loss, task.score(model), model)
        if task.validation_loss:
            progress.validation_losses.append(task.validation_loss())
        write_checkpoint(checkpoint, progress, model, optimizer)
        log.info(
            "%s epoch %d: loss %.4f, score %.4f", checkpoint.stem, progress.epoch, loss, progress.scores[-1]
        )
        if manner.told:
            manner.told(progress)
    for layer in model.layers:
        layer.trainable = True


def _run_epoch(task: Task, course: _Course, epoch: int, optimizer: Any, advance: Callable[..., Any]) -> float:
    """All batches of an epoch; the mean of their losses."""
    total = course.phase.epochs * task.source.steps()
    done = (epoch - course.first) * task.source.steps()
    losses = []
    for index, batch in enumerate(task.source.epoch(epoch)):
        optimizer.learning_rate.assign(course.phase.rate * course.manner.fall((done + index) / total))
        losses.append(advance(*batch))
    loss = float(np.mean([float(value) for value in losses]))
    if not np.isfinite(loss):
        message = (
            f"the loss is {loss} in epoch {epoch + 1}: the rate {course.phase.rate:g} is too high for it"
        )
        raise DataError(FailureKind.NON_FINITE, Stage.INPUT, message)
    return loss


def _step(model: Any, loss: Callable[..., Any], optimizer: Any, *, xla: bool) -> Callable[..., Any]:
    """One compiled update: (inputs, targets) -> loss."""
    import tensorflow as tf

    variables = model.trainable_variables

    def advance(inputs: tuple[Any, Any], targets: tuple[Any, ...]) -> Any:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in variables])
            value = loss(model(list(inputs), training=True), *targets)
        optimizer.apply(tape.gradient(value, [variable.value for variable in variables]), variables)
        return value

    return tf.function(advance, jit_compile=xla)  # type: ignore[no-any-return]
