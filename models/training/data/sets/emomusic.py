"""emoMusic (Soleymani et al. 2013): 744 clips of 45 s, static ratings from 1 to 9 and curves at 2 Hz.

Terms: research. The official split is 619 development and 125 evaluation songs ("Mediaeval 2013 set").
"""

from __future__ import annotations

from pathlib import Path

from models.training.data.audio import AudioFolder, attach_audio
from models.training.data.form import DataSet, LabelledTrack
from models.training.data.sets.curves import read_curves
from models.training.data.tables import Row, bad_data, by_id, locate, number, read_table, same_ids
from models.training.data.vectors import load_vectors
from schemas.scales import from_nine_points

TERMS = "research use (emoMusic, Soleymani et al. 2013)"
_SPLITS = {"development": "train", "evaluation": "test"}
_SET = "Mediaeval 2013 set"
_OWN_AUDIO = ("clips_45seconds", "audio")


def read_emomusic(root: Path, *, audio: AudioFolder | None = None, vectors: str = "") -> DataSet:
    """The set below `root` or its annotations/; `vectors` names an array of features.npz."""
    info_path = _file(root, "songs_info.csv")
    info = by_id(read_table(info_path, ("song_id", "Artist", "Genre", _SET)), "song_id", info_path)
    static = read_static(root)
    curves, notes = read_curves(
        _file(root, "arousal_cont_average.csv"), _file(root, "valence_cont_average.csv")
    )
    same_ids(info, static, names=("songs_info.csv", "static_annotations.csv"))
    same_ids(info, curves, names=("songs_info.csv", "valence_cont_average.csv"))
    songs = [
        LabelledTrack(
            song,
            group=" ".join(row["Artist"].casefold().split()) or song,
            static=static[song],
            curve=curves[song],
            split=_split(row, song),
            stratum=row["Genre"],
        )
        for song, row in info.items()
    ]
    own = [root / name for name in _OWN_AUDIO]
    tracks, found = attach_audio("emomusic", songs, audio or AudioFolder(), own=own)
    ready = load_vectors(locate(root, "features.npz"), ids="song_id", values=vectors) if vectors else None
    return DataSet("emomusic", TERMS, tracks, notes=(*notes, *found), vectors=ready)


def read_static(root: Path) -> dict[str, tuple[float, float]]:
    """Valence and arousal in [-1, 1] by song."""
    path = _file(root, "static_annotations.csv")
    rows = by_id(read_table(path, ("song_id", "mean_arousal", "mean_valence")), "song_id", path)
    return {
        song: (
            from_nine_points(number(row, "mean_valence", f"{path.name}, song {song}", low=1.0, high=9.0)),
            from_nine_points(number(row, "mean_arousal", f"{path.name}, song {song}", low=1.0, high=9.0)),
        )
        for song, row in rows.items()
    }


def _file(root: Path, name: str) -> Path:
    return locate(root, name, f"annotations/{name}")


def _split(row: Row, song: str) -> str:
    if row[_SET] not in _SPLITS:
        raise bad_data(f"songs_info.csv, song {song}: {_SET} {row[_SET]!r} is not {' or '.join(_SPLITS)}")
    return _SPLITS[row[_SET]]
