"""The section of stage `heads` on the results page, from its figures alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.reproduce.results import figure, interval
from pipelines.reproduce.stages import Found, Section, Table

_WAYS = {
    "two-systems": "mean of two systems: the nine's mean, the heads",
    "ten-arrays": "mean of ten arrays: the nine, the heads",
    "two-systems-by-rank": "mean of two systems' ranks within each tag",
}
_COLUMNS = ("trained on", "ROC-AUC macro", "PR-AUC macro", "F macro", "ROC-AUC micro", "PR-AUC micro")
# The goals: what three small nets, and their mean with the nine, had been measured to reach before.
_WANTED = {"heads": (0.745, 0.134), "fused": (0.770, 0.147)}
_PAPER = "Amiriparian et al. (2019), Table 1"


def section(found: Found) -> Section:
    """The stage's figures as text and tables."""
    return Section(
        "Tags: heads on the Jamendo embeddings, official split 0",
        (
            _about(found),
            _on_validation(found),
            _HEADS_LEAD,
            _on_test(found),
            _FUSED_LEAD,
            _fused(found),
            _why(found),
        ),
    )


_HEADS_LEAD = """\
On test. "Three nets" are those of the recipe best on validation, "all nets" those of every recipe. F with
thresholds from validation (those of the heads trained on train, also for the ones trained on both, which
leave no validation tracks to tune on). Brackets: 95 % bootstrap over tracks; a draw's PR-AUC is a little
high, for a track drawn twice stands twice in the ranking."""
_FUSED_LEAD = """\
Fused with the nine score arrays behind Table 1 of the tagging paper. They are published for test tracks only,
so nothing could be learned or tuned on validation: the three ways below were fixed before any was measured,
and all are shown. The mean of ten is the paper's way, one vote an array. F by the official rule, which tunes
its thresholds on the very test labels; in brackets cross-fitted (tuned on one half, measured on the other),
which is the honest one."""


def _about(found: Found) -> str:
    tracks, lost = found["tracks"], found["without_embedding"]
    counts = ", ".join(f"{tracks[split]:,} {split} ({lost[split]} without)" for split in tracks)
    return f"""\
Small nets on the mean YAMNet embedding of a track (1024 values), 56 mood/theme tags.
Tracks: {counts}.
A track without an embedding gets the tag frequencies of the training tracks, so that every track of the
official list is scored. Each net stops at its best PR-AUC on validation; recipes are compared there as well,
as means of {_nets(found)} nets. These recipes were found by trials on validation; test was measured once, at
the end. Heads trained on train and validation take the epochs that were best before."""


def _nets(found: Found) -> int:
    return len(next(iter(found["recipes"].values()))["best_epochs"])


def _on_validation(found: Found) -> Table:
    rows = [
        (
            name,
            _recipe(found["recipes"].get(name)),
            figure(areas["roc_auc_macro"]),
            figure(areas["pr_auc_macro"]),
        )
        for name, areas in found["validation"].items()
    ]
    return Table(("recipe", "net", "validation ROC-AUC macro", "PR-AUC macro"), tuple(rows))


def _recipe(recipe: Mapping[str, Any] | None) -> str:
    if recipe is None:
        return "mean of all nets above"
    widths = " + ".join(map(str, recipe["hidden"]))
    mixup = f", mixup {recipe['mixup']:g}" if recipe["mixup"] else ""
    root = ", square root of the inputs" if recipe["root"] else ""
    dropout = "/".join(f"{share:g}" for share in recipe["dropout"])
    epochs = ", ".join(map(str, recipe["best_epochs"]))
    return f"1024 -> {widths} -> 56, dropout {dropout}{mixup}{root}; best epochs {epochs}"


def _on_test(found: Found) -> Table:
    rows = [_wanted_row("heads")]
    for trained, measured in found["heads"].items():
        named = {f"three nets, {found['best_recipe']}": found["best_recipe"], "all nets": "all"}
        rows += [_row(name, trained, measured[key], _f(measured[key])) for name, key in named.items()]
    return Table(("heads", *_COLUMNS), tuple(rows))


def _fused(found: Found) -> Table:
    nine = found["nine"]
    paper = (f"paper ({_PAPER})", "", ".742", ".117", ".175", "", "")
    rows = [
        paper,
        _row("the nine alone, ours from their arrays", "", nine, _official_f(nine)),
        _wanted_row("fused"),
    ]
    for trained, ways in found["fused"].items():
        rows += [_row(_WAYS[way], trained, each, _official_f(each)) for way, each in ways.items()]
    return Table(("fusion", *_COLUMNS), tuple(rows))


def _wanted_row(kind: str) -> tuple[str, ...]:
    roc, pr = _WANTED[kind]
    return ("goal, at least", "", figure(roc, 3), figure(pr, 3), "", "", "")


def _row(name: str, trained: str, measured: Mapping[str, Any], f: str) -> tuple[str, ...]:
    intervals = measured["bootstrap"]["intervals"]
    return (
        name,
        trained,
        *(f"{figure(measured[key])} {interval(intervals[key])}" for key in ("roc_auc_macro", "pr_auc_macro")),
        f,
        figure(measured["roc_auc_micro"]),
        figure(measured["pr_auc_micro"]),
    )


def _f(measured: Mapping[str, Any]) -> str:
    """Macro F with the thresholds that the figures were measured with."""
    return figure(measured["f1_macro"])


def _official_f(measured: Mapping[str, Any]) -> str:
    return f"{figure(measured['f1_macro'])} ({figure(measured['f1_macro_cross_fitted'])})"


def _why(found: Found) -> str:
    heads, fused = found["heads"], found["fused"]
    lines = [
        _against(f"three nets of {found['best_recipe']}, {trained}", measured[found["best_recipe"]], "heads")
        for trained, measured in heads.items()
    ]
    lines += [
        _against(f"{way} with {found['chosen']} (chosen on validation), {trained}", measured, "fused")
        for trained, ways in fused.items()
        for way, measured in ways.items()
    ]
    return "Against the goals:\n\n" + "\n".join(lines) + "\n\n" + _DIFFERENCES


def _against(name: str, measured: Mapping[str, Any], kind: str) -> str:
    pairs = zip(("ROC-AUC", "PR-AUC"), ("roc_auc_macro", "pr_auc_macro"), _WANTED[kind], strict=True)
    said = [
        f"{area} {figure(measured[key])} {'reaches' if measured[key] >= wanted else 'does not reach'} "
        f"{figure(wanted, 3)}"
        for area, key, wanted in pairs
    ]
    return f"- {name}: {', '.join(said)}."


_DIFFERENCES = """\
Why they differ from the paper: the heads see the whole track, as the mean of YAMNet's embeddings (trained on
AudioSet), where the paper's nets see 20 s of it (CRNN, from VGGish, AudioSet too) or 30 s (Deep Spectrum,
from VGG16, trained on ImageNet's pictures). No audio of the catalogue was at hand, so the nine were not
trained anew: their figures are measured on the published arrays, and agree with Table 1."""
