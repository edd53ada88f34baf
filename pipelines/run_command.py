"""What `moodscribe tag` and `moodscribe features` share: run a job, say what came of it."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from pipelines.cli import EXIT_ACCOUNT, EXIT_DONE, EXIT_INTERRUPTED, EXIT_TOO_MANY_FAILURES, EXIT_USAGE
from pipelines.local_runner import end_children, few_workers, local_runner
from pipelines.progress_line import ProgressLine
from pipelines.tables import read_record
from schemas.errors import DataError, FailureKind, Stage
from schemas.identity import RunIdentity
from transforms.decoding.sandbox import DecodeLimits
from transforms.inputs.stage import InputSpec, read_input
from transforms.storage import is_local, join, local_path, open_file, remove_folder
from transforms.tracks.reader import ReadSettings
from transforms.writing.stage import ACCOUNT_FILE

if TYPE_CHECKING:
    from pipelines.run import Run

_VERSIONS = ("moodscribe", "apache-beam", "numpy", "scipy", "pyarrow", "soundfile", "soxr", "keras")


def execute(run: Run, options: Any, *, command: str, max_failure_rate: float) -> int:
    """Run a job with progress; the exit status."""
    # What stops a job comes back as an exception; Beam would print it as well.
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    identity = run.plan.identity
    with tempfile.TemporaryDirectory(prefix="moodscribe-") as scratch, _interruptible(identity, command):
        progress_file = Path(scratch) / "progress"
        try:
            with ProgressLine(progress_file):
                _run(run, options, progress_file)
        except RuntimeError as error:
            return _stopped(identity, command, error)
    return report(identity, command=command, max_failure_rate=max_failure_rate)


def read_settings(arguments: argparse.Namespace) -> ReadSettings:
    """How tracks are read, from the command's arguments."""
    limits = DecodeLimits(
        timeout_s=arguments.decode_timeout_s,
        memory_mb=arguments.decode_memory_mb,
        max_duration_s=arguments.max_duration_s,
    )
    return ReadSettings(max_file_bytes=round(arguments.max_file_mb * (1 << 20)), limits=limits)


def versions() -> dict[str, str]:
    """Versions of what computes, as they stand in a run's record."""
    return {name: version(name) for name in _VERSIONS}


def workers_for(arguments: argparse.Namespace, spec: InputSpec) -> int:
    """Processes on this machine: as asked for, else by how many inputs there are."""
    return arguments.workers or few_workers(_some(spec))


def output_folder(uri: str) -> str:
    """An output that can be written to, absolute where it is local; DataError(bad_output)."""
    if not is_local(uri):
        return uri.rstrip("/")
    path = local_path(uri).absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
        writable = os.access(path, os.W_OK | os.X_OK)
    except OSError as error:
        raise DataError(FailureKind.BAD_OUTPUT, Stage.OUTPUT, f"{uri}: {error.strerror}") from error
    if not writable:
        raise DataError(FailureKind.BAD_OUTPUT, Stage.OUTPUT, f"{uri}: no permission to write there")
    return str(path)


def report(identity: RunIdentity, *, command: str, max_failure_rate: float) -> int:
    """Say what a run has done; its exit status."""
    record = read_record(identity.run_uri)
    if record is None:
        print(f"moodscribe {command}: the account does not add up, nothing was published:", file=sys.stderr)
        for reason in _reasons(identity):
            print(f"  {reason}", file=sys.stderr)
        return EXIT_ACCOUNT
    for line in summary(record, identity):
        print(line)
    counts = record["counts"]
    attempted = counts["read"] - counts["skipped"]
    if attempted and counts["failed"] / attempted > max_failure_rate:
        share = f"{counts['failed']:,} of {attempted:,}"
        print(f"moodscribe {command}: {share} tracks failed, above {max_failure_rate:.0%}", file=sys.stderr)
        return EXIT_TOO_MANY_FAILURES
    return EXIT_DONE


def summary(record: Mapping[str, Any], identity: RunIdentity) -> list[str]:
    """What a run has done, in a few lines."""
    counts = record["counts"]
    without = ("duplicate", "failed", "skipped")
    done = [name for name in counts if name not in ("read", *without)]
    parts = [f"{counts[name]:,} {name}" for name in (*done, *without)]
    lines = [f"{counts['read']:,} inputs: {', '.join(parts)}"]
    for kind, count in sorted(record["failures"].items(), key=lambda item: -item[1]):
        lines.append(f"  {count:,} {kind}")
    lines.append(f"{record['audio_s'] / 3600:,.2f} hours of audio with {identity.bundle}")
    lines.append(f"tables of this run: {identity.run_uri}")
    return lines


def _run(run: Run, options: Any, progress_file: Path) -> None:
    import apache_beam as beam
    from apache_beam.options.pipeline_options import StandardOptions

    from pipelines.run import define_pipeline

    runner = options.view_as(StandardOptions).runner
    local = runner in (None, "DirectRunner")
    pipeline = beam.Pipeline(runner=local_runner(options) if local else runner, options=options)
    define_pipeline(pipeline, replace(run, progress_file=str(progress_file) if local else None))
    pipeline.run().wait_until_finish()


def _some(spec: InputSpec) -> int:
    """How many inputs there are, counted no further than it matters; a store's folder counts as many."""
    enough = 1000
    if not is_local(spec.uri):
        return enough
    return sum(1 for _ in islice(read_input(spec), enough))


@contextlib.contextmanager
def _interruptible(identity: RunIdentity, command: str) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the run at once, with nothing published and nobody left behind.

    Not by an exception: Beam would wait for its workers to finish what they are at.
    """

    def end(_signal: int, _frame: FrameType | None) -> None:
        # The threads that watch the workers have nothing to say of the end that is made of them here.
        threading.excepthook = lambda _: None
        logging.disable()
        end_children()
        _discard(identity)
        print(f"\nmoodscribe {command}: interrupted, nothing was published", file=sys.stderr, flush=True)
        os._exit(EXIT_INTERRUPTED)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stopped(identity: RunIdentity, command: str, error: RuntimeError) -> int:
    """Bad data that a worker met before any track, such as a bundle whose arrays do not fit; bugs go on."""
    marker = f"{DataError.__module__}.{DataError.__qualname__}: "
    _discard(identity)
    if marker not in str(error):
        raise error
    message = str(error).rpartition(marker)[2].partition(" [while running")[0]
    print(f"moodscribe {command}: {message}", file=sys.stderr)
    return EXIT_USAGE


def _discard(identity: RunIdentity) -> None:
    """Remove what an unfinished run has left, unless its record is there after all."""
    remove_folder(identity.staging_uri)
    if read_record(identity.run_uri) is None:
        remove_folder(identity.run_uri)


def _reasons(identity: RunIdentity) -> list[str]:
    with open_file(join(identity.staging_uri, ACCOUNT_FILE)) as file:
        reasons: list[str] = json.load(file)
    return reasons
