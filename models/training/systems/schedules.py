"""Training schedules of the five systems as data: what the papers state, and what we chose where they do not.

Amiriparian et al. 2019 (crnn, deep-spectrum-rnn), Coutinho et al. 2015 (deep-lstm), Liu et al. 2018
(antonym-rnn), Havránek 2021 (gru), Yang 2021 (autoencoder, two-convolutions). Where paper and public code
differ, "published" is the paper and "published-code" the code. "compact" is ours: for the compact presets of
the models, on little data and few cores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from schemas.errors import DataError, FailureKind, Stage

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class RatePhase:
    """At most so many epochs at one learning rate.

    Layers whose name starts with `frozen` keep their weights; none does where it is empty.
    """

    epochs: int
    rate: float
    frozen: str = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a system is trained.

    `loss` is a mean over all values, but "sum_of_squares" a sum over steps, targets and tracks of a batch,
    which is what a rate of 5e-6 is for. Its targets are standardised on the training fold where
    `standardised` is set. `patience` counts epochs without a better `monitor` on validation before training
    stops, 0 for never; the weights of the best epoch are restored. `noise` is the deviation of the Gaussian
    noise on the input: the model's setting of that name. `weight_decay` is decoupled from the gradient.
    `pretraining` are epochs of denoising that the first layer starts from, at most as many as follow.
    `ours` names the fields that the paper does not give.
    """

    optimizer: Literal["rmsprop", "sgd", "adam"]
    phases: tuple[RatePhase, ...]
    batch: int
    loss: Literal["binary_crossentropy", "categorical_crossentropy", "sum_of_squares", "mse"]
    monitor: str
    direction: Literal["max", "min"]
    patience: int = 0
    noise: float = 0.0
    momentum: float = 0.0
    weight_decay: float = 0.0
    standardised: bool = False
    pretraining: int = 0
    ours: tuple[str, ...] = ()

    @property
    def epochs(self) -> int:
        """Most epochs of all phases."""
        return sum(phase.epochs for phase in self.phases)


_ALL = ("everything",)


def _crnn(noise: float) -> Schedule:
    return Schedule(
        optimizer="rmsprop",
        phases=(RatePhase(20, 1e-3, frozen="conv"), RatePhase(80, 1e-4)),
        batch=32,
        loss="binary_crossentropy",
        monitor="roc_auc_macro",
        direction="max",
        noise=noise,
    )


def _deep_spectrum(patience: int) -> Schedule:
    return Schedule(
        optimizer="rmsprop",
        phases=(RatePhase(1000, 1e-3),),
        batch=32,
        loss="binary_crossentropy",
        monitor="roc_auc_macro",
        direction="max",
        patience=patience,
    )


def _tagger(epochs: int, *, noise: float = 0.0) -> Schedule:
    return Schedule(
        optimizer="adam",
        phases=(RatePhase(epochs, 1e-3),),
        batch=16,
        loss="binary_crossentropy",
        monitor="roc_auc_macro",
        direction="max",
        patience=10,
        noise=noise,
        ours=_ALL,
    )


def _curves(epochs: int) -> Schedule:
    return Schedule(
        optimizer="adam",
        phases=(RatePhase(epochs, 1e-3),),
        batch=16,
        loss="mse",
        monitor="mse",
        direction="min",
        patience=10,
        ours=_ALL,
    )


_DEEP_LSTM = Schedule(
    optimizer="sgd",
    phases=(RatePhase(1000, 5e-6),),
    batch=8,
    loss="sum_of_squares",
    monitor="sum_of_squares",
    direction="min",
    patience=20,
    noise=0.3,
    momentum=0.9,
    standardised=True,
    pretraining=20,
    ours=("phases.epochs", "batch", "pretraining"),
)

_DEEP_LSTM_COMPACT = replace(_curves(60), noise=0.3, standardised=True, pretraining=20)

_ANTONYM = Schedule(
    optimizer="sgd",
    phases=(RatePhase(200, 1e-2),),
    batch=16,
    loss="categorical_crossentropy",
    monitor="categorical_crossentropy",
    direction="min",
    patience=20,
    ours=("phases", "batch", "monitor", "direction", "patience"),
)

_ANTONYM_COMPACT = Schedule(
    optimizer="adam",
    phases=(RatePhase(40, 1e-3),),
    batch=16,
    loss="categorical_crossentropy",
    monitor="categorical_crossentropy",
    direction="min",
    patience=10,
    ours=_ALL,
)

_GRU = Schedule(
    optimizer="adam",
    phases=(RatePhase(5, 1e-3),),
    batch=32,
    loss="mse",
    monitor="mse",
    direction="min",
    weight_decay=1e-3,
    ours=("monitor", "direction"),
)

_AUTOENCODER = Schedule(
    optimizer="adam",
    phases=(RatePhase(100, 1e-4),),
    batch=16,
    loss="mse",
    monitor="mse",
    direction="min",
    ours=("monitor", "direction"),
)

SCHEDULES: Mapping[str, Mapping[str, Schedule]] = {
    "crnn": {"published": _crnn(0.2), "published-code": _crnn(0.1), "compact": _tagger(24, noise=0.1)},
    "deep-spectrum-rnn": {
        "published": _deep_spectrum(50),
        "published-code": _deep_spectrum(100),
        "compact": _tagger(40),
    },
    "deep-lstm": {"published": _DEEP_LSTM, "compact": _DEEP_LSTM_COMPACT},
    "antonym-rnn": {"published": _ANTONYM, "compact": _ANTONYM_COMPACT},
    "gru": {"published": _GRU, "compact": _curves(20)},
    "autoencoder": {"published": _AUTOENCODER, "compact": _curves(40)},
    "two-convolutions": {"published": _AUTOENCODER, "compact": _curves(40)},
}


def schedule(system: str, preset: str) -> Schedule:
    """The schedule of a system; DataError(bad_input) that lists those there are."""
    if system not in SCHEDULES:
        raise _refusal(f"no system {system!r}; there are {', '.join(SCHEDULES)}")
    presets = SCHEDULES[system]
    if preset not in presets:
        raise _refusal(f"{system} has no training preset {preset!r}; there are {', '.join(presets)}")
    return presets[preset]


def make_optimizer(chosen: Schedule, phase: RatePhase) -> keras.optimizers.Optimizer:
    """A new optimiser for one phase of a schedule."""
    import keras

    decay = chosen.weight_decay or None
    if chosen.optimizer == "sgd":
        return keras.optimizers.SGD(phase.rate, momentum=chosen.momentum, weight_decay=decay)
    kind = keras.optimizers.RMSprop if chosen.optimizer == "rmsprop" else keras.optimizers.Adam
    return kind(phase.rate, weight_decay=decay)


def _refusal(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.INPUT, message)
