"""Stage `write`: weights and index of a bundle, from what the other stages kept; its card comes later."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.bundle_files import write_index
from models.encoders.mobile import MobileSettings
from models.regressors.affect_head import AffectHeadSettings
from models.taggers.tag_head import TagHeadSettings
from models.training.reporting.measure import require
from models.training.teaching.teacher import load_teacher
from pipelines.training.calibrate import DECIDED, MEASURED
from pipelines.training.encoders import FINAL, weights_path
from pipelines.training.figures import load_figures
from pipelines.training.heads import load_head
from pipelines.training.teacher import ARRAYS

log = logging.getLogger(__name__)

NAME, VERSION = "default", "0.2.0"
ENCODER = "listener"
TERMS = (
    "Research and non-commercial use. Trained on the audio of 4Q and Emotify (research only), from and "
    "towards YAMNet (Apache-2.0, Google), with tags fitted on MTG-Jamendo metadata (CC BY-NC-SA 4.0)."
)
CARD = "card.md"
Arrays = Mapping[str, NDArray[Any]]


def write(work: Path, output: Path, *, number: int = FINAL) -> Bundle:
    """Fill an empty or earlier bundle folder and return the bundle, read back and checked.

    `number` is that of the encoder whose bundle it is: the shipped one, or that of a fold, to be measured on
    clips that it has not heard. Raises DataError(bad_bundle) where the figures forbid it.
    """
    measured = load_figures(work / MEASURED)
    require(measured)
    output.mkdir(parents=True, exist_ok=True)
    for old in output.iterdir():
        if old.suffix not in (".md", ".png"):
            old.unlink()
    members = [_write(member, arrays, output) for member, arrays in _members(work, number)]
    if not (output / CARD).exists():
        (output / CARD).write_text("No figures yet: `make card` measures them.\n", encoding="utf-8")
    bundle = write_index(
        output,
        {
            "name": NAME,
            "version": VERSION,
            "tags": measured["tags"],
            "members": members,
            "fusion": {"method": "mean"},
            **load_figures(work / DECIDED),
            "terms": TERMS,
            "card": CARD,
        },
    )
    log.info("%s: %d bytes", bundle.key, sum(file.stat().st_size for file in output.iterdir()))
    return bundle


def _members(work: Path, number: int) -> Iterable[tuple[dict[str, Any], Arrays]]:
    """Members of a bundle without their files, and their weights."""
    from safetensors.numpy import load_file

    encoder = MobileSettings()
    yield (
        {"name": ENCODER, "architecture": "mobile", "settings": encoder, "front_end": "step-mel@1"},
        load_file(weights_path(number, work)),
    )
    for place, net in enumerate(load_teacher(work / ARRAYS).heads.nets(), 1):
        hidden, tags = net["scores/kernel"].shape
        tagger = TagHeadSettings(inputs=encoder.outputs, hidden=hidden, tags=tags)
        yield _head(f"tags-{place}", "tag-head", tagger), net
    head = load_head(number, work)
    inputs, centres = head["near/centres"].shape
    voices = len(head["curve/bias"]) // 2
    affect = AffectHeadSettings(inputs=inputs, centres=centres, voices=voices)
    yield _head("affect", "affect-head", affect), head


def _head(name: str, architecture: str, settings: Any) -> dict[str, Any]:
    return {"name": name, "architecture": architecture, "settings": settings, "encoder": ENCODER}


def _write(member: dict[str, Any], arrays: Arrays, output: Path) -> dict[str, Any]:
    """A member with its file written: half precision is enough for what was trained in single."""
    from safetensors.numpy import save_file

    path = output / f"{member['name']}.safetensors"
    save_file({name: np.ascontiguousarray(array.astype(np.float16)) for name, array in arrays.items()}, path)
    path.chmod(0o644)
    return {**member, "weights": path.name}
