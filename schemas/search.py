"""The search document of a track: its fields, what each means, and of what kind they are in every index."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Of what kind a field is; each index has a type of its own for it."""

    WORD = "word"
    WORDS = "words"
    NUMBER = "number"
    POINT = "point"
    SCORES = "scores"
    VECTOR = "vector"
    SHARES = "shares"
    COLUMNS = "columns"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the document; null, or not there, where a track has no such value."""

    name: str
    kind: Kind
    meaning: str


def _axis(name: str) -> tuple[Field, ...]:
    words = {
        "mean": "over the track",
        "min": "over the track",
        "max": "over the track",
        "slope": "of the least-squares line, change a minute",
        "start": "mean over the first third",
        "middle": "mean over the second third",
        "end": "mean over the last third",
        "rise": f"{name}_end - {name}_start",
    }
    return tuple(Field(f"{name}_{what}", Kind.NUMBER, meaning) for what, meaning in words.items())


FIELDS = (
    Field("track_id", Kind.WORD, "as in tracks; the document's id"),
    Field("uri", Kind.WORD, "as in tracks"),
    Field("status", Kind.WORD, "tagged, duplicate or failed"),
    Field("duplicate_of", Kind.WORD, "track_id of the first track with the same decoded samples"),
    Field("failure", Kind.WORD, "as kind in failures; null where it did not fail"),
    Field("duration_s", Kind.NUMBER, "of the decoded samples, else as the file declares it"),
    Field("manifest", Kind.COLUMNS, "the manifest's further columns, such as manifest.title"),
    Field("tags", Kind.WORDS, "tags that are tagged, by rank"),
    Field("moods", Kind.SCORES, "calibrated score of every tag, in (0, 1]; one of 0 is left out"),
    Field("mood_vector", Kind.VECTOR, "calibrated scores of all tags, in the order of their names"),
    *_axis("valence"),
    *_axis("arousal"),
    Field("emotion", Kind.POINT, "valence_mean, arousal_mean"),
    Field("q1_share", Kind.NUMBER, "share of time with valence >= 0, arousal >= 0: happy, excited"),
    Field("q2_share", Kind.NUMBER, "share of time with valence < 0, arousal >= 0: tense, angry"),
    Field("q3_share", Kind.NUMBER, "share of time with valence < 0, arousal < 0: sad, gloomy"),
    Field("q4_share", Kind.NUMBER, "share of time with valence >= 0, arousal < 0: calm, content"),
    Field("quadrant", Kind.WORD, "of the means: Q1 to Q4"),
    Field("colour", Kind.WORD, "of the means, #rrggbb"),
    Field("antonyms", Kind.SHARES, "share of the first mood of each pair, such as antonyms.calm-excited"),
    Field("run_id", Kind.WORD, "the run that wrote the track's row"),
    Field("content_hash", Kind.WORD, "of all other fields: equal hashes are equal documents"),
)
