"""Runs of the main job on many tracks: time and memory by their number, two workers beside one."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.tables import committed_runs
from tests.scale.tracks import write_tracks
from tests.scale.watch import Watched, watch

SORTS = ("launcher", "worker", "decoder")
TRACKS_PER_RUN = 5_000


def tag(folder: Path, output: Path, *, bundle: Path, workers: int, limit: int | None = None) -> Watched:
    """Tag a folder by the command, watched; the output is new."""
    shutil.rmtree(output, ignore_errors=True)
    command = [sys.executable, "-m", "pipelines.cli", "tag", str(folder), "--output", str(output)]
    command += ["--bundle", str(bundle), "--workers", str(workers), "--tracks-per-run", str(TRACKS_PER_RUN)]
    command += ["--limit", str(limit)] if limit else []
    watched = watch(command, environment={**os.environ, "PYTHONUNBUFFERED": "1"})
    if watched.status:
        raise RuntimeError(f"{' '.join(command)} ended with {watched.status}: {watched.output}")
    return watched


def by_number(scratch: Path, numbers: list[int], *, bundle: Path) -> list[dict[str, Any]]:
    """For each number of tracks: seconds, seconds a track, MiB by sort of process, in runs of one size."""
    rows = []
    for number in numbers:
        folder = write_tracks(scratch / f"tracks-{number}", number)
        watched = tag(folder, scratch / f"moods-{number}", bundle=bundle, workers=2)
        records = committed_runs(str(scratch / f"moods-{number}"))
        tagged = sum(record["counts"]["tagged"] + record["counts"]["duplicate"] for record in records)
        if tagged != number:
            raise RuntimeError(f"{tagged} of {number} tracks were tagged")
        rows.append(
            {
                "tracks": number,
                "runs": len(records),
                "seconds": round(watched.seconds, 1),
                "ms_a_track": round(1000 * watched.seconds / number, 3),
                "ms_a_track_by_run": [_milliseconds(record) for record in records],
                "peak_mib": {sort: round(watched.peak(sort)) for sort in SORTS},
                "curve": {sort: _thinned(watched.samples.get(sort, [])) for sort in SORTS},
            }
        )
        print(json.dumps({key: value for key, value in rows[-1].items() if key != "curve"}), flush=True)
        shutil.rmtree(folder)
        shutil.rmtree(scratch / f"moods-{number}")
    return rows


def two_beside_one(scratch: Path, *, bundle: Path, few: int, many: int, rounds: int) -> dict[str, Any]:
    """Tracks a second of one worker and of two, in turns: what many tracks take less what few take, so that
    starting does not count."""
    folder = write_tracks(scratch / "tracks-rate", many)
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers, found in rates.items():
            seconds = [
                tag(folder, scratch / "moods-rate", bundle=bundle, workers=workers, limit=limit).seconds
                for limit in (few, many)
            ]
            found.append((many - few) / (seconds[1] - seconds[0]))
    shutil.rmtree(folder)
    one, two = (statistics.median(rates[workers]) for workers in (1, 2))
    result = {
        "tracks_a_second": {"1": rates[1], "2": rates[2]},
        "ratio": round(two / one, 3),
        "rounds": rounds,
    }
    print(json.dumps(result), flush=True)
    return result


def _milliseconds(record: dict[str, Any]) -> float:
    """A track of one run, on the clock, from its start to its commit."""
    begin, end = (datetime.fromisoformat(record[name]) for name in ("started", "finished"))
    taken = record["counts"]["tagged"] + record["counts"]["duplicate"]
    return float(round(1000 * (end - begin).total_seconds() / max(1, taken), 3))


def _thinned(samples: list[tuple[float, float]], most: int = 300) -> list[tuple[float, float]]:
    return samples[:: max(1, len(samples) // most)]
