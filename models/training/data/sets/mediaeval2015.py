"""MediaEval 2015 "Emotion in Music" (Aljanaki et al. 2015): curves at 2 Hz, in the layout of DEAM's files.

Terms: as DEAM. Songs 2001 to 2058 are the official test set; the development set is the rest of the folder,
or those of a list of ids (the task has 431).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from models.training.data.audio import AudioFolder, attach_audio
from models.training.data.form import DataSet, EmotionTarget, LabelledTrack
from models.training.data.sets.deam import TERMS, read_dynamic
from models.training.data.tables import absent, bad_data, read_text

FIRST_TEST_SONG = 2001
_OWN_AUDIO = ("MEMD_audio", "audio", "clips_45seconds")


def read_mediaeval2015(root: Path, *, songs: Path | None = None, audio: AudioFolder | None = None) -> DataSet:
    """Songs with their curves in the order of their numbers; `songs` lists the ids to keep, one a line.

    Folds by song index are `splits.modulo_folds` over the tracks of split train (Coutinho et al. 2015).
    """
    if not root.is_dir():
        raise absent(f"data folder {root} does not exist")
    curves, notes = read_dynamic(root)
    if not curves:
        raise absent(f"arousal.csv and valence.csv are not in the data folder {root}")
    kept = sorted(_kept(curves, songs), key=_song_number)
    labelled = [
        LabelledTrack(
            song,
            group=song,
            curve=curves[song],
            split="test" if _song_number(song) >= FIRST_TEST_SONG else "train",
        )
        for song in kept
    ]
    own = [root / name for name in _OWN_AUDIO]
    tracks, found = attach_audio("mediaeval2015", labelled, audio or AudioFolder(), own=own)
    return DataSet("mediaeval2015", TERMS, tracks, notes=(*notes, *found))


def _kept(curves: Mapping[str, EmotionTarget], songs: Path | None) -> list[str]:
    if songs is None:
        return list(curves)
    if not songs.is_file():
        raise absent(f"mediaeval2015: list of songs {songs} does not exist")
    wanted = list(dict.fromkeys(read_text(songs).split()))
    if lost := [song for song in wanted if song not in curves]:
        raise bad_data(f"{songs.name}: {len(lost)} of {len(wanted)} songs have no curve, such as {lost[0]}")
    return wanted


def _song_number(song: str) -> int:
    if not song.isdecimal():
        raise bad_data(f"mediaeval2015: song_id {song!r} is not a number")
    return int(song)
