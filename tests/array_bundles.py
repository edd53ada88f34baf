"""A small bundle whose weights are plain arrays: no net is built for it, so TensorFlow need not start."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from models.bundle import Bundle
from models.bundle_files import write_index
from models.bundle_index import INDEX
from models.encoders.mobile import MobileSettings
from models.registry import Settings, architecture
from models.regressors.affect_head import AffectHeadSettings
from models.regressors.dilated import DilatedSettings
from models.taggers.tag_head import TagHeadSettings

TAGS = ("calm", "dark", "happy", "sad")
ENCODER = "mobile"
NETS: dict[str, tuple[str, Settings]] = {
    ENCODER: ("mobile", MobileSettings((4,) * 13)),
    "tags": ("tag-head", TagHeadSettings(4, hidden=4, tags=4)),
    "affect": ("affect-head", AffectHeadSettings(4, contexts=(2,), centres=4, voices=1)),
    "dilated": ("dilated", DilatedSettings(channels=4, dilations=(1,))),
}


def write_array_bundle(folder: Path, *, seed: int = 5) -> Bundle:
    """Save and index the bundle; the same seed gives the same files."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(seed)
    for name, (kind, settings) in NETS.items():
        shapes = architecture(kind).sizes(settings).shapes
        save_file(
            {path: _array(path, shape, generator) for path, shape in shapes.items()},
            folder / f"{name}.safetensors",
        )
    (folder / "card.md").write_text("Random arrays, for tests.\n")
    return write_index(folder, _fields())


def change_index(folder: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    """Edit the index and nothing else; what `edit` returns is of no interest."""
    fields = json.loads((folder / INDEX).read_text("utf-8"))
    edit(fields)
    (folder / INDEX).write_text(json.dumps(fields), "utf-8")


def reindex(folder: Path, edit: Callable[[dict[str, Any]], Any] = lambda fields: None) -> Bundle:
    """Edit the index and write it anew over the files that are there now, with honest hashes."""
    fields = json.loads((folder / INDEX).read_text("utf-8"))
    edit(fields)
    return write_index(folder, {key: fields[key] for key in fields if key not in ("format", "files")})


def _array(path: str, shape: tuple[int, ...], generator: np.random.Generator) -> NDArray[Any]:
    """Values of any array; those of a variance have to be above zero, a count is a whole number."""
    values = np.abs(generator.standard_normal(shape)) + 0.1
    return np.asarray(values, np.int64 if path.endswith("count") else np.float32)


def _fields() -> dict[str, Any]:
    count = len(TAGS)
    return {
        "name": "arrays",
        "version": "1",
        "tags": list(TAGS),
        "members": [_member(name, kind, settings) for name, (kind, settings) in NETS.items()],
        "fusion": {"method": "mean"},
        "calibration": {"scale": [2.5] * count, "bias": [0.1] * count, "provenance": "none"},
        "thresholds": {"values": [0.5] * count, "provenance": "none"},
        "quality": {
            "grades": list("AABD"),
            "off": ["sad"],
            "opposites": [["happy", "sad"]],
            "provenance": "none",
        },
        "terms": "none",
        "card": "card.md",
    }


def _member(name: str, kind: str, settings: Settings) -> dict[str, Any]:
    front_end = architecture(kind).front_end
    return {
        "name": name,
        "architecture": kind,
        "settings": asdict(settings),
        **({"front_end": front_end} if front_end else {"encoder": ENCODER}),
        "weights": f"{name}.safetensors",
    }
