"""Folds by song index, the nets of each, and the one that is kept: as Coutinho et al. (2015) trained."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.training.data.form import DataSet, LabelledTrack
from models.training.data.splits import modulo_folds
from models.training.data.tables import bad_data
from models.training.systems.plan import MemberPlan

LEAST_FOLDS = 3


@dataclass(frozen=True, slots=True)
class FoldPlan:
    """`folds` of the tracks by index, `trials` nets of each, and what one of them is kept by, rmse or ccc.

    Folds count from 1. The last is held out: nothing is learned from it or chosen by it. Each of the others
    is validation once, and the rest of them train.

    Coutinho et al. (MediaEval 2015) have 11 folds and 5 trials, and submitted averages of chosen networks.
    Our reading: a net is chosen by the fold that its training has held out, one a fold, and runs 1 to 4 are
    FS1 by RMSE, FS1 by CCC, FS2 by RMSE and FS2 by CCC, each the mean of ten nets.
    """

    folds: int
    trials: int = 1
    select: str = "rmse"


@dataclass(frozen=True, slots=True)
class Choice:
    """The trial, from 1 on, that a fold kept of a kind of net, and the figures of all its trials."""

    kind: str
    fold: int
    trial: int
    figures: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class FoldReport:
    """What became of a plan: every choice, and what `evaluate_curves` says of the mean of the kept nets on
    the held-out fold."""

    plan: FoldPlan
    choices: Sequence[Choice]
    held_out: Mapping[str, Any]


def check_folds(data: DataSet, plan: FoldPlan) -> None:
    """Refuse what cannot work: fewer tracks than folds, or CCC where no curve is rated.

    Of one rating a track every net has a CCC of 0. Raises DataError(bad_input).
    """
    tracks = _folded(data)
    modulo_folds(tracks, plan.folds)
    if plan.select == "ccc" and not any(track.curve for track in tracks):
        raise bad_data(f"{data.name} has one rating a track, of which there is no CCC; choose by rmse")


def in_fold(data: DataSet, plan: FoldPlan, fold: int) -> DataSet:
    """The set with a fold as validation and the others as train.

    Tracks of an official test are in none; those of the held-out fold are there only where it is `fold`.
    """
    tracks = _folded(data)
    placed = (
        (replace(track, split="validation" if place == fold else "train"), place)
        for track, place in zip(tracks, modulo_folds(tracks, plan.folds) + 1, strict=True)
    )
    return replace(data, tracks=tuple(track for track, place in placed if place in (fold, *_learned(plan))))


def parted_groups(data: DataSet, plan: FoldPlan) -> str:
    """A note on groups that the folds do not keep whole; "" where there are none."""
    tracks = _folded(data)
    places = defaultdict(set)
    for track, place in zip(tracks, modulo_folds(tracks, plan.folds).tolist(), strict=True):
        places[track.group].add(place)
    parted = sum(len(found) > 1 for found in places.values())
    return f"{parted} of {len(places)} artists have tracks in several folds" if parted else ""


def trial_plans(kind: MemberPlan, plan: FoldPlan, fold: int) -> list[MemberPlan]:
    """The nets of a kind that a fold trains, from seeds that follow each other; every fold has the same."""
    return [
        replace(kind, name=f"{kind.name}-fold{fold}-trial{index + 1}", seed=kind.seed + index)
        for index in range(plan.trials)
    ]


def choose(kind: MemberPlan, plan: FoldPlan, fold: int, figures: Sequence[float]) -> Choice:
    """The first trial of the lowest RMSE or the highest CCC; one without a figure only where none has one."""
    signed = np.array(figures) * (1.0 if plan.select == "ccc" else -1.0)
    best = int(np.argmax(np.where(np.isnan(signed), -np.inf, signed)))
    return Choice(kind.name, fold, best + 1, tuple(figures))


def _folded(data: DataSet) -> list[LabelledTrack]:
    return [track for track in data.tracks if track.split != "test"]


def _learned(plan: FoldPlan) -> range:
    return range(1, plan.folds)
