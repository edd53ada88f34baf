"""The teacher: YAMNet embeddings to calibrated tag probabilities, and to valence and arousal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.training.calibration import Platt, f_optimal, fit_platt
from models.training.metrics import macro
from models.training.teaching.heads import HeadRecipe, Ridge, TagHeads, fit_tag_heads
from models.training.teaching.jamendo import Tagged
from models.training.teaching.yamnet import HOP_SAMPLES, PATCH_SAMPLES

STEP_SAMPLES = 8_000
_SMOOTH_SAMPLES = 48_000


@dataclass(frozen=True, slots=True)
class Teacher:
    """Tag heads, their calibration and F-optimal thresholds [tags], and the head of valence and arousal."""

    tags: tuple[str, ...]
    heads: TagHeads
    platt: Platt
    floor: NDArray[np.float64]
    affect: Ridge

    def probabilities(self, embeddings: NDArray[np.floating]) -> NDArray[np.float64]:
        """Mean embeddings [items, 1024] -> calibrated probabilities [items, tags]."""
        return self.platt(self.heads.scores(embeddings))

    def curve(self, embeddings: NDArray[np.floating], *, steps: int) -> NDArray[np.float64]:
        """Patch embeddings [patches, 1024] -> valence and arousal of so many half seconds: [steps, 2].

        A step's value is that of the mean over the patches centred within 1.5 s of its centre, or of the
        nearest.
        """
        patches = np.arange(len(embeddings)) * HOP_SAMPLES + PATCH_SAMPLES // 2
        centres = np.arange(steps) * STEP_SAMPLES + STEP_SAMPLES // 2
        distance = np.abs(centres[:, None] - patches)
        near = distance <= np.maximum(_SMOOTH_SAMPLES // 2, distance.min(axis=1, keepdims=True))
        return self.affect(near @ embeddings.astype(np.float64) / near.sum(axis=1, keepdims=True))

    def save(self, path: Path) -> None:
        """Write everything as one .npz file."""
        heads = {f"heads.{name}": array for name, array in self.heads.arrays.items()}
        affect = {f"affect.{name}": getattr(self.affect, name) for name in Ridge.__slots__}
        decisions = {"scale": self.platt.scale, "bias": self.platt.bias, "floor": self.floor}
        np.savez(path, tags=np.array(self.tags), **heads, **affect, **decisions)  # type: ignore[arg-type]


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
        affect=Ridge(*(arrays[f"affect.{name}"] for name in Ridge.__slots__)),
    )


@dataclass(frozen=True, slots=True)
class TagTeacher:
    """The part of the teacher that comes from MTG-Jamendo, and what it reached on the official splits."""

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
    figures: dict[str, Any] = {
        "tracks": {name: len(part.inputs) for name, part in splits.items()},
        "without_embedding": {name: part.missing for name, part in splits.items()},
        "seeds": list(seeds),
        "nets_on_validation": reached,
        "validation": macro(validation.labels > 0, raw),
        "test": macro(test.labels > 0, heads.scores(test.inputs)),
        "test_macro_f": _macro_f(test.labels > 0, platt(heads.scores(test.inputs)) > floor),
    }
    return TagTeacher(heads, platt, floor, figures)


def _macro_f(labels: NDArray[np.bool_], tagged: NDArray[np.bool_]) -> float:
    hits = (labels & tagged).sum(axis=0)
    return float(np.mean(2.0 * hits / np.maximum(labels.sum(axis=0) + tagged.sum(axis=0), 1)))
