"""Drawings of measures as SVG text: transparent, in greys and two colours that show on light and dark."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.curves import AXES, SongCurves
from models.evaluation.measures.ranking import precision_recall_steps, rank

GREY, BLUE, ORANGE = "#888888", "#3b82c4", "#d9822b"
_COLOURS = (BLUE, ORANGE, "#4aa564", "#b05fc0", "#c0504d", "#8a8a2a")


def draw_bars(names: Sequence[str], values: Sequence[float | None], marks: Sequence[float]) -> str:
    """A bar for each name, highest first, and a mark of what chance gives."""
    numbers = np.array([np.nan if value is None else value for value in values])
    order = np.argsort(-np.nan_to_num(numbers, nan=-1.0), kind="stable")

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.bar(range(len(names)), numbers[order], color=BLUE)
        axes.plot(range(len(names)), np.asarray(marks)[order], "_", color=ORANGE, label="share of tracks")
        axes.set_xticks(range(len(names)), [names[place] for place in order], rotation=90, fontsize=7)
        axes.set(ylabel="average precision", xlim=(-1, len(names)))
        axes.legend(fontsize=8, frameon=False, labelcolor=GREY)

    return _svg(draw, width=9.5, height=3.6)


def draw_reliability(bins: Sequence[Mapping[str, Any]]) -> str:
    """Share that came true against the mean score of each bin, and how many decisions it holds."""
    filled = [row for row in bins if row["count"]]

    def draw(figure: Any) -> None:
        curve, counts = figure.subplots(1, 2)
        curve.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle="--")
        points = [row["mean_score"] for row in filled], [row["share_positive"] for row in filled]
        curve.plot(*points, "o-", color=BLUE, markersize=4)
        curve.set(xlabel="mean score of the bin", ylabel="share with the tag", xlim=(0, 1), ylim=(0, 1))
        counts.bar(
            [row["low"] for row in filled], [row["count"] for row in filled], 0.09, align="edge", color=BLUE
        )
        counts.set(xlabel="score", ylabel="decisions", yscale="log", xlim=(0, 1))

    return _svg(draw, width=8.0, height=3.4)


def draw_precision_recall(
    names: Sequence[str], labels: NDArray[np.bool_], scores: NDArray[np.float64]
) -> str:
    """Curves of precision over recall: labels and scores [items, names]."""
    ranking = rank(labels, scores)
    precision, recall = precision_recall_steps(ranking)

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for column, name in enumerate(names):
            ends = ranking.ends[:, column]
            axes.step(
                recall[ends, column], precision[ends, column], where="pre", label=name,
                color=_COLOURS[column % len(_COLOURS)], linewidth=1.1,
            )  # fmt: skip
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1))
        axes.legend(fontsize=8, frameon=False, labelcolor=GREY)

    return _svg(draw, width=6.0, height=4.0)


def draw_agreement_of_songs(by_song: Sequence[Mapping[str, Any]]) -> str:
    """Every song's r of arousal against its r of valence."""
    known = [row for row in by_song if row["valence_r"] is not None and row["arousal_r"] is not None]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.axhline(0.0, color=GREY, linewidth=0.8)
        axes.axvline(0.0, color=GREY, linewidth=0.8)
        points = [row["valence_r"] for row in known], [row["arousal_r"] for row in known]
        axes.plot(*points, "o", color=BLUE, markersize=4, alpha=0.6)
        axes.set(xlabel="r of valence", ylabel="r of arousal", xlim=(-1.05, 1.05), ylim=(-1.05, 1.05))

    return _svg(draw, width=4.8, height=4.4)


def draw_songs(songs: Sequence[SongCurves]) -> str:
    """Rated and predicted valence and arousal of each song over time."""

    def draw(figure: Any) -> None:
        rows = figure.subplots(len(songs), len(AXES), squeeze=False, sharey=True)
        for song, panels in zip(songs, rows, strict=True):
            for column, axes in enumerate(panels):
                axes.plot(song.time_s, song.truth[:, column], color=GREY, label="rated")
                axes.plot(song.time_s, song.predicted[:, column], color=BLUE, label="predicted")
                axes.set_title(f"{song.song[-40:]}, {AXES[column]}", fontsize=8, color=GREY)
                axes.set(ylim=(-1, 1))
        for axes in rows[-1]:
            axes.set(xlabel="s")
        rows[0][0].legend(fontsize=8, frameon=False, labelcolor=GREY)

    return _svg(draw, width=8.0, height=1.9 * len(songs) + 0.6)


def draw_scatter(truth: NDArray[np.float64], predicted: NDArray[np.float64], names: Sequence[str]) -> str:
    """Predicted against rated, one panel a column of [items, names]; the line is where they agree."""

    def draw(figure: Any) -> None:
        panels = figure.subplots(1, len(names), squeeze=False)[0]
        for column, (axes, name) in enumerate(zip(panels, names, strict=True)):
            axes.axline((0.0, 0.0), slope=1.0, color=GREY, linewidth=0.8)
            axes.plot(truth[:, column], predicted[:, column], "o", color=BLUE, markersize=3, alpha=0.6)
            axes.set(xlabel=f"{name}, rated", ylabel=f"{name}, predicted")

    return _svg(draw, width=4.2 * len(names), height=3.8)


def _svg(draw: Callable[[Any], None], *, width: float, height: float) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # A set salt and no date: the same figures give the same bytes.
    with mpl.rc_context({"svg.hashsalt": "moodscribe"}):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure)
        for axes in figure.axes:
            axes.patch.set_alpha(0.0)
            axes.tick_params(colors=GREY, labelsize=7)
            for text in (axes.xaxis.label, axes.yaxis.label):
                text.set(color=GREY, fontsize=8)
            for side, spine in axes.spines.items():
                spine.set_color(GREY)
                spine.set_visible(side in ("left", "bottom"))
        written = io.StringIO()
        figure.savefig(written, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return written.getvalue()
