"""The main job on gs://, inputs to export, on a store that is well, on one with faults, on one that fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from pandas.testing import assert_frame_equal

from models.bundle import Bundle
from pipelines.cli import main
from pipelines.tables import committed_runs, open_tables
from schemas.errors import FailureKind
from tests.storage.emulator import Store
from tests.storage.fault_plan import Plan
from transforms import storage
from transforms.object_stores.retries import ATTEMPTS, take_retries

KINDS = ("429", "503", "reset", "reset in upload", "reset after", "reset in download", "cut short", "slow")
BUNDLE = "gs://music/bundles/small"
KEYS = {"tracks": ["track_id"], "mood_tags": ["track_id", "tag"], "emotion_curves": ["track_id"]}
TAG = ("tag", "gs://music/audio", "--bundle", BUNDLE)


@pytest.fixture(scope="module", autouse=True)
def music(store: Store, small_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A bucket with a dozen inputs, a manifest and a bundle."""
    files, folder = store.files, tmp_path_factory.mktemp("music")
    for file in small_bundle.folder.iterdir():
        files.pipe_file(f"music/bundles/small/{file.name}", file.read_bytes())
    generator = np.random.default_rng(0)
    for index in range(9):
        noise = (0.2 * generator.standard_normal(16_000 * 3)).astype(np.float32)
        soundfile.write(folder / "noise.flac", noise, 16_000)
        files.pipe_file(f"music/audio/album/{index}.flac", (folder / "noise.flac").read_bytes())
    files.pipe_file("music/audio/copy.flac", (folder / "noise.flac").read_bytes())
    files.pipe_file("music/audio/cover.jpg", b"a picture")
    files.pipe_file("music/audio/broken.mp3", b"no audio at all")
    manifest = (
        "track_id,uri\na,audio/album/1.flac\nb,gs://music/audio/none.flac\nc,http://example.com/c.mp3\n"
    )
    files.pipe_file("music/catalogue.csv", manifest.encode())


@pytest.fixture(autouse=True)
def well(store: Store) -> Iterator[None]:
    """No faults but those that a test plans."""
    store.plan(Plan())
    yield
    store.plan(Plan())


@pytest.fixture(scope="module")
def undisturbed(store: Store, music: None) -> dict[str, pd.DataFrame]:
    """Tables of a run on a store that is well."""
    store.plan(Plan())
    take_retries()  # of what this process has done before
    assert main([*TAG, "--output", "gs://music/well", "--workers", "1"]) == 0
    asked = {request: times for request, times in store.counts()["asked"].items() if "alt=media" in request}
    assert {times for request, times in asked.items() if "audio" in request} == {1}
    (record,) = committed_runs("gs://music/well")
    assert (
        record["counts"] | {"read": 12, "tagged": 9, "duplicate": 1, "failed": 1, "skipped": 1}
        == record["counts"]
    )
    assert record["retries"] == {"read": 0, "write": 0}
    return tables_of("gs://music/well")


def tables_of(output_uri: str) -> dict[str, pd.DataFrame]:
    """All rows, but for what says which run they are of."""
    tables = open_tables(output_uri)
    return {
        table: tables.read(table)
        .drop(columns=["run_id", "reason"], errors="ignore")
        .sort_values(keys)
        .reset_index(drop=True)
        for table, keys in KEYS.items()
    }


def without(tables: dict[str, pd.DataFrame], track_id: str) -> dict[str, pd.DataFrame]:
    return {
        name: table[table["track_id"] != track_id].reset_index(drop=True) for name, table in tables.items()
    }


def assert_same(tables: dict[str, pd.DataFrame], expected: dict[str, pd.DataFrame]) -> None:
    for name, table in expected.items():
        assert_frame_equal(tables[name], table, obj=name)


def leftovers(store: Store, output: str) -> list[str]:
    store.files.invalidate_cache()
    return [name for name in store.files.find(output) if ".staging" in name]


def audio_requests(store: Store) -> dict[str, tuple[int, int]]:
    """How often each input was asked for, and how often that failed."""
    counts = store.counts()
    return {
        request: (times, counts["failed"].get(request, 0))
        for request, times in counts["asked"].items()
        if "audio%2F" in request and "alt=media" in request
    }


def test_a_folder_of_a_bucket_is_tagged_into_the_bucket_and_comes_out_as_text(
    store: Store, undisturbed: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    assert main(["export", "gs://music/well", "tracks", str(tmp_path / "tracks.csv")]) == 0
    rows = pd.read_csv(tmp_path / "tracks.csv").set_index("track_id")
    # Equal bytes are known from the listing: the first by id is the one that is tagged.
    assert rows["duplicate_of"]["gs://music/audio/copy.flac"] == "gs://music/audio/album/8.flac"
    assert set(rows["source_version"].dropna().str.split().str[0]) == {"generation"}
    assert not leftovers(store, "music/well")


def test_a_run_of_two_workers_on_a_store_with_faults_has_the_rows_of_one_without(
    store: Store, undisturbed: dict[str, pd.DataFrame]
) -> None:
    store.plan(Plan(seed=5, rate=0.15, kinds=KINDS, most_in_a_row=2, page=4))
    done = store.moodscribe(*TAG, "--output", "gs://music/ill", "--workers", 2)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    counts, requests = store.counts(), audio_requests(store)
    store.plan(Plan())
    assert_same(tables_of("gs://music/ill"), undisturbed)
    assert not leftovers(store, "music/ill")
    # Each input was read once, and tried again exactly as often as it failed.
    assert len(requests) == 10
    assert all(times == failed + 1 for times, failed in requests.values())
    assert max(counts["failed"].values()) < ATTEMPTS
    (record,) = committed_runs("gs://music/ill")
    read = sum(failed for _, failed in requests.values())
    assert read <= record["retries"]["read"] <= sum(counts["failed"].values())
    assert 0 < record["retries"]["write"] <= sum(counts["failed"].values())


def test_an_input_that_cannot_be_had_fails_alone_after_the_last_try(
    store: Store, undisturbed: dict[str, pd.DataFrame]
) -> None:
    lost = "gs://music/audio/album/3.flac"
    store.plan(Plan(seed=1, rate=0.3, kinds=KINDS, page=5, always="audio%2Falbum%2F3.flac.*alt=media"))
    assert main([*TAG, "--output", "gs://music/lost", "--workers", "1"]) == 0
    requests = audio_requests(store)
    store.plan(Plan())
    assert {times for request, (times, _) in requests.items() if "3.flac" in request} == {ATTEMPTS}
    assert_same(without(tables_of("gs://music/lost"), lost), without(undisturbed, lost))
    failures = open_tables("gs://music/lost").read("failures").set_index("track_id")
    assert failures["kind"][lost] == FailureKind.STORAGE
    assert failures["attempts"][lost] == ATTEMPTS
    assert failures["retryable"][lost]
    assert "fault proxy says 503" in failures["message"][lost]
    # The next run takes it up again, and nothing else.
    assert main([*TAG, "--output", "gs://music/lost", "--workers", "1"]) == 0
    assert_same(tables_of("gs://music/lost"), undisturbed)


@pytest.mark.parametrize("what", ["POST /upload.*mood_tags-", "POST /upload.*run.json"])
def test_outputs_that_cannot_be_written_end_the_run_and_nothing_is_published(
    store: Store, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store.plan(Plan(always=what))
    status = main([*TAG, "--output", "gs://music/shut", "--workers", "1"])
    printed = capsys.readouterr().err
    assert status not in (0, 2), printed
    assert "moodscribe tag: gs://music/shut/" in printed
    assert f"(tried {ATTEMPTS} times)" in printed
    assert "nothing of the run was published" in printed
    store.plan(Plan())
    assert not committed_runs("gs://music/shut")
    store.files.invalidate_cache()
    assert not store.files.find("music/shut")


def test_a_store_that_takes_nothing_any_more_ends_the_run_with_its_first_error(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    store.plan(Plan(always="(POST /upload.*tracks-|DELETE .*tracks)|(DELETE .*shut)"))
    assert main(["features", "mel-steps", "gs://music/audio", "--output", "gs://music/shut"]) not in (0, 2)
    printed = capsys.readouterr().err
    assert "nothing of the run was published" in printed
    assert "what the run has left is there until a later run removes it" in printed
    assert "Traceback" not in printed
    store.plan(Plan())
    assert not committed_runs("gs://music/shut")
    storage.remove_folder("gs://music/shut")


def test_a_store_that_fails_altogether_is_told_once_and_clearly(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    store.plan(Plan(always="/o/.*moods|/o[?].*moods|/upload"))
    status = main([*TAG, "--output", "gs://music/moods", "--workers", "1"])
    printed = capsys.readouterr().err
    assert status != 0
    assert "gs://music/moods" in printed
    assert f"(tried {ATTEMPTS} times)" in printed
    assert "Traceback" not in printed


def test_a_manifest_in_a_bucket_leads_to_its_tracks(store: Store, tmp_path: Path) -> None:
    tag = ["tag", "gs://music/catalogue.csv", "--output", str(tmp_path), "--bundle", BUNDLE]
    store.plan(Plan(seed=2, rate=0.3, kinds=KINDS))
    assert main([*tag, "--workers", "1", "--max-failure-rate", "0.7"]) == 0
    kinds = open_tables(str(tmp_path)).read("failures").set_index("track_id")["kind"].to_dict()
    assert kinds == {"b": "not_found", "c": "bad_uri"}


def test_features_of_a_bucket_go_into_the_bucket_and_out_as_text(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    features = ["features", "mel-steps", "gs://music/audio", "--output", "gs://music/steps", "--workers", "1"]
    assert main(features) == 0
    assert "12 inputs: 9 extracted, 1 duplicate, 1 failed, 1 skipped" in capsys.readouterr().out
    table = tmp_path / "steps.csv"
    assert main(["export", "gs://music/steps", "features", str(table)]) == 0
    rows = pd.read_csv(table).set_index("name")
    assert set(rows.groupby(level=0).size()) == {6}
    assert rows.index.nunique() == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["gs://music/audio", "--output", "gs://music/moods", "--bundle", "gs://music/bundles/none"],
            "gs://music/bundles/none: no bundle.json there",
        ),
        (
            ["gs://music/nothing/here", "--output", "gs://music/empty", "--bundle", BUNDLE],
            "gs://music/nothing/here: no files there",
        ),
        (
            ["gs://music/none.csv", "--output", "gs://music/empty", "--bundle", BUNDLE],
            "gs://music/none.csv: no such",
        ),
        (
            ["gs://music/audio", "--output", "gs://no-such-bucket/x", "--bundle", BUNDLE],
            "gs://no-such-bucket/x.*: no such bucket",
        ),
    ],
)
def test_what_is_not_there_is_told_in_a_line_and_nothing_is_published(
    store: Store, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tag", *arguments, "--workers", "1"]) == 2
    printed = capsys.readouterr().err
    assert re.search(message, printed), printed
    assert "Traceback" not in printed
    assert not store.files.find("music/empty")
