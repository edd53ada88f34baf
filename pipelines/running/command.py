"""What `moodscribe tag` and `moodscribe features` share: run a job, say what came of it."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import islice
from types import FrameType
from typing import TYPE_CHECKING, Any

from pipelines.cli import EXIT_ACCOUNT, EXIT_DONE, EXIT_INTERRUPTED, EXIT_TOO_MANY_FAILURES
from pipelines.running.attempts import carry_out, runs_here
from pipelines.running.leftovers import discard
from pipelines.running.local_runner import end_children, few_workers
from pipelines.tables import read_record
from schemas.errors import DataError, FailureKind, Stage
from schemas.identity import RunIdentity
from schemas.work import WorkKey
from transforms.decoding.sandbox import DecodeLimits
from transforms.incremental.policy import Gone, Policy
from transforms.inputs.stage import InputSpec, read_input
from transforms.storage import is_local, join, local_path, open_file
from transforms.tracks.reader import ReadSettings
from transforms.writing.stage import ACCOUNT_FILE

if TYPE_CHECKING:
    from pipelines.running.run import Run

_VERSIONS = ("moodscribe", "apache-beam", "numpy", "scipy", "pyarrow", "soundfile", "soxr", "keras")


# Plans a run of the command: of how many tracks at most, and which run was the command's first ("" for none).
PlanRun = Callable[[int | None, str], "Run"]


def execute(arguments: argparse.Namespace, plan_run: PlanRun, options: Any, *, command: str) -> int:
    """Run a job with progress, on this machine as several runs of bounded size; the exit status."""
    slice_tracks = arguments.tracks_per_run if runs_here(options) else None
    wanted, begun, records = arguments.limit, "", []
    while True:
        limit = min((most for most in (wanted, slice_tracks) if most is not None), default=None)
        run = plan_run(limit, begun)
        identity = run.plan.identity
        with _interruptible(identity, command):
            status = carry_out(run, options, command=command)
        if status:
            return status
        record = read_record(identity.run_uri)
        if record is None:
            return refuse(identity, command=command)
        records.append(record)
        begun, wanted = begun or identity.run_id, None if wanted is None else wanted - (limit or 0)
        if not record["waiting"] or wanted == 0:
            return report(records, identity, command=command, max_failure_rate=arguments.max_failure_rate)
        print(f"{identity.run_uri}: published, {record['waiting']:,} tracks to go", flush=True)


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


def refuse(identity: RunIdentity, *, command: str) -> int:
    """Say why a run was not published; the exit status."""
    print(f"moodscribe {command}: the account does not add up, nothing was published:", file=sys.stderr)
    for reason in _reasons(identity):
        print(f"  {reason}", file=sys.stderr)
    return EXIT_ACCOUNT


def report(
    records: Sequence[Mapping[str, Any]], identity: RunIdentity, *, command: str, max_failure_rate: float
) -> int:
    """Say what the runs of a command have done; its exit status."""
    counts = total_counts(records)
    for line in summary(records, identity):
        print(line)
    attempted = sum(counts[name] for name in counts if name not in ("read", "skipped", *_NOT_WORKED_ON))
    if attempted and counts["failed"] / attempted > max_failure_rate:
        share = f"{counts['failed']:,} of {attempted:,}"
        print(f"moodscribe {command}: {share} tracks failed, above {max_failure_rate:.0%}", file=sys.stderr)
        return EXIT_TOO_MANY_FAILURES
    return EXIT_DONE


# Inputs that a run has only looked at, and tombstones.
_NOT_WORKED_ON = ("unchanged", "left", "gone")


def total_counts(records: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Counts of the runs of one command together: each has read all of the input, and what one of them has
    done is unchanged to the next."""
    last = records[-1]["counts"]
    done = [name for name in last if name not in ("read", *_NOT_WORKED_ON)]
    totals = {name: sum(record["counts"][name] for record in records) for name in (*done, "gone")}
    return {
        "read": last["read"],
        **totals,
        "unchanged": records[0]["counts"]["unchanged"],
        "left": last["left"],
    }


def summary(records: Sequence[Mapping[str, Any]], identity: RunIdentity) -> list[str]:
    """What the runs of a command have done, in a few lines."""
    counts = total_counts(records)
    shown = [name for name in counts if name not in ("read", *_NOT_WORKED_ON)]
    without = [name for name in ("duplicate", "failed", "skipped") if name in shown]
    names = [name for name in shown if name not in without] + without
    parts = [f"{counts[name]:,} {name}" for name in names]
    parts += [f"{counts[name]:,} {name}" for name in _NOT_WORKED_ON if counts[name]]
    lines = [f"{counts['read']:,} inputs: {', '.join(parts)}"]
    if not any(counts[name] for name in (*names, "gone")):
        lines.append("nothing to do: every track is as it was" if not counts["left"] else "nothing done")
    reasons = Counter[str]()
    failures, left = Counter[str](), Counter[str](records[-1]["left"])
    for record in records:
        reasons.update(record["reasons"])
        failures.update(record["failures"])
    if set(reasons) - {"new"}:
        lines.append(f"  because {_listed(reasons)}")
    lines += [f"  {count:,} {kind}" for kind, count in failures.most_common()]
    if cached := sum(record["cached"] for record in records):
        lines.append(f"  {cached:,} by features from the cache")
    if left:
        lines.append(f"  left for another run: {_listed(left)}")
    hours = sum(record["audio_s"] for record in records) / 3600
    lines.append(f"{hours:,.2f} hours of audio with {identity.bundle}")
    runs = f"{len(records)} runs, the last: " if len(records) > 1 else ""
    lines.append(f"tables of this run: {runs}{identity.run_uri}")
    return lines


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.most_common())


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
        discard(identity)
        print(f"\nmoodscribe {command}: interrupted, nothing was published", file=sys.stderr, flush=True)
        os._exit(EXIT_INTERRUPTED)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _reasons(identity: RunIdentity) -> list[str]:
    with open_file(join(identity.staging_uri, ACCOUNT_FILE)) as file:
        reasons: list[str] = json.load(file)
    return reasons
