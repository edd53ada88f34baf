"""After any history of changes and runs, the tables are those of one run over the catalogue as it is."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli import main
from schemas.work import WorkKey
from tests.incremental.catalogues import Catalogue
from tests.incremental.stub_runs import WORK, current, plan_stub, run_stub, worked_on
from transforms.incremental.policy import Gone

STEPS = 7


def other_work(generator: random.Random, work: WorkKey, step: int) -> WorkKey:
    """Now and then other front ends, models, settings, thresholds."""
    chosen = generator.choice(["", "", "", "front_end", "model", "settings", "decision", "decision"])
    value = f"{step % 7 / 7:.3f}" if chosen == "decision" else f"{chosen} {step}"
    return replace(work, **{chosen: value}) if chosen else work


def part_of_it(generator: random.Random) -> dict[str, Any]:
    """How a run takes up only some of what is to do."""
    return generator.choice(
        [{"limit": 1}, {"limit": 3}, {"sample": 0.3}, {"only_failed": True}, {"limit": 2, "force": True}]
    )


@pytest.mark.parametrize("seed", [1])  # a run takes a second; hundreds of others have been tried
def test_after_any_history_the_tables_are_those_of_one_run(tmp_path: Path, seed: int) -> None:
    generator = random.Random(seed)
    folder, output = tmp_path / "music", tmp_path / "moods"
    folder.mkdir()
    catalogue, work = Catalogue(folder, generator), WORK
    for step in range(STEPS):
        done = [catalogue.change() for _ in range(generator.randint(1, 8))]
        work = other_work(generator, work, step)
        if generator.random() < 0.3:
            run_stub(plan_stub(catalogue.manifest, output, work, **part_of_it(generator)))
        if generator.random() < 0.2 and output.exists():
            assert main(["compact", str(output), "--keep", str(generator.randint(0, 2))]) == 0
        record = run_stub(plan_stub(catalogue.manifest, output, work, gone=Gone.ALL))
        assert record["counts"]["left"] == 0, done
    found = current(output)
    worked_on(output)
    run_stub(plan_stub(catalogue.manifest, tmp_path / "fresh", work))
    expected = current(tmp_path / "fresh")
    for table, rows in expected.items():
        assert found[table] == rows
    # And again, nothing is to do but what the store does not give.
    worked_on(output)
    record = run_stub(plan_stub(catalogue.manifest, output, work))
    assert set(record["reasons"]) <= {"failed_before"}
    assert current(output) == found
