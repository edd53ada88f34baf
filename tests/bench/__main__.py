"""Run as `python -m tests.bench`: ratios on the terminal, performance.json and performance.svg in models/,
the tables of README.md and models/PERFORMANCE.md.

What is measured is measured in one run: ways take turns over the same tracks, each in a process of its own on
one core, and every figure is the median of the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.main_job import cold, memory, rates
from tests.bench.nine import WORK
from tests.bench.one_core import one_thread
from tests.bench.page import RESULT, lines, write_tables
from tests.bench.plot import draw
from tests.bench.turns import in_turns
from tests.bench.way import WAYS
from tests.full_tracks import source, write_full_tracks

# Ways that take ten seconds and more a track go through one.
_SLOW = frozenset({"openSMILE's descriptors alone", "moodscribe, pictures", "drawn Deep Spectrum"})


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("models"), help="folder of what is written")
    parser.add_argument("--part", action="append", choices=list(_PARTS), help="one part; may be given again")
    parser.add_argument("--rounds", type=int, default=5, help="medians of so many (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="few tracks, to see that it works")
    arguments = parser.parse_args()
    file = arguments.output / "performance.json"
    result: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    arguments.output.mkdir(parents=True, exist_ok=True)
    result["machine"] = {
        "processors": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "audio": source(),
    }
    with tempfile.TemporaryDirectory(prefix="moodscribe-bench-") as name:
        for part in arguments.part or _PARTS:
            print(f"{part} ...", flush=True)
            result[part] = _PARTS[part](Path(name), arguments.rounds, arguments.quick)
            file.write_text(json.dumps(result, indent=1) + "\n")
    if set(_PARTS) <= set(result):
        draw(result, arguments.output / "performance.svg")
        if arguments.output == RESULT.parent.relative_to(Path.cwd()):
            write_tables(result)
        print("\n".join(lines(result)))


def _peers(_: Path, rounds: int, quick: bool) -> Any:
    files = write_full_tracks(WORK / "tracks", 1 if quick else 4)
    return in_turns({name: files[:1] if name in _SLOW else files for name in WAYS}, rounds=rounds)


def _main_job(scratch: Path, rounds: int, quick: bool) -> Any:
    few, many = (4, 12) if quick else (12, 72)
    write_full_tracks(WORK / "tracks", many)
    return rates(WORK / "tracks", scratch, few=few, many=many, rounds=rounds)


def _stages(_: Path, rounds: int, quick: bool) -> Any:
    return _child("tests.bench.stages", str(write_full_tracks(WORK / "tracks", 1)[0]), rounds)


def _nine(_: Path, rounds: int, quick: bool) -> Any:
    seconds = 30 if quick else 60  # a whole track is a minute of work for one core
    file = write_full_tracks(WORK / f"tracks-{seconds}", 1, seconds=seconds)[0]
    return {"audio_s": seconds, **_child("tests.bench.nine_models", str(file), rounds)}


def _cold(scratch: Path, rounds: int, quick: bool) -> Any:
    return cold(write_full_tracks(WORK / "tracks", 1)[0], scratch, rounds=rounds)


def _memory(scratch: Path, rounds: int, quick: bool) -> Any:
    write_full_tracks(WORK / "tracks", 4 if quick else 24)
    return memory(WORK / "tracks", scratch, hours=0.5 if quick else 3.0)


def _gpu(_: Path, rounds: int, quick: bool) -> Any:
    return _child("tests.bench.gpu", str(write_full_tracks(WORK / "tracks", 1)[0]), rounds)


_PARTS = {
    "peers": _peers,
    "main_job": _main_job,
    "stages": _stages,
    "nine": _nine,
    "cold": _cold,
    "memory": _memory,
    "gpu": _gpu,
}


def _child(module: str, file: str, rounds: int) -> Any:
    """What a module prints in a process of its own."""
    command = [sys.executable, "-m", module, file, str(rounds)]
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=one_thread())
    return json.loads(ended.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
