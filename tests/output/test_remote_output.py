"""An output in an object store is read, compacted and compared by the project's own reading of objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from pipelines.cli import main
from pipelines.tables import open_tables
from tests.output.histories import Past, Row, run_id, write_run
from tests.storage.emulator import Store, google_store
from transforms.object_stores import known


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with two runs, which this process is led to."""
    runs = tmp_path / "local"
    write_run(
        runs, Past(run_id(1), (Row("a", audio="x"), Row("b", audio="y"), Row("c", "failed", kind="silent")))
    )
    write_run(runs, Past(run_id(2), (Row("b", audio="x"), Row("c", "gone", reason="gone"))))
    with pytest.MonkeyPatch.context() as patched, google_store(cache=str(tmp_path / "cache")) as store:
        for name, value in store.environment.items():
            patched.setenv(name, value)
        known.forget_stores()
        for file in runs.rglob("*.*"):
            if file.is_file():
                store.files.pipe_file(f"music/moods/{file.relative_to(runs)}", file.read_bytes())
        yield store
    known.forget_stores()


def test_an_output_in_a_bucket_is_compacted_there(store: Store, tmp_path: Path) -> None:
    output = "gs://music/moods"
    before = open_tables(output).read("mood_tags").sort_values(["track_id", "tag"], ignore_index=True)
    leftover = "music/moods/current_id=20200101T000000.000Z-000000/tracks/part-00000.parquet"
    store.files.pipe_file(leftover, b"half")
    assert main(["compact", output, "--keep", "1", "--memory-mb", "256"]) == 0
    names = store.files.find("music/moods")
    assert not [name for name in names if run_id(1) in name or "20200101" in name]
    (record,) = (name for name in names if name.endswith("current.json"))
    assert json.loads(store.files.cat_file(record))["runs"] == [run_id(1), run_id(2)]
    after = open_tables(output).read("mood_tags").sort_values(["track_id", "tag"], ignore_index=True)
    pd.testing.assert_frame_equal(before, after)
    file = tmp_path / "drift.json"
    assert main(["diff", output, "latest", "latest", "--json", str(file)]) == 0
    assert json.loads(file.read_text())["tracks"]["count_a"] == 2
    table = tmp_path / "tracks.csv"
    assert main(["export", output, "tracks", str(table)]) == 0
    assert pd.read_csv(table).set_index("track_id")["status"].to_dict() == {"a": "tagged", "b": "duplicate"}
