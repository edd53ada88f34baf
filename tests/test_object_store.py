"""The main job on gs://, inputs to export, against a storage server on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile

from models.bundle import Bundle


@dataclass(frozen=True, slots=True)
class Store:
    """A storage server: its files through gcsfs, and the environment that leads to it."""

    files: Any
    environment: dict[str, str]

    def moodscribe(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """The command, led to the server."""
        command = [sys.executable, "-m", "pipelines.cli", *map(str, arguments)]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=240, check=False
        )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, small_bundle: Bundle) -> Iterator[Store]:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    script = (
        "from gcp_storage_emulator.server import create_server\n"
        f"server = create_server('localhost', {port}, in_memory=True, default_bucket='music')\n"
        "server.start()\nprint('ready', flush=True)\ninput()\nserver.stop()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    address = f"http://localhost:{port}"
    led = {
        "STORAGE_EMULATOR_HOST": address,
        "NO_GCE_CHECK": "true",  # no waiting for the metadata server of a machine that is not Google's
        "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")),
    }
    import gcsfs

    files = gcsfs.GCSFileSystem(endpoint_url=address, token="anon", skip_instance_cache=True)  # noqa: S106
    for file in small_bundle.folder.iterdir():
        files.pipe_file(f"music/bundles/small/{file.name}", file.read_bytes())
    _fill(files, tmp_path_factory.mktemp("music"))
    yield Store(files, {**os.environ, **led})
    process.communicate("stop\n", timeout=30)


def _fill(files: Any, folder: Path) -> None:
    noise = (0.2 * np.random.default_rng(0).standard_normal(16_000 * 4)).astype(np.float32)
    for name, samples in (("one.flac", noise), ("two.flac", noise[::-1])):
        soundfile.write(folder / name, samples, 16_000)
        files.pipe_file(f"music/audio/album/{name}", (folder / name).read_bytes())
    files.pipe_file("music/audio/copy.flac", (folder / "one.flac").read_bytes())
    files.pipe_file("music/audio/cover.jpg", b"a picture")
    files.pipe_file("music/audio/broken.mp3", b"no audio at all")
    manifest = (
        "track_id,uri\na,audio/album/one.flac\nb,gs://music/audio/none.flac\nc,http://example.com/c.mp3\n"
    )
    files.pipe_file("music/catalogue.csv", manifest.encode())


def test_a_folder_of_a_bucket_is_tagged_into_the_bucket(store: Store, tmp_path: Path) -> None:
    tag = ["tag", "gs://music/audio", "--output", "gs://music/moods", "--bundle", "gs://music/bundles/small"]
    done = store.moodscribe(*tag, "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert "5 inputs: 2 tagged, 1 duplicate, 1 failed, 1 skipped" in done.stdout
    table = tmp_path / "tracks.csv"
    exported = store.moodscribe("export", "gs://music/moods", "tracks", table)
    assert exported.returncode == 0, exported.stderr
    assert not exported.stderr
    rows = pd.read_csv(table).set_index("track_id")
    # Equal bytes are known from the listing: the first by id is the one that is tagged.
    assert rows["duplicate_of"]["gs://music/audio/copy.flac"] == "gs://music/audio/album/one.flac"
    assert not [name for name in store.files.find("music/moods") if ".staging" in name]


def test_a_manifest_in_a_bucket_leads_to_its_tracks(store: Store, tmp_path: Path) -> None:
    tag = ["tag", "gs://music/catalogue.csv", "--output", tmp_path, "--bundle", "gs://music/bundles/small"]
    done = store.moodscribe(*tag, "--workers", 1, "--max-failure-rate", 0.7)
    assert done.returncode == 0, done.stderr
    failures = tmp_path / "failures.csv"
    assert store.moodscribe("export", tmp_path, "failures", failures).returncode == 0
    kinds = pd.read_csv(failures).set_index("track_id")["kind"].to_dict()
    assert kinds == {"b": "not_found", "c": "bad_uri"}


def test_features_of_a_bucket_go_into_the_bucket_and_out_as_text(store: Store, tmp_path: Path) -> None:
    features = ["features", "mel-steps", "gs://music/audio", "--output", "gs://music/steps", "--workers", 1]
    done = store.moodscribe(*features)
    assert done.returncode == 0, done.stderr
    assert "5 inputs: 2 extracted, 1 duplicate, 1 failed, 1 skipped" in done.stdout
    table = tmp_path / "steps.csv"
    exported = store.moodscribe("export", "gs://music/steps", "features", table)
    assert exported.returncode == 0, exported.stderr
    rows = pd.read_csv(table).set_index("name")
    assert rows.groupby(level=0).size().to_dict() == {
        f"gs://music/audio/{name}": 8 for name in ("album/one.flac", "album/two.flac", "copy.flac")
    }


def test_a_bundle_that_is_not_in_the_bucket_is_told_before_anything_runs(store: Store) -> None:
    tag = ["tag", "gs://music/audio", "--output", "gs://music/moods", "--bundle", "gs://music/bundles/none"]
    done = store.moodscribe(*tag)
    assert done.returncode == 2
    assert "gs://music/bundles/none: no bundle.json there" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_place_without_files_is_told_and_nothing_is_published(store: Store) -> None:
    place, output = "gs://music/nothing/here", "gs://music/empty"
    tag = ["tag", place, "--output", output, "--bundle", "gs://music/bundles/small", "--workers", 1]
    done = store.moodscribe(*tag)
    assert done.returncode == 2, done.stdout
    assert f"{place}: no files there" in done.stderr
    assert "Traceback" not in done.stderr
    assert not store.files.find("music/empty")
