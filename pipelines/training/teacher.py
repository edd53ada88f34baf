"""Stage `teacher`: embeddings of the clips, the tag heads from MTG-Jamendo, valence and arousal from 4Q."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.training.members import SPLIT_SEED, TEACHER_SEEDS
from models.training.metrics import pearson, regression
from models.training.splits import assign
from models.training.teaching.heads import Ridge, choose_strength, fit_ridge
from models.training.teaching.jamendo import read_tagged
from models.training.teaching.teacher import Teacher, fit_tag_teacher
from pipelines.training import prepare
from pipelines.training.clips import Clip

log = logging.getLogger(__name__)

ARRAYS, FIGURES = "teacher.npz", "teacher.json"


def split_clips(clips: Sequence[Clip]) -> dict[str, list[Clip]]:
    """Clips by split: each source is split by itself, 4Q by artist and Emotify by track."""
    parts: dict[str, list[Clip]] = {"train": [], "validation": [], "test": []}
    for source in sorted({clip.source for clip in clips}):
        of_source = [clip for clip in clips if clip.source == source]
        strata = [clip.stratum for clip in of_source]
        places = assign([clip.group for clip in of_source], strata, seed=SPLIT_SEED)
        for clip, place in zip(of_source, places, strict=True):
            parts[place].append(clip)
    return parts


def teach(clips: Sequence[Clip], data: Path, work: Path) -> None:
    """Write teacher.npz and teacher.json into `work`, unless they are there."""
    prepare.embed(clips, work, model=data / "weights" / "yamnet_dynrange.tflite")
    if (work / FIGURES).exists():
        return
    tags, splits = read_tagged(data / "jamendo")
    fitted = fit_tag_teacher(splits, seeds=TEACHER_SEEDS)
    affect, figures = _fit_affect(split_clips(clips), work)
    Teacher(tags, fitted.heads, fitted.platt, fitted.floor, affect).save(work / ARRAYS)
    means = np.stack([_mean(clip, work) for clip in clips]).mean(axis=0)
    likeness = pearson(splits["train"].inputs.mean(axis=0), means)
    about = {"tags": fitted.figures, "affect": figures, "mean_embedding_r": likeness}
    log.info("teacher: %s", about)
    (work / FIGURES).write_text(json.dumps(about, indent=1), encoding="utf-8")


def _fit_affect(parts: dict[str, list[Clip]], work: Path) -> tuple[Ridge, dict[str, Any]]:
    """Ridge from mean embeddings to valence and arousal: train artists, strength by validation artists."""
    data = {split: _affect_of(clips, work) for split, clips in parts.items()}
    strength = choose_strength(data["train"], data["validation"])
    ridge = fit_ridge(*data["train"], strength=strength)
    figures: dict[str, Any] = {"strength": strength}
    for split in ("validation", "test"):
        inputs, truth = data[split]
        predicted = ridge(inputs)
        figures[split] = {
            name: regression(truth[:, column], predicted[:, column])
            for column, name in enumerate(("valence", "arousal"))
        }
    return ridge, figures


def _affect_of(clips: Sequence[Clip], work: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rated = [clip for clip in clips if clip.affect is not None]
    inputs = np.stack([_mean(clip, work) for clip in rated])
    return inputs, np.array([clip.affect for clip in rated], np.float64)


def _mean(clip: Clip, work: Path) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = prepare.load_embeddings(clip.clip_id, "plain", work).mean(
        axis=0, dtype=np.float64
    )
    return mean
