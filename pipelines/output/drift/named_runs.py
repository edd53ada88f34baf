"""Which run is meant: by its id, its beginning, or as the last one of the latest, previous or first command.

A command can publish several runs, so that it goes on from there when it is stopped.
"""

from __future__ import annotations

from pipelines.output.committed import Committed, all_records
from schemas.errors import DataError, FailureKind, Stage

_BY_AGE = {"latest": -1, "previous": -2, "first": 0}
_SHOWN = 5


def find_run(committed: Committed, name: str) -> str:
    """The id of the run that a name means; DataError(not_found, bad_input) where that is none or several."""
    ids = committed.run_ids
    if name in _BY_AGE:
        ends, place = _ends(committed), _BY_AGE[name]
        if len(ends) < abs(place):
            raise _refusal(
                committed, f"there is no {name} command's run: {_some(ids)}", FailureKind.NOT_FOUND
            )
        return ends[place]
    found = [one for one in ids if one == name] or [one for one in ids if name and one.startswith(name)]
    if not found:
        raise _refusal(committed, f"no run {name!r}; {_some(ids)}", FailureKind.NOT_FOUND)
    if len(found) > 1:
        message = f"{name!r} begins the ids of {len(found):,} runs, such as {found[-1]}"
        raise _refusal(committed, message, FailureKind.BAD_INPUT)
    return found[0]


def _ends(committed: Committed) -> list[str]:
    """The last run of each command, oldest first."""
    last: dict[str, str] = {}
    for run in all_records(committed):
        last[str(run.get("begun") or run["run_id"])] = run["run_id"]
    return sorted(last.values())


def _some(ids: list[str]) -> str:
    newest = ", ".join(ids[-_SHOWN:])
    return f"there is {newest}" if len(ids) == 1 else f"of {len(ids):,}, the newest are {newest}"


def _refusal(committed: Committed, message: str, kind: FailureKind) -> DataError:
    return DataError(kind, Stage.OUTPUT, f"{committed.output_uri}: {message}")
