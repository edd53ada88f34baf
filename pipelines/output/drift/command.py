"""`moodscribe diff`: the drift between two runs from the command's arguments, and a gate on it."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from pipelines.cli import EXIT_DONE, EXIT_STOPPED
from pipelines.output.committed import read_committed
from pipelines.output.connection import connect_bounded, machine_memory_mb
from pipelines.output.drift.measure import measure_drift
from pipelines.output.drift.named_runs import find_run
from pipelines.output.drift.rules import broken
from pipelines.output.drift.text import describe
from pipelines.output.faults import duckdb_faults
from pipelines.tables import refuse_empty
from schemas.drift import Drift
from schemas.errors import OutputError
from transforms.storage import absolute, write_text
from transforms.writing.faults import writing

EXIT_BROKEN_RULE = 1


def run_diff(arguments: argparse.Namespace) -> int:
    """Compare the states as of two runs; the exit status."""
    try:
        drift = _measure(arguments)
        if arguments.json:
            with writing(arguments.json):
                write_text(arguments.json, json.dumps(drift.to_json(), indent=1, ensure_ascii=False) + "\n")
    except OutputError as error:
        print(f"moodscribe diff: {error}", file=sys.stderr)
        return EXIT_STOPPED
    sentences = broken(arguments.fail_on, drift)
    for line in describe(drift):
        print(line)
    for sentence in sentences:
        print(f"moodscribe diff: broken rule {sentence}", file=sys.stderr)
    return EXIT_BROKEN_RULE if sentences else EXIT_DONE


def _measure(arguments: argparse.Namespace) -> Drift:
    committed = read_committed(absolute(arguments.output))
    refuse_empty(committed)
    run_a, run_b = (find_run(committed, name) for name in (arguments.run_a, arguments.run_b))
    memory_mb = arguments.memory_mb or machine_memory_mb() // 4
    with duckdb_faults(), tempfile.TemporaryDirectory(prefix="moodscribe-") as scratch:
        connection = connect_bounded(committed.output_uri, memory_mb=memory_mb, scratch=Path(scratch))
        try:
            return measure_drift(connection, committed, run_a=run_a, run_b=run_b)
        finally:
            connection.close()
