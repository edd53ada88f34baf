"""Progress of a run on one machine: one byte for every event, appended to a file that all workers share."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class Event(bytes, Enum):
    """What happened to one input."""

    READ = b"r"
    DONE = b"d"
    FAILED = b"f"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; `read` grows until the listing has ended."""

    read: int
    done: int
    failed: int


class ProgressLog:
    """Appends events; without a path it does nothing. Single bytes are appended whole by the kernel."""

    def __init__(self, path: str | None) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT) if path else None

    def add(self, event: Event, count: int = 1) -> None:
        """Append an event, so often. It is for show: on a full disk it is left out."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.write(self._file, event.value * count)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def read_progress(path: Path) -> Progress:
    """Events so far; a repeated piece of work is counted again, so this is for show, not for the account."""
    events = path.read_bytes() if path.exists() else b""
    return Progress(*(events.count(event.value) for event in Event))
