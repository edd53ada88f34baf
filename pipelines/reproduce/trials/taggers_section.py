"""Section `taggers` of the results page."""

from __future__ import annotations

from typing import Any

from pipelines.reproduce.results import figure
from pipelines.reproduce.stages import Found, Section, Table
from pipelines.reproduce.trials.affect import courses_table

# Table 1 of Amiriparian et al. (2019): ROC-AUC macro on the MTG-Jamendo test tracks, with VGG16.
_PAPER = {
    "1s-lstm": 0.7004,
    "1s-gru": 0.6980,
    "1s-bilstm": 0.7101,
    "5s-lstm": 0.7030,
    "5s-gru": 0.6986,
    "5s-bilstm": 0.7078,
    "1s, three": 0.7147,
    "5s, three": 0.7163,
    "all six": 0.7260,
}


def section(found: Found) -> Section:
    """Window sizes and cells, fusions, and how the nets learned."""
    rows: dict[str, Any] = found["rows"]
    tracks, tags = found["tracks"], found["tags"]
    return Section(
        "Taggers at published size: mood words of 4Q",
        (
            f"""
Deep Spectrum RNNs of 2 x 1024 on pictures of 1 s and of 5 s. VGG16's ImageNet weights were not to be had, so
that a small ImageNet net stands in for it: SqueezeNet, 512 values a picture in place of 4096. Clips of 30 s
of 4Q by artist, {tracks["test"]} of them test and {tracks["validation"]} validation; of its {tags["all"]}
mood words the {tags["measured"]} that any test clip has are measured. With so few clips a difference of .02
between two nets says nothing; the paper's column, other music and other tags, is there for the order. Epochs
are capped at 5 (1 s) and 10 (5 s) of 1,000, the best by validation ROC-AUC is kept. Fusions are means, as
published; below them weights for each net, and stacking, both learned on validation.
""",
            Table(
                ("nets", "ROC-AUC macro", "PR-AUC macro", "paper's ROC-AUC, VGG16, Jamendo"),
                tuple(
                    (
                        name,
                        figure(row["roc_auc_macro"]),
                        figure(row["pr_auc_macro"]),
                        figure(_PAPER[name]) if name in _PAPER else "",
                    )
                    for name, row in rows.items()
                ),
            ),
            """
How all taggers learned, the CRNNs (VGGish convolutions, here from random weights and so never frozen) on few
clips for two epochs only, which take minutes each on a processor. Losses are binary cross-entropies.
""",
            courses_table(found["courses"]),
        ),
    )
