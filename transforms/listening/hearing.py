"""Blocks of sound and when each was heard: a file at its own speed or at once, bytes as they arrive."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.clock import to_samples, to_seconds
from schemas.errors import DataError, FailureKind, Stage
from transforms.listening.pcm import PcmFormat, PcmReader

# Half a second is a whole number of these: a reading's audio ends with one of them.
_BLOCKS_PER_SECOND = 50
_ARRIVALS_PER_SECOND = 20
_MOST_WAITING = 64


@dataclass(frozen=True, slots=True)
class Heard:
    """A block of samples [n] and the monotonic time in seconds at which its last sample was heard."""

    samples: NDArray[np.float32]
    at_s: float


def in_short_blocks(blocks: Iterable[NDArray[np.float32]], rate_hz: int) -> Iterator[NDArray[np.float32]]:
    """The same samples, a fiftieth of a second at a time: block k ends at the sample nearest to its time."""
    pending, done, count = np.zeros(0, np.float32), 0, 1
    for block in blocks:
        pending = np.concatenate([pending, block])
        while done + len(pending) >= (end := to_samples(count / _BLOCKS_PER_SECOND, rate_hz=rate_hz)):
            yield pending[: end - done]
            pending, done, count = pending[end - done :], end, count + 1
    if len(pending):
        yield pending


def at_its_own_speed(
    blocks: Iterable[NDArray[np.float32]],
    rate_hz: int,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Heard]:
    """Blocks as if they were played from the moment on in which the first is there.

    A block is given when its last sample would sound, or later where whoever takes them is late; `at_s` is
    when it would sound.
    """
    begin, samples = None, 0
    for block in blocks:
        begin = clock() if begin is None else begin
        samples += len(block)
        due = begin + to_seconds(samples, rate_hz=rate_hz)
        if (wait := due - clock()) > 0:
            sleep(wait)
        yield Heard(block, due)


def at_once(
    blocks: Iterable[NDArray[np.float32]], *, clock: Callable[[], float] = time.monotonic
) -> Iterator[Heard]:
    """Blocks as fast as they are taken, each heard when it is given."""
    for block in blocks:
        yield Heard(block, clock())


def arriving(descriptor: int, pcm: PcmFormat) -> Iterator[Heard]:
    """Raw PCM from a file descriptor, each block heard when its bytes have arrived.

    A thread reads, so that the time is right while others compute; at most three seconds wait. Raises
    DataError(not_readable), and (bad_input, empty_file): see PcmReader.finish.
    """
    waiting: queue.Queue[tuple[bytes, float] | OSError] = queue.Queue(_MOST_WAITING)
    most_bytes = max(1, pcm.rate_hz // _ARRIVALS_PER_SECOND) * pcm.frame_bytes
    # A daemon: nobody can end a read that waits for more.
    threading.Thread(target=_read, args=(descriptor, most_bytes, waiting), daemon=True).start()
    reader = PcmReader(pcm)
    while True:
        arrived = waiting.get()
        if isinstance(arrived, OSError):
            message = f"standard input: {arrived.strerror}"
            raise DataError(FailureKind.NOT_READABLE, Stage.INPUT, message)
        data, at_s = arrived
        if not data:
            break
        yield Heard(reader.push(data), at_s)
    reader.finish()


def _read(descriptor: int, most_bytes: int, waiting: queue.Queue[tuple[bytes, float] | OSError]) -> None:
    try:
        while data := os.read(descriptor, most_bytes):
            waiting.put((data, time.monotonic()))
    except OSError as error:
        waiting.put(error)
        return
    waiting.put((b"", time.monotonic()))
