"""Progress of a run for people: a line that moves on a terminal, plain log lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from transforms.progress import Progress, read_progress

_TERMINAL_PERIOD_S = 0.5
_LOG_PERIOD_S = 15.0


def describe(progress: Progress, seconds: float) -> str:
    """One line: done, failed, tracks per second, time left."""
    settled = progress.done + progress.failed
    rate = settled / seconds if seconds > 0 else 0.0
    parts = [f"{settled:,} of {progress.read:,} done", f"{progress.failed:,} failed"]
    if rate > 0:
        parts.append(f"{rate:.1f} tracks/s")
        parts.append(f"{_duration((progress.read - settled) / rate)} left")
    return ", ".join(parts)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class ProgressLine:
    """Shows the progress that workers write to a file, while its block runs."""

    def __init__(self, path: Path, stream: TextIO | None = None) -> None:
        self._path = path
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._first_settled: float | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        if self._terminal:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _run(self) -> None:
        period = _TERMINAL_PERIOD_S if self._terminal else _LOG_PERIOD_S
        begin, said = time.monotonic(), ""
        while not self._stop.wait(period):
            progress = read_progress(self._path)
            settled = progress.done + progress.failed
            if self._first_settled is None and settled:
                # Start-up does not count: the rate is of the work itself.
                self._first_settled = max(begin, time.monotonic() - period)
            seconds = time.monotonic() - self._first_settled if self._first_settled else 0.0
            line = describe(progress, seconds) if settled else self._starting(progress)
            if self._terminal:
                self._stream.write(f"\r\x1b[K{line}")
            elif line != said:
                self._stream.write(f"moodscribe: {line}\n")
            self._stream.flush()
            said = line

    @staticmethod
    def _starting(progress: Progress) -> str:
        return f"{progress.read:,} inputs found, workers are starting" if progress.read else "listing inputs"
