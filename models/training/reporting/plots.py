"""Three small pictures for the card: curves of learning, valence and arousal, tag rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.evaluation.curves import AXES
from models.training.reporting.measure import Predicted

LEARNING, VALENCE_AROUSAL, TAG_RATES = "learning.png", "valence-arousal.png", "tag-rates.png"
_DPI = 80


def draw_learning(histories: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
    """Loss and score of every encoder by epoch, its best epoch marked."""
    import matplotlib.pyplot as plt

    figure, (losses, scores) = plt.subplots(1, 2, figsize=(8.0, 3.2))
    for name, history in histories.items():
        epochs = np.arange(1, len(history["losses"]) + 1)
        line = losses.plot(epochs, history["losses"], label=name, linewidth=1.0)[0]
        scores.plot(epochs, history["scores"], color=line.get_color(), linewidth=1.0)
        best = int(history["best_epoch"])
        scores.plot(best, history["scores"][best - 1], "o", color=line.get_color(), ms=4)
    losses.set(xlabel="epoch", ylabel="loss")
    scores.set(xlabel="epoch", ylabel="score on clips held out")
    losses.legend(fontsize=7)
    _save(figure, folder / LEARNING)


def draw_affect(predicted: Predicted, folder: Path) -> None:
    """Predicted against given valence and arousal of artists that were not heard."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(8.0, 3.6))
    mean = predicted.affect.mean(axis=0)
    for column, (axes, name) in enumerate(zip(panels, AXES, strict=True)):
        for quadrant in ("Q1", "Q2", "Q3", "Q4"):
            part = predicted.rated & (predicted.stratum == quadrant)
            axes.plot(predicted.truth[part, column], mean[part, column], "o", ms=2, label=quadrant)
        axes.axline((0.0, 0.0), slope=1.0, color="0.7", linewidth=0.8)
        axes.set(xlabel=f"{name}, from mood words", ylabel=f"{name}, predicted")
    panels[0].legend(fontsize=7)
    _save(figure, folder / VALENCE_AROUSAL)


def draw_rates(rates: Mapping[str, Sequence[float]], tags: Sequence[str], folder: Path) -> None:
    """Share of the clips that carry each tag, beside the share that the teacher gives it."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(9.0, 3.4))
    place = np.arange(len(tags))
    axes.bar(place, rates["all"], width=0.8, label="bundle, tags that are on")
    axes.plot(place, rates["teacher"], "k_", label="teacher, by its own thresholds")
    axes.set_xticks(place, tags, rotation=90, fontsize=6)
    axes.set(ylabel="share of clips", xlim=(-1, len(tags)))
    axes.legend(fontsize=7)
    _save(figure, folder / TAG_RATES)


def _save(figure: Any, path: Path) -> None:
    import matplotlib.pyplot as plt

    figure.tight_layout()
    # No date and no version inside: the same figures give the same bytes.
    figure.savefig(path, dpi=_DPI, metadata={"Software": None})
    plt.close(figure)
