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
    """What is trained towards: `loss(output, *targets)` is a tensor; of `score(model)` more is better."""

    source: Source
    loss: Callable[..., Any]
    score: Callable[[Any], float]


def fit(model: Any, task: Task, phases: tuple[Phase, ...], checkpoint: Path) -> Progress:
    """Train `model` in place and leave it with the weights of its best epoch.

    A checkpoint of other phases is not continued but replaced.
    """
    plan = repr(phases)
    progress = read_checkpoint(checkpoint, model, plan=plan) or Progress(plan)
    first = 0
    for phase in phases:
        last = first + phase.epochs
        if progress.epoch < last:
            _run_phase(model, task, phase, progress, checkpoint, first=first)
        first = last
    if progress.best_weights is not None:
        model.set_weights(progress.best_weights)
    return progress


def _run_phase(
    model: Any, task: Task, phase: Phase, progress: Progress, checkpoint: Path, *, first: int
) -> None:
    import keras

    for layer in model.layers:
        layer.trainable = not (phase.frozen and layer.name.startswith(phase.frozen))
    optimizer = keras.optimizers.Adam(phase.rate, clipnorm=1.0)
    optimizer.build(model.trainable_variables)
    progress.restore_optimizer(optimizer, inside=progress.epoch > first)
    advance = _step(model, task.loss, optimizer)
    total = phase.epochs * task.source.steps()
    while progress.epoch < first + phase.epochs:
        done = (progress.epoch - first) * task.source.steps()
        losses = []
        for index, batch in enumerate(task.source.epoch(progress.epoch)):
            optimizer.learning_rate.assign(phase.rate * _cosine((done + index) / total))
            losses.append(advance(*batch))
        loss = float(np.mean([float(value) for value in losses]))
        progress.add(loss, task.score(model), model)
        write_checkpoint(checkpoint, progress, model, optimizer)
        log.info(
            "%s epoch %d: loss %.4f, score %.4f", checkpoint.stem, progress.epoch, loss, progress.scores[-1]
        )
    for layer in model.layers:
        layer.trainable = True


def _cosine(part: float) -> float:
    return float(0.02 + 0.98 * (0.5 + 0.5 * np.cos(np.pi * part)))


def _step(model: Any, loss: Callable[..., Any], optimizer: Any) -> Callable[..., Any]:
    """One compiled update: (inputs, targets) -> loss."""
    import tensorflow as tf

    variables = model.trainable_variables

    def advance(inputs: tuple[Any, Any], targets: tuple[Any, ...]) -> Any:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in variables])
            value = loss(model(list(inputs), training=True), *targets)
        optimizer.apply(tape.gradient(value, [variable.value for variable in variables]), variables)
        return value

    return tf.function(advance)  # type: ignore[no-any-return]
