"""A bucket with music for every engine, and the rows that the local runner makes of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import soundfile

from models.bundle import Bundle
from pipelines.cli import main
from tests.engines.rows import HERE, TAG, TRACKS
from tests.storage.emulator import Store, google_store, led_to


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A bucket that this process reads, too."""
    with google_store(cache=str(tmp_path_factory.mktemp("cache"))) as store, led_to(store):
        yield store


@pytest.fixture(scope="module")
def music(store: Store, small_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tracks, one of them twice, and what is none."""
    files, folder = store.files, tmp_path_factory.mktemp("music")
    for file in small_bundle.folder.iterdir():
        files.pipe_file(f"music/bundles/small/{file.name}", file.read_bytes())
    generator = np.random.default_rng(0)
    for index in range(TRACKS):
        noise = (0.2 * generator.standard_normal(16_000 * 6)).astype(np.float32)
        soundfile.write(folder / "noise.flac", noise, 16_000)
        files.pipe_file(f"music/audio/{index:02d}.flac", (folder / "noise.flac").read_bytes())
    files.pipe_file("music/audio/copy.flac", (folder / "noise.flac").read_bytes())
    files.pipe_file("music/audio/cover.jpg", b"a picture")
    files.pipe_file("music/audio/broken.mp3", b"no audio at all")


@pytest.fixture(scope="module")
def here(store: Store, music: None) -> str:
    """Where the tables of the local runner are."""
    assert main([*TAG, "--output", HERE, "--workers", "1"]) == 0
    return HERE
