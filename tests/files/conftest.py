"""A folder with a file of each container, tagged once by the main job with the small bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.bundle import Bundle
from tests.audio_files import by_ffmpeg, by_sndfile
from tests.jobs import plan_run, run

RATE_HZ = 22_050
SECONDS = 4.3


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Where the files are, for reading only, and where the tables of their run."""

    folder: Path
    output: Path


def samples(seed: int) -> NDArray[np.float32]:
    """A tone that swells in noise, on two sides: [n, 2]."""
    generator = np.random.default_rng(seed)
    time = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
    tone = np.sin(2 * np.pi * 110 * (seed + 1) * time) * time / SECONDS
    sides = 0.3 * tone[:, None] + 0.02 * generator.standard_normal((len(time), 2))
    return sides.astype(np.float32)


def audio(name: str, seed: int = 0) -> bytes:
    """A file of the container that the name's ending says."""
    sound = samples(seed)
    kind = Path(name).suffix
    if kind == ".m4a":
        return by_ffmpeg(sound, RATE_HZ, "ipod", "aac")
    if kind == ".wma":
        return by_ffmpeg(sound, RATE_HZ, "asf", "wmav2")
    formats = {".wav": "WAV", ".aiff": "AIFF", ".flac": "FLAC", ".ogg": "OGG", ".opus": "OGG", ".mp3": "MP3"}
    if kind == ".opus":
        return by_sndfile(np.repeat(sound, 2, axis=0)[: 48_000 * 4], 48_000, "OGG", "OPUS")
    return by_sndfile(sound, RATE_HZ, formats[kind])


NAMES = ("a.wav", "b.aiff", "c.flac", "d.ogg", "e.opus", "f.mp3", "g.m4a")


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory, small_bundle: Bundle) -> Catalogue:
    """NAMES in a folder `album`, `other/a.wav`, a file that is no audio and one that is gone by now."""
    folder = tmp_path_factory.mktemp("files") / "music"
    for seed, name in enumerate((*(f"album/{name}" for name in NAMES), "other/a.wav", "gone.wav")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(audio(name, seed))
    (folder / "text.mp3").write_text("not audio")
    output = folder.parent / "moods"
    run(plan_run(folder, output, small_bundle))
    (folder / "gone.wav").unlink()
    return Catalogue(folder, output)
