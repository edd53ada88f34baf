"""What a compaction makes needless: the one before it, what killed ones have left, and runs to drop.

A record is removed before what it is the record of, so that nobody reads half a run or half a compaction.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.output.committed import Committed, folders
from pipelines.running.leftovers import running
from schemas.compaction import CURRENT_FILE, CURRENT_FOLDER_PREFIX
from schemas.run import RUN_FILE, RUN_FOLDER_PREFIX
from transforms.object_stores.known import remove_objects
from transforms.storage import is_local, join, local_path, remove_folder


@dataclass(frozen=True, slots=True)
class Needless:
    """Folders that nobody needs: of compactions and of runs, by id, with the bytes in them.

    `waiting` names runs that may be at work: they read stored rows where they are, so all of it is left.
    """

    compactions: dict[str, int]
    runs: dict[str, int]
    waiting: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """Of all of them."""
        return sum(self.compactions.values()) + sum(self.runs.values())


def needless(committed: Committed, current_id: str, *, keep: int | None) -> Needless:
    """What is needless once the compaction `current_id` of all that is committed is there.

    `keep` is how many of the newest runs keep their folders, None for all.
    """
    output_uri = committed.output_uri
    older = folders(output_uri, CURRENT_FOLDER_PREFIX)
    compactions = {one: sum(files.values()) for one, files in older.items() if one < current_id}
    found = folders(output_uri, RUN_FOLDER_PREFIX)
    compacted = committed.run_ids
    kept = {run["run_id"] for run in committed.runs}
    kept = kept if keep is None else set(sorted(kept)[max(0, len(kept) - keep) :])
    # A folder without its record, of a run that is in a compaction, is one whose removal was not finished.
    runs = {one: sum(found[one].values()) for one in compacted if one in found and one not in kept}
    return Needless(compactions, runs, running(output_uri))


def remove(output_uri: str, what: Needless) -> None:
    """Remove it, unless runs may be at work."""
    if what.waiting:
        return
    for one in what.compactions:
        discard_compaction(join(output_uri, CURRENT_FOLDER_PREFIX + one))
    for run_id in what.runs:
        _remove(join(output_uri, RUN_FOLDER_PREFIX + run_id), RUN_FILE)


def discard_compaction(uri: str) -> None:
    """Remove the folder of a compaction, its record first."""
    _remove(uri, CURRENT_FILE)


def _remove(folder_uri: str, record: str) -> None:
    uri = join(folder_uri, record)
    if is_local(uri):
        local_path(uri).unlink(missing_ok=True)
    else:
        remove_objects(uri)
    remove_folder(folder_uri)
