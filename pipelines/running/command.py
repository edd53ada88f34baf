"""What `moodscribe tag` and `moodscribe features` share: run a job, say what came of it."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from importlib.metadata import version
from itertools import islice
from types import FrameType
from typing import TYPE_CHECKING, Any

from pipelines.cli import EXIT_INTERRUPTED
from pipelines.running.attempts import carry_out, runs_here
from pipelines.running.leftovers import discard
from pipelines.running.local_runner import end_children, few_workers
from pipelines.running.memory import give_back
from pipelines.running.report import refuse, report
from pipelines.tables import read_record
from schemas.errors import DataError, FailureKind, Stage
from schemas.identity import RunIdentity
from schemas.work import WorkKey
from transforms.decoding.sandbox import DecodeLimits
from transforms.incremental.policy import Gone, Policy
from transforms.inputs.stage import InputSpec, read_input
from transforms.storage import is_local, local_path
from transforms.tracks.reader import ReadSettings

if TYPE_CHECKING:
    from pipelines.running.run import Run

_VERSIONS = ("moodscribe", "apache-beam", "numpy", "scipy", "pyarrow", "soundfile", "soxr", "keras")


# Plans a run of the command: of how many tracks at most, and which run was the command's first ("" for none).
PlanRun = Callable[[int | None, str], "Run"]


def execute(arguments: argparse.Namespace, plan_run: PlanRun, options: Any, *, command: str) -> int:
    """Run a job with progress, on this machine as several runs of bounded size; the exit status."""
    here = runs_here(options)
    slice_tracks = arguments.tracks_per_run if here else None
    wanted, begun, records = arguments.limit, "", []
    while True:
        limit = min((most for most in (wanted, slice_tracks) if most is not None), default=None)
        run = plan_run(limit, begun)
        identity = run.plan.identity
        with _interruptible(identity, command, here=here):
            status = carry_out(run, options, command=command, wait=arguments.wait)
        if status or not (arguments.wait or here):
            return status
        record = read_record(identity.run_uri)
        if record is None:
            return refuse(identity, command=command)
        records.append(record)
        begun, wanted = begun or identity.run_id, None if wanted is None else wanted - (limit or 0)
        if not record["waiting"] or wanted == 0:
            return report(records, identity, command=command, max_failure_rate=arguments.max_failure_rate)
        print(f"{identity.run_uri}: published, {record['waiting']:,} tracks to go", flush=True)
        give_back()


def policy_of(arguments: argparse.Namespace, input_uri: str, work: WorkKey, *, begun: str) -> Policy:
    """What a run takes up, from the command's arguments."""
    return Policy(
        input_uri=input_uri,
        work=work,
        force=arguments.force,
        only_failed=arguments.only_failed,
        sample=arguments.sample,
        gone=Gone(arguments.gone),
        begun=begun,
    )


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


def _some(spec: InputSpec) -> int:
    """How many inputs there are, counted no further than it matters; a store's folder counts as many."""
    enough = 1000
    if not is_local(spec.uri):
        return enough
    return sum(1 for _ in islice(read_input(spec), enough))


@contextlib.contextmanager
def _interruptible(identity: RunIdentity, command: str, *, here: bool) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the run at once, with nothing published and nobody left behind.

    One that runs elsewhere goes on without us. Not by an exception: Beam would wait for its workers to
    finish what they are at.
    """

    def end(_signal: int, _frame: FrameType | None) -> None:
        # The threads that watch the workers have nothing to say of the end that is made of them here.
        threading.excepthook = lambda _: None
        logging.disable()
        end_children()
        if here:
            discard(identity)
        what = "nothing was published" if here else f"the job goes on, for {identity.run_uri}"
        print(f"\nmoodscribe {command}: interrupted, {what}", file=sys.stderr, flush=True)
        os._exit(EXIT_INTERRUPTED)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
