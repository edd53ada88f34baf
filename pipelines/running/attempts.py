"""Carrying out a run: once more from the start if a worker dies, and nothing of it left if it fails."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from enum import Enum
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.cli import EXIT_DONE, EXIT_STOPPED, EXIT_USAGE
from pipelines.running.elsewhere import JobFailedError, submit
from pipelines.running.leftovers import claim, clear_leftovers, discard
from pipelines.running.local_runner import local_runner, works_in_processes
from pipelines.running.memory import map_blocks
from pipelines.running.progress_line import ProgressLine
from pipelines.running.report import reasons
from pipelines.running.workers.ended import WorkerEndedError, oom_kills
from pipelines.tables import read_record
from schemas.errors import DataError, OutputError
from schemas.identity import RunIdentity
from transforms.storage import is_local, local_path

if TYPE_CHECKING:
    from pipelines.running.run import Run

# A worker that dies a second time has a reason that a third try would not change.
ATTEMPTS = 2


def carry_out(run: Run, options: Any, *, command: str, wait: bool = True) -> int:
    """Run a job; EXIT_DONE, or the status of what has stopped it, which is said on standard error.

    Without `wait`, one that runs elsewhere is handed in and no more.
    """
    # What stops a job comes back as an exception; Beam would print it as well.
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    output_uri = run.plan.identity.output_uri
    for run_id in clear_leftovers(output_uri):
        _say(command, f"removed what the unfinished run {run_id} had left in {output_uri}")
    if not runs_here(options):
        return _hand_in(run, options, command=command, wait=wait)
    statuses = (_try(run, options, command=command, attempt=attempt) for attempt in count(1))
    return next(status for status in statuses if status is not None)


def _try(run: Run, options: Any, *, command: str, attempt: int) -> int | None:
    """One attempt; its status, None where a worker has died and another attempt may help."""
    identity, killed = run.plan.identity, oom_kills()
    try:
        _run(run, options)
    except WorkerEndedError as error:
        rest = _clear(identity, command)
        if rest is _Rest.PUBLISHED:  # it died after its work
            return EXIT_DONE
        # What is left of this attempt would be published with the next.
        again = attempt < ATTEMPTS and rest is _Rest.NONE
        _say(command, f"{error}{_cause(error, oom_kills() - killed)}; {_outlook(attempt, again=again)}")
        return None if again else EXIT_STOPPED
    except (OutputError, DataError, RuntimeError) as error:
        if _clear(identity, command) is _Rest.PUBLISHED:  # the store has done what it was not heard to
            return EXIT_DONE
        return _stopped(error, command)
    return EXIT_DONE


def _hand_in(run: Run, options: Any, *, command: str, wait: bool) -> int:
    """A run on another engine, which has its own ways to begin anew; its status."""
    try:
        submit(replace(run, plan=replace(run.plan, strict=True)), options, command=command, wait=wait)
    except JobFailedError as error:
        identity = run.plan.identity
        if reasons(identity) or _clear(identity, command) is _Rest.PUBLISHED:
            return EXIT_DONE
        _say(command, f"{error}; nothing of the run was published")
        return EXIT_STOPPED
    return EXIT_DONE


class _Rest(Enum):
    """What there is of a run that has not come to its end."""

    PUBLISHED = "all of it"
    LEFT = "something that cannot be removed"
    NONE = "nothing"


def _clear(identity: RunIdentity, command: str) -> _Rest:
    """Remove what a run has left, unless it is published after all."""
    try:
        if read_record(identity.run_uri) is not None:
            discard(identity)
            return _Rest.PUBLISHED
        discard(identity)
    except DataError as error:
        _say(command, f"{error.message}; what the run has left is there until a later run removes it")
        return _Rest.LEFT
    gone = not is_local(identity.run_uri) or not local_path(identity.run_uri).exists()
    return _Rest.NONE if gone else _Rest.LEFT


def _run(run: Run, options: Any) -> None:
    import apache_beam as beam

    from pipelines.running.run import define_pipeline

    claim(run.plan.identity)
    if works_in_processes(options):
        map_blocks()
    runner = local_runner(options)
    with _scratch() as folder, runner.crew:
        progress_file = folder / "progress"
        pipeline = beam.Pipeline(runner=runner, options=options)
        define_pipeline(pipeline, replace(run, progress_file=str(progress_file)))
        with ProgressLine(progress_file):
            pipeline.run().wait_until_finish()


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for as long as the run takes; OutputError where there is no room for one."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="moodscribe-", ignore_cleanup_errors=True)
    except OSError as error:
        raise OutputError(f"no place for scratch files, see TMPDIR: {error.strerror}") from error
    with folder as name:
        yield Path(name)


def runs_here(options: Any) -> bool:
    """Whether the pipeline runs on this machine, by Beam's local runner."""
    from apache_beam.options.pipeline_options import StandardOptions

    return options.view_as(StandardOptions).runner in (None, "DirectRunner")


def _cause(error: WorkerEndedError, out_of_memory: int) -> str:
    """Why a worker has been killed, as far as it can be known."""
    if error.code != -signal.SIGKILL:
        return ""
    who = "by the kernel" if out_of_memory else "most often"
    return f", {who} for lack of memory (fewer --workers take less)"


def _outlook(attempt: int, *, again: bool) -> str:
    if again:
        return f"the run begins anew (attempt {attempt + 1} of {ATTEMPTS})"
    return "nothing of it was published"


def _stopped(error: Exception, command: str) -> int:
    """Say what has stopped a run that no other try would mend; its status. Bugs go on.

    It is bad data that a worker met before any track, such as a bundle whose arrays do not fit, or a place of
    output that has failed. Of another process it comes as a text.
    """
    for kind, status in ((OutputError, EXIT_STOPPED), (DataError, EXIT_USAGE)):
        if (message := message_of(error, kind)) is not None:
            _say(command, message + ("; nothing of the run was published" if kind is OutputError else ""))
            return status
    raise error


def message_of(error: Exception, kind: type[Exception]) -> str | None:
    """The message of an error, if it is of that kind; of a worker's error Beam has only the text."""
    marker = f"{kind.__module__}.{kind.__qualname__}: "
    if isinstance(error, kind) or marker in str(error):
        return str(error).rpartition(marker)[2].partition(" [while running")[0]
    return None


def _say(command: str, message: str) -> None:
    print(f"moodscribe {command}: {message}", file=sys.stderr, flush=True)
