"""Ways in turns: the same files through each, round after round, so that a busy minute is everybody's."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from tests.bench.one_core import one_thread
from tests.bench.way import missing

# Whose results are compared: the same network, or the same net on the same pictures.
ALIKE = {
    "essentia": "moodscribe",
    "essentia, resampleQuality=4": "moodscribe",
    "librosa + Keras predict": "moodscribe",
    "drawn Deep Spectrum": "moodscribe, pictures",
}


class WayProcess:
    """A process of tests.bench.way, loaded and waiting."""

    def __init__(self, name: str) -> None:
        self._name = name
        command = [sys.executable, "-m", "tests.bench.way", name]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=one_thread()
        )
        self._line()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def ask(self, file: Path) -> dict[str, Any]:
        """What a file took and what was found."""
        if self._process.stdin is None:
            raise RuntimeError("a way has no standard input")
        print(file, file=self._process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self._line())
        return answer

    def _line(self) -> str:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError(f"{self._name} ended with {self._process.wait()}")
        return line


@dataclass(slots=True)
class Taken:
    """What a way took in each round, seconds a track, and how far its results are from ours at most."""

    clock_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    found: dict[str, list[float]] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """Medians, with what they are of."""
        return {
            "clock_s": round(statistics.median(self.clock_s), 4),
            "cpu_s": round(statistics.median(self.cpu_s), 4),
            "rounds_clock_s": [round(value, 4) for value in self.clock_s],
        }


def in_turns(files: Mapping[str, Sequence[Path]], *, rounds: int) -> dict[str, Any]:
    """Each way through its files in each round, after one file that is not counted; ways that cannot be taken
    here are said with the reason."""
    skipped = {name: reason for name in files if (reason := missing(name))}
    taken = {name: Taken() for name in files if name not in skipped}
    processes = {name: WayProcess(name) for name in taken}
    try:
        for name, process in processes.items():
            process.ask(files[name][0])
        for number in range(rounds):
            for name, process in processes.items():
                answers = {file: process.ask(file) for file in files[name]}
                for what, values in (("clock_s", taken[name].clock_s), ("cpu_s", taken[name].cpu_s)):
                    values.append(statistics.mean(answer[what] for answer in answers.values()))
                taken[name].found = {str(file): answer["found"] for file, answer in answers.items()}
                print(f"round {number + 1}: {name} {taken[name].clock_s[-1]:.3f} s a track", flush=True)
    finally:
        for process in processes.values():
            process.__exit__()
    summaries = {name: one.summary() for name, one in taken.items()}
    for name, ours in ALIKE.items():
        if name in taken and ours in taken:
            summaries[name]["off_by"] = _off_by(taken[name], taken[ours])
    return {"ways": summaries, "skipped": skipped}


def _off_by(theirs: Taken, ours: Taken) -> float:
    """The largest difference over the files, as a share of the largest value where values are no scores."""
    off, largest = 0.0, 1.0
    for file in theirs.found.keys() & ours.found.keys():
        off = max(off, float(np.abs(np.subtract(theirs.found[file], ours.found[file])).max()))
        largest = max(largest, float(np.abs(ours.found[file]).max()))
    return round(off / largest, 5)
