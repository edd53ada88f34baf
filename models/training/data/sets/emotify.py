"""Emotify (Aljanaki et al. 2016): excerpts of 60 s and, of about 20 raters, the share that felt each emotion.

Terms: research. The nine emotions are those of the Geneva Emotional Music Scale. A pair of opposite ones
gives the soft targets that antonym models learn from (Liu et al. 2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from models.training.data.audio import AudioFolder, attach_audio
from models.training.data.form import AntonymPair, DataSet, LabelledTrack, antonym_targets
from models.training.data.tables import bad_data, by_id, locate, number, read_table

TERMS = "research use (Emotify, Aljanaki et al. 2016)"
EMOTIONS = (
    "amazement",
    "solemnity",
    "tenderness",
    "nostalgia",
    "calmness",
    "power",
    "joyful_activation",
    "tension",
    "sadness",
)
PAIRS = (
    AntonymPair("joy-sad", first="joyful_activation", second="sadness"),
    AntonymPair("calm-tense", first="calmness", second="tension"),
)


def read_emotify(
    root: Path, *, pairs: Sequence[AntonymPair] = PAIRS, audio: AudioFolder | None = None
) -> DataSet:
    """Tracks of tracks.csv with the shares of all nine emotions; notes say what each pair leaves out."""
    for pair in pairs:
        _refuse_unknown(pair)
    path = locate(root, "tracks.csv")
    rows = by_id(read_table(path, ("track_id", "genre", *EMOTIONS)), "track_id", path)
    clips = [
        LabelledTrack(
            name,
            group=name,
            shares={
                emotion: number(row, emotion, f"{path.name}, track {name}", low=0.0) for emotion in EMOTIONS
            },
            stratum=row["genre"],
        )
        for name, row in rows.items()
    ]
    tracks, found = attach_audio("emotify", clips, audio or AudioFolder(), own=[root / "audio"])
    notes = [_left_out(tracks, pair) for pair in pairs]
    return DataSet("emotify", TERMS, tracks, notes=(*notes, *found), pairs=tuple(pairs))


def _refuse_unknown(pair: AntonymPair) -> None:
    for emotion in (pair.first, pair.second):
        if emotion not in EMOTIONS:
            raise bad_data(f"pair {pair.name}: {emotion!r} is not one of {', '.join(EMOTIONS)}")
    if pair.first == pair.second:
        raise bad_data(f"pair {pair.name}: both sides are {pair.first}")


def _left_out(tracks: Sequence[LabelledTrack], pair: AntonymPair) -> str:
    known = len(antonym_targets(tracks, pair)[0])
    return (
        f"{pair.name}: {known} of {len(tracks)} tracks; {len(tracks) - known} left out, "
        f"for no rater felt {pair.first} or {pair.second}"
    )
