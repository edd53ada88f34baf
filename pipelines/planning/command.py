"""`moodscribe plan`: what a run would do and why, and what it would take, with nothing written."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from pipelines.cli import EXIT_DONE
from pipelines.planning.count import READ, Counted, count_run, read_counted
from pipelines.planning.estimate import Estimate, estimate
from pipelines.planning.measure import Measured, measure
from pipelines.planning.prices import Prices, read_prices
from pipelines.planning.text import as_json, describe, describe_estimate
from pipelines.running.beam_options import beam_options
from pipelines.running.local_runner import local_runner
from pipelines.running.run import Run
from pipelines.tables import MOODS, check_output
from pipelines.tag_command import bundle_of, prepare
from transforms.inputs.stage import inspect_input


def run_plan(arguments: argparse.Namespace) -> int:
    """Say what `moodscribe tag` with the same arguments would do; the exit status."""
    prices = read_prices(arguments.prices)
    spec = inspect_input(arguments.input)
    bundle = bundle_of(arguments)
    output_uri = arguments.output.rstrip("/")
    check_output(output_uri, MOODS)
    run = prepare(arguments, spec, bundle, output_uri)(arguments.limit, "")
    counted = _count(run, sample=arguments.measure)
    for line in describe(counted):
        print(line)
    measured, found = _estimate(run, counted, prices)
    if measured and found:
        for line in describe_estimate(found, measured, prices, processors=len(os.sched_getaffinity(0))):
            print(line)
    if arguments.json:
        text = json.dumps(as_json(counted, found, measured, prices), indent=1)
        Path(arguments.json).write_text(text + "\n")
    return EXIT_DONE


def _count(run: Run, *, sample: int) -> Counted:
    import apache_beam as beam

    options = beam_options([], command="plan", workers=1)
    with tempfile.TemporaryDirectory(prefix="moodscribe-") as scratch:
        file = Path(scratch) / "counted"
        pipeline = beam.Pipeline(runner=local_runner(options), options=options)
        count_run(pipeline, run, sample=sample, file=file)
        pipeline.run().wait_until_finish()
        return read_counted(file)


def _estimate(run: Run, counted: Counted, prices: Prices) -> tuple[Measured | None, Estimate | None]:
    to_read = sum(count for (how, _), count in counted.tracks.items() if how == READ)
    if not to_read or not counted.sample:
        return None, None
    print(f"moodscribe plan: measuring {len(counted.sample)} tracks", file=sys.stderr, flush=True)
    measured = measure(run.job, counted.sample)
    if not measured.audio_s:
        message = measured.errors[0].message if measured.errors else "nothing of them was tagged"
        print(f"no estimate: all {len(counted.sample)} tracks of the sample failed, such as: {message}")
        return None, None
    return measured, estimate(counted, measured, prices)
