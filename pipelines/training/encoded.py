"""Stage `rows`: every clip through the encoders, once each; kept as one row a patch."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.encoders.mobile import PATCH_ROWS, MobileSettings
from models.ensemble import compiled
from models.training.learning.imitation import encode
from models.training.learning.start import start_encoder
from models.training.recipe import FOLDS
from pipelines.training.clips import PLAIN, Clip
from pipelines.training.encoders import FINAL, weights_path
from pipelines.training.prepare import load_clip
from pipelines.training.processes import in_processes

log = logging.getLogger(__name__)

Rows = Mapping[str, NDArray[np.float32]]


def encode_clips(clips: Sequence[Clip], work: Path) -> None:
    """Write `rows/K.npz` for every encoder: of each clip as it is, [patches, 1024] float16 by its id."""
    missing = [number for number in (*range(FOLDS), FINAL) if not _path(number, work).exists()]
    log.info("rows: %d of %d to do", len(missing), FOLDS + 1)
    for number in in_processes(partial(_encode, clips=clips, work=work), missing):
        log.info("rows of encoder %d", number)


def load_rows(number: int, clips: Sequence[Clip], work: Path) -> Iterator[NDArray[np.float32]]:
    """Rows [steps, 1024] of each clip, one a half second, as an encoder gives them."""
    with np.load(_path(number, work)) as arrays:
        for clip in clips:
            steps = int(arrays[f"{clip.clip_id}.steps"])
            patches = arrays[clip.clip_id].astype(np.float32)
            yield np.repeat(patches, PATCH_ROWS, axis=0)[:steps]


def _path(number: int, work: Path) -> Path:
    return work / "rows" / f"{number}.npz"


def _encode(number: int, *, clips: Sequence[Clip], work: Path) -> int:
    from safetensors.numpy import load_file

    at_once = MobileSettings().rows
    weights = load_file(weights_path(number, work))
    run = compiled(start_encoder(weights, rows=at_once, seed=number, source=f"encoder {number}"))
    arrays: dict[str, NDArray[Any]] = {}
    for clip in clips:
        rows = load_clip(clip.clip_id, work, f"rows.{PLAIN}")[f"rows.{PLAIN}"]
        arrays[clip.clip_id] = encode(run, rows, at_once=at_once)[::PATCH_ROWS].astype(np.float16)
        arrays[f"{clip.clip_id}.steps"] = np.array(len(rows))
    path = _path(number, work)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".part").open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    path.with_suffix(".part").replace(path)
    return number
