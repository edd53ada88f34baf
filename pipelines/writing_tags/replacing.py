"""A new version of a file is made beside it and takes its place in one step: there is one or the other."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TRIES = 10


class BusyError(OSError):
    """Another process is at the same file."""


@contextmanager
def new_version(source: Path, target: Path) -> Iterator[Path]:
    """A copy of `source` in the folder of `target`, removed at the end unless it has been put in place.

    It has one name for each target: what a killed process left is taken over by the next. Raises OSError,
    such as of a full disk; BusyError.
    """
    digest = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]
    path = target.with_name(f".moodscribe-{digest}.tmp")
    with _locked(path):
        shutil.copyfile(source, path)
        yield path


def put_in_place(new: Path, target: Path, *, like: Path, keep_times: bool) -> None:
    """Give a new version the name of the target, with mode and attributes of `like`.

    With its times, too, if they are kept, and with its owner where it takes the place of that file. Raises
    OSError where that cannot be, and the target is as it was.
    """
    before, made = like.stat(), new.stat()
    if target == like and (before.st_uid, before.st_gid) != (made.st_uid, made.st_gid):
        os.chown(new, before.st_uid, before.st_gid)
    shutil.copystat(like, new)
    if not keep_times:
        os.utime(new)
    _sync(new)
    new.replace(target)
    _sync(target.parent)


def read_only(path: Path) -> bool:
    """Whether a file is not to be written to, for root as for others."""
    writable = path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)
    return not writable or not os.access(path, os.W_OK)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """An empty file of that name that no other process is at."""
    for _ in range(_TRIES):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            _lock(descriptor, path)
            if _is(descriptor, path):  # else it was put in place by who had the lock before
                os.ftruncate(descriptor, 0)
                try:
                    yield
                finally:
                    if _is(descriptor, path):
                        path.unlink()
                return
        finally:
            os.close(descriptor)
    raise BusyError(f"{path}: another process is at work on this file")


def _is(descriptor: int, path: Path) -> bool:
    """Whether the open file still has that name."""
    return path.exists() and path.stat().st_ino == os.fstat(descriptor).st_ino


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise BusyError(f"{path}: another process is at work on this file") from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
