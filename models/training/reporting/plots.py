"""Three small pictures for the card: curves of learning, valence and arousal, tag rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.training.reporting.measure import AFFECT, Predicted

LEARNING, VALENCE_AROUSAL, TAG_RATES = "learning.png", "valence-arousal.png", "tag-rates.png"
_DPI = 80


def draw_learning(histories: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
    """The validation measure of every member by epoch, its best epoch marked."""
    figure, axes = _figure(8.0, 3.4)
    for name, history in histories.items():
        scores = history["scores"]
        line = axes.plot(np.arange(1, len(scores) + 1), scores, label=name, linewidth=1.0)[0]
        axes.plot(history["best_epoch"], scores[history["best_epoch"] - 1], "o", color=line.get_color(), ms=4)
    axes.set(xlabel="epoch", ylabel="mean r on validation")
    axes.legend(fontsize=7, ncols=2)
    _save(figure, folder / LEARNING)


def draw_affect(predicted: Predicted, folder: Path) -> None:
    """Predicted against given valence and arousal of the test artists."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(8.0, 3.6))
    rows = (predicted.split == "test") & np.isfinite(predicted.truth).all(axis=1)
    mean = predicted.affect.mean(axis=0)
    for column, (axes, name) in enumerate(zip(panels, AFFECT, strict=True)):
        for quadrant in ("Q1", "Q2", "Q3", "Q4"):
            part = rows & (predicted.stratum == quadrant)
            axes.plot(predicted.truth[part, column], mean[part, column], "o", ms=3, label=quadrant)
        axes.axline((0.0, 0.0), slope=1.0, color="0.7", linewidth=0.8)
        axes.set(xlabel=f"{name}, from mood words", ylabel=f"{name}, predicted")
    panels[0].legend(fontsize=7)
    _save(figure, folder / VALENCE_AROUSAL)


def draw_rates(rates: Mapping[str, Sequence[float]], tags: Sequence[str], folder: Path) -> None:
    """Share of the test clips that carry each tag, beside its share of the 640 4Q clips."""
    figure, axes = _figure(9.0, 3.4)
    place = np.arange(len(tags))
    axes.bar(place, rates["test"], width=0.8, label="test clips")
    axes.plot(place, rates["4q"], "k_", label="all 4Q clips")
    axes.set_xticks(place, tags, rotation=90, fontsize=6)
    axes.set(ylabel="share tagged", xlim=(-1, len(tags)))
    axes.legend(fontsize=7)
    _save(figure, folder / TAG_RATES)


def _figure(width: float, height: float) -> tuple[Any, Any]:
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height))


def _save(figure: Any, path: Path) -> None:
    import matplotlib.pyplot as plt

    figure.tight_layout()
    # No date and no version inside: the same figures give the same bytes.
    figure.savefig(path, dpi=_DPI, metadata={"Software": None})
    plt.close(figure)
