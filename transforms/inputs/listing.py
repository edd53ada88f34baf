"""Folders and globs, local or in an object store, to tracks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import DataError, FailureKind, Stage
from schemas.track import Outcome, Track
from schemas.tracks import Status
from transforms.storage import has_glob, has_wildcards, is_local, local_path, scheme

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

    `problem` says why a folder could not be looked into.
    """

    uri: str
    content_md5: str | None = None
    problem: str | None = None


def list_folder(uri: str) -> Iterator[Listed]:
    """Every file under a folder or every match of a glob, in order of name; folders are walked whole."""
    if not is_local(uri):
        yield from _list_store(uri)
    elif has_glob(uri):
        yield from _expand(local_path(uri))
    elif local_path(uri).is_dir():
        yield from _walk(local_path(uri))
    else:
        yield Listed(str(local_path(uri)))


def to_track(listed: Listed) -> Track | Outcome:
    """The track of a listed name: its id is its whole URI.

    An Outcome instead where there is nothing to do: skipped for what is no audio by its name, failed for
    a folder that cannot be looked into (not_readable) and for a name that is not UTF-8 and so cannot stand
    in a table (bad_uri).
    """
    if bad_name := name_problem(listed.uri):
        return bad_name
    track = Track(listed.uri, listed.uri, content_md5=listed.content_md5)
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
        links = [name for name in folders if Path(parent, name).is_symlink()]
        for name in sorted([*files, *links]):
            yield Listed(str(Path(parent, name)))
    yield from (Listed(str(error.filename), problem=error.strerror) for error in closed)


def _expand(pattern: Path) -> Iterator[Listed]:
    absolute = pattern.absolute()
    parts = absolute.parts[1:]
    fixed = next(i for i, part in enumerate(parts) if has_wildcards(part))
    root = Path("/", *parts[:fixed])
    matches = sorted(root.glob("/".join(parts[fixed:])))
    found = (one for match in matches for one in (_walk(match) if match.is_dir() else [Listed(str(match))]))
    yield from dict.fromkeys(found)  # `**` matches a folder and what is in it


def _list_store(uri: str) -> Iterator[Listed]:
    """Objects under a prefix or a glob; gcsfs where it is Google's, because it tells the checksums."""
    if scheme(uri) == "gs":
        import gcsfs

        store = gcsfs.GCSFileSystem()
        try:
            found = store.glob(uri, detail=True) if has_glob(uri) else store.find(uri, detail=True)
        except OSError as error:  # no such bucket, no permission
            raise DataError(FailureKind.NOT_FOUND, Stage.INPUT, f"{uri}: {error}") from error
        for name, info in sorted(found.items()):
            if info.get("type") == "file":
                yield Listed(f"gs://{name}", info.get("md5Hash") or None)
        return
    from apache_beam.io.filesystems import FileSystems

    pattern = uri if has_glob(uri) else uri.rstrip("/") + "/**"
    for match in FileSystems.match([pattern]):
        yield from (Listed(metadata.path) for metadata in match.metadata_list)
