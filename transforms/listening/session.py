"""A session of listening: blocks that are heard to readings, each with the time its last sample was heard."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from schemas.errors import DataError, FailureKind
from transforms.listening.emotion import LiveEmotion, Reading
from transforms.listening.hearing import Heard


def listen(heard: Iterable[Heard], emotion: LiveEmotion, *, rate_hz: int) -> Iterator[tuple[Reading, float]]:
    """Blocks at `rate_hz` -> readings as soon as they are known, and when the end of their audio was heard.

    The time is that of the block in which the reading's last sample lies. Raises what `LiveEmotion` and the
    blocks raise, once the readings of what was heard before are given.
    """
    marks: deque[tuple[float, float]] = deque()
    samples = 0
    try:
        for block in heard:
            samples += len(block.samples)
            marks.append((samples / rate_hz, block.at_s))
            yield from _timed(emotion.push(block.samples), marks)
    except DataError:
        yield from _timed(_rest(emotion), marks)
        raise
    yield from _timed(emotion.finish(), marks)


def _rest(emotion: LiveEmotion) -> list[Reading]:
    """What is left to read where the sound broke off; nothing is no second fault."""
    try:
        return emotion.finish()
    except DataError as error:
        if error.kind is not FailureKind.TOO_SHORT:
            raise
        return []


def _timed(readings: list[Reading], marks: deque[tuple[float, float]]) -> Iterator[tuple[Reading, float]]:
    for reading in readings:
        # Blocks that end before it are of no use to later readings either.
        while marks[0][0] < reading.time_s:
            marks.popleft()
        yield reading, marks[0][1]
