"""How a worker process has ended that should not have."""

from __future__ import annotations

import signal
from pathlib import Path


class WorkerEndedError(Exception):
    """A worker process has ended in the middle of a run: `code` as subprocess gives it, -9 for SIGKILL."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        """What happened, for people."""
        if self.code >= 0:
            return f"a worker process ended with exit status {self.code}"
        return f"a worker process was killed (signal {-self.code}, {signal.Signals(-self.code).name})"


def oom_kills() -> int:
    """Processes that the kernel has killed for lack of memory since it started; 0 where it does not say."""
    try:
        counts = dict(line.split() for line in Path("/proc/vmstat").read_text().splitlines())
    except OSError:
        return 0
    return int(counts.get("oom_kill", 0))
