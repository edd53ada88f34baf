"""Memory of a command's processes from outside: the resident memory of each, sampled while it runs."""

from __future__ import annotations

import contextlib
import resource
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.running.local_runner import descendants

_PERIOD_S = 1.0
_MIB = 1 << 20


@dataclass(slots=True)
class Watched:
    """What was seen of a command: MiB of each sort of process over seconds, that of its largest."""

    seconds: float = 0.0
    status: int = 0
    output: str = ""
    samples: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def peak(self, sort: str) -> float:
        """Most MiB that a process of that sort had."""
        return max((size for _, size in self.samples.get(sort, [])), default=0.0)


def watch(command: list[str], *, environment: dict[str, str]) -> Watched:
    """Run a command to its end and sample the processes below it, and itself."""
    watched, begin = Watched(), time.monotonic()
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    while process.poll() is None:
        now = time.monotonic() - begin
        for sort, size in _sizes(process.pid).items():
            watched.samples.setdefault(sort, []).append((round(now, 1), round(size, 1)))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PERIOD_S)
    watched.output = process.stdout.read() if process.stdout else ""
    watched.seconds, watched.status = time.monotonic() - begin, process.returncode
    return watched


def resident_bytes(process: int) -> int:
    """Bytes of a process in memory; 0 when it has ended."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, IndexError):
        return 0


def _sizes(launcher: int) -> dict[str, float]:
    """MiB of the largest process of each sort: launcher, worker, decoder."""
    sizes: dict[str, float] = {}
    for process in (launcher, *descendants(launcher)):
        try:
            line = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue  # it has ended
        sort = "launcher" if process == launcher else "decoder" if "decoding" in line else "worker"
        sizes[sort] = max(sizes.get(sort, 0.0), resident_bytes(process) / _MIB)
    return sizes
