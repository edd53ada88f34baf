"""Stage `calibrate`: every member over every clip, then calibration, thresholds and the measured figures."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.ensemble import compiled
from models.registry import architecture
from models.training.calibration import TagCount
from models.training.decisions import Tracks, decide
from models.training.learning.chunks import GRIDS
from models.training.learning.curves import mean_curves
from models.training.learning.distil import score_recordings, teacher_tracks
from models.training.members import REGRESSORS, TAGGERS, Plan
from models.training.reporting.measure import Predicted, measure
from models.training.teaching.teacher import Teacher, load_teacher
from models.weights import set_weights
from pipelines.training.clips import Clip
from pipelines.training.students import recordings, steps_of, weights_path
from pipelines.training.teacher import ARRAYS, split_clips

log = logging.getLogger(__name__)

DECIDED, MEASURED, PREDICTED = "decided.json", "measured.json", "predicted.npz"
Forward = Callable[[Any, Any], Any]


def calibrate(clips: Sequence[Clip], work: Path) -> None:
    """Write decided.json, measured.json and predicted.npz into `work`, from the members' weights there."""
    teacher = load_teacher(work / ARRAYS)
    split = _split_names(clips)
    members = np.stack([_cached(plan, work, partial(_tag, plan, clips, work)) for plan in TAGGERS])
    affect = np.stack(
        [_cached(plan, work, partial(_regress, plan, clips, teacher, work)) for plan in REGRESSORS]
    )
    known = teacher_tracks(recordings(clips, TAGGERS[0].front_end, work), teacher.probabilities)
    raw = members.mean(axis=0)
    decided = decide(Tracks(split, raw, known), teacher.floor, TagCount())
    predicted = Predicted(
        split=split,
        source=np.array([clip.source for clip in clips]),
        stratum=np.array([clip.stratum for clip in clips]),
        members=members,
        scores=decided.platt(raw),
        teacher=known,
        thresholds=decided.thresholds,
        teachers=teacher.floor,
        affect=affect,
        truth=np.array([clip.affect or (np.nan, np.nan) for clip in clips]),
    )
    _save(predicted, work / PREDICTED)
    _dump(work / DECIDED, decided.fields())
    _dump(work / MEASURED, measure(predicted, teacher.tags))


def load_predicted(work: Path) -> Predicted:
    """What `calibrate` kept of every clip."""
    with np.load(work / PREDICTED) as arrays:
        return Predicted(**{name: arrays[name] for name in arrays.files})


def _save(predicted: Predicted, path: Path) -> None:
    np.savez(path, **{name: getattr(predicted, name) for name in Predicted.__slots__})


def _dump(path: Path, fields: dict[str, Any]) -> None:
    path.write_text(json.dumps(fields, indent=1), encoding="utf-8")


def _split_names(clips: Sequence[Clip]) -> NDArray[np.str_]:
    place = {clip.clip_id: split for split, part in split_clips(clips).items() for clip in part}
    return np.array([place[clip.clip_id] for clip in clips])


def _cached(plan: Plan, work: Path, compute: Callable[[], NDArray[np.float64]]) -> NDArray[np.float64]:
    """Predictions of a member, computed anew only where its weights have changed."""
    digest = hashlib.sha256(weights_path(plan, work).read_bytes()).hexdigest()[:16]
    path = work / "predictions" / f"{plan.name}.{digest}.npy"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        np.save(path, compute())
        log.info("predictions of %s", plan.name)
    predictions: NDArray[np.float64] = np.load(path)
    return predictions


def _tag(plan: Plan, clips: Sequence[Clip], work: Path) -> NDArray[np.float64]:
    return score_recordings(
        _forward(plan, work), recordings(clips, plan.front_end, work), GRIDS[plan.front_end]
    )


def _regress(plan: Plan, clips: Sequence[Clip], teacher: Teacher, work: Path) -> NDArray[np.float64]:
    return mean_curves(_forward(plan, work), [steps_of(clip, teacher, work) for clip in clips])


def _forward(plan: Plan, work: Path) -> Forward:
    from safetensors.numpy import load_file

    model = architecture(plan.architecture).build(plan.settings)
    set_weights(model, load_file(weights_path(plan, work)), source=plan.name)
    return compiled(model)
