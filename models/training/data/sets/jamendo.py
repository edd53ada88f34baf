"""MTG-Jamendo (Bogdanov et al. 2019): the official splits 0 to 4 of its subsets, with audio or embeddings.

Terms: metadata CC BY-NC-SA 4.0, audio under each track's own Creative Commons licence. Lists of the official
repository (split-0/autotagging_moodtheme-train.tsv) and those of one subset (split0_train.tsv) are both read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.training.data.audio import AudioFolder, join_files
from models.training.data.form import SPLITS, DataSet, LabelledTrack, Vectors
from models.training.data.sets.jamendo_rows import JamendoRow, parse_lines
from models.training.data.tables import absent, bad_data, locate, read_text
from models.training.data.vectors import load_vectors

TERMS = "CC BY-NC-SA 4.0 metadata; audio under each track's Creative Commons licence (MTG-Jamendo)"
VECTORS = "embeddings_f16.npz"
_NUMBERS = range(5)
# The category whose tags a subset has; None keeps every tag with its category before it.
SUBSETS: Mapping[str, str | None] = {
    "moodtheme": "mood/theme",
    "genre": "genre",
    "instrument": "instrument",
    "top50tags": None,
    "all": None,
}


@dataclass(frozen=True, slots=True)
class JamendoOptions:
    """Which split (0 to 4) of which subset; `vectors` is a file of `ids` and `X`, one vector a track."""

    split: int = 0
    subset: str = "moodtheme"
    vectors: Path | None = None


def read_jamendo(
    root: Path, *, options: JamendoOptions | None = None, audio: AudioFolder | None = None
) -> DataSet:
    """Train, validation and test in the order of the official lists; tag columns are in alphabetical order.

    The audio folder holds the files as the lists name them (48/948.mp3) or their small copies
    (48/948.low.mp3). Without `options.vectors`, embeddings_f16.npz of the folder is read where it is there.
    """
    options = options or JamendoOptions()
    if options.split not in _NUMBERS or options.subset not in SUBSETS:
        raise bad_data(
            f"jamendo: split {options.split} of subset {options.subset!r} is not known; "
            f"there are splits 0 to 4 of {', '.join(SUBSETS)}"
        )
    listed = [pair for split in SPLITS for pair in _read_list(root, split, options)]
    tags = tuple(sorted({tag for track, _ in listed for tag in track.tags}))
    tracks, found = _with_audio(listed, audio or AudioFolder())
    vectors = _vectors(root, options)
    missing = (f"{vectors.name}: {_missing(tracks, vectors)} tracks have no vector",) if vectors else ()
    return DataSet("jamendo", TERMS, tracks, tags=tags, notes=(*found, *missing), vectors=vectors)


def _read_list(root: Path, split: str, options: JamendoOptions) -> list[tuple[LabelledTrack, str]]:
    """Tracks of one split and the path of each below the audio folder."""
    path = locate(root, *_names(split, options))
    rows = list(parse_lines(read_text(path).splitlines()))
    if len({row.track_id for row in rows}) != len(rows) or not rows:
        raise bad_data(f"{path.name}: {len(rows)} rows, {len({row.track_id for row in rows})} tracks")
    return [(_track(row, split, SUBSETS[options.subset], path), row.path) for row in rows]


def _names(split: str, options: JamendoOptions) -> list[str]:
    stem = "autotagging" if options.subset == "all" else f"autotagging_{options.subset}"
    official = f"split-{options.split}/{stem}-{split}.tsv"
    short = [f"split{options.split}_{split}.tsv"] if options.subset == "moodtheme" else []
    return [*short, official, f"data/splits/{official}"]


def _track(row: JamendoRow, split: str, category: str | None, path: Path) -> LabelledTrack:
    if category is None:
        tags = row.tags
    else:
        start = f"{category}---"
        tags = tuple(tag.removeprefix(start) for tag in row.tags if tag.startswith(start))
    if not tags:
        raise bad_data(f"{path.name}: {row.track_id} has no tag of {category}")
    return LabelledTrack(row.track_id, group=row.artist or row.track_id, tags=tags, split=split)


def _with_audio(
    listed: Sequence[tuple[LabelledTrack, str]], audio: AudioFolder
) -> tuple[tuple[LabelledTrack, ...], tuple[str, ...]]:
    tracks = tuple(track for track, _ in listed)
    if audio.folder is None:
        return tracks, ("no folder of audio: labels only",)
    if not audio.folder.is_dir():
        raise absent(f"jamendo: audio folder {audio.folder} does not exist")
    files = {}
    for track, name in listed:
        whole = audio.folder / name
        for path in (whole, whole.with_suffix(f".low{whole.suffix}")):
            if path.is_file():
                files[track.track_id] = str(path)
                break
    return join_files("jamendo", tracks, files, place=audio.folder, partial=audio.partial)


def _vectors(root: Path, options: JamendoOptions) -> Vectors | None:
    path = options.vectors or root / VECTORS
    if options.vectors is None and not path.is_file():
        return None
    vectors = load_vectors(path, ids="ids", values="X")
    ids = tuple(f"track_{int(name):07d}" if name.isdecimal() else name for name in vectors.track_ids)
    return replace(vectors, name=path.name, track_ids=ids)


def _missing(tracks: Sequence[LabelledTrack], vectors: Vectors) -> int:
    known = set(vectors.track_ids)
    return sum(track.track_id not in known for track in tracks)
