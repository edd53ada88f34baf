"""The main job as the command runs it: tracks a second, the first result of one file, and memory."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.full_tracks import RATE_HZ, sound, write_mp3
from tests.scale.runs import tag
from tests.scale.watch import watch


def rates(folder: Path, scratch: Path, *, few: int, many: int, rounds: int) -> dict[str, Any]:
    """Tracks a second of two worker processes: what many tracks take less what few take, so that the start
    does not count; it stands beside."""
    found, starts = [], []
    for number in range(rounds):
        short, long = (
            tag(folder, scratch / "moods", bundle=Path("default"), workers=2, limit=limit).seconds
            for limit in (few, many)
        )
        found.append((many - few) / (long - short))
        starts.append(long - many / found[-1])
        print(f"round {number + 1}: main job {found[-1]:.2f} tracks a second", flush=True)
    rate = statistics.median(found)
    cores = min(2, len(os.sched_getaffinity(0)))
    return {
        "tracks_a_second": round(rate, 3),
        "core_s": round(cores / rate, 4),
        "start_s": round(statistics.median(starts), 2),
        "rounds": [round(value, 3) for value in found],
        "tracks": [few, many],
    }


def cold(file: Path, scratch: Path, *, rounds: int) -> dict[str, Any]:
    """Seconds of commands from their start: `--help`, and one file from nothing to its tables."""
    program = [sys.executable, "-m", "pipelines.cli"]
    found: dict[str, list[float]] = {"help": [], "show": [], "tag": []}
    for _ in range(rounds):
        shutil.rmtree(scratch / "one", ignore_errors=True)
        for name, arguments in (
            ("help", ["--help"]),
            ("show", ["show", str(file)]),
            ("tag", ["tag", str(file), "--output", str(scratch / "one")]),
        ):
            begin = time.perf_counter()
            subprocess.run([*program, *arguments], check=True, capture_output=True)
            found[name].append(time.perf_counter() - begin)
    return {name: round(statistics.median(values), 3) for name, values in found.items()}


def memory(folder: Path, scratch: Path, *, hours: float) -> dict[str, Any]:
    """MiB of the largest process of each sort at its peak: tracks of usual length, and one of hours."""
    long = scratch / "hours.mp3"
    _write_long(long, hours=hours)
    return {
        "usual_mib": _peaks(folder, scratch),
        "hours": hours,
        "hours_mib": _peaks(long, scratch),
    }


def _peaks(source: Path, scratch: Path) -> dict[str, int]:
    output = scratch / "memory"
    shutil.rmtree(output, ignore_errors=True)
    command = [sys.executable, "-m", "pipelines.cli", "tag", str(source), "--output", str(output)]
    watched = watch([*command, "--workers", "2", "--limit", "24"], environment=dict(os.environ))
    if watched.status:
        raise RuntimeError(f"{source}: {watched.output}")
    return {sort: round(watched.peak(sort)) for sort in ("launcher", "worker", "decoder")}


def _write_long(file: Path, *, hours: float) -> None:
    """One track over and over, as MP3 frames one after another."""
    samples = sound(0)
    part = file.with_suffix(".part")
    write_mp3(part, samples, headers=False)
    times = round(hours * 3600 * RATE_HZ / samples.shape[1])
    with file.open("wb") as whole:
        for _ in range(times):
            whole.write(part.read_bytes())
