"""4Q (Panda et al. 2018): clips of 30 s with a quadrant and mood words, and valence and arousal from these.

Terms: research; commercial previews, not to be passed on. Valence and arousal are the means of the Warriner
norms of a clip's AllMusic mood words: derived, not rated.
"""

from __future__ import annotations

from pathlib import Path

from models.curves import QUADRANTS
from models.training.data.audio import AudioFolder, attach_audio
from models.training.data.form import DataSet, LabelledTrack
from models.training.data.tables import Row, bad_data, by_id, locate, number, read_table

TERMS = "research use; commercial previews, not to be passed on (4Q, Panda et al. 2018)"
_COLUMNS = ("track_id", "artist", "quadrant", "valence", "arousal", "moods")


def read_moods4q(root: Path, *, audio: AudioFolder | None = None) -> DataSet:
    """Tracks of tracks.csv; tags are the mood words, the stratum is the quadrant, the group the artist."""
    path = locate(root, "tracks.csv")
    rows = by_id(read_table(path, _COLUMNS), "track_id", path)
    clips = [_track(name, row, path) for name, row in rows.items()]
    tracks, found = attach_audio("moods4q", clips, audio or AudioFolder(), own=[root / "audio"])
    tags = tuple(sorted({tag for track in tracks for tag in track.tags}))
    notes = ("valence and arousal are derived from mood words, not rated", *found)
    return DataSet("moods4q", TERMS, tracks, tags=tags, notes=notes)


def _track(name: str, row: Row, path: Path) -> LabelledTrack:
    if row["quadrant"] not in QUADRANTS:
        raise bad_data(f"{path.name}, track {name}: quadrant {row['quadrant']!r} is not one of Q1 to Q4")
    place = f"{path.name}, track {name}"
    return LabelledTrack(
        name,
        group=" ".join(row["artist"].casefold().split()) or name,
        tags=tuple(dict.fromkeys(word for word in map(str.strip, row["moods"].split(";")) if word)),
        static=(number(row, "valence", place), number(row, "arousal", place)),
        stratum=row["quadrant"],
    )
