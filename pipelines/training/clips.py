"""The clips that the default bundle learns from: who made them, their labels, where their audio lies."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.training.data.spec import open_data
from models.training.recipe import FOLDS, LEAST_SPEED, MOST_SPEED, SPLIT_SEED
from models.training.splits import assign
from pipelines.training.forms import FORMS, read_sound
from schemas.errors import DataError, FailureKind, Stage
from transforms.decoding.audio import open_audio, resample

RATE_HZ = 16_000
# Folders of a data folder that are read, those that are there; each a set of `moodscribe train --data`.
SETS = ("moods4q", "emotify", "own")
# Copies of a clip: as it is; played faster or slower by up to an eighth, another sound with another target;
# coded or clipped, which is to be heard as if it were not.
PLAIN, SPEED, CODED = VARIANTS = ("plain", "speed", "coded")
_CODINGS = ("MP3 128 kbit/s", "MP3 64 kbit/s", "Opus 24 kbit/s", "gain +6 dB, clipped")


@dataclass(frozen=True, slots=True)
class Clip:
    """One clip: `group` never crosses a fold; `affect` is (valence, arousal), `words` are its tags, `shares`
    those of raters by emotion, where the set has them."""

    clip_id: str
    source: str
    group: str
    stratum: str
    path: Path
    affect: tuple[float, float] | None = None
    words: tuple[str, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)


def read_clips(data: Path) -> list[Clip]:
    """Clips of the sets below a data folder, sorted by id.

    Raises DataError: not_found where there is no set, bad_input for two clips of one id and for what the
    reader of a set refuses.
    """
    there = [name for name in SETS if (data / name).is_dir()]
    if not there:
        message = f"{data}: none of the folders {', '.join(SETS)} is there"
        raise DataError(FailureKind.NOT_FOUND, Stage.INPUT, message)
    clips = [clip for name in there for clip in _clips_of(name, data / name)]
    twice = [clip_id for clip_id, count in Counter(clip.clip_id for clip in clips).items() if count > 1]
    if twice:
        raise DataError(FailureKind.BAD_INPUT, Stage.INPUT, f"two clips of one id: {twice[0]}")
    return sorted(clips, key=lambda clip: clip.clip_id)


def _clips_of(name: str, folder: Path) -> list[Clip]:
    tracks = open_data(f"{name}={folder}").tracks
    if silent := [track.track_id for track in tracks if not track.audio]:
        message = f"{folder}: {len(silent)} of {len(tracks)} tracks have no audio, such as {silent[0]}"
        raise DataError(FailureKind.BAD_INPUT, Stage.INPUT, message)
    return [
        Clip(
            clip_id=track.track_id,
            source=name,
            group=f"{name}:{track.group}",
            stratum=f"{name}:{track.stratum}",
            path=Path(track.audio),
            affect=track.static,
            words=track.tags,
            shares=track.shares,
        )
        for track in tracks
    ]


def folds_of(clips: Sequence[Clip]) -> NDArray[np.int64]:
    """Fold of every clip, 0 to FOLDS - 1: groups whole, every stratum spread evenly."""
    shares = {str(fold): 1.0 / FOLDS for fold in range(FOLDS)}
    groups, strata = [clip.group for clip in clips], [clip.stratum for clip in clips]
    return np.array([int(fold) for fold in assign(groups, strata, seed=SPLIT_SEED, shares=shares)], np.int64)


def speed_of(clip_id: str, variant: str) -> float:
    """How much faster a variant of a clip plays: 1 but for `speed`, drawn from the hash of its id."""
    if variant != SPEED:
        return 1.0
    rng = _drawn(clip_id)
    return float(1.0 + rng.choice([-1.0, 1.0]) * rng.uniform(LEAST_SPEED, MOST_SPEED))


def decode(clip: Clip, variant: str) -> NDArray[np.float32]:
    """Samples [n] float32 at 16 kHz of a variant of a clip: a wrong rate on purpose is another speed."""
    if variant == CODED:
        return _recoded(clip)
    return _decoded(clip.path, speed=speed_of(clip.clip_id, variant))


def _decoded(path: Path, *, speed: float = 1.0) -> NDArray[np.float32]:
    with path.open("rb") as file:
        _, blocks = open_audio(file)
        pieces = list(resample(((round(rate * speed), block) for rate, block in blocks), RATE_HZ))
    return np.concatenate(pieces)


def _recoded(clip: Clip) -> NDArray[np.float32]:
    form = FORMS[_CODINGS[int(_drawn(clip.clip_id).integers(len(_CODINGS)))]]
    with tempfile.NamedTemporaryFile(suffix=f".{form.container}") as file:
        file.write(form.change(*read_sound(clip.path)))
        file.flush()
        return _decoded(Path(file.name))


def _drawn(clip_id: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(clip_id.encode()).digest()[:8]))
