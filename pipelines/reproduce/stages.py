"""Stages of the reproduction: what one is, and running it unless its results are there already."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import DataError, FailureKind, Stage

log = logging.getLogger(__name__)

Found = dict[str, Any]
RESULTS = "results.json"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stage works: `data`, the folder of the research sets, `work`, the stage's own folder, and
    `shared`, that of all stages; and in how many `processes`."""

    data: Path
    work: Path
    shared: Path
    processes: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the results page; every cell is text as it is shown."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A stage's part of the results page: a title, then paragraphs (Markdown) and tables in order."""

    title: str
    parts: tuple[str | Table, ...]


@dataclass(frozen=True, slots=True)
class Reproduction:
    """One stage of the reproduction.

    `files` are the files read, relative to the data folder, and `settings` all that its figures depend on
    besides them, ready for JSON; when either changes, the stage runs anew. `run` gives its figures, ready for
    JSON; `section` makes its part of the page from nothing but these.
    """

    name: str
    files: tuple[str, ...]
    settings: Mapping[str, Any]
    run: Callable[[Place], Found]
    section: Callable[[Found], Section]


def run_stages(
    stages: Sequence[Reproduction], data: Path, work: Path, *, processes: int = 1
) -> dict[str, Found]:
    """Figures of every stage by its name, in order; one done with the same settings and files is not run.

    Each stage keeps its own in work/NAME/results.json, written whole or not at all. Raises
    DataError(not_found) for a file that the data folder lacks, before any stage runs.
    """
    keys = {stage.name: _key(stage, data) for stage in stages}
    found = {}
    for stage in stages:
        folder = work / stage.name
        kept = _kept(folder / RESULTS, keys[stage.name])
        if kept is not None:
            log.info("stage %s: as kept", stage.name)
        else:
            kept = _run(stage, Place(data, folder, work, processes), keys[stage.name])
        found[stage.name] = kept
    return found


def kept_results(stages: Sequence[Reproduction], data: Path, work: Path) -> dict[str, Found]:
    """Figures of the stages whose results are there and of the present settings and files; runs none."""
    found = {}
    for stage in stages:
        path = work / stage.name / RESULTS
        if path.is_file() and (kept := _kept(path, _key(stage, data))) is not None:
            found[stage.name] = kept
    return found


def write_json(path: Path, value: Any) -> None:
    """Write JSON whole or not at all; NaN is refused."""
    temporary = path.with_name(f".{path.name}.tmp")
    text = json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def _run(stage: Reproduction, place: Place, key: str) -> Found:
    begin = time.monotonic()
    place.work.mkdir(parents=True, exist_ok=True)
    found = stage.run(place)
    write_json(place.work / RESULTS, {"key": key, "settings": dict(stage.settings), "found": found})
    log.info("stage %s: %.0f s", stage.name, time.monotonic() - begin)
    return found


def _kept(path: Path, key: str) -> Found | None:
    if not path.is_file():
        return None
    try:
        kept = json.loads(path.read_text("utf-8"))
    except ValueError:
        # Not from here, or from a disk that ran full: the stage runs anew.
        return None
    return kept["found"] if isinstance(kept, dict) and kept.get("key") == key else None


def _key(stage: Reproduction, data: Path) -> str:
    """Hash of the settings and of the contents of the files read."""
    hashes = {name: _sha256(data / name, stage.name) for name in stage.files}
    text = json.dumps([stage.name, dict(stage.settings), hashes], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _sha256(path: Path, stage: str) -> str:
    if not path.is_file():
        raise DataError(
            FailureKind.NOT_FOUND, Stage.INPUT, f"stage {stage}: {path} is not in the data folder"
        )
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
