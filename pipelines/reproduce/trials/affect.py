"""Rows of the tables on valence and arousal: which nets of which contender, and their curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.reproduce.results import figure
from pipelines.reproduce.stages import Found, Table
from pipelines.reproduce.trials.cross_fit import Fold, each_track

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: title, contender, and the start of its nets' names where not all are meant."""

    title: str
    contender: str
    nets: str = ""


def curves_of(row: Row, fitted: Mapping[str, Sequence[Fold]]) -> dict[str, Floats]:
    """Curve [steps, 2], valence and arousal, of every test track by id: the mean of the row's nets."""
    folds = fitted[row.contender]
    if any(name.endswith("-valence") for name in folds[0].test):
        valence, arousal = (
            dict(each_track(folds, f"{row.contender}-{target}")) for target in ("valence", "arousal")
        )
        return {name: np.concatenate([valence[name], arousal[name]], axis=1) for name in valence}
    return dict(each_track(folds, row.nets))


def courses_of(fitted: Mapping[str, Sequence[Fold]]) -> Found:
    """The courses of all trainings, by contender and net, one for each fold."""
    return {
        name: {net: [fold.courses[net] for fold in folds] for net in folds[0].courses}
        for name, folds in fitted.items()
        if folds[0].courses
    }


def courses_table(courses: Mapping[str, Found], *, digits: int = 4) -> Table:
    """How the first net of every kind learned on the first fold, and on how many folds the loss fell."""
    columns = (
        "contender", "parameters", "tracks", "epochs", "training loss",
        "validation loss: first epoch", "lowest", "fell on",
    )  # fmt: skip
    return Table(columns, tuple(_course(name, nets, digits) for name, nets in courses.items()))


def _course(name: str, nets: Found, digits: int) -> tuple[str, ...]:
    every = [course for folds in nets.values() for course in folds]
    first, losses = every[0], every[0]["validation_losses"]
    fell = sum(min(course["validation_losses"]) < course["validation_losses"][0] for course in every)
    return (
        name,
        f"{first['parameters']:,}",
        f"{first['tracks'][0]} + {first['tracks'][1]}",
        str(len(first["losses"])),
        f"{_short(first['losses'][0], digits)} -> {_short(first['losses'][-1], digits)}",
        _short(losses[0], digits),
        f"{_short(min(losses), digits)} (epoch {int(np.argmin(losses)) + 1})",
        f"{fell} of {len(every)} trainings",
    )


def _short(value: float, digits: int) -> str:
    return figure(value, digits) if abs(value) < 10.0 else f"{value:,.0f}"
