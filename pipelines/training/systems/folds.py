"""Training in folds: streams of every fold, its trials, the net it keeps, and the held-out fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.training.data.form import DataSet
from models.training.systems.fold_measures import Applied, evaluate_mean, mean_figure
from models.training.systems.folds import (
    Choice,
    FoldPlan,
    FoldReport,
    choose,
    in_fold,
    parted_groups,
    trial_plans,
)
from models.training.systems.loop import Surroundings, Trained, outputs_of, train_member
from models.training.systems.plan import MemberPlan, SystemPlan
from models.training.systems.stream import Stream
from pipelines.training.systems.gather import Features, Gathered, gather

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class GatheredFolds:
    """Streams with each fold as validation, the held-out one last; how many tracks each part has; notes."""

    plan: FoldPlan
    kinds: tuple[MemberPlan, ...]
    folds: tuple[Gathered, ...]
    counts: Mapping[str, int]
    notes: tuple[str, ...]

    @property
    def members(self) -> list[MemberPlan]:
        """All nets to train, in their order."""
        return [
            one
            for fold in range(1, self.plan.folds)
            for kind in self.kinds
            for one in trial_plans(kind, self.plan, fold)
        ]

    def validation(self, fold: int, kind: MemberPlan) -> Stream:
        """The tracks of a fold, as a kind of net takes them."""
        return self.folds[fold - 1].parts[kind.name].validation


@dataclass(frozen=True, slots=True)
class TrainedFolds:
    """The kept nets, the ratings of each one's validation fold by its name, and what to say of them."""

    trained: list[Trained]
    targets: dict[str, Mapping[str, Floats]]
    report: FoldReport


def gather_folds(data: DataSet, system: SystemPlan, store: Features, *, plan: FoldPlan) -> GatheredFolds:
    """Streams of all folds, checked before any net is trained; DataError(bad_input) as `gather` has it."""
    folds = tuple(
        gather(in_fold(data, plan, fold), system, store, seed=system.members[0].seed)
        for fold in range(1, plan.folds + 1)
    )
    # With the held-out fold as validation all tracks are there.
    whole = folds[-1]
    parts = whole.parts[system.members[0].name]
    counts = {
        f"in {plan.folds - 1} folds": len(parts.train.targets),
        "held out": len(parts.validation.targets),
    }
    if tests := sum(track.split == "test" for track in data.tracks):
        counts["official test (not looked at)"] = tests
    notes = (*whole.notes, parted_groups(data, plan))
    return GatheredFolds(plan, system.members, folds, counts, tuple(filter(None, notes)))


def train_folds(gathered: GatheredFolds, around: Surroundings) -> TrainedFolds:
    """Train every trial of every fold, keep one net of each fold and kind, and measure their mean.

    Each net has a checkpoint of its own, named by fold and trial, which neither the number of trials nor what
    they are chosen by invalidates.
    """
    trained: list[Trained] = []
    targets: dict[str, Mapping[str, Floats]] = {}
    choices: list[Choice] = []
    applied: list[Applied] = []
    for fold in range(1, gathered.plan.folds):
        for kind in gathered.kinds:
            choice, one = _keep(gathered, kind, fold, around)
            tested = gathered.validation(gathered.plan.folds, kind)
            outputs = outputs_of(one, tested.features, tested.framing, tested.targets.keys())
            trained.append(one)
            targets[one.plan.name] = gathered.validation(fold, kind).targets
            choices.append(choice)
            applied.append(Applied(kind.target, outputs, tested.targets))
    return TrainedFolds(trained, targets, FoldReport(gathered.plan, choices, evaluate_mean(applied)))


def _keep(
    gathered: GatheredFolds, kind: MemberPlan, fold: int, around: Surroundings
) -> tuple[Choice, Trained]:
    """All trials of a fold, of which one is kept."""
    found = gathered.folds[fold - 1]
    parts = found.parts[kind.name]
    around = replace(around, fingerprint=found.fingerprint)
    trials = [
        train_member(one, replace(parts, train=replace(parts.train, seed=one.seed)), around)
        for one in trial_plans(kind, gathered.plan, fold)
    ]
    figures = [
        mean_figure(Applied(kind.target, one.outputs, parts.validation.targets), gathered.plan.select)
        for one in trials
    ]
    choice = choose(kind, gathered.plan, fold, figures)
    return choice, trials[choice.trial - 1]
