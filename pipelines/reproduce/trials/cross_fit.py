"""Every fold of every contender in a process of its own; a fold that is done is kept and not run again."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.registry import architecture
from models.training.data.form import DataSet
from models.training.learning.checkpoint import Progress
from models.training.systems.loop import Surroundings, Told, Trained, outputs_of, train_member
from models.training.systems.plan import SystemPlan
from models.training.systems.targets import split
from pipelines.reproduce.stages import Found, Place, write_json
from pipelines.reproduce.trials.baselines import fit_mean, fit_svr_baseline
from pipelines.reproduce.trials.held import HeldFeatures
from pipelines.reproduce.trials.study import (
    MEAN,
    SVR,
    Contender,
    Study,
    divide_fold,
    features_folder,
    make_features,
    open_study,
)
from pipelines.training.systems.feature_store import open_features
from pipelines.training.systems.gather import gather

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]
# Outputs by net and track id.
Outputs = Mapping[str, Mapping[str, Floats]]


@dataclass(frozen=True, slots=True)
class Fold:
    """What one fold of a contender gave: outputs for its test tracks and, of the nets, for its validation
    tracks; the courses of the trainings, by net."""

    test: Outputs
    validation: Outputs
    courses: Mapping[str, Found]


@dataclass(frozen=True, slots=True)
class _Job:
    study: Study
    contender: Contender
    fold: int
    place: Place

    @property
    def folder(self) -> Path:
        key = self.study.key(self.contender)
        return self.place.work / f"{self.contender.name}-{key}" / f"fold{self.fold}"


def cross_fit(study: Study, place: Place) -> tuple[DataSet, dict[str, list[Fold]]]:
    """The set, and by contender its folds in order, trained and applied as far as they were not."""
    data = open_study(study, place)
    make_features(study, data, place)
    jobs = {
        one.name: [_Job(study, one, fold, place) for fold in study.folds_of(one)] for one in study.contenders
    }
    waiting = [job for some in jobs.values() for job in some if not (job.folder / "courses.json").is_file()]
    # Spawned, never forked: TensorFlow runs in this process.
    with ProcessPoolExecutor(place.processes, get_context("spawn"), initializer=_start) as pool:
        running = {pool.submit(_run, job): job for job in waiting}
        for count, done in enumerate(as_completed(running), 1):
            job, seconds = running[done], done.result()
            log.info(
                "%s: %s fold %d in %.0f s, %d of %d done",
                study.name,
                job.contender.name,
                job.fold,
                seconds,
                count,
                len(waiting),
            )
    return data, {name: [_read(job.folder) for job in some] for name, some in jobs.items()}


def _start() -> None:
    from models.tensorflow_start import start_tensorflow

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    start_tensorflow(threads=1)


def _run(job: _Job) -> float:
    """Train and apply one fold, and keep what it gave; the seconds it took."""
    begin = time.monotonic()
    data = divide_fold(open_study(job.study, job.place), job.study, job.fold)
    plan = job.contender.plan(data)
    folder = features_folder(job.study, plan, job.place, image_net=job.contender.image_net)
    store = open_features(str(folder), architecture(plan.system).front_end)
    ids = {track.track_id for track in data.tracks}
    features = HeldFeatures(store, ids, limit_s=job.study.limit_s)
    if job.contender.system in (MEAN, SVR):
        fit = fit_mean if job.contender.system == MEAN else fit_svr_baseline
        fold = Fold({job.contender.name: fit(data, plan, features)}, {}, {})
    else:
        fold = _train(job, data, plan, features)
    _write(job.folder, fold)
    return time.monotonic() - begin


def _train(job: _Job, data: DataSet, plan: SystemPlan, features: HeldFeatures) -> Fold:
    gathered = gather(data, plan, features, seed=job.study.seed)
    wanted = {track.track_id for track in split(data, seed=job.study.seed)["test"]}
    test: dict[str, Mapping[str, Floats]] = {}
    validation: dict[str, Mapping[str, Floats]] = {}
    courses: dict[str, Found] = {}
    for member in plan.members:
        parts = gathered.parts[member.name]
        around = Surroundings(job.folder / "checkpoints", gathered.fingerprint, told=_end_with(os.getppid()))
        trained = train_member(member, parts, around)
        test[member.name] = outputs_of(trained, features, parts.validation.framing, wanted)
        validation[member.name] = trained.outputs
        courses[member.name] = {
            **_course(trained),
            "tracks": [len(parts.train.targets), len(parts.validation.targets)],
        }
    return Fold(test, validation, courses)


def _end_with(parent: int) -> Told:
    """Ends this process after an epoch at whose end its parent is gone: two would write one checkpoint."""

    def told(_: str, __: Progress) -> None:
        if os.getppid() != parent:
            os._exit(1)

    return told


def _course(trained: Trained) -> Found:
    return {
        "monitor": trained.plan.schedule.monitor,
        "losses": trained.losses,
        "validation_losses": trained.validation_losses,
        "scores": trained.scores,
        "best_epoch": trained.best_epoch,
        "parameters": sum(array.size for array in trained.weights.values()),
    }


def _write(folder: Path, fold: Fold) -> None:
    """Keep a fold; courses.json comes last and says that all is there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, outputs in (("test", fold.test), ("validation", fold.validation)):
        arrays: dict[str, Any] = {
            f"{net}/{track}": values for net, some in outputs.items() for track, values in some.items()
        }
        np.savez(folder / f"{name}.npz", **arrays)
    write_json(folder / "courses.json", fold.courses)


def _read(folder: Path) -> Fold:
    test, validation = (_outputs(folder / f"{name}.npz") for name in ("test", "validation"))
    return Fold(test, validation, json.loads((folder / "courses.json").read_text("utf-8")))


def _outputs(path: Path) -> Outputs:
    found: dict[str, dict[str, Floats]] = {}
    with np.load(path) as arrays:
        for name in arrays.files:
            net, _, track = name.partition("/")
            found.setdefault(net, {})[track] = arrays[name]
    return found


def each_track(folds: Sequence[Fold], nets: str | None = None) -> Iterator[tuple[str, Floats]]:
    """Every test track once, with the mean of its nets: of all, or of those whose name starts with `nets`."""
    for fold in folds:
        chosen = [some for name, some in fold.test.items() if not nets or name.startswith(nets)]
        for track in chosen[0]:
            yield track, np.mean([some[track] for some in chosen], axis=0)
