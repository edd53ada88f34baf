"""The report on tags: figures with their intervals, members, calibration, precision and recall, every tag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.evaluation.pages.drawing import draw_bars, draw_precision_recall, draw_reliability
from models.evaluation.pages.report import Picture, Report, ReportTable
from models.evaluation.tags import Scored

TUNED_HERE = (
    "The thresholds are tuned on the very labels that they are measured against, as the official evaluation "
    "does: precision, recall and F are too high for new tracks. The cross-fitted F is tuned on other tracks."
)
_MEASURES = ("roc_auc", "pr_auc", "precision", "recall", "f1")
_CURVES = 5


def tags_report(found: Mapping[str, Any], scored: Scored | None = None) -> Report:
    """What `evaluate_tags` found, with members, fusion and files; pictures where `scored` is given."""
    fusion, thresholds = found["fusion"]["name"], found["thresholds"]
    summary = (
        f"{found['scores']} against {found['labels']}: {found['tracks']:,} tracks, "
        f"{len(found['tags'])} tags, {fusion} of {len(found['members'])} member(s). "
        f"Thresholds: {thresholds['kind']}, {thresholds['rule']}."
    )
    warnings = [TUNED_HERE] if found["tuned_on_these_labels"] else []
    if bare := found["tags_without_positive"]:
        warnings.append(f"No track has {', '.join(bare)}: left out of the macro areas.")
    tables = [_figures(found), _members(found), _tags(found)]
    pictures = _pictures(found, scored) if scored else ()
    return Report("Mood tags", summary, warnings, tables, pictures)


def _figures(found: Mapping[str, Any]) -> ReportTable:
    bootstrap = found["bootstrap"] or {"intervals": {}, "level": 0.0, "draws": 0}
    level = f"{bootstrap['level']:.0%} interval" if found["bootstrap"] else "no interval"
    rows = []
    for name in _MEASURES:
        interval = bootstrap["intervals"].get(f"{name}_macro")
        shown = f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else ""
        rows.append([name, found[f"{name}_macro"], shown, found[f"{name}_micro"]])
    rows.append(["f1 cross-fitted", found["f1_macro_cross_fitted"], "", ""])
    if calibration := found["calibration"]:
        rows.append(["calibration error", calibration["error_macro"], "", calibration["error"]])
    title = (
        f"Figures (bootstrap over tracks, {bootstrap['draws']} draws)" if found["bootstrap"] else "Figures"
    )
    return ReportTable(title, ["measure", "macro", level, "micro"], rows)


def _members(found: Mapping[str, Any]) -> ReportTable:
    weights = found["fusion"].get("weights", {})
    rows = [
        [each["member"], each["roc_auc_macro"], each["pr_auc_macro"], weights.get(each["member"])]
        for each in found["members_alone"]
    ]
    return ReportTable("Members alone", ["member", "ROC-AUC macro", "PR-AUC macro", "weight"], rows)


def _tags(found: Mapping[str, Any]) -> ReportTable:
    columns = ("tag", "positives", *_MEASURES, "threshold")
    return ReportTable("Every tag", columns, [[row[name] for name in columns] for row in found["tags"]])


def _pictures(found: Mapping[str, Any], scored: Scored) -> list[Picture]:
    rows = found["tags"]
    bars = draw_bars(
        [row["tag"] for row in rows],
        [row["pr_auc"] for row in rows],
        [row["positives"] / found["tracks"] for row in rows],
    )
    pictures = [Picture("Average precision of every tag", "A random order gives the share of tracks.", bars)]
    if calibration := found["calibration"]:
        drawn = draw_reliability(calibration["bins"])
        pictures.append(Picture("Reliability", "On the dashed line scores are what comes true.", drawn))
    return [*pictures, _curves(found, scored)]


def _curves(found: Mapping[str, Any], scored: Scored) -> Picture:
    known = [place for place, row in enumerate(found["tags"]) if row["pr_auc"] is not None]
    best = sorted(known, key=lambda place: -found["tags"][place]["pr_auc"])[:_CURVES]
    names = [scored.tags[place] for place in best]
    drawn = draw_precision_recall(names, scored.labels[:, best], scored.scores[:, best])
    return Picture("Precision and recall", f"The {len(best)} tags with the highest average precision.", drawn)
