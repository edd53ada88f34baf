"""The model card, written from the measured figures alone: run the stage again and it says what is so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.curves import QUADRANTS
from models.evaluation.curves import AXES
from models.training.recipe import ENCODER, HEAD, LEAST_SPEED, MOST_SPEED, SPLIT_SEED, TEACHER_SEEDS
from models.training.reporting import card_text as text
from models.training.reporting.curve_checks_text import curve_checks_text
from models.training.reporting.markdown import table
from models.training.reporting.plots import LEARNING, TAG_RATES, VALENCE_AROUSAL
from models.training.reporting.robustness_text import robustness_text

GOALS = {"macro F1": 0.77, "valence": 0.50, "arousal": 0.66}


@dataclass(frozen=True, slots=True)
class Part:
    """A member as the card shows it: its net, what it hears, how many values it has and bytes it takes."""

    name: str
    net: str
    hears: str
    values: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What the card is made of: the members and the stages' figures, by the names of their files' fields."""

    parts: Sequence[Part]
    fields: Mapping[str, Any]  # of bundle.json
    teacher: Mapping[str, Any]
    measured: Mapping[str, Any]
    checks: Mapping[str, Mapping[str, Any]]  # robustness, curves, speed
    stages: Sequence[str]


def write_card(facts: Facts) -> str:
    """The card as Markdown."""
    measured = facts.measured
    parts = [
        _introduction(facts),
        text.MEMBERS.format(table=_members(facts.parts), picture=LEARNING),
        text.DATA.format(
            jamendo=sum(facts.teacher["tracks"].values()), folds=measured["folds"], split_seed=SPLIT_SEED
        ),
        _how_trained(),
        _affect(measured),
        curve_checks_text(facts.checks["curves"]),
        _tagging(measured["tagging"]),
        _words(measured["words"]),
        text.PLACES.format(table=_places(measured["places"])),
        _decisions(facts.fields),
        text.RATES.format(picture=TAG_RATES, **measured["rates"]),
        robustness_text(facts.checks["robustness"]),
        _teacher(facts.teacher),
        _weaknesses(measured),
        text.NOT_FOR,
        text.REBUILD.format(stages=", ".join(facts.stages)),
        text.EVERY_TAG.format(table=_every_tag(facts)),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _introduction(facts: Facts) -> str:
    roles = [part.net for part in facts.parts]
    return text.INTRODUCTION.format(
        version=facts.fields["version"],
        terms=facts.fields["terms"],
        taggers=roles.count("tag-head"),
        voices=len(HEAD.seeds),
        megabytes=sum(part.bytes for part in facts.parts) / 1e6,
        **facts.checks["speed"],
    )


def _members(parts: Sequence[Part]) -> str:
    rows = [
        [part.name, part.net, part.hears, f"{part.values:,}", f"{part.bytes / 1e6:.2f}"] for part in parts
    ]
    return table(["member", "net", "hears", "values", "MB"], rows)


def _how_trained() -> str:
    return text.HOW_TRAINED.format(
        crop_s=ENCODER.rows / 2,
        crops=ENCODER.crops,
        least_speed=LEAST_SPEED,
        most_speed=MOST_SPEED,
        rate=ENCODER.phases[0].rate,
        epochs=ENCODER.phases[0].epochs,
        final_epochs=ENCODER.final[0].epochs,
        seed=ENCODER.seed,
        nets=len(TEACHER_SEEDS),
        teacher_seeds=", ".join(map(str, TEACHER_SEEDS)),
        heads=len(HEAD.seeds),
        share=HEAD.share,
        head_seeds=", ".join(map(str, HEAD.seeds)),
    )


def _affect(measured: Mapping[str, Any]) -> str:
    rows = []
    for name in AXES:
        figures = measured["affect"][name]
        low, high = figures["r_interval"]
        alone = f"{min(figures['member_r2']):.3f} to {max(figures['member_r2']):.3f}"
        bundle = [f"{figures['r2']:.3f}", f"{figures['r']:.3f} ({low:.2f} to {high:.2f})"]
        rows.append([name, *bundle, f"{figures['rmse']:.3f}", alone, f"{figures['ridge']['r2']:.3f}"])
    quadrants = measured["quadrants"]
    confusion = [
        [name, *map(str, row)] for name, row in zip(QUADRANTS, quadrants["bundle"]["confusion"], strict=True)
    ]
    return text.AFFECT.format(
        n=quadrants["n"],
        table=table(["", "R2", "r (95 % interval)", "RMSE", "one voice alone, R2", "ridge, R2"], rows),
        accuracy=quadrants["bundle"]["accuracy"],
        f1=quadrants["bundle"]["macro_f1"],
        ridge_accuracy=quadrants["ridge"]["accuracy"],
        ridge_f1=quadrants["ridge"]["macro_f1"],
        confusion=table(["", *QUADRANTS], confusion),
        spread_valence=measured["affect"]["valence"]["spread_r"],
        spread_arousal=measured["affect"]["arousal"]["spread_r"],
        picture=VALENCE_AROUSAL,
        goals=_goals(measured),
    )


def _goals(measured: Mapping[str, Any]) -> str:
    """Each goal met or missed, in words."""
    reached = {
        "macro F1": measured["quadrants"]["bundle"]["macro_f1"],
        **{name: measured["affect"][name]["r2"] for name in AXES},
    }
    return ", ".join(
        f"{name} {reached[name]:.3f} is {'met' if reached[name] >= goal else 'missed'}"
        for name, goal in GOALS.items()
    )


def _tagging(figures: Mapping[str, Any]) -> str:
    alone = ", ".join(f"{value:.3f}" for value in figures["member_r_mean"])
    names = ("n", "r_mean", "r_lowest", "auc_mean", "jaccard")
    return text.TAGGING.format(alone=alone, **{name: figures[name] for name in names})


def _words(words: Mapping[str, Any]) -> str:
    rows = [
        [tag, ", ".join(one["words"]), str(one["clips"]), f"{one['students']:.2f}", f"{one['teacher']:.2f}"]
        for tag, one in words.items()
    ]
    means = {who: float(np.mean([one[who] for one in words.values()])) for who in ("students", "teacher")}
    return text.WORDS.format(table=table(["tag", "words", "clips", "student", "teacher"], rows), **means)


def _places(places: Mapping[str, Any]) -> str:
    rows = [
        [tag, " and ".join(one["quadrants"]), f"{one['students']:.2f}", f"{one['teacher']:.2f}"]
        for tag, one in places.items()
    ]
    return table(["tag", "quadrants", "student", "teacher"], rows)


def _decisions(fields: Mapping[str, Any]) -> str:
    quality = fields["quality"]
    return text.DECISIONS.format(
        calibration=fields["calibration"]["provenance"],
        thresholds=fields["thresholds"]["provenance"],
        grades=quality["provenance"],
        off=", ".join(quality["off"]),
        opposites=", ".join(f"{first} and {second}" for first, second in quality["opposites"]),
    )


def _teacher(teacher: Mapping[str, Any]) -> str:
    aucs = {
        f"{split}_{short}": teacher[split][name]
        for split in ("validation", "test")
        for short, name in (("roc", "roc_auc"), ("pr", "pr_auc"))
    }
    return text.TEACHER.format(
        f=teacher["test_macro_f"],
        tracks=teacher["tracks"]["test"],
        missing=teacher["without_embedding"]["test"],
        **aucs,
    )


def _weaknesses(measured: Mapping[str, Any]) -> str:
    order = sorted(zip(measured["tagging"]["r"], measured["tags"], strict=True))
    return text.WEAKNESSES.format(worst=", ".join(f"{tag} ({r:.2f})" for r, tag in order[:8]))


def _every_tag(facts: Facts) -> str:
    measured = facts.measured
    columns = (
        *(facts.teacher["roc_auc"][split] for split in ("validation", "test", "both")),
        measured["tagging"]["r"],
        measured["tagging"]["auc"],
        measured["rates"]["all"],
    )
    grades = facts.fields["quality"]["grades"]
    rows = [
        [tag, grade, *(f"{value:.2f}" for value in values)]
        for tag, grade, *values in zip(measured["tags"], grades, *columns, strict=True)
    ]
    head = ["tag", "grade", "ROC-AUC validation", "test", "both", "r with teacher", "ROC-AUC, its top tenth"]
    return table([*head, "share of clips"], rows)
