"""The main job on Beam's Prism: another engine than the local runner and Flink, the same rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.tables import committed_runs
from tests.engines.flink import handed_to
from tests.engines.prism import prism, why_not
from tests.engines.rows import TAG, TRACKS
from tests.outputs import assert_same_rows
from tests.storage.emulator import Store

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


def test_prism_writes_the_rows_of_the_local_runner(store: Store, here: str, tmp_path: Path) -> None:
    with prism(tmp_path, store.environment) as job_endpoint:
        done = store.moodscribe(*handed_to(job_endpoint, [*TAG, "--output", "gs://music/prism"]))
        assert done.returncode == 0, done.stderr
    assert_same_rows("gs://music/prism", here)
    (record,) = committed_runs("gs://music/prism")
    assert record["counts"]["tagged"] == TRACKS
