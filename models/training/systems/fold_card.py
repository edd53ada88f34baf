"""What the card of a system trained in folds says of them: the nets that were kept, the held-out fold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.evaluation.curves import AXES
from models.training.systems.folds import Choice, FoldPlan, FoldReport


def fold_options(plan: FoldPlan) -> str:
    """The plan as options of `moodscribe train`."""
    return f" --folds {plan.folds} --trials {plan.trials} --select {plan.select}"


def fold_rule(plan: FoldPlan) -> str:
    """Which track is in which fold."""
    return (
        f"Fold of a track: its index in the set, from 0 on and without official test tracks, modulo "
        f"{plan.folds}, plus 1. Fold {plan.folds} is held out."
    )


def fold_sections(report: FoldReport) -> list[str]:
    """Lines of the sections on what was kept and on the held-out fold."""
    plan = report.plan
    best = "lowest RMSE" if plan.select == "rmse" else "highest CCC"
    songs = report.held_out["songs"]
    return [
        "## Folds and trials",
        "",
        f"Kept of each fold: the trial with the {best} there, of every song, averaged over songs, then",
        "over targets. The bundle is the mean of the kept nets.",
        "",
        f"| fold | net | kept | {plan.select.upper()} of trials 1 to {plan.trials} |",
        "|---|---|---|---|",
        *map(_choice, report.choices),
        "",
        f"## Measured on the held-out fold {plan.folds}",
        "",
        f"The mean of the kept nets on {songs} songs that none of them learned from or was chosen by:",
        "of every song, mean ± standard deviation over songs.",
        "",
        "| target | RMSE | r | CCC | songs without r |",
        "|---|---|---|---|---|",
        *(_axis(axis, report.held_out[axis]) for axis in AXES),
        "",
    ]


def _choice(choice: Choice) -> str:
    figures = " ".join(f"{figure:.4f}" for figure in choice.figures)
    return f"| {choice.fold} | {choice.kind} | trial {choice.trial} | {figures} |"


def _axis(axis: str, figures: Mapping[str, Any]) -> str:
    cells = [
        "none"
        if figures[f"{name}_mean"] is None
        else f"{figures[f'{name}_mean']:.4f} ± {figures[f'{name}_sd']:.4f}"
        for name in ("rmse", "r", "ccc")
    ]
    return f"| {axis} | {' | '.join(cells)} | {figures['songs_without_r']} |"
