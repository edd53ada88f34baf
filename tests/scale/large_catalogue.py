"""Later runs and plans over a large catalogue, inference stubbed: time, memory.

Run as `python -m tests.scale.large_catalogue`. A child of each case is this module again, so that its
processes can be watched.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.planning.count import count_run, read_counted
from pipelines.running.local_runner import default_options, descendants, local_runner
from tests.incremental.large_catalogue import write_files, write_manifest, write_run
from tests.incremental.stub_runs import WORK, plan_stub, run_stub
from tests.scale.watch import resident_bytes

TRACKS_PER_RUN = 10_000
# Name, what is done, how many thousandths of the rows are new, changed and gone each, and what has changed of
# the work.
CASES: tuple[tuple[str, str, int, dict[str, str]], ...] = (
    ("a run with nothing to do", "run", 0, {}),
    ("a run with new, changed and gone", "run", 1, {}),
    ("a plan with nothing to do", "plan", 0, {}),
    ("a plan of a first run", "first plan", 0, {}),
    ("a plan after a change of model", "plan", 0, {"model": "other"}),
)


def do(case: int, manifest: Path, output: Path) -> None:
    """The child of a case: run or plan, and say what came of it."""
    _, what, _, changed = CASES[case]
    run = plan_stub(
        manifest, output, replace(WORK, **changed), limit=TRACKS_PER_RUN if what == "run" else None
    )
    if what == "run":
        record = run_stub(run)
        print({**record["reasons"], "unchanged": record["counts"]["unchanged"]})
        return
    options = PipelineOptions(default_options(workers=1))
    pipeline = beam.Pipeline(runner=local_runner(options), options=options)
    file = output.parent / "counted.json"
    count_run(pipeline, run, sample=20, file=file)
    pipeline.run().wait_until_finish()
    counted = read_counted(file)
    print({**{reason: count for (_, reason), count in counted.tracks.items()}, **counted.sums})


def measure(case: int, manifest: Path, output: Path) -> dict[str, Any]:
    """A case: seconds, seconds of processors, MiB of all its processes together at most, what it said."""
    command = [sys.executable, "-m", "tests.scale.large_catalogue", "--case", str(case)]
    command += ["--manifest", str(manifest), "--output", str(output)]
    begin, before, peak = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN), 0
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    while process.poll() is None:
        peak = max(peak, sum(map(resident_bytes, (process.pid, *descendants(process.pid)))))
        time.sleep(0.2)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    said = process.stdout.read().strip() if process.stdout else ""
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return {
        "case": f"{CASES[case][0]}, {manifest.suffix[1:]}",
        "seconds": round(wall, 1),
        "cpu_s": round(cpu, 1),
        "peak_mib": peak >> 20,
        "said": said,
    }


def main() -> None:
    """Write a catalogue and a run of it, then measure each case."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale.large_catalogue")
    parser.add_argument("--rows", type=int, default=1_000_000)
    for name in ("case", "manifest", "output"):
        parser.add_argument(f"--{name}", type=int if name == "case" else Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case is not None:
        do(given.case, given.manifest, given.output)
        return
    with tempfile.TemporaryDirectory(prefix="moodscribe-incremental-") as name:
        large_catalogue(Path(name), given.rows)


def large_catalogue(folder: Path, rows: int) -> list[dict[str, Any]]:
    """Every case on a manifest of so many rows, as Parquet and the first one as CSV; printed as they come."""
    write_files(folder)
    cases = [(".parquet", case) for case in range(len(CASES))] + [(".csv", 0)]
    measured = []
    for suffix, case in cases:
        measured.append(prepared(folder, case, rows, suffix))
        print(json.dumps(measured[-1]), flush=True)
    return measured


def prepared(folder: Path, case: int, rows: int, suffix: str) -> dict[str, Any]:
    """Write what a case needs, unless one before has, and measure it."""
    _, what, thousandths, _ = CASES[case]
    moved = rows * thousandths // 1000
    manifest = folder / f"catalogue-{moved}{suffix}"
    if not manifest.exists():
        write_manifest(manifest, range(moved, rows + moved))
    output = folder / f"moods-{moved}{suffix}" if what != "first plan" else folder / "nothing"
    if what != "first plan" and not output.exists():
        write_run(output, manifest, rows, changed=moved)
    return measure(case, manifest, output)


if __name__ == "__main__":
    main()
