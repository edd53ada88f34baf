"""What unfinished runs have left behind, removed by a later run; that of runs that may be alive is let be.

A run on this machine leaves a note in its staging folder that says which process it is. Where there is none,
or one of another machine, nobody can tell whether a run is alive, until it would have run for a month.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipelines.tables import read_record
from schemas.errors import DataError, Stage
from schemas.identity import RunIdentity
from schemas.run import RUN_FOLDER_PREFIX
from transforms.object_stores.known import list_objects
from transforms.storage import is_local, join, local_path, open_file, remove_folder, write_text
from transforms.writing.faults import writing

STAGING = ".staging"
OWNER_FILE = "owner.json"
# A run on one machine is of 10,000 tracks, and Dataflow ends a job sooner than this.
LONGEST_RUN = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that a run belongs to; `started` is the kernel's own mark, for ids are used again."""

    machine: str
    process: int
    started: str


def claim(identity: RunIdentity) -> None:
    """Say in the run's staging folder that it belongs to this process; OutputError where that fails."""
    owner = Owner(_machine(), os.getpid(), _start(os.getpid()))
    uri = join(identity.staging_uri, OWNER_FILE)
    with writing(uri):
        write_text(uri, json.dumps(asdict(owner)) + "\n")


def discard(identity: RunIdentity) -> None:
    """Remove what a run has left: its staging folder and, unless it is committed, its own."""
    _discard(identity.run_uri, identity.staging_uri)


def clear_leftovers(output_uri: str) -> list[str]:
    """Remove what runs have left that are surely dead; their ids."""
    staging_uri = join(output_uri, STAGING)
    dead = [run_id for run_id in _staged(staging_uri) if _dead(join(staging_uri, run_id), run_id)]
    for run_id in dead:
        _discard(join(output_uri, RUN_FOLDER_PREFIX + run_id), join(staging_uri, run_id))
    return dead


def running(output_uri: str) -> tuple[str, ...]:
    """Ids of the runs under an output that may be at work now."""
    staging_uri = join(output_uri, STAGING)
    return tuple(one for one in _staged(staging_uri) if not _dead(join(staging_uri, one), one))


def _discard(run_uri: str, staging_uri: str) -> None:
    if read_record(run_uri) is None:
        remove_folder(run_uri)
    # Last: as long as it is there, what is left of the other can be found.
    remove_folder(staging_uri)


def _staged(staging_uri: str) -> list[str]:
    """Ids of the runs that have a staging folder."""
    if is_local(staging_uri):
        folder = local_path(staging_uri)
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    prefix = join(staging_uri, "")
    found = (
        uri.removeprefix(prefix).partition("/")[0] for uri, _ in list_objects(prefix, stage=Stage.OUTPUT)
    )
    return list(dict.fromkeys(found))


def _dead(staging_uri: str, run_id: str) -> bool:
    owner = _owner(staging_uri)
    if owner is not None and owner.machine and owner.machine == _machine():
        return not _alive(owner)
    try:
        begun = datetime.strptime(run_id[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:  # nothing of a run's
        return False
    return datetime.now(UTC) - begun > LONGEST_RUN


def _owner(staging_uri: str) -> Owner | None:
    try:
        with open_file(join(staging_uri, OWNER_FILE)) as file:
            return Owner(**json.load(file))
    except (OSError, DataError, ValueError, TypeError):  # none, not whole, or of another version
        return None


def _alive(owner: Owner) -> bool:
    try:
        os.kill(owner.process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _start(owner.process) in (owner.started, "")


def _machine() -> str:
    """This start of this machine, and the namespace that its process ids are of; "" where it does not say."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _start(process: int) -> str:
    """When a process started, in ticks of the kernel's clock; "ended" for one that is not reaped yet."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "ended" if fields[0] in "ZX" else fields[19]
