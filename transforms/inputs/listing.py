"""Folders and globs, local or in an object store, to tracks."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fsspec.utils import glob_translate

from schemas.errors import DataError, FailureKind, Stage
from schemas.track import Outcome, Track
from schemas.tracks import Status
from transforms.object_stores.known import list_objects
from transforms.object_stores.store import StoredObject
from transforms.storage import (
    describe,
    has_glob,
    has_wildcards,
    is_local,
    local_path,
    scheme,
    state_of,
)

# What a folder or a glob is searched for; anything else in it is accounted for as skipped.
AUDIO_SUFFIXES = frozenset(
    f".{suffix}"
    for group in (
        "aac ac3 aif aifc aiff alac amr ape au caf dff dsf dts eac3 flac m4a m4b m4r mka mp1 mp2 mp3 mpc",
        "mpga oga ogg opus ra rm shn snd spx tak tta voc w64 wav wave wma wv",
        "3g2 3gp avi flv m4v mkv mov mp4 mpeg mpg ogv webm wmv",
    )
    for suffix in group.split()
)
MANIFEST_SUFFIXES = (".csv", ".jsonl", ".parquet")


@dataclass(frozen=True, slots=True)
class Listed:
    """A name found by a listing, with the store's checksum of its content where there is one.

    `source_version` is what `storage.describe` says of the same object; None where the listing cannot tell.
    `problem` says why a folder could not be looked into.
    """

    uri: str
    content_md5: str | None = None
    problem: str | None = None
    source_version: str | None = None


def list_folder(uri: str) -> Iterator[Listed]:
    """Every file under a folder or every match of a glob, in order of name; folders are walked whole."""
    if not is_local(uri):
        yield from _list_store(uri)
    elif has_glob(uri):
        yield from _expand(local_path(uri))
    elif local_path(uri).is_dir():
        yield from _walk(local_path(uri))
    else:
        yield listed_file(local_path(uri))


def listed_file(path: Path) -> Listed:
    """A local file by its path; without a version if it is gone, or a link to nowhere or to a folder."""
    try:
        return Listed(str(path), source_version=state_of(path.stat()).source_version)
    except (DataError, OSError, ValueError):
        return Listed(str(path))  # it is for reading to say what is wrong with it


def to_track(listed: Listed) -> Track | Outcome:
    """The track of a listed name: its id is its whole URI.

    An Outcome instead where there is nothing to do: skipped for what is no audio by its name, failed for
    a folder that cannot be looked into (not_readable) and for a name that is not UTF-8 and so cannot stand
    in a table (bad_uri).
    """
    if bad_name := name_problem(listed.uri):
        return bad_name
    track = Track(
        listed.uri, listed.uri, content_md5=listed.content_md5, source_version=listed.source_version
    )
    if listed.problem:
        error = DataError(FailureKind.NOT_READABLE, Stage.INPUT, f"the folder: {listed.problem}")
        return Outcome(track, Status.FAILED, error=error)
    return track if looks_like_audio(listed.uri) else Outcome(track, Status.SKIPPED)


def name_problem(uri: str) -> Outcome | None:
    """The failure of a name that is not UTF-8."""
    try:
        uri.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(uri).decode("utf-8", "backslashreplace")
        error = DataError(FailureKind.BAD_URI, Stage.INPUT, f"the name is not UTF-8: {shown}")
        return Outcome(Track(shown, shown), Status.FAILED, error=error)
    return None


def looks_like_audio(uri: str) -> bool:
    """Whether a name in a folder is to be read: an audio suffix, and not a hidden file."""
    name = uri.rpartition("/")[2]
    return not name.startswith(".") and Path(name).suffix.lower() in AUDIO_SUFFIXES


def _walk(folder: Path) -> Iterator[Listed]:
    closed: list[OSError] = []
    for parent, folders, files in os.walk(folder.absolute(), onerror=closed.append):
        folders.sort()
        # Links to folders are named, so that they are accounted for, but not followed.
        links = [name for name in folders if _is_link(Path(parent, name))]
        for name in sorted([*files, *links]):
            yield listed_file(Path(parent, name))
    yield from (Listed(str(error.filename), problem=error.strerror) for error in closed)


def _is_link(path: Path) -> bool:
    """Whether a path is a link; one too long to be looked at is none, and walking it says what is wrong."""
    try:
        return path.is_symlink()
    except OSError:
        return False


def _expand(pattern: Path) -> Iterator[Listed]:
    absolute = pattern.absolute()
    parts = absolute.parts[1:]
    fixed = next(i for i, part in enumerate(parts) if has_wildcards(part))
    root = Path("/", *parts[:fixed])
    try:
        matches = sorted(root.glob("/".join(parts[fixed:])))
    except ValueError as error:
        raise _bad_glob(str(pattern), error) from error
    except OSError as error:  # a folder in it that cannot be looked into
        message = f"{pattern}: {error.strerror}: {error.filename}"
        raise DataError(FailureKind.NOT_READABLE, Stage.INPUT, message) from error
    found = (one for match in matches for one in (_walk(match) if match.is_dir() else [listed_file(match)]))
    yield from dict.fromkeys(found)  # `**` matches a folder and what is in it


def _list_store(uri: str) -> Iterator[Listed]:
    """Objects under a prefix or a glob, or the one of that name."""
    place, _, name = uri.partition("://")[2].partition("/")
    if has_wildcards(name):
        found = _matching(uri, f"{scheme(uri)}://{place}/", name)
    else:
        found = list_objects(f"{uri.rstrip('/')}/", stage=Stage.INPUT)
    empty = True
    for each, state in found:
        empty = False
        if not (each.endswith("/") and not state.bytes):  # a mark that consoles make for an empty folder
            yield Listed(each, state.md5, source_version=state.source_version)
    if empty and name.rstrip("/") and not has_wildcards(name):
        yield from _alone(uri)


def _matching(uri: str, place_uri: str, name: str) -> Iterator[tuple[str, StoredObject]]:
    fixed = next(i for i, letter in enumerate(name) if has_wildcards(letter))
    try:
        pattern = re.compile(glob_translate(name))
    except ValueError as error:
        raise _bad_glob(uri, error) from error
    for each, state in list_objects(place_uri + name[:fixed], stage=Stage.INPUT):
        if pattern.match(each.removeprefix(place_uri)):
            yield each, state


def _alone(uri: str) -> Iterator[Listed]:
    try:
        state = describe(uri)
    except DataError as error:
        if error.kind is FailureKind.NOT_FOUND:
            return
        raise DataError(error.kind, Stage.INPUT, f"{uri}: {error}", attempts=error.attempts) from error
    yield Listed(uri, state.md5, source_version=state.source_version)


def _bad_glob(uri: str, error: ValueError) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.INPUT, f"{uri}: {error}")
