"""Real commands in processes of their own, to be killed at a chosen point, and what must hold afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from pipelines.running.local_runner import descendants

WORKER, DECODER = "pipelines.running.workers.process", "transforms.decoding.child"
_LIMIT_S = 200.0


def write_noise(folder: Path, count: int, *, seconds: float = 4.0) -> Path:
    """So many short files of noise, no two alike, and one that is no audio."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        samples = 0.2 * np.random.default_rng(index).standard_normal(round(16_000 * seconds))
        soundfile.write(folder / f"noise{index:03d}.wav", samples.astype(np.float32), 16_000)
    (folder / "text.mp3").write_text("no audio")
    return folder


@dataclass(frozen=True, slots=True)
class Command:
    """A command that runs, and the output that it writes to."""

    process: subprocess.Popen[str]
    output: Path

    def below(self, module: str) -> list[int]:
        """Processes below the command that run this module."""
        return [child for child in descendants(self.process.pid) if module in command_line(child)]

    @property
    def staged(self) -> list[Path]:
        """Parts that the command's run has in its staging folder."""
        return list(self.output.glob(".staging/*/*.parquet"))

    @property
    def published(self) -> list[Path]:
        """Files of runs that are under their final names."""
        return list(self.output.glob("run_id=*/*/*"))

    def wait_until(self, reached: Callable[[Command], object]) -> None:
        """Wait for a point on its way; AssertionError if it ends before."""
        limit = time.monotonic() + _LIMIT_S
        while not reached(self):
            if self.process.poll() is not None or time.monotonic() > limit:
                _, printed = self.end()
                raise AssertionError(f"not reached, status {self.process.returncode}: {printed}")
            time.sleep(0.002)

    def kill(self, process: int) -> None:
        """Kill a process below it, or itself; one that has ended by now is let be."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)

    def end(self) -> tuple[int, str]:
        """Wait for its end; its status and what it printed."""
        try:
            out, errors = self.process.communicate(timeout=_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return self.process.returncode, out + errors


def start(command: str, music: Path, output: Path, *options: object) -> Command:
    """Start a command of moodscribe, such as "features mel-steps"."""
    arguments = [*command.split(), music, "--output", output, *options]
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return Command(process, output)


def command_line(process: int) -> str:
    """Command line of a process; "" for one that has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def outlive(processes: list[int], *, seconds: float) -> list[int]:
    """Which of the processes are still there after so many seconds, asked until none is."""
    limit = time.monotonic() + seconds
    while (left := [one for one in processes if command_line(one)]) and time.monotonic() < limit:
        time.sleep(0.05)
    return left


def left_behind(output: Path) -> list[str]:
    """What is under an output besides committed runs."""
    uncommitted = [path for path in output.glob("run_id=*") if not (path / "run.json").is_file()]
    half = [path for path in output.rglob("*.tmp") if path.is_file()]
    return sorted(str(path.relative_to(output)) for path in (*output.glob(".staging/*"), *uncommitted, *half))
