"""Stage `prepare`: what the encoder is given of every clip and what the teacher hears, one file each."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from models.tensorflow_start import start_tensorflow
from models.training.teaching.yamnet import Yamnet
from pipelines.training.clips import CODED, VARIANTS, Clip, decode
from pipelines.training.processes import in_processes
from transforms.features.mel.patches import PatchSettings, log_mel_patches
from transforms.features.mel.step_mel import STEP_SAMPLES, step_mel
from transforms.features.mel.yamnet import YAMNET

log = logging.getLogger(__name__)

# A patch of YAMNet's for every half second, from its beginning on.
_PATCHES = PatchSettings(hop_frames=50, offset=YAMNET.offset, pad_end=True)


def prepare(clips: Iterable[Clip], work: Path, *, model: Path) -> None:
    """Write `clips/ID.npz` for every clip that has none.

    Of each variant `rows.VARIANT` [steps, 32, 64] float16, what `step-mel` gives, and `heard.VARIANT`
    [steps, 1024] float16, what YAMNet says of the .96 s from each half second on; what is coded or clipped
    is to be heard like what is not, so `heard.coded` is left out.
    """
    folder = work / "clips"
    folder.mkdir(parents=True, exist_ok=True)
    clips = list(clips)
    missing = [clip for clip in clips if not _path(clip.clip_id, work).exists()]
    log.info("clips: %d of %d to do", len(missing), len(clips))
    write = partial(_write, work=work, model=model)
    for done, _ in enumerate(in_processes(write, missing, at_once=8), start=1):
        if done % 100 == 0:
            log.info("clips: %d of %d", done, len(missing))


def load_clip(clip_id: str, work: Path, *names: str) -> dict[str, NDArray[np.float16]]:
    """What `prepare` wrote of a clip, by name; only what is named, where anything is."""
    with np.load(_path(clip_id, work)) as arrays:
        return {name: arrays[name] for name in names or arrays.files}


def _path(clip_id: str, work: Path) -> Path:
    return work / "clips" / f"{quote(clip_id, safe='')}.npz"


def _write(clip: Clip, *, work: Path, model: Path) -> None:
    arrays: dict[str, NDArray[Any]] = {}
    for variant in VARIANTS:
        samples = decode(clip, variant)
        arrays[f"rows.{variant}"] = step_mel(samples).astype(np.float16)
        if variant != CODED:
            arrays[f"heard.{variant}"] = _heard(samples, model)
    path = _path(clip.clip_id, work)
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    part.replace(path)


def _heard(samples: NDArray[np.float32], model: Path) -> NDArray[np.float16]:
    steps = len(samples) // STEP_SAMPLES
    patches = log_mel_patches(samples, rate_hz=16_000, settings=_PATCHES)
    # The last patch that ends in the track may begin before the last half second: silence follows.
    missing = max(0, steps - len(patches))
    patches = np.pad(patches, [(0, missing), (0, 0), (0, 0)], constant_values=np.log(YAMNET.offset))
    return _yamnet(model).embed(patches[:steps]).astype(np.float16)


@cache
def _yamnet(model: Path) -> Yamnet:
    start_tensorflow(threads=1)
    return Yamnet(model)
