"""A picture for the card: what other forms of a track do to its tags and curves, a group of bars each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from models.evaluation.curves import AXES

ROBUSTNESS = "robustness.png"
_DPI = 80


def draw_robustness(figures: Mapping[str, Any], folder: Path) -> None:
    """Share of decisions changed and the tags' 1 - r, and the curves' errors, by form."""
    import matplotlib.pyplot as plt

    forms = figures["forms"]
    figure, (tags, curves) = plt.subplots(1, 2, figsize=(9.0, 3.6), sharey=True)
    _bars(
        tags,
        {
            "decisions changed": [one.get("decisions_changed") for one in forms.values()],
            "1 - mean r": [_less_than_one(one) for one in forms.values()],
        },
    )
    errors = {
        f"{axis} RMSE": [one.get("curves", {}).get(axis, {}).get("rmse") for one in forms.values()]
        for axis in AXES
    }
    _bars(curves, errors)
    tags.set(xlabel="tags", yticks=np.arange(len(forms)), yticklabels=list(forms))
    tags.invert_yaxis()
    curves.set(xlabel="curves, scale -1 to 1")
    figure.tight_layout()
    # No date and no version inside: the same figures give the same bytes.
    figure.savefig(folder / ROBUSTNESS, dpi=_DPI, metadata={"Software": None})
    plt.close(figure)


def _less_than_one(form: Mapping[str, Any]) -> float | None:
    mean = form.get("tags", {}).get("r_mean")
    return None if mean is None else 1.0 - mean


def _bars(axes: Any, series: Mapping[str, list[float | None]]) -> None:
    """Horizontal bars, a group a form; no bar where there is no figure."""
    height = 0.8 / len(series)
    for index, (name, values) in enumerate(series.items()):
        place = np.arange(len(values)) + (index - (len(series) - 1) / 2) * height
        axes.barh(place, [0.0 if value is None else value for value in values], height, label=name)
    axes.legend(fontsize=7)
