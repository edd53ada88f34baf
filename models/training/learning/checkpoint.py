"""Checkpoints: all that a training needs to go on as if it had not been stopped."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = list[NDArray[Any]]


@dataclass(slots=True)
class Progress:
    """How far a training has come: one loss and one score for every epoch done, and the best weights.

    `validation_losses` are as many, or none where the task does not measure them.
    """

    plan: str
    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    best_weights: Arrays | None = None
    optimizer: Arrays = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.losses)

    @property
    def best_epoch(self) -> int:
        """Place of the best score, from 0 on."""
        return int(np.argmax(self.scores))

    @property
    def since_best(self) -> int:
        """Epochs done after the best one."""
        return self.epoch - 1 - self.best_epoch

    def add(self, loss: float, score: float, model: Any) -> None:
        """Note an epoch, and the model's weights if it is the best so far."""
        self.losses.append(loss)
        self.scores.append(score)
        if self.best_epoch == len(self.scores) - 1:
            self.best_weights = [np.array(array) for array in model.get_weights()]

    def restore_optimizer(self, optimizer: Any, *, inside: bool) -> None:
        """Fill an optimiser that stopped inside its phase; leave one that starts a phase as it is."""
        if inside:
            for variable, array in zip(optimizer.variables, self.optimizer, strict=True):
                variable.assign(array)


def write_checkpoint(path: Path, progress: Progress, model: Any, optimizer: Any) -> None:
    """Replace the file at `path` in one move: a kill leaves the old one or the new one."""
    about = json.dumps(
        {name: getattr(progress, name) for name in ("plan", "losses", "scores", "validation_losses")}
    )
    groups = {
        # With the states of the random generators, which `get_weights` leaves out.
        "state": [np.asarray(variable) for variable in model.variables],
        "optimizer": [np.asarray(variable) for variable in optimizer.variables],
        "best": progress.best_weights or [],
    }
    arrays = {
        f"{group}{place:04d}": array for group, held in groups.items() for place, array in enumerate(held)
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, about=np.array(about), **arrays)  # type: ignore[arg-type]
    part.replace(path)


def read_checkpoint(path: Path, model: Any, *, plan: str) -> Progress | None:
    """Fill the model from a checkpoint of the same plan and return its progress; None where there is none."""
    if not path.is_file():
        return None
    with np.load(path) as arrays:
        about = json.loads(str(arrays["about"]))
        if about["plan"] != plan:
            return None
        for variable, array in zip(model.variables, _group(arrays, "state"), strict=True):
            variable.assign(array)
        best, optimizer = _group(arrays, "best"), _group(arrays, "optimizer")
    return Progress(plan, about["losses"], about["scores"], best, optimizer, about["validation_losses"])


def _group(arrays: Any, group: str) -> Arrays:
    return [arrays[name] for name in sorted(arrays.files) if name.startswith(group)]
