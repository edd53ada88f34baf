"""Runs of the stub job, and the tables after them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.running.before import before
from pipelines.running.run import Run
from pipelines.tables import open_tables
from schemas.identity import RunIdentity, new_run_id, timestamp
from schemas.tracks import Status
from schemas.work import WorkKey
from tests import jobs
from tests.incremental.stub_job import TAGS, StubJob
from transforms.incremental.policy import Policy
from transforms.inputs.stage import inspect_input
from transforms.writing.account import RunPlan

WORK = WorkKey("front end", "model", "settings", "0.5")
# Columns that say which run wrote a row and why, not what is known of a track; the results of a failed one
# say nothing of what a change of decisions would make of them.
_OF_THE_RUN = ["run_id", "reason"]
_OF_THE_WORK = ["front_end_hash", "model_hash", "settings_hash", "decision_hash"]


def plan_stub(
    source: Path, output: Path, work: WorkKey = WORK, *, limit: int | None = None, **policy: Any
) -> Run:
    """A run of the stub job as a command would make it; `policy` says what of it to take up."""
    identity = RunIdentity(new_run_id(), "stub", work, str(output))
    spec = inspect_input(str(source))
    plan = RunPlan(
        identity=identity,
        input_uri=spec.uri,
        started=timestamp(),
        done=Status.TAGGED,
        rows_a_track={"mood_tags": len(TAGS)},
        tags=TAGS,
        described={"bundle": {"key": "stub"}, "settings": {}, "versions": {}},
    )
    job = StubJob(identity, log=str(output.parent / "worked_on"))
    taken = replace(Policy(spec.uri, work), **policy)
    return Run(spec, job, plan, taken, before(str(output)), limit)


def run_stub(run: Run) -> dict[str, Any]:
    """Run it in this process; its record."""
    record = jobs.run(run)
    assert record["run_id"] == run.plan.identity.run_id
    return record


def worked_on(output: Path) -> list[str]:
    """Names of the files whose samples were looked at since this was asked last."""
    log = output.parent / "worked_on"
    names = [Path(line).name for line in log.read_text().splitlines()] if log.exists() else []
    log.unlink(missing_ok=True)
    return sorted(names)


def current(output: Path) -> dict[str, list[dict[str, Any]]]:
    """Current rows by table, in order, without what only tells runs apart."""
    tables = open_tables(str(output))
    found = {}
    for name in ("tracks", "mood_tags", "failures"):
        rows = tables.read(name).drop(columns=_OF_THE_RUN, errors="ignore")
        records = rows.astype(object).where(rows.notna(), None).to_dict(orient="records")
        found[name] = [{str(key): value for key, value in row.items()} for row in records]
    for row in found["tracks"]:
        if row["status"] in ("failed", "skipped"):
            row.update(dict.fromkeys(_OF_THE_WORK, ""))
    for row in found["failures"]:  # rows of a manifest move
        row["message"] = re.sub(r"row \d+", "a row", row["message"])
    return {name: sorted(rows, key=repr) for name, rows in found.items()}
