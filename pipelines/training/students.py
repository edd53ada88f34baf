"""Stages `members` and `regressors`: every student trained from the teacher, one checkpoint an epoch."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.training.learning.chunks import GRIDS, ChunkSource, Recording, sum_embeddings
from models.training.learning.curves import CurveSource, Steps, curve_loss, curve_score, truth_of
from models.training.learning.distil import (
    agreement,
    distillation_loss,
    spread_of,
    start_at_mean,
    teacher_tracks,
)
from models.training.learning.fit import Task, fit
from models.training.learning.start import standardise, start
from models.training.members import Plan
from models.training.teaching.teacher import Teacher, load_teacher
from models.weights import save_weights
from pipelines.training import prepare
from pipelines.training.clips import VARIANTS, Clip
from pipelines.training.teacher import ARRAYS, split_clips

log = logging.getLogger(__name__)


def train_taggers(plans: Sequence[Plan], clips: Sequence[Clip], work: Path) -> None:
    """Train every tagger that has no weights yet, in the order given."""
    teacher, parts = load_teacher(work / ARRAYS), split_clips(clips)
    for plan in plans:
        if not _is_done(plan, work):
            _train_tagger(plan, teacher, parts, work)


def train_regressors(plans: Sequence[Plan], clips: Sequence[Clip], work: Path) -> None:
    """Train every regressor that has no weights yet, each on its own draw of the training clips."""
    teacher, parts = load_teacher(work / ARRAYS), split_clips(clips)
    for plan in plans:
        if not _is_done(plan, work):
            _train_regressor(plan, teacher, parts, work)


def recordings(
    clips: Iterable[Clip], front_end: str, work: Path, *, variant: str = "plain"
) -> list[Recording]:
    """Features and embeddings of clips, as `prepare` and `teacher` left them."""
    return [_recording(clip.clip_id, variant, front_end, work) for clip in clips]


def steps_of(clip: Clip, teacher: Teacher, work: Path, *, variant: str = "plain") -> Steps:
    """Mel steps of a clip with the teacher's curve and, where the set has them, its valence and arousal."""
    values = prepare.load_features(clip.clip_id, variant, work)["mel-steps@1"].astype(np.float32)
    embeddings = prepare.load_embeddings(clip.clip_id, variant, work)
    curve = teacher.curve(embeddings, steps=len(values)).astype(np.float32)
    label = np.full(2, np.nan) if clip.affect is None else np.array(clip.affect)
    return Steps(values, curve, label.astype(np.float32))


def weights_path(plan: Plan, work: Path) -> Path:
    """Where the finished weights of a member lie."""
    return work / "members" / f"{plan.name}.safetensors"


def _is_done(plan: Plan, work: Path) -> bool:
    about = work / "members" / f"{plan.name}.json"
    return about.exists() and json.loads(about.read_text(encoding="utf-8"))["plan"] == repr(plan.phases)


def _train_tagger(plan: Plan, teacher: Teacher, parts: dict[str, list[Clip]], work: Path) -> None:
    grid = GRIDS[plan.front_end]
    variants = [recordings(parts["train"], plan.front_end, work, variant=variant) for variant in VARIANTS]
    source = ChunkSource(list(zip(*variants, strict=True)), grid, teacher.probabilities, plan.seed)
    held = recordings(parts["validation"], plan.front_end, work)
    model, spread = start(plan, _first_weights(plan, work)), spread_of(source)
    start_at_mean(model, spread)
    score = agreement(held, teacher_tracks(held, teacher.probabilities), grid)
    _finish(plan, model, Task(source, distillation_loss(spread), score), work)


def _train_regressor(plan: Plan, teacher: Teacher, parts: dict[str, list[Clip]], work: Path) -> None:
    clips = [
        [steps_of(clip, teacher, work, variant=variant) for variant in VARIANTS] for clip in parts["train"]
    ]
    held = [steps_of(clip, teacher, work) for clip in parts["validation"]]
    source = CurveSource(clips, plan.seed)
    model = start(plan)
    standardise(model, np.concatenate([variants[0].values for variants in clips]))
    task = Task(source, curve_loss(truth_of(variants[0] for variants in clips)), curve_score(held))
    _finish(plan, model, task, work)


def _first_weights(plan: Plan, work: Path) -> dict[str, NDArray[Any]] | None:
    """Arrays of the member that a plan starts from."""
    if not plan.start_from:
        return None
    from safetensors.numpy import load_file

    arrays: dict[str, NDArray[Any]] = load_file(work / "members" / f"{plan.start_from}.safetensors")
    return arrays


def _finish(plan: Plan, model: Any, task: Task, work: Path) -> None:
    checkpoint = work / "checkpoints" / f"{plan.name}.npz"
    progress = fit(model, task, plan.phases, checkpoint)
    path = weights_path(plan, work)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_weights(model, path)
    about = {
        "plan": repr(plan.phases),
        "best_epoch": progress.best_epoch + 1,
        "losses": progress.losses,
        "scores": progress.scores,
    }
    path.with_suffix(".json").write_text(json.dumps(about, indent=1), encoding="utf-8")
    log.info("%s: best epoch %d of %d", plan.name, progress.best_epoch + 1, progress.epoch)


def _recording(clip_id: str, variant: str, front_end: str, work: Path) -> Recording:
    features = prepare.load_features(clip_id, variant, work)
    embeddings = prepare.load_embeddings(clip_id, variant, work)
    return Recording(features[front_end], sum_embeddings(embeddings), int(features["total_samples"]))
