"""Where bundles come from: a name in the package, a folder, or gs://, kept in a cache by hash."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

from models.bundle import INDEX, Bundle, read_bundle
from models.bundle_members import is_plain_name
from models.cache_folder import cache_folder
from schemas.errors import DataError, FailureKind, Stage, bad_bundle

SHIPPED = Path(__file__).parent / "bundles"


def open_bundle(source: str) -> Bundle:
    """The checked bundle of that name, path or gs:// URI.

    Raises DataError(bad_bundle), or not_found where there is nothing under that name.
    """
    if source.startswith("gs://"):
        return read_bundle(_fetched(source.rstrip("/")))
    for folder in (Path(source), SHIPPED / source):
        if folder.is_dir():
            return read_bundle(folder)
    shipped = ", ".join(sorted(path.name for path in SHIPPED.iterdir() if (path / INDEX).is_file()))
    raise DataError(
        FailureKind.NOT_FOUND,
        Stage.BUNDLE,
        f"bundle {source!r} is neither a folder nor a shipped bundle ({shipped})",
    )


def _fetched(uri: str) -> Path:
    """Folder of the cache with the bundle of a gs:// URI, downloaded if its index is not known yet."""
    import gcsfs

    store = gcsfs.GCSFileSystem()
    try:
        index = store.cat_file(f"{uri}/{INDEX}")
    except FileNotFoundError:
        raise bad_bundle(f"{uri}: no {INDEX} there") from None
    except OSError as error:
        raise bad_bundle(f"{uri}: {error}") from error
    folder = cache_folder("bundles") / hashlib.sha256(index).hexdigest()
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        download = Path(name) / "bundle"
        download.mkdir()
        (download / INDEX).write_bytes(index)
        for file in _file_names(uri, index):
            try:
                store.get_file(f"{uri}/{file}", str(download / file))
            except FileNotFoundError:
                continue  # the check of the folder says which
            except OSError as error:
                raise bad_bundle(f"{uri}/{file}: {error}") from error
        read_bundle(download)
        # Another process may have been faster; what it left has the same hash.
        if not folder.exists():
            shutil.move(download, folder)
    return folder


def _file_names(uri: str, index: bytes) -> list[str]:
    try:
        names = list(json.loads(index)["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise bad_bundle(f"{uri}/{INDEX}: {type(error).__name__}: {error}") from error
    if bad := [name for name in names if not is_plain_name(name)]:
        raise bad_bundle(f"{uri}/{INDEX}: file name {bad[0]!r} is not a plain name")
    return names
