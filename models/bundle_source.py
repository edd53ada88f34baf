"""Where bundles come from: a name in the package, a folder, or an object store, kept in a cache by hash."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from models.bundle import Bundle
from models.bundle_files import parse_bundle, read_bundle
from models.bundle_index import INDEX, MAX_INDEX_BYTES, is_plain_name
from models.cache_folder import cache_folder
from models.checks.strict_json import shown
from schemas.errors import DataError, FailureKind, Stage, bad_bundle

SHIPPED = Path(__file__).parent / "bundles"
_PIECE_BYTES = 16 << 20


# Bytes of an object of a store: of this URI, from here, to before there; DataError or OSError.
ReadPiece = Callable[[str, int, int], bytes]


def open_bundle(source: str, *, read: ReadPiece | None = None) -> Bundle:
    """The checked bundle of that name, path or URI in an object store: by `read`, without it gs:// by gcsfs.

    Raises DataError(bad_bundle), or not_found where there is nothing under that name.
    """
    if "://" in source and (read is not None or source.startswith("gs://")):
        return _fetched(source.rstrip("/"), read or _read_google)
    if os.path.isdir(source):  # noqa: PTH112 - Path.is_dir raises for a name that is too long
        return read_bundle(Path(source))
    if is_plain_name(source) and (SHIPPED / source).is_dir():
        return read_bundle(SHIPPED / source)
    shipped = ", ".join(sorted(path.name for path in SHIPPED.iterdir() if (path / INDEX).is_file()))
    raise DataError(
        FailureKind.NOT_FOUND,
        Stage.BUNDLE,
        f"bundle {shown(source)} is neither a folder nor a shipped bundle ({shipped})",
    )


def _fetched(uri: str, read: ReadPiece) -> Bundle:
    """The bundle of a URI, from the cache, downloaded if its index is not known yet."""
    index = _index(read, uri)
    sha256 = hashlib.sha256(index).hexdigest()
    folder = _private(cache_folder("bundles")) / sha256
    if folder.is_dir():
        return _kept(folder, sha256)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        download = Path(name) / "bundle"
        download.mkdir()
        # All that the index says is looked at before the first file is fetched: names, counts and sizes.
        bundle = parse_bundle(index, download, source=f"{uri}/{INDEX}")
        (download / INDEX).write_bytes(index)
        for file, size in bundle.file_bytes.items():
            _fetch(read, f"{uri}/{file}", download / file, size=size)
        read_bundle(download)
        try:
            download.rename(folder)
        except OSError:
            # Another process was faster; what it left is checked as what we have.
            if not folder.is_dir():
                raise
    return _kept(folder, sha256)


def _index(read: ReadPiece, uri: str) -> bytes:
    """The bytes of the index, no more than an index may have."""
    place = f"{uri}/{INDEX}"
    index = _piece(read, place, 0, MAX_INDEX_BYTES + 1, absent=f"{uri}: no {INDEX} there")
    if len(index) > MAX_INDEX_BYTES:
        raise bad_bundle(f"{place}: larger than {MAX_INDEX_BYTES} bytes")
    return index


def _fetch(read: ReadPiece, uri: str, path: Path, *, size: int) -> None:
    """Download a file piece by piece, never more of it than the index says there is."""
    absent = f"{uri}: named in {INDEX}, but there is no such file"
    with path.open("wb") as file:
        for start in range(0, size, _PIECE_BYTES):
            file.write(_piece(read, uri, start, min(size, start + _PIECE_BYTES), absent=absent))


def _read_google(uri: str, start: int, end: int) -> bytes:
    import gcsfs

    data: bytes = gcsfs.GCSFileSystem().cat_file(uri, start=start, end=end)
    return data


def _piece(read: ReadPiece, uri: str, start: int, end: int, *, absent: str) -> bytes:
    """The bytes of an object from `start` to before `end`, fewer where it ends before."""
    try:
        data = read(uri, start, end)
    except FileNotFoundError:
        raise bad_bundle(absent) from None
    except OSError as error:
        raise bad_bundle(f"{uri}: {error}") from error
    except DataError as error:
        message = absent if error.kind is FailureKind.NOT_FOUND else f"{uri}: {error.message}"
        raise bad_bundle(message) from error
    if len(data) > end - start:
        raise bad_bundle(f"{uri}: the store sent {len(data)} bytes, asked for {end - start}")
    return data


def _private(folder: Path) -> Path:
    """The cache's folder, made so that nobody else can write or read there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid == os.geteuid():
        folder.chmod(0o700)
    return folder


def _kept(folder: Path, sha256: str) -> Bundle:
    """The bundle of a folder of the cache, as checked as any other.

    Raises DataError(bad_bundle) where it is no longer the one whose hash is its name.
    """
    hint = f"the cache was changed: remove the folder {folder}"
    try:
        bundle = read_bundle(folder)
    except DataError as error:
        raise bad_bundle(f"{error.message}; {hint}") from error
    if bundle.sha256 != sha256:
        raise bad_bundle(f"{folder / INDEX}: sha256 is {bundle.sha256}; {hint}")
    return bundle
