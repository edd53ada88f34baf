"""Slices hold every current track once, however the tables lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.indexing import sorted_tables
from pipelines.output.committed import committed_runs
from schemas.errors import DataError
from tests.indexing.catalogues import add_run, catalogue_of, documents_of, tagged
from tests.output.histories import Past, Row, random_history, run_id, state_of, write_run
from transforms.indexing.slices import read_slice


@pytest.mark.parametrize("seed", range(8))
def test_documents_are_the_current_tracks_and_a_compaction_changes_none(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorted_tables, "_TRACKS_A_SLICE", 2)
    history = random_history(seed)
    for past in history:
        write_run(tmp_path / "moods", past)
    found = documents_of(tmp_path / "moods", tmp_path / "a")
    state = state_of(history)
    assert {one: (document["run_id"], document["uri"], document["status"], document["duplicate_of"])
            for one, document in found.items()} == state.tracks  # fmt: skip
    assert {(one, document["run_id"]) for one, document in found.items() if "moods" in document} == set(
        state.results
    )
    gone = _gone(tmp_path / "moods", tmp_path / "b")
    assert gone == {row.track_id for past in history for row in past.rows if row.status == "gone"} - set(
        state.tracks
    )
    assert main(["compact", str(tmp_path / "moods"), "--memory-mb", "256"]) == 0
    assert documents_of(tmp_path / "moods", tmp_path / "c") == found
    assert _gone(tmp_path / "moods", tmp_path / "d") == gone
    assert not (tmp_path / "c" / "tables").exists()  # a compaction is read where it lies


def _gone(output: Path, scratch: Path) -> set[str]:
    parts = catalogue_of(output, scratch).slices
    found = [one for part in parts for one in read_slice(part, whole=False).gone]
    assert len(found) == len(set(found))
    return set(found)


def test_a_run_that_is_not_committed_is_not_seen(tmp_path: Path) -> None:
    add_run(tmp_path / "moods", 1, *tagged("a"))
    write_run(tmp_path / "moods", Past(run_id(2), tuple(tagged("a", "b"))), committed=False)
    assert len(committed_runs(str(tmp_path / "moods"))) == 1
    assert set(documents_of(tmp_path / "moods", tmp_path / "scratch")) == {"a"}


def test_inputs_that_a_listing_has_skipped_are_no_documents(tmp_path: Path) -> None:
    add_run(tmp_path / "moods", 1, Row("cover.jpg", "skipped"), *tagged("a"))
    catalogue = catalogue_of(tmp_path / "moods", tmp_path / "scratch")
    assert catalogue.documents == 1
    assert set(documents_of(tmp_path / "moods", tmp_path / "again")) == {"a"}


def test_an_output_without_tracks_has_no_documents(tmp_path: Path) -> None:
    add_run(tmp_path / "moods", 1)
    assert catalogue_of(tmp_path / "moods", tmp_path / "scratch").documents == 0
    assert documents_of(tmp_path / "moods", tmp_path / "again") == {}


def test_runs_of_features_are_refused(tmp_path: Path) -> None:
    write_run(tmp_path / "mel", Past(run_id(1), (Row("a", "extracted"),), features=True))
    with pytest.raises(DataError, match="holds features, not moods"):
        catalogue_of(tmp_path / "mel", tmp_path / "scratch")
