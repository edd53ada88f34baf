"""Section `antonyms` of the results page."""

from __future__ import annotations

from typing import Any

from pipelines.reproduce.results import figure
from pipelines.reproduce.stages import Found, Section, Table
from pipelines.reproduce.trials.affect import courses_table

# Liu 2018: accuracy, and by row the share of the first and of the second side that was found as such.
_PAPER = (
    ("joy-sad", "paper", ".78", "", "", ".64", ".92"),
    ("calm-excited", "paper", ".81", "", "", ".76", ".83"),
)


def section(found: Found) -> Section:
    """Accuracy and confusion of both pairs, and how the nets learned."""
    rows = found["rows"]
    return Section(
        "Antonym pairs: Emotify",
        (
            """
The first 30 s of excerpts of 60 s; the soft target of a pair is the share of those raters who felt its first
side among those who felt either (joyful activation and sadness, calmness and tension: Emotify asks for no
excitement). An excerpt's share is the mean over its segments of 10 s. "Published" is the paper's net (BLSTM
of 512) by plain gradient descent, whose training takes long: it is tested on one of five folds; "improved" is
the same net with 128 units, by Adam with early stopping, and tested on all five, each excerpt once. "First
side right" and "second side right" are the diagonal of the confusion matrix by row; "commoner side" is what
saying always the same would get, and balanced accuracy the mean of the two sides.
""",
            Table(
                (
                    "pair", "net", "accuracy", "balanced", "commoner side", "first side right",
                    "second side right", "r of shares", "excerpts",
                ),
                (*((*cells, "", "") for cells in _PAPER), *map(_row, rows.values())),
            ),
            """
Why they differ from the paper: its songs, its raters and its pair calm-excited are others (by its own figures
its sides were about even), and the published net's training is cut short here, long before it is done; what
"improved" changes makes it faster, not better. Confusion in counts, rows true and columns found:
""",
            Table(
                ("pair", "net", "side", "found as first", "found as second"),
                tuple(line for row in rows.values() for line in _confusion(row)),
            ),
            """
How the nets learned (cross-entropy of soft targets, which cannot fall to zero); epochs are capped at 6 and
12, each with three segments of every excerpt. The first pair's net of the first fold is shown.
""",
            courses_table(found["courses"]),
        ),
    )  # fmt: skip


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    first, second = row["confusion"]
    return (
        row["pair"],
        f"{row['contender']}, {row['folds']} of 5 folds",
        *(figure(row[name], 3) for name in ("accuracy", "accuracy_balanced", "commoner_side")),
        *(figure(row["confusion"][side][side], 3) for side in (first, second)),
        figure(row["shares"]["r"], 3),
        str(row["songs"]),
    )


def _confusion(row: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (row["pair"], row["contender"], side, *map(str, counts.values()))
        for side, counts in row["counts"].items()
    ]
