"""A track as pages and terminals show it: its row, its tags and its curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from schemas.antonyms import AntonymRow
from schemas.emotion_curves import EmotionCurveRow
from schemas.mood_tags import MoodTagRow


@dataclass(frozen=True, slots=True)
class ShownTrack:
    """What is known of a track. `source` says where from; `tags` are in order of rank, `curve` is None and
    `antonyms` are empty where nothing was said of them; `facts` are further words on it by name."""

    track_id: str
    title: str
    uri: str
    source: str
    facts: dict[str, str]
    tags: Sequence[MoodTagRow]
    curve: EmotionCurveRow | None
    antonyms: Sequence[AntonymRow]

    @property
    def name(self) -> str:
        """Its title, or the last part of its URI or id."""
        return self.title or (self.uri or self.track_id).rstrip("/").rpartition("/")[2] or self.track_id


def named(track_id: str, title: Any, uri: str) -> str:
    """The name of a track by its row: see ShownTrack.name."""
    words = "" if title is None else str(title)
    return ShownTrack(track_id, words, uri, "", {}, (), None, ()).name
