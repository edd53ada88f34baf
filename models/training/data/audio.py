"""Where the audio of a set lies: every track's file is found before anything else starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.training.data.form import LabelledTrack
from models.training.data.tables import absent

SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".aac", ".aif", ".aiff", ".wma")


@dataclass(frozen=True, slots=True)
class AudioFolder:
    """A folder of audio, None for the set's own; with `partial`, tracks without a file are left out."""

    folder: Path | None = None
    partial: bool = False


def attach_audio(
    name: str, tracks: Sequence[LabelledTrack], audio: AudioFolder, *, own: Sequence[Path] = ()
) -> tuple[tuple[LabelledTrack, ...], tuple[str, ...]]:
    """Tracks with the path of the file whose stem is their id, and notes on those that have none.

    `own` are the places where a set keeps its audio; the first that exists is taken where no folder is given,
    and none is no fault. Raises DataError(not_found) for a folder that is not there or lacks files.
    """
    folder = audio.folder or next((place for place in own if place.is_dir()), None)
    if folder is None:
        return tuple(tracks), ("no folder of audio: labels only",)
    if not folder.is_dir():
        raise absent(f"{name}: audio folder {folder} does not exist")
    return join_files(name, tracks, dict(_files(folder)), place=folder, partial=audio.partial)


def join_files(
    name: str, tracks: Sequence[LabelledTrack], files: Mapping[str, str], *, place: Path, partial: bool
) -> tuple[tuple[LabelledTrack, ...], tuple[str, ...]]:
    """Tracks with the path that `files` has for their id; without `partial` every track must have one."""
    lost = [track.track_id for track in tracks if track.track_id not in files]
    if lost and (not partial or len(lost) == len(tracks)):
        hint = "" if partial else "; partial=yes leaves them out"
        raise absent(
            f"{name}: {len(lost)} of {len(tracks)} tracks have no audio in {place}, such as {lost[0]}{hint}"
        )
    found = tuple(replace(track, audio=files[track.track_id]) for track in tracks if track.track_id in files)
    return found, (f"{len(lost)} of {len(tracks)} tracks left out: no audio",) if lost else ()


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES:
            yield path.stem, str(path)
