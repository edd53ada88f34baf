"""The model card, written from the measured figures alone: run the stage again and it says what is so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.training.card_text import DATA, HOW_TRAINED, INTRODUCTION, NOT_FOR, REBUILD, WEAKNESSES
from models.training.members import SPLIT_SEED, TEACHER_SEEDS, Plan
from models.training.plots import LEARNING, TAG_RATES, VALENCE_AROUSAL


@dataclass(frozen=True, slots=True)
class Facts:
    """What the card is made of: the members with their sizes and histories, and the stages' figures."""

    plans: Sequence[Plan]
    parameters: Mapping[str, int]
    bytes: Mapping[str, int]
    histories: Mapping[str, Mapping[str, Any]]
    teacher: Mapping[str, Any]
    measured: Mapping[str, Any]
    calibration: str
    thresholds: str


def write_card(facts: Facts) -> str:
    """The card as Markdown."""
    parts = [
        INTRODUCTION,
        _members(facts),
        DATA,
        _split(facts.measured),
        HOW_TRAINED.format(split_seed=SPLIT_SEED, teacher_seeds=", ".join(map(str, TEACHER_SEEDS))),
        f"![Curves of learning]({LEARNING})\n\n## Decisions\n\n"
        f"Calibration: {facts.calibration}.\n\nThresholds: {facts.thresholds}.",
        _tagging(facts.measured),
        _affect(facts.measured, facts.teacher["affect"]["test"]),
        _rates(facts.measured["rates"]),
        _teacher(facts.teacher),
        _weaknesses(facts),
        NOT_FOR,
        REBUILD,
        _per_tag(facts.measured),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _members(facts: Facts) -> str:
    rows = [
        [
            plan.name,
            f"{plan.architecture}, {getattr(plan.settings, 'cell', 'convolutions')}",
            plan.front_end,
            f"{facts.parameters[plan.name]:,}",
            f"{facts.bytes[plan.name] / 1e6:.2f}",
            str(plan.seed),
            f"{facts.histories[plan.name]['best_epoch']} of {len(facts.histories[plan.name]['scores'])}",
            f"{max(facts.histories[plan.name]['scores']):.3f}",
        ]
        for plan in facts.plans
    ]
    head = ["member", "net", "front end", "values", "MB", "seed", "best epoch", "validation r"]
    note = (
        "Validation r: for taggers the mean over the tags of the correlation with the teacher's logits, for "
        "regressors the mean of valence's and arousal's correlation with the labels; it picked the epoch."
    )
    return f"## Members\n\n{_table(head, rows)}\n\n{note}"


def _split(measured: Mapping[str, Any]) -> str:
    counts = measured["clips"]
    rows = [
        [name, *(str(counts.get(f"{source} {split}", 0)) for split in ("train", "validation", "test"))]
        for source, name in (("4q", "4Q, by artist"), ("emotify", "Emotify, by track"))
    ]
    return f"## Split of the clips\n\n{_table(['set', 'train', 'validation', 'test'], rows)}"


def _tagging(measured: Mapping[str, Any]) -> str:
    figures = measured["tagging"]
    alone = ", ".join(f"{value:.3f}" for value in figures["member_r_mean"])
    return (
        f"## Tags: students against the teacher, {figures['n']} test clips\n\n"
        f"Correlation of the logits, over clips, per tag: mean {figures['r_mean']:.3f}, median "
        f"{figures['r_median']:.3f} (members alone, mean: {alone}). ROC-AUC against the tenth of the clips that "
        f"the teacher scores highest, mean over the tags: {figures['auc_mean']:.3f}. Tags that both give, of those "
        f"that either gives at the bundle's thresholds: {figures['jaccard']:.2f}. This is agreement with a teacher, "
        "not with people: the clips have no labels for these tags. The table at the end has every tag."
    )


def _affect(measured: Mapping[str, Any], teacher: Mapping[str, Any]) -> str:
    rows = []
    for name, figures in measured["affect"]["test"].items():
        low, high = figures["r_interval"]
        row = [f"{figures[key]:.3f}" for key in ("r2", "rmse")]
        theirs = f"{teacher[name]['r']:.3f} / {teacher[name]['r2']:.3f}"
        rows.append(
            [name, f"{figures['n']:.0f}", f"{figures['r']:.3f} ({low:.2f} to {high:.2f})", *row, theirs]
        )
    head = ["", "clips", "r (95 % interval)", "R2", "RMSE", "teacher r / R2"]
    quadrants = [
        [part, *(f"{v:+.2f} / {a:+.2f}" for v, a in figures.values())]
        for part, figures in (
            ("all 640 clips (training clips among them)", measured["quadrants"]["all"]),
            ("test artists", measured["quadrants"]["test"]),
        )
    ]
    return (
        "## Valence and arousal: test artists of 4Q\n\nMean over the clip of the mean of the three regressors' "
        f"curves, against the label.\n\n{_table(head, rows)}\n\nMean predicted valence / arousal by quadrant:\n\n"
        f"{_table(['', 'Q1', 'Q2', 'Q3', 'Q4'], quadrants)}\n\n![Valence and arousal]({VALENCE_AROUSAL})\n\n"
        "The shape of the curves inside a track has been compared with no rating: it follows the teacher's."
    )


def _rates(rates: Mapping[str, Any]) -> str:
    median, untagged = rates["median_tags"], rates["untagged"]
    return (
        f"## How many tags\n\nMedian tags of a clip: {median['test']:g} on test, {median['all']:g} on all; clips "
        f"without any: {untagged['test']:.1%} on test, {untagged['all']:.1%} on all. Highest share of the 640 4Q "
        f"clips that one tag is on: {rates['highest_4q']:.1%}. Tags in use on them: {rates['tags_in_use_4q']}; "
        f"different sets of tags: {rates['different_sets_4q']}.\n\n![Tag rates]({TAG_RATES})"
    )


def _teacher(teacher: Mapping[str, Any]) -> str:
    tags = teacher["tags"]
    counts, missing = tags["tracks"], tags["without_embedding"]
    return (
        f"## The teacher, on MTG-Jamendo split-0\n\nMacro ROC-AUC {tags['test']['roc_auc']:.3f} and PR-AUC "
        f"{tags['test']['pr_auc']:.3f} on the official test split ({counts['test']:,} of its tracks have an "
        f"embedding, {missing['test']} do not), macro F {tags['test_macro_f']:.3f} with thresholds from validation; "
        f"on validation {tags['validation']['roc_auc']:.3f} and {tags['validation']['pr_auc']:.3f}. The bundle's own "
        "nets have never heard a track of MTG-Jamendo and have no figure on it. The clips' mean embedding correlates "
        f"{teacher['mean_embedding_r']:.2f} with that of the Jamendo tracks: they are other music, and coded at 24 "
        "kbit/s."
    )


def _weaknesses(facts: Facts) -> str:
    figures = facts.measured["tagging"]
    order = sorted(zip(figures["r"], facts.measured["tags"], strict=True))
    worst = ", ".join(f"{tag} ({r:.2f})" for r, tag in order[:8])
    return WEAKNESSES.format(worst=worst)


def _per_tag(measured: Mapping[str, Any]) -> str:
    figures, rates = measured["tagging"], measured["rates"]
    rows = [
        [tag, *(f"{value:.2f}" for value in values)]
        for tag, *values in zip(
            measured["tags"], figures["r"], figures["auc"], rates["test"], rates["4q"], strict=True
        )
    ]
    head = ["tag", "r with teacher", "ROC-AUC, top tenth", "share of test clips", "share of 4Q clips"]
    return f"## Every tag\n\n{_table(head, rows)}"
