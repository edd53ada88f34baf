"""What a track's results were made with, and why a track is worked on: the keys of incremental runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    """Why a track is in a run; the values of `tracks.reason`.

    The first that applies is given. `touched`: the object's state changed, its bytes did not. `columns`: the
    manifest says something else of it than before. The last two are rows about a track, not work on one.
    """

    NEW = "new"
    CHANGED = "changed"
    TOUCHED = "touched"
    FAILED_BEFORE = "failed_before"
    FRONT_END = "front_end"
    MODEL = "model"
    SETTINGS = "settings"
    DECISIONS = "decisions"
    COLUMNS = "columns"
    FORCED = "forced"
    GONE = "gone"
    REPEATED_ID = "repeated_id"


class CacheType(StrEnum):
    """How the values of a feature cache are kept."""

    FLOAT16 = "float16"
    UINT8 = "uint8"


# The results that there are stand: only decisions on them, or what is said beside them, change.
CARRIED = frozenset({Reason.TOUCHED, Reason.DECISIONS, Reason.COLUMNS})


@dataclass(frozen=True, slots=True)
class WorkKey:
    """What can change a result besides the audio, as hashes: equal keys of equal audio are equal results.

    `front_end` covers front ends with versions and settings, `model` the models and their weights, `settings`
    how a track is cut, `decision` what is made of raw scores: calibration, thresholds, grades.
    """

    front_end: str
    model: str
    settings: str
    decision: str

    @property
    def computed(self) -> tuple[str, str, str]:
        """All but the decision: with these equal, stored raw scores and curves stand."""
        return self.front_end, self.model, self.settings


# Made once: there is a hash for each row of a manifest.
_PLAIN = json.JSONEncoder(sort_keys=True, default=str)


def hash_of(values: Mapping[str, Any]) -> str:
    """16 hexadecimal digits over plain values, independent of their order."""
    return hashlib.sha256(_PLAIN.encode(values).encode()).hexdigest()[:16]
