"""Card of a trained system: data and terms, split, seeds, schedule, measures, and its curves of learning."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.training.systems.fold_card import fold_options, fold_rule, fold_sections
from models.training.systems.plan import SystemPlan

if TYPE_CHECKING:
    from models.training.systems.bundle_of_system import Facts

CARD, PICTURE = "card.md", "learning.png"


@dataclass(frozen=True, slots=True)
class Course:
    """The course of one net's training: loss and validation measure of each epoch, the best from 0 on."""

    name: str
    seed: int
    losses: Sequence[float]
    scores: Sequence[float]
    best_epoch: int


def draw_course(folder: Path, courses: Sequence[Course], *, monitor: str) -> None:
    """Loss and validation measure by epoch as a picture in `folder`, best epochs marked."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 3.4))
    left, right = figure.subplots(1, 2)
    for course in courses:
        epochs = np.arange(1, len(course.losses) + 1)
        left.plot(epochs, course.losses, linewidth=1.0, label=course.name)
        (line,) = right.plot(epochs, course.scores, linewidth=1.0)
        right.plot(course.best_epoch + 1, course.scores[course.best_epoch], "o", color=line.get_color(), ms=4)
    left.set(xlabel="epoch", ylabel="training loss")
    right.set(xlabel="epoch", ylabel=f"{monitor} on validation")
    left.legend(fontsize=7)
    figure.tight_layout()
    # No version inside: the same figures give the same bytes.
    figure.savefig(folder / PICTURE, dpi=80, metadata={"Software": None})


def write_system_card(
    folder: Path,
    system: SystemPlan,
    facts: Facts,
    measured: Mapping[str, Mapping[str, float]],
    courses: Sequence[Course],
) -> None:
    """Write the card into `folder`."""
    data, first, folds = facts.data, system.members[0], facts.folds
    options = fold_options(folds.plan) if folds else ""
    rule = fold_rule(folds.plan) if folds else f"Seed of the split: {facts.seed}."
    chosen = "Each net on its own fold: epoch and trial were" if folds else "The best epoch was"
    parts = ", ".join(f"{count} {part}" for part, count in facts.parts.items())
    schedule = ", ".join(f"{key}={value}" for key, value in dataclasses.asdict(first.schedule).items())
    masks = (
        f"SpecAugment: masks of up to {first.masks[0]} rows and {first.masks[1]} bands."
        if first.masks
        else ""
    )
    lines = [
        f"# {system.system}, preset {system.preset}",
        "",
        f"Trained by `moodscribe train {system.system} --preset {system.preset}{options}`.",
        "",
        "## Data and terms",
        "",
        f"{data.name}: {data.terms}. Weights learned from it are for what these terms allow.",
        "",
        f"Tracks: {parts}. {rule}",
        *(f"- {note}" for note in (*data.notes, *facts.notes)),
        "",
        "## Training",
        "",
        f"Schedule `{system.trained_by}`: {schedule}. {masks}".rstrip(),
        "",
        *_courses(courses, monitor=first.schedule.monitor),
        "",
        f"![Curves of learning]({PICTURE})",
        "",
        "## Measured on validation",
        "",
        f"{chosen} chosen on these tracks: figures on others will be lower.",
        "",
        *_measures(measured),
        "",
        *(fold_sections(folds) if folds else ()),
        "## Settings",
        "",
        *(f"- {member.name}: `{member.settings}`" for member in system.members),
    ]
    (folder / CARD).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _courses(courses: Sequence[Course], *, monitor: str) -> list[str]:
    rows = [f"| net | seed | epochs | best epoch | {monitor} there |", "|---|---|---|---|---|"]
    return rows + [
        f"| {one.name} | {one.seed} | {len(one.losses)} | {one.best_epoch + 1} "
        f"| {one.scores[one.best_epoch]:.4f} |"
        for one in courses
    ]


def _measures(measured: Mapping[str, Mapping[str, float]]) -> list[str]:
    names = list(dict.fromkeys(name for row in measured.values() for name in row))
    rows = [f"| net | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for net, row in measured.items():
        cells = [f"{row[name]:.4f}" if name in row else "" for name in names]
        rows.append(f"| {net} | {' | '.join(cells)} |")
    return rows
