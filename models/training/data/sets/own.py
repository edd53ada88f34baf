"""A folder of one's own: a table of labels beside the audio, in a plain form.

    track_id,path,group,split,tags,valence,arousal,pair:calm/excited
    0001,audio/0001.flac,Ann North,train,calm;warm,0.4,-0.5,0.9

Only track_id is required, and an empty cell says nothing. `path` (or `uri`, as in a manifest) starts from the
folder; without one the audio is audio/ID.*. `group` is the artist or the album. Terms are the owner's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from models.training.data.audio import SUFFIXES, AudioFolder, join_files
from models.training.data.form import SPLITS, DataSet, LabelledTrack
from models.training.data.sets.own_curves import read_own_curves
from models.training.data.sets.own_rows import SCALES, OwnTable, pairs_of, read_own_table, track_of
from models.training.data.sets.own_tags import shortened, tag_columns
from models.training.data.splits import by_quadrant, divide
from models.training.data.tables import absent, bad_data, locate
from models.training.splits import SHARES

Tracks = tuple[LabelledTrack, ...]
Notes = tuple[str, ...]

# What a track can be kept for.
LABELS: Mapping[str, Callable[[LabelledTrack], bool]] = {
    "tags": lambda track: bool(track.tags),
    "emotion": lambda track: track.static is not None or track.curve is not None,
    "pairs": lambda track: bool(track.shares),
}
KEYS: Mapping[str, str] = {
    "file": "NAME.csv in the folder (default tracks.csv) with track_id and, where there are, path, group,\n"
    "      split, tags (calm;warm), valence and arousal, pair:FIRST/SECOND (share of the first)",
    "labels": "tags, emotion or pairs: only tracks that have these (default: any)",
    "scale": f"of valence and arousal: {', '.join(SCALES)} (default -1..1)",
    "curves": "FOLDER of ID.csv with time_s,valence,arousal (default: one rating a track)",
    "min_tracks": "leave out tags of fewer tracks (default 5)",
    "shares": "train/validation/test where there is no column split (default .8/.1/.1)",
    "seed": "of that split, which keeps groups whole (default 1)",
    "terms": "what the bundle's card says of the rights in the data",
}


@dataclass(frozen=True, slots=True)
class OwnOptions:
    """`file` is the table, `scale` one of SCALES, `labels` one of LABELS or "" for any, `curves` a folder;
    `shares` and `seed` are of the split of a table that has none."""

    file: str = "tracks.csv"
    scale: str = "-1..1"
    labels: str = ""
    curves: Path | None = None
    min_tracks: int = 5
    shares: Mapping[str, float] = field(default_factory=lambda: dict(SHARES))
    seed: int = 1
    terms: str = "terms not stated"


def read_own(root: Path, *, options: OwnOptions | None = None, audio: AudioFolder | None = None) -> DataSet:
    """The labelled tracks of the table, in its order, every one with a split.

    The split is one of all labelled tracks, whichever are kept: a test track is one for every system. Raises
    DataError: not_found for a table, audio or curves that are not there, bad_input by file, row and value.
    """
    options = options or OwnOptions()
    for key, value, known in (("scale", options.scale, SCALES), ("labels", options.labels, ("", *LABELS))):
        if value not in known:
            raise bad_data(f"own: {key}={value} is not one of {', '.join(filter(None, known))}")
    table = read_own_table(locate(root, options.file))
    labelled, found = _labelled(table, options)
    placed, parted = _placed(labelled, table, options)
    tracks, heard = _with_audio(_kept(placed, table, options), table, root, audio or AudioFolder())
    tags, said = tag_columns(tracks, options.min_tracks) if options.labels in ("", "tags") else ((), ())
    if options.labels == "tags" and not tags:
        raise bad_data(f"{table.name}: {said[0]}; min_tracks=N keeps tags of N tracks")
    pairs = tuple(pairs_of(table).values())
    return DataSet("own", options.terms, tracks, tags, notes=(*found, *parted, *heard, *said), pairs=pairs)


def parse_shares(text: str) -> dict[str, float]:
    """TRAIN/VALIDATION/TEST as three shares of 1, of which only test may be 0 (it is then no split)."""
    try:
        shares = [float(part) for part in text.split("/")]
    except ValueError:
        shares = []
    if (
        len(shares) != len(SPLITS)
        or min(shares) < 0.0
        or not min(shares[:2])
        or abs(sum(shares) - 1.0) > 1e-6
    ):
        raise bad_data(f"own: shares={text} is not TRAIN/VALIDATION/TEST with a sum of 1, such as .8/.1/.1")
    return {split: share for split, share in zip(SPLITS, shares, strict=True) if share}


def _labelled(table: OwnTable, options: OwnOptions) -> tuple[Tracks, Notes]:
    """Tracks that have any label, and what of the table is not used."""
    scale, pairs = SCALES[options.scale], pairs_of(table)
    tracks = [track_of(row, scale, pairs) for row in table.rows]
    notes = [f"{table.name}: columns not read: {shortened(table.unread)}"] if table.unread else []
    if options.curves:
        names = {track.track_id for track in tracks}
        curves, strays = read_own_curves(options.curves, names, scale)
        tracks = [replace(track, curve=curves.get(track.track_id)) for track in tracks]
        notes.extend(strays)
    labelled = [track for track in tracks if any(has(track) for has in LABELS.values())]
    if not labelled:
        raise bad_data(
            f"{table.name}: no track has a label in tags, in valence and arousal, in pair:FIRST/SECOND or in "
            f"curves=FOLDER; its columns are {shortened(table.columns)}"
        )
    if lost := len(tracks) - len(labelled):
        notes.append(f"{table.name}: {lost} of {len(tracks)} tracks have no label and are left out")
    counts = Counter(tag for track in labelled for tag in track.tags)
    return tuple(replace(track, stratum=_stratum(track, counts)) for track in labelled), tuple(notes)


def _stratum(track: LabelledTrack, counts: Mapping[str, int]) -> str:
    """What splits are balanced by: the commonest of its tags, without tags its quadrant."""
    return max(track.tags, key=lambda tag: (counts[tag], tag), default=by_quadrant(track))


def _placed(tracks: Tracks, table: OwnTable, options: OwnOptions) -> tuple[Tracks, Notes]:
    """Tracks with their split, the table's own or one by group and seed."""
    if any(track.split for track in tracks):
        _check_split(tracks, table)
        return tracks, ()
    parts = divide(tracks, seed=options.seed, shares=options.shares)
    splits = {track.track_id: name for name, part in parts.items() for track in part}
    counts = ", ".join(f"{len(parts[name])} {name}" for name in SPLITS if parts.get(name))
    grouped = "group" in table.columns
    note = f"split by {'group' if grouped else 'track'}, seed {options.seed}: {counts}"
    hint = "" if grouped else "; a column group would keep an artist on one side"
    return tuple(replace(track, split=splits[track.track_id]) for track in tracks), (f"{note}{hint}",)


def _check_split(tracks: Tracks, table: OwnTable) -> None:
    """Refuse a split that not all tracks have, and a group on two sides of it."""
    places = {row.track_id: row.place for row in table.rows}
    first: dict[str, LabelledTrack] = {}
    for track in tracks:
        place, other = places[track.track_id], first.setdefault(track.group, track)
        if not track.split:
            raise bad_data(f"{place}: split is empty; all labelled tracks have one or none has")
        if other.split != track.split:
            raise bad_data(
                f"{place}: group {track.group!r} is in {track.split} here, in {other.split} at "
                f"{places[other.track_id].removeprefix(f'{table.name}, ')}"
            )


def _kept(tracks: Tracks, table: OwnTable, options: OwnOptions) -> Tracks:
    """Tracks with the labels that are asked for; all, where a tagger could learn from all."""
    if options.labels:
        if kept := tuple(filter(LABELS[options.labels], tracks)):
            return kept
        raise bad_data(f"own: labels={options.labels}: no track of {table.name} has any")
    bare = [track.track_id for track in tracks if not track.tags]
    if 0 < len(bare) < len(tracks):
        raise bad_data(
            f"{table.name}: {len(bare)} of {len(tracks)} labelled tracks have no tags, such as {bare[0]}: a "
            "tagger would learn that no tag fits them; labels=tags leaves them out, labels=emotion and "
            "labels=pairs leave out the tags"
        )
    return tracks


def _with_audio(tracks: Tracks, table: OwnTable, root: Path, audio: AudioFolder) -> tuple[Tracks, Notes]:
    """Tracks with the file that their row names, the others with the one of their id."""
    folder = audio.folder or root / "audio"
    if audio.folder and not folder.is_dir():
        raise absent(f"own: audio folder {folder} does not exist")
    if not folder.is_dir() and not any(track.audio for track in tracks):
        return tracks, ("no folder of audio and no column path: labels only",)
    beside = sorted(folder.iterdir()) if folder.is_dir() else []
    by_id = {path.stem: str(path) for path in beside if path.suffix.lower() in SUFFIXES}
    rows = {row.track_id: row for row in table.rows}
    files: dict[str, str] = {}
    for track in tracks:
        named = root / Path(track.audio).expanduser()
        if not track.audio:
            files |= {track.track_id: by_id[track.track_id]} if track.track_id in by_id else {}
        elif named.is_file():
            files[track.track_id] = str(named)
        elif not audio.partial:
            place = rows[track.track_id].place
            raise absent(f"{place}: {track.audio!r} is not a file in {root}; partial=yes leaves it out")
    return join_files("own", tracks, files, place=folder, partial=audio.partial)
