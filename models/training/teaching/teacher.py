"""The teacher: YAMNet embeddings of a track to calibrated probabilities of the tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.measures import ranking
from models.training.calibration import Platt, f_optimal, fit_platt
from models.training.metrics import macro
from models.training.teaching.heads import HeadRecipe, TagHeads, fit_tag_heads
from models.training.teaching.jamendo import Tagged


@dataclass(frozen=True, slots=True)
class Teacher:
    """Tag heads, their calibration and their F-optimal thresholds [tags]."""

    tags: tuple[str, ...]
    heads: TagHeads
    platt: Platt
    floor: NDArray[np.float64]

    def probabilities(self, embeddings: NDArray[np.floating]) -> NDArray[np.float64]:
        """Mean embeddings [items, 1024] -> calibrated probabilities [items, tags]."""
        return self.platt(self.heads.scores(embeddings))

    def save(self, path: Path) -> None:
        """Write everything as one .npz file."""
        heads = {f"heads.{name}": array for name, array in self.heads.arrays.items()}
        decisions = {"scale": self.platt.scale, "bias": self.platt.bias, "floor": self.floor}
        np.savez(path, tags=np.array(self.tags), **heads, **decisions)  # type: ignore[arg-type]


def load_teacher(path: Path) -> Teacher:
    """The teacher that `save` wrote."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    heads = {name[6:]: array for name, array in arrays.items() if name.startswith("heads.")}
    return Teacher(
        tags=tuple(map(str, arrays["tags"])),
        heads=TagHeads(heads),
        platt=Platt(arrays["scale"], arrays["bias"]),
        floor=arrays["floor"],
    )


@dataclass(frozen=True, slots=True)
class TagTeacher:
    """The teacher without the names of its tags, and what it reached on the official splits."""

    heads: TagHeads
    platt: Platt
    floor: NDArray[np.float64]
    figures: dict[str, Any]


def fit_tag_teacher(splits: dict[str, Tagged], *, seeds: tuple[int, ...]) -> TagTeacher:
    """Heads fitted on train and stopped on validation; calibration and thresholds from validation."""
    train, validation, test = splits["train"], splits["validation"], splits["test"]
    heads, reached = fit_tag_heads(train, validation, HeadRecipe(), seeds=seeds)
    raw = heads.scores(validation.inputs)
    platt = fit_platt(raw, validation.labels)
    floor = f_optimal(validation.labels > 0, platt(raw))
    scores = {"validation": raw, "test": heads.scores(test.inputs)}
    labels = {name: splits[name].labels > 0 for name in scores}
    figures: dict[str, Any] = {
        "tracks": {name: len(part.inputs) for name, part in splits.items()},
        "without_embedding": {name: part.missing for name, part in splits.items()},
        "seeds": list(seeds),
        "nets_on_validation": reached,
        **{name: macro(labels[name], scores[name]) for name in scores},
        "roc_auc": {
            **{name: ranking.roc_auc(labels[name], scores[name]).tolist() for name in scores},
            "both": _both(labels, scores).tolist(),
        },
        "test_macro_f": _macro_f(labels["test"], platt(scores["test"]) > floor),
    }
    return TagTeacher(heads, platt, floor, figures)


def _both(
    labels: Mapping[str, NDArray[np.bool_]], scores: Mapping[str, NDArray[np.floating]]
) -> NDArray[np.float64]:
    """ROC-AUC of each tag on the tracks of both splits together: [tags]."""
    joined = (np.concatenate(list(part.values())) for part in (labels, scores))
    return ranking.roc_auc(*joined)


def _macro_f(labels: NDArray[np.bool_], tagged: NDArray[np.bool_]) -> float:
    hits = (labels & tagged).sum(axis=0)
    return float(np.mean(2.0 * hits / np.maximum(labels.sum(axis=0) + tagged.sum(axis=0), 1)))
