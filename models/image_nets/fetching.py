"""Fetch a file of weights once, whole and checked: what broke off goes on, what does not fit never arrives.

NAME.part    what came so far; the next try, or the next run, goes on from its end
NAME         its final name, given in one step after the checksum was right
NAME.json    where it came from, its size and its SHA-256, against which it is checked from then on
.NAME.lock   held by the process that fetches; another one waits for it and finds the file
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from models.image_nets.sources import Stream, TransferError, open_stream
from models.image_nets.weights import WeightsFile, weights_folder
from schemas.errors import DataError, FailureKind, Stage

_TRIES = 5  # without one byte of progress
_LONGEST_PAUSE_S = 30.0

# Called with the bytes that are here and the bytes in all, 0 where that is not known.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Digest:
    """What a file's bytes come to."""

    size: int
    md5: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file of weights in its place; `was_there` where nothing had to be fetched."""

    path: Path
    url: str
    digest: Digest
    was_there: bool


def fetch(
    file: WeightsFile,
    *,
    folder: Path | None = None,
    mirror: str = "",
    progress: Progress = lambda _, __: None,
) -> Fetched:
    """Fetch the file into `folder` (the cache), from `mirror` (a URL, gs:// or folder that has it by its
    name) or its home, unless it is there and fits.

    Raises DataError: not_found, not_readable, bad_uri of the source; storage after several tries; corrupt for
    other bytes than expected, with both checksums; bad_output for a folder that cannot be written.
    """
    folder = folder or weights_folder()
    path = folder / file.file_name
    url = f"{mirror.rstrip('/')}/{file.file_name}" if mirror else file.url
    if there := _there(file, path):
        return there
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder / f".{path.name}.lock"):
            return _there(file, path) or _fetched(file, path, url=url, progress=progress)
    except OSError as error:
        message = f"cannot write {path}: {error.strerror or error}; another folder can be named with --folder"
        raise DataError(FailureKind.BAD_OUTPUT, Stage.OUTPUT, message) from error


def _there(file: WeightsFile, path: Path) -> Fetched | None:
    """The file if it is there and is what was published and what was recorded."""
    if not path.is_file():
        return None
    digest, record = digest_of(path), recorded(path)
    if misfit(file, digest) or record.get("sha256", digest.sha256) != digest.sha256:
        return None
    return Fetched(path, record.get("url", ""), digest, was_there=True)


def _fetched(file: WeightsFile, path: Path, *, url: str, progress: Progress) -> Fetched:
    part = path.with_name(f"{path.name}.part")
    for clean in (False, True):
        _complete(file, part, url=url, progress=progress)
        digest = digest_of(part)
        problem = misfit(file, digest)
        if not problem:
            break
        # What was there may have been the beginning of another file: once more, from nothing.
        part.unlink()
        if clean:
            raise DataError(FailureKind.CORRUPT, Stage.INPUT, f"{url}: {problem}")
    part.replace(path)
    _record(path, url=url, digest=digest)
    return Fetched(path, url, digest, was_there=False)


def _complete(file: WeightsFile, part: Path, *, url: str, progress: Progress) -> None:
    """Bring `part` to the length of the file, over as many tries as go forward."""
    failures = 0
    while True:
        have = _size(part)
        if file.size and have == file.size:
            return
        try:
            with open_stream(url, start=have) as stream:
                _append(file, part, stream, url=url, progress=progress)
            return
        except TransferError as error:
            failures = 1 if _size(part) > have else failures + 1
            if failures == _TRIES:
                message = f"{url}: {error}; given up after {_TRIES} tries"
                kept = f"; {_size(part):,} bytes are kept, the same command goes on from there"
                message += kept if _size(part) else ""
                raise DataError(FailureKind.STORAGE, Stage.INPUT, message, attempts=_TRIES) from error
            time.sleep(min(2.0 ** (failures - 1), _LONGEST_PAUSE_S))


def _append(file: WeightsFile, part: Path, stream: Stream, *, url: str, progress: Progress) -> None:
    if file.size and stream.total and stream.total != file.size:
        message = f"{url}: it has {stream.total:,} bytes, the weights of {file.net} have {file.size:,}"
        raise DataError(FailureKind.CORRUPT, Stage.INPUT, message)
    total = file.size or stream.total
    done = stream.start
    with part.open("r+b" if done else "wb") as target:
        target.seek(done)
        target.truncate()
        for block in stream.blocks:
            target.write(block)
            done += len(block)
            progress(done, total)
        target.flush()
        os.fsync(target.fileno())
    if stream.total and done < stream.total:
        raise TransferError(f"it broke off at byte {done:,} of {stream.total:,}")


def misfit(file: WeightsFile, digest: Digest) -> str:
    """How the bytes differ from what was published, "" where they do not."""
    if file.sha256 and digest.sha256 != file.sha256:
        return f"its SHA-256 is {digest.sha256}, expected is {file.sha256}"
    if file.md5 and digest.md5 != file.md5:
        return f"its MD5 is {digest.md5}, expected is {file.md5}"
    if file.size and digest.size != file.size:
        return f"it has {digest.size:,} bytes, expected are {file.size:,}"
    return ""


def digest_of(path: Path) -> Digest:
    """Size, MD5 and SHA-256 of a file, in one reading."""
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            md5.update(block)
            sha256.update(block)
            size += len(block)
    return Digest(size, md5.hexdigest(), sha256.hexdigest())


def recorded(path: Path) -> dict[str, str]:
    """What was written down when a file was fetched, {} without it."""
    try:
        values = json.loads(_record_path(path).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in values.items()} if isinstance(values, dict) else {}


def known_sha256(path: Path) -> str:
    """SHA-256 of a file: as it was written down when it was fetched, if it is still as long, else read."""
    values = recorded(path)
    return values["sha256"] if values.get("bytes") == str(_size(path)) else digest_of(path).sha256


def _record(path: Path, *, url: str, digest: Digest) -> None:
    values = {"url": url, "bytes": digest.size, "md5": digest.md5, "sha256": digest.sha256}
    _record_path(path).write_text(json.dumps(values, indent=2) + "\n", "utf-8")


def _record_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock, waiting for another process that does; it ends with the process that held it."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
