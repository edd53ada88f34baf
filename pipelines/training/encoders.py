"""Stage `encoders`: one for each fold, which hears no clip of it, and the shipped one, which hears all.

Each starts from YAMNet's weights and learns to say on the 2 Hz clock what YAMNet says. Two are trained at a
time, each in a process of its own; a stopped one goes on after its last whole epoch.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.training.learning.fit import Manner, Task, fit
from models.training.learning.imitation import (
    Crops,
    Heard,
    imitation_loss,
    likeness,
    spread_of,
    variants_of,
    warmed_cosine,
)
from models.training.learning.start import start_encoder
from models.training.recipe import ENCODER, FOLDS, SPLIT_SEED, EncoderPlan
from models.training.splits import assign
from models.training.teaching.yamnet import yamnet_arrays
from models.weights import save_weights
from pipelines.training.clips import VARIANTS, Clip, folds_of
from pipelines.training.figures import keep_figures, load_figures
from pipelines.training.prepare import load_clip
from pipelines.training.processes import in_processes

log = logging.getLogger(__name__)

FINAL = FOLDS  # the number of the encoder that is shipped
_HELD = 0.05


def train_encoders(clips: Sequence[Clip], work: Path, *, model: Path, plan: EncoderPlan = ENCODER) -> None:
    """Write `encoders/K.safetensors` and its history for every fold and for the one that is shipped."""
    numbers = [FINAL, *range(FOLDS)]
    missing = [number for number in numbers if not _about(number, work).exists()]
    log.info("encoders: %d of %d to do", len(missing), len(numbers))
    train = partial(_train, clips=clips, work=work, model=model, plan=plan)
    for number in in_processes(train, missing):
        log.info("encoder %s", _name(number))


def weights_path(number: int, work: Path) -> Path:
    """Where the finished weights of an encoder lie."""
    return work / "encoders" / f"{_name(number)}.safetensors"


def history(number: int, work: Path) -> dict[str, Any]:
    """Losses and scores of an encoder by epoch."""
    return load_figures(_about(number, work))


def _name(number: int) -> str:
    return "final" if number == FINAL else f"fold-{number}"


def _about(number: int, work: Path) -> Path:
    return weights_path(number, work).with_suffix(".json")


def _train(number: int, *, clips: Sequence[Clip], work: Path, model: Path, plan: EncoderPlan) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    own = replace(plan, seed=plan.seed + number)
    net = start_encoder(yamnet_arrays(model), rows=own.rows, seed=own.seed, source=model.name)
    learnt, held = _parts(clips, number)
    heard = [variants_of(load_clip(clip.clip_id, work), VARIANTS) for clip in learnt]
    watched: list[Heard] = [variants_of(load_clip(clip.clip_id, work), VARIANTS)[0] for clip in held]
    source = Crops(heard, own.seed, own.rows, own.crops, own.batch)
    task = Task(source, imitation_loss(spread_of(heard)), likeness(watched, rows=own.rows))
    phases = own.final if number == FINAL else own.phases
    manner = Manner(fall=warmed_cosine, plan=repr(own))
    progress = fit(net, task, phases, work / "checkpoints" / f"encoder-{_name(number)}.npz", manner=manner)
    weights_path(number, work).parent.mkdir(parents=True, exist_ok=True)
    save_weights(net, weights_path(number, work))
    about = {"losses": progress.losses, "scores": progress.scores, "best_epoch": progress.best_epoch + 1}
    keep_figures(about, _about(number, work))
    return number


def _parts(clips: Sequence[Clip], number: int) -> tuple[list[Clip], list[Clip]]:
    """Clips that an encoder learns from, and the few by which its best epoch is chosen; none of its fold."""
    folds: NDArray[np.int64] = folds_of(clips)
    there = [clip for clip, fold in zip(clips, folds, strict=True) if fold != number]
    shares = {"learnt": 1.0 - _HELD, "held": _HELD}
    places = assign(
        [clip.group for clip in there], [clip.stratum for clip in there], seed=SPLIT_SEED + 1, shares=shares
    )
    parts: dict[str, list[Clip]] = {"learnt": [], "held": []}
    for clip, place in zip(there, places, strict=True):
        parts[place].append(clip)
    return parts["learnt"], parts["held"]
