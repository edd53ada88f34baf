"""What came of a run, for people: a few lines, and the command's exit status."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.cli import EXIT_ACCOUNT, EXIT_DONE, EXIT_TOO_MANY_FAILURES
from schemas.errors import DataError, FailureKind, Stage
from schemas.identity import RunIdentity
from transforms.storage import join, open_file
from transforms.writing.stage import ACCOUNT_FILE


def refuse(identity: RunIdentity, *, command: str) -> int:
    """Say why a run was not published; the exit status."""
    why = reasons(identity)
    what = "the account does not add up" if why else f"the run ended without its record in {identity.run_uri}"
    print(f"moodscribe {command}: {what}, nothing was published", file=sys.stderr)
    for reason in why:
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
    because = Counter[str]()
    failures, left = Counter[str](), Counter[str](records[-1]["left"])
    for record in records:
        because.update(record["reasons"])
        failures.update(record["failures"])
    if set(because) - {"new"}:
        lines.append(f"  because {_listed(because)}")
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


def reasons(identity: RunIdentity) -> list[str]:
    """Why a run's account does not add up; none where it has not come to its account.

    Raises DataError where the store cannot be read.
    """
    try:
        with open_file(join(identity.staging_uri, ACCOUNT_FILE), stage=Stage.OUTPUT) as file:
            found: list[str] = json.load(file)
    except FileNotFoundError:
        return []
    except DataError as error:
        if error.kind is FailureKind.NOT_FOUND:
            return []
        raise
    return found
