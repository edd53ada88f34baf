"""Stages `prepare` and `teacher`: features and teacher embeddings of every clip, one file each, resumable."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.training.teaching.yamnet import Yamnet
from pipelines.training.clips import VARIANTS, Clip, decode
from transforms.features.images import window_image
from transforms.features.mel import crnn_logmel, mel_steps
from transforms.features.streams import extract, resolve

log = logging.getLogger(__name__)

WORKERS = 2
FRONT_ENDS = tuple(f"{module.NAME}@{module.VERSION}" for module in (crnn_logmel, window_image, mel_steps))
# On disk: levels need no more than half precision.
_STORED = {FRONT_ENDS[0]: np.float16, FRONT_ENDS[1]: np.uint8, FRONT_ENDS[2]: np.float16}


def prepare(clips: Iterable[Clip], work: Path) -> None:
    """Write `features/ID.VARIANT.npz` for every clip that has none: the front ends and `total_samples`."""
    _for_every_clip(clips, work / "features", ".npz", _write_features)


def embed(clips: Iterable[Clip], work: Path, *, model: Path) -> None:
    """Write `embeddings/ID.VARIANT.npy` for every clip that has none: [patches, 1024] float16."""
    _for_every_clip(clips, work / "embeddings", ".npy", partial(_write_embeddings, model=model))


def load_features(clip_id: str, variant: str, work: Path) -> dict[str, NDArray[Any]]:
    """What `prepare` wrote of one variant of one clip."""
    with np.load(work / "features" / f"{clip_id}.{variant}.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}


def load_embeddings(clip_id: str, variant: str, work: Path) -> NDArray[np.float16]:
    """What `embed` wrote of one variant of one clip."""
    embeddings: NDArray[np.float16] = np.load(work / "embeddings" / f"{clip_id}.{variant}.npy")
    return embeddings


Task = tuple[Clip, str, Path]


def _for_every_clip(clips: Iterable[Clip], folder: Path, ending: str, write: Callable[[Task], None]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tasks = [
        (clip, variant, folder / f"{clip.clip_id}.{variant}{ending}")
        for clip in clips
        for variant in VARIANTS
    ]
    missing = [task for task in tasks if not task[2].exists()]
    log.info("%s: %d of %d to do", folder.name, len(missing), len(tasks))
    if not missing:
        return
    # The workers read these when they import numpy: one core each.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(WORKERS, mp_context=context) as pool:
        for done, _ in enumerate(pool.map(write, missing, chunksize=8), start=1):
            if done % 200 == 0:
                log.info("%s: %d of %d", folder.name, done, len(missing))


def _write_features(task: Task) -> None:
    clip, variant, path = task
    samples = decode(clip, variant)
    features = extract([samples], resolve(FRONT_ENDS), total_samples=lambda: len(samples))
    stored: Mapping[str, NDArray[Any]] = {key: features[key].astype(_STORED[key]) for key in FRONT_ENDS}
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, total_samples=np.int64(len(samples)), **stored)  # type: ignore[arg-type]
    part.replace(path)


@cache
def _yamnet(model: Path) -> Yamnet:
    return Yamnet(model)


def _write_embeddings(task: Task, *, model: Path) -> None:
    clip, variant, path = task
    embeddings = _yamnet(model).embed(decode(clip, variant)).astype(np.float16)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.save(file, embeddings)
    part.replace(path)
