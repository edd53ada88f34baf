"""DEAM (Aljanaki et al. 2017): 1,802 songs with static ratings from 1 to 9, and curves where they are given.

Terms: research, non-commercial. Songs 1 to 2000 are clips of 45 s, 2001 to 2058 whole songs. Valence and
arousal of the static ratings are swapped for the songs shared with emoMusic: found and said, mended only on
request.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.training.data.audio import AudioFolder, attach_audio
from models.training.data.form import DataSet, EmotionTarget, LabelledTrack, Vectors
from models.training.data.sets.curves import read_curves
from models.training.data.sets.emomusic import read_static as read_emomusic_static
from models.training.data.sets.static_swap import Ratings, check_swap, mend
from models.training.data.tables import bad_data, by_id, locate, number, read_records, read_table, to_number
from schemas.scales import from_nine_points

TERMS = "research, non-commercial use (DEAM, Aljanaki et al. 2017)"
_STATIC = ("static_annotations_averaged_songs_1_2000.csv", "static_annotations_averaged_songs_2000_2058.csv")
_METADATA = ("metadata_2013.csv", "metadata_2014.csv", "metadata_2015.csv")
_STATIC_FOLDER = "annotations/annotations averaged per song/song_level"
_CURVES_FOLDER = "annotations/annotations averaged per song/dynamic (per second annotations)"
_OWN_AUDIO = ("MEMD_audio", "audio")


@dataclass(frozen=True, slots=True)
class DeamOptions:
    """`emomusic` is that set's folder, for the check of swapped columns; `mend_swap` exchanges them."""

    emomusic: Path | None = None
    mend_swap: bool = False
    vectors: bool = False


def read_deam(root: Path, *, options: DeamOptions | None = None, audio: AudioFolder | None = None) -> DataSet:
    """Static ratings of all songs, artists and genres where the metadata are there, curves where they are.

    `options.vectors` reads the means of 130 openSMILE descriptors (specteral_data.csv) as well.
    """
    options = options or DeamOptions()
    if options.mend_swap and options.emomusic is None:
        raise bad_data("deam: mend_swap needs emomusic=FOLDER, to find the songs whose columns are swapped")
    ratings, swap = _checked(_read_static(root), options)
    people, known = _read_artists(root)
    curves, uneven = read_dynamic(root)
    songs = [
        LabelledTrack(
            song,
            group=people.get(song, ("", ""))[0] or song,
            stratum=people.get(song, ("", ""))[1],
            static=static,
            curve=curves.get(song),
        )
        for song, static in ratings.items()
    ]
    tracks, found = attach_audio(
        "deam", songs, audio or AudioFolder(), own=[root / name for name in _OWN_AUDIO]
    )
    ready = _read_vectors(root) if options.vectors else None
    return DataSet("deam", TERMS, tracks, notes=(swap, *known, *uneven, *found), vectors=ready)


def read_dynamic(root: Path) -> tuple[dict[str, EmotionTarget], tuple[str, ...]]:
    """Curves by song, none where the folder has neither file; DataError where it has only one."""
    places = [(name, f"{_CURVES_FOLDER}/{name}") for name in ("arousal.csv", "valence.csv")]
    if not any((root / name).is_file() for pair in places for name in pair):
        return {}, ("no arousal.csv and valence.csv: static ratings only",)
    return read_curves(*(locate(root, *pair) for pair in places))


def _read_static(root: Path) -> dict[str, tuple[float, float]]:
    ratings: dict[str, tuple[float, float]] = {}
    for name in _STATIC:
        path = locate(root, name, f"{_STATIC_FOLDER}/{name}")
        for song, row in by_id(
            read_table(path, ("song_id", "valence_mean", "arousal_mean")), "song_id", path
        ).items():
            if song in ratings:
                raise bad_data(f"{name}: song {song} is also in {_STATIC[0]}")
            valence, arousal = (
                from_nine_points(number(row, column, f"{name}, song {song}", low=1.0, high=9.0))
                for column in ("valence_mean", "arousal_mean")
            )
            ratings[song] = (valence, arousal)
    return ratings


def _checked(ratings: Ratings, options: DeamOptions) -> tuple[Ratings, str]:
    """The ratings, mended where that is asked for, and what the check found."""
    known_fault = "DEAM is known to have valence and arousal swapped for the songs shared with emoMusic"
    if options.emomusic is None:
        return ratings, f"swap not checked: {known_fault}; give emomusic=FOLDER to check it"
    check = check_swap(ratings, read_emomusic_static(options.emomusic))
    if check is None:
        return ratings, "swap not checked: too few songs are shared with emoMusic"
    if not check.swapped:
        return ratings, f"valence and arousal are not swapped; {check}"
    if options.mend_swap:
        return mend(ratings, check), f"valence and arousal were swapped and are mended on request; {check}"
    return ratings, f"VALENCE AND AROUSAL ARE SWAPPED, left as they are; mend_swap=yes mends them; {check}"


def _read_artists(root: Path) -> tuple[dict[str, tuple[str, str]], tuple[str, ...]]:
    """Artist and genre by song from the metadata of each year; all three files or none."""
    present = [
        name for name in _METADATA if any((root / place / name).is_file() for place in ("", "metadata"))
    ]
    if not present:
        return {}, ("no metadata_2013.csv to metadata_2015.csv: every song is its own group",)
    people: dict[str, tuple[str, str]] = {}
    for name in _METADATA:
        for row in read_table(locate(root, name, f"metadata/{name}"), ("song_id", "artist", "Genre")):
            people[row["song_id"]] = (" ".join(row["artist"].casefold().split()), row["Genre"])
    return {song: ("" if artist == "n/a" else artist, genre) for song, (artist, genre) in people.items()}, ()


def _read_vectors(root: Path) -> Vectors:
    path = locate(root, "specteral_data.csv")
    header, *records = read_records(path)
    if header[0] != "song_id" or any(len(record) != len(header) for record in records):
        raise bad_data(f"{path.name}: rows are not song_id and {len(header) - 1} values")
    values = [
        [to_number(cell, f"{path.name}, song {record[0]}", low=-1e9, high=1e9) for cell in record[1:]]
        for record in records
    ]
    return Vectors("opensmile130", tuple(record[0] for record in records), np.array(values, np.float32))
