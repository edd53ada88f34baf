"""Writing the demo catalogue: every release in its format, then the odd files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from pipelines.demo.albums import FORMATS, RELEASES, Release
from pipelines.demo.oddities import ODDITIES
from pipelines.demo.pieces import PIECES
from pipelines.demo.render import render

# libsndfile's Vorbis encoder works on the stack: a whole piece in one call can overflow it.
WRITE_FRAMES = 16_384


def compose_catalogue(folder: Path, *, progress: Callable[[int, int], None] | None = None) -> list[Path]:
    """Compose the catalogue into a folder, made if missing; the paths of all its files, as written.

    The same files are written over, others left alone. `progress` hears (files done, files in all)
    after each file. OSError or soundfile.LibsndfileError where a file cannot be written.
    """
    pieces = {piece.title: piece for piece in PIECES}
    total = len(RELEASES) + len(ODDITIES)
    paths: list[Path] = []
    for release in RELEASES:
        path = ready(folder / release.path)
        write_release(path, release, render(pieces[release.title], rate_hz=release.rate_hz))
        paths.append(path)
        report(progress, len(paths), total)
    for name, write in ODDITIES.items():
        path = ready(folder / name)
        write(path, folder)
        paths.append(path)
        report(progress, len(paths), total)
    return paths


def write_release(path: Path, release: Release, samples: NDArray[np.float32]) -> None:
    """Write samples [samples, 2] as the release says; a mono one has the mean of both sides."""
    stored = samples if release.channels == 2 else samples.mean(axis=1, keepdims=True)
    audio_format = FORMATS[release.audio_format]
    with soundfile.SoundFile(
        path,
        "w",
        samplerate=release.rate_hz,
        channels=release.channels,
        format=audio_format.container,
        subtype=audio_format.subtype,
    ) as sink:
        for start in range(0, len(stored), WRITE_FRAMES):
            sink.write(stored[start : start + WRITE_FRAMES])


def ready(path: Path) -> Path:
    """The path, its folder made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def report(progress: Callable[[int, int], None] | None, done: int, total: int) -> None:
    """Tell whoever wants to hear."""
    if progress:
        progress(done, total)
