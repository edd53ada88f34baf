"""The model card, written from the measured figures alone: run the stage again and it says what is so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.training.learning.chunks import RATE_HZ, SHORT_SAMPLES, SHORT_SHARE
from models.training.learning.curves import TEACHER_WEIGHT
from models.training.members import SPLIT_SEED, TEACHER_SEEDS, Plan
from models.training.reporting import card_text as text
from models.training.reporting.plots import LEARNING, TAG_RATES, VALENCE_AROUSAL


@dataclass(frozen=True, slots=True)
class Facts:
    """What the card is made of: the members with their sizes and histories, and the stages' figures."""

    plans: Sequence[Plan]
    parameters: Mapping[str, int]
    bytes: Mapping[str, int]
    histories: Mapping[str, Mapping[str, Any]]
    teacher: Mapping[str, Any]
    measured: Mapping[str, Any]
    fields: Mapping[str, Any]  # of bundle.json


def write_card(facts: Facts) -> str:
    """The card as Markdown."""
    fields, measured = facts.fields, facts.measured
    parts = [
        text.INTRODUCTION.format(version=fields["version"], terms=fields["terms"]),
        text.MEMBERS.format(table=_members(facts), picture=LEARNING),
        _data(facts),
        text.HOW_TRAINED.format(
            nets=len(TEACHER_SEEDS),
            teacher_seeds=", ".join(map(str, TEACHER_SEEDS)),
            split_seed=SPLIT_SEED,
            curve_weight=TEACHER_WEIGHT,
            short_share=SHORT_SHARE,
            short_s=SHORT_SAMPLES // RATE_HZ,
        ),
        text.DECISIONS.format(
            calibration=fields["calibration"]["provenance"], thresholds=fields["thresholds"]["provenance"]
        ),
        _tagging(measured["tagging"]),
        text.PLACES.format(table=_places(measured["places"])),
        _affect(measured, facts.teacher["affect"]["test"]),
        _rates(measured["rates"]),
        _teacher(facts.teacher),
        _weaknesses(measured),
        text.NOT_FOR,
        text.REBUILD,
        text.EVERY_TAG.format(table=_every_tag(measured)),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _members(facts: Facts) -> str:
    rows = []
    for plan in facts.plans:
        scores, best = (facts.histories[plan.name][key] for key in ("scores", "best_epoch"))
        cell = getattr(plan.settings, "cell", "convolutions")
        sizes = [f"{facts.parameters[plan.name]:,}", f"{facts.bytes[plan.name] / 1e6:.2f}"]
        fitted = [str(plan.seed), f"{best} of {len(scores)}", f"{max(scores):.3f}"]
        rows.append([plan.name, f"{plan.architecture}, {cell}", plan.front_end, *sizes, *fitted])
    head = ["member", "net", "front end", "values", "MB", "seed", "best epoch", "validation r"]
    return _table(head, rows)


def _data(facts: Facts) -> str:
    counts = facts.measured["clips"]
    rows = [
        [name, *(str(counts.get(f"{source} {split}", 0)) for split in ("train", "validation", "test"))]
        for source, name in (("4q", "4Q, by artist"), ("emotify", "Emotify, by track"))
    ]
    tracks = sum(facts.teacher["tags"]["tracks"].values())
    return text.DATA.format(jamendo=tracks, split="\n".join(f"| {' | '.join(row)} |" for row in rows))


def _tagging(figures: Mapping[str, Any]) -> str:
    alone = ", ".join(f"{value:.3f}" for value in figures["member_r_mean"])
    names = ("n", "r_mean", "r_median", "auc_mean", "jaccard")
    return text.TAGGING.format(alone=alone, **{name: figures[name] for name in names})


def _places(places: Mapping[str, Any]) -> str:
    parts = ("test", "validation", "train")
    rows = []
    for tag, figures in places.items():
        aucs = [f"{figures[part]['students']:.2f} / {figures[part]['teacher']:.2f}" for part in parts]
        inside, outside = figures["test"]["n"]
        rows.append([tag, " and ".join(figures["quadrants"]), f"{inside} / {outside}", *aucs])
    return _table(["tag", "quadrants", "test clips in / out", *parts], rows)


def _affect(measured: Mapping[str, Any], teacher: Mapping[str, Any]) -> str:
    rows = []
    for name, figures in measured["affect"]["test"].items():
        low, high = figures["r_interval"]
        r = f"{figures['r']:.3f} ({low:.2f} to {high:.2f})"
        theirs = f"{teacher[name]['r']:.3f} / {teacher[name]['r2']:.3f}"
        rows.append(
            [name, f"{figures['n']:.0f}", r, f"{figures['r2']:.3f}", f"{figures['rmse']:.3f}", theirs]
        )
    quadrants = [
        [
            name,
            *(
                f"{valence:+.2f} / {arousal:+.2f}"
                for valence, arousal in measured["quadrants"][part].values()
            ),
        ]
        for part, name in (("all", "all 640 clips"), ("test", "test artists"))
    ]
    return text.AFFECT.format(
        table=_table(["", "clips", "r (95 % interval)", "R2", "RMSE", "teacher r / R2"], rows),
        quadrants=_table(["", "Q1", "Q2", "Q3", "Q4"], quadrants),
        picture=VALENCE_AROUSAL,
    )


def _rates(rates: Mapping[str, Any]) -> str:
    figures = {
        f"{part}_{name}": rates[key][part]
        for part in ("test", "all")
        for name, key in (("median", "median_tags"), ("untagged", "untagged"))
    }
    names = ("highest_4q", "tags_in_use_4q", "different_sets_4q")
    return text.RATES.format(picture=TAG_RATES, **figures, **{name: rates[name] for name in names})


def _teacher(teacher: Mapping[str, Any]) -> str:
    tags = teacher["tags"]
    aucs = {
        f"{split}_{short}": tags[split][name]
        for split in ("validation", "test")
        for short, name in (("roc", "roc_auc"), ("pr", "pr_auc"))
    }
    return text.TEACHER.format(
        f=tags["test_macro_f"],
        tracks=tags["tracks"]["test"],
        missing=tags["without_embedding"]["test"],
        likeness=teacher["mean_embedding_r"],
        **aucs,
    )


def _weaknesses(measured: Mapping[str, Any]) -> str:
    order = sorted(zip(measured["tagging"]["r"], measured["tags"], strict=True))
    return text.WEAKNESSES.format(worst=", ".join(f"{tag} ({r:.2f})" for r, tag in order[:8]))


def _every_tag(measured: Mapping[str, Any]) -> str:
    figures, rates = measured["tagging"], measured["rates"]
    columns = (figures["r"], figures["auc"], rates["test"], rates["4q"])
    rows = [
        [tag, *(f"{value:.2f}" for value in values)]
        for tag, *values in zip(measured["tags"], *columns, strict=True)
    ]
    return _table(
        ["tag", "r with teacher", "ROC-AUC, top tenth", "share of test clips", "share of 4Q clips"], rows
    )
