"""Section `static` of the results page."""

from __future__ import annotations

from typing import Any

from pipelines.reproduce.results import figure
from pipelines.reproduce.stages import Found, Section, Table
from pipelines.reproduce.trials.affect import courses_table


def section(found: Found) -> Section:
    """Measures of every system by the same folds, and how they learned."""
    rows = found["rows"]
    songs = next(iter(rows.values()))["songs"]
    return Section(
        "Valence and arousal of whole clips: 4Q",
        (
            f"""
{songs} clips of 30 s, valence and arousal from the norms of their mood words (derived, not rated), three
folds that keep each artist whole, the same for every system. The systems are made for curves: each learns its
clip's one rating at every half second, and the mean of its curve is its answer. The quadrant is that of the
two signs, against the set's own. Published for 4Q is a macro F of .764, by hand-made features of the whole
clip and an SVM trained on quadrants; none of the papers has figures on it.
""",
            Table(
                (
                    "system", "valence R2", "r", "RMSE", "arousal R2", "r", "RMSE",
                    "quadrant accuracy", "macro F",
                ),
                tuple((title, *_row(row)) for title, row in rows.items()),
            ),
            """
How the nets learned; epochs are capped at 30 for the deep LSTM (20 improved) and 10 of 100 for autoencoder
and two convolutions. The best epoch on validation is kept: where the loss never fell below that of the first,
as with most GRUs here, it is the first. The first net of the first fold is shown.
""",
            courses_table(found["courses"]),
        ),
    )  # fmt: skip


def _row(row: dict[str, Any]) -> list[str]:
    cells = [figure(row[axis][name], 3) for axis in ("valence", "arousal") for name in ("r2", "r", "rmse")]
    return [*cells, *(figure(row["quadrants"][name], 3) for name in ("accuracy", "f1_macro"))]
