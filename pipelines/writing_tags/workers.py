"""Files settled in processes of their own, a bounded number at a time, in the order of the tracks."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache

from pipelines.writing_tags.one_file import FileRow, Manner, TrackTask, settle
from schemas.errors import OutputError
from transforms.parent import end_with_parent
from transforms.tracks.reader import ReadSettings, TrackReader

# What a tag can be made to take in reading it: a frame of a megabyte may unfold to a gigabyte.
_MEMORY_BYTES = 4 << 30
_WAITING = 4


def settle_all(tasks: Iterable[TrackTask], manner: Manner, *, workers: int) -> Iterator[FileRow]:
    """A row for each track, in their order. Raises OutputError where a worker was killed."""
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(os.getpid(),)
    )
    waiting: deque[Future[FileRow]] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(_settle, task, manner))
            if len(waiting) >= _WAITING * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        message = "a worker was killed; each file is as it was, or written as a whole: give the command again"
        raise OutputError(message) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(parent: int) -> None:
    """In each worker: end with the command, leave Ctrl-C to it, and take no more memory than is needed."""
    end_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    limit = _MEMORY_BYTES if most == resource.RLIM_INFINITY else min(most, _MEMORY_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (limit, most))


def _settle(task: TrackTask, manner: Manner) -> FileRow:
    return settle(task, manner, _reader())


@cache
def _reader() -> TrackReader:
    """The process's own, with its decoder."""
    return TrackReader(ReadSettings())
