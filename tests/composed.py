"""The demo catalogue, composed once for all processes of a test run."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.demo.catalogue import compose_catalogue


@dataclass(frozen=True, slots=True)
class Composed:
    """The folder, the paths as returned, and what progress was told: (files done, files in all)."""

    folder: Path
    paths: list[Path]
    progress: list[tuple[int, int]]


def composed_catalogue(folders: pytest.TempPathFactory) -> Composed:
    """The catalogue, for reading only: the first process that asks composes it, the others wait for that."""
    own = folders.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, about = shared / "demo" / "a new folder", shared / "demo.json"
    with (shared / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not about.exists():
            progress: list[tuple[int, int]] = []
            paths = compose_catalogue(folder, progress=lambda done, total: progress.append((done, total)))
            about.write_text(json.dumps({"paths": list(map(str, paths)), "progress": progress}), "utf-8")
    told = json.loads(about.read_text("utf-8"))
    return Composed(
        folder, list(map(Path, told["paths"])), [(done, total) for done, total in told["progress"]]
    )
