"""The clips that students learn from: who made them, how they are labelled and where their audio lies."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from schemas.errors import DataError, FailureKind, Stage
from transforms.decoding.audio import open_audio, resample

RATE_HZ = 16_000
# Copies of a clip: as it is, and played faster or slower by up to an eighth (another sound, another target).
VARIANTS = ("plain", "speed")
_LEAST_SPEED, _MOST_SPEED = 0.04, 0.125


@dataclass(frozen=True, slots=True)
class Clip:
    """One clip: `group` never crosses a split; `affect` is (valence, arousal) where the set has them."""

    clip_id: str
    source: str
    group: str
    stratum: str
    path: Path
    affect: tuple[float, float] | None = None


def read_clips(data: Path) -> list[Clip]:
    """Clips of 4Q and Emotify below a data folder, sorted by id; DataError(not_found) without the tables."""
    return sorted([*_moods4q(data / "moods4q"), *_emotify(data / "emotify")], key=lambda clip: clip.clip_id)


def _moods4q(folder: Path) -> Iterator[Clip]:
    for row in _rows(folder):
        yield Clip(
            clip_id=row["track_id"],
            source="4q",
            group=" ".join(row["artist"].casefold().split()) or row["track_id"],
            stratum=row["quadrant"],
            path=folder / "audio" / f"{row['track_id']}.opus",
            affect=(float(row["valence"]), float(row["arousal"])),
        )


def _emotify(folder: Path) -> Iterator[Clip]:
    for row in _rows(folder):
        name = row["track_id"]
        yield Clip(name, "emotify", name, row["genre"], folder / "audio" / f"{name}.opus")


def _rows(folder: Path) -> list[dict[str, str]]:
    table = folder / "tracks.csv"
    if not table.is_file():
        raise DataError(
            FailureKind.NOT_FOUND, Stage.INPUT, f"{folder.name}/tracks.csv is not in the data folder"
        )
    with table.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def speed_of(clip_id: str, variant: str) -> float:
    """How much faster a variant of a clip plays: 1 for `plain`, else drawn from the hash of its id."""
    if variant == "plain":
        return 1.0
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(clip_id.encode()).digest()[:8]))
    return float(1.0 + rng.choice([-1.0, 1.0]) * rng.uniform(_LEAST_SPEED, _MOST_SPEED))


def decode(clip: Clip, variant: str) -> NDArray[np.float32]:
    """Samples [n] float32 at 16 kHz of a variant of a clip: a wrong rate on purpose is another speed."""
    speed = speed_of(clip.clip_id, variant)
    with clip.path.open("rb") as file:
        _, blocks = open_audio(file)
        pieces = list(resample(((round(rate * speed), block) for rate, block in blocks), RATE_HZ))
    return np.concatenate(pieces)
