"""One net of a system from its first weights to its best epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.antonyms import antonym_rnn
from models.ensemble import compiled
from models.registry import Role, architecture
from models.regressors.deep_lstm import DeepLstmSettings
from models.training.learning.checkpoint import Progress
from models.training.learning.fit import Manner, Phase, Task, constant, fit
from models.training.systems.denoising import pretrain_first_layer
from models.training.systems.framing import predict
from models.training.systems.losses import loss_of, monitored
from models.training.systems.plan import MemberPlan
from models.training.systems.schedules import RatePhase, make_optimizer
from models.training.systems.stream import Stream
from models.training.systems.targets import on_steps
from models.weights import arrays_of, set_weights

Floats = NDArray[np.float32]
Told = Callable[[str, Progress], None]
# The paper gives no number.
_PRETRAINING_EPOCHS = 20


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
    sign = 1.0 if plan.schedule.direction == "max" else -1.0
    forward = compiled(model)

    def score(_: Any) -> float:
        outputs, targets = _outputs(forward, parts.validation)
        return sign * monitored(plan, list(outputs.values()), targets, model)

    manner = Manner(
        optimizer=lambda phase: make_optimizer(plan.schedule, RatePhase(phase.epochs, phase.rate)),
        fall=constant,
        patience=plan.schedule.patience,
        told=partial(around.told, plan.name) if around.told else None,
        plan=f"{plan}{around.fingerprint}",
    )
    phases = tuple(
        Phase(one.epochs, one.rate, one.frozen if frozen_start else "") for one in plan.schedule.phases
    )
    checkpoint = around.checkpoints / f"{plan.name}.npz"
    progress = fit(model, Task(parts.train, loss_of(plan, model), score), phases, checkpoint, manner=manner)
    return Trained(
        plan,
        arrays_of(model),
        progress.losses,
        [sign * value for value in progress.scores],
        progress.best_epoch,
        _outputs(forward, parts.validation)[0],
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
    if isinstance(plan.settings, DeepLstmSettings):
        sequences = [values for _, values, _ in parts.train.tracks()]
        epochs = min(_PRETRAINING_EPOCHS, plan.schedule.epochs)
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


def _outputs(forward: Callable[[Any, Any], Any], part: Stream) -> tuple[dict[str, Floats], list[Floats]]:
    """Outputs by track id, and the targets in the same order."""
    outputs, targets = {}, []
    for name, values, target in part.tracks():
        outputs[name] = predict(forward, values, part.framing)
        targets.append(target)
    return outputs, targets
