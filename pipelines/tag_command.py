"""`moodscribe tag`: prepare a run, run it, say what came of it."""

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
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Any

from models.bundle import Bundle
from models.bundle_source import open_bundle
from pipelines.beam_options import beam_options
from pipelines.cli import EXIT_ACCOUNT, EXIT_DONE, EXIT_INTERRUPTED, EXIT_TOO_MANY_FAILURES, EXIT_USAGE
from pipelines.local_runner import end_children, few_workers, local_runner
from pipelines.progress_line import ProgressLine
from pipelines.tables import read_record
from schemas.errors import DataError, FailureKind, Stage
from schemas.identity import RunIdentity, new_run_id, settings_hash, timestamp
from transforms.decoding.sandbox import DecodeLimits
from transforms.inputs.stage import InputSpec, inspect_input, read_input
from transforms.storage import is_local, join, local_path, open_file, remove_folder
from transforms.tagging.stage import TaggingJob
from transforms.tagging.windows import Coverage
from transforms.tagging.worker import WorkSettings
from transforms.writing.account import RunPlan
from transforms.writing.stage import ACCOUNT_FILE

_VERSIONS = ("moodscribe", "apache-beam", "numpy", "pyarrow", "soundfile", "soxr", "keras")


def run_tag(arguments: argparse.Namespace, beam_arguments: Sequence[str]) -> int:
    """Run the main job; the exit status. Raises DataError before anything runs for what cannot work."""
    # What stops a job comes back as an exception; Beam would print it as well.
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    spec = inspect_input(arguments.input)
    bundle = open_bundle(arguments.bundle)
    options = beam_options(beam_arguments, workers=arguments.workers or few_workers(_some(spec)))
    job, plan = prepare(arguments, spec, bundle, _output(arguments.output))
    with tempfile.TemporaryDirectory(prefix="moodscribe-") as scratch, _interruptible(plan.identity):
        progress_file = Path(scratch) / "progress"
        try:
            with ProgressLine(progress_file):
                _run(spec, job, plan, options, progress_file)
        except RuntimeError as error:
            return _stopped(plan.identity, error)
    return report(plan.identity, max_failure_rate=arguments.max_failure_rate)


def prepare(
    arguments: argparse.Namespace, spec: InputSpec, bundle: Bundle, output_uri: str
) -> tuple[TaggingJob, RunPlan]:
    """The job and the plan of a run from the command's arguments."""
    work = WorkSettings(
        coverage=Coverage(arguments.coverage),
        stride_s=arguments.stride_s,
        max_file_bytes=round(arguments.max_file_mb * (1 << 20)),
        batch_size=arguments.batch_size,
        limits=DecodeLimits(
            timeout_s=arguments.decode_timeout_s,
            memory_mb=arguments.decode_memory_mb,
            max_duration_s=arguments.max_duration_s,
        ),
    )
    settings = {
        "coverage": work.coverage.value,
        "stride_s": work.stride_s,
        "front_ends": list(bundle.front_ends),
        "bundle_sha256": bundle.sha256,
    }
    identity = RunIdentity(new_run_id(), bundle.key, settings_hash(settings), output_uri)
    source = str(Path(arguments.bundle).absolute()) if Path(arguments.bundle).is_dir() else arguments.bundle
    job = TaggingJob(source, bundle.sha256, identity, work, arguments.rows_per_file)
    plan = RunPlan(identity, spec.uri, timestamp(), bundle.tags, _described(bundle, settings))
    return job, plan


def report(identity: RunIdentity, *, max_failure_rate: float) -> int:
    """Say what a run has done; its exit status."""
    record = read_record(identity.run_uri)
    if record is None:
        print("moodscribe tag: the account does not add up, nothing was published:", file=sys.stderr)
        for reason in _reasons(identity):
            print(f"  {reason}", file=sys.stderr)
        return EXIT_ACCOUNT
    for line in summary(record, identity):
        print(line)
    counts = record["counts"]
    attempted = counts["read"] - counts["skipped"]
    if attempted and counts["failed"] / attempted > max_failure_rate:
        share = f"{counts['failed']:,} of {attempted:,}"
        print(f"moodscribe tag: {share} tracks failed, above {max_failure_rate:.0%}", file=sys.stderr)
        return EXIT_TOO_MANY_FAILURES
    return EXIT_DONE


def summary(record: Mapping[str, Any], identity: RunIdentity) -> list[str]:
    """What a run has done, in a few lines."""
    counts = record["counts"]
    parts = [f"{counts[name]:,} {name}" for name in ("tagged", "duplicate", "failed", "skipped")]
    lines = [f"{counts['read']:,} inputs: {', '.join(parts)}"]
    for kind, count in sorted(record["failures"].items(), key=lambda item: -item[1]):
        lines.append(f"  {count:,} {kind}")
    hours = record["audio_s"] / 3600
    lines.append(f"{hours:,.2f} hours of audio with {record['bundle']['key']}")
    lines.append(f"tables of this run: {identity.run_uri}")
    return lines


def _run(spec: InputSpec, job: TaggingJob, plan: RunPlan, options: Any, progress_file: Path) -> None:
    import apache_beam as beam
    from apache_beam.options.pipeline_options import StandardOptions

    from pipelines.tag import TagRun, define_pipeline

    runner = options.view_as(StandardOptions).runner
    local = runner in (None, "DirectRunner")
    run = TagRun(spec, job, plan, str(progress_file) if local else None)
    pipeline = beam.Pipeline(runner=local_runner(options) if local else runner, options=options)
    define_pipeline(pipeline, run)
    pipeline.run().wait_until_finish()


def _some(spec: InputSpec) -> int:
    """How many inputs there are, counted no further than it matters; a store's folder counts as many."""
    enough = 1000
    if not is_local(spec.uri):
        return enough
    return sum(1 for _ in islice(read_input(spec), enough))


def _output(uri: str) -> str:
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


def _described(bundle: Bundle, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "bundle": {
            "key": bundle.key,
            "name": bundle.name,
            "version": bundle.version,
            "sha256": bundle.sha256,
            "members": [member.name for member in bundle.members],
            "terms": bundle.terms,
        },
        "settings": settings,
        "versions": {name: version(name) for name in _VERSIONS},
    }


@contextlib.contextmanager
def _interruptible(identity: RunIdentity) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the run at once, with nothing published and nobody left behind.

    Not by an exception: Beam would wait for its workers to finish what they are at.
    """

    def end(_signal: int, _frame: FrameType | None) -> None:
        # The threads that watch the workers have nothing to say of the end that is made of them here.
        threading.excepthook = lambda _: None
        logging.disable()
        end_children()
        _discard(identity)
        print("\nmoodscribe tag: interrupted, nothing was published", file=sys.stderr, flush=True)
        os._exit(EXIT_INTERRUPTED)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stopped(identity: RunIdentity, error: RuntimeError) -> int:
    """Bad data that a worker met before any track, such as a bundle whose arrays do not fit; bugs go on."""
    marker = f"{DataError.__module__}.{DataError.__qualname__}: "
    _discard(identity)
    if marker not in str(error):
        raise error
    message = str(error).rpartition(marker)[2].partition(" [while running")[0]
    print(f"moodscribe tag: {message}", file=sys.stderr)
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
