"""MTG-Jamendo split-0 (Bogdanov et al. 2019): the official lists, joined to the embeddings of the tracks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.training.data.sets.jamendo_rows import parse_lines
from schemas.errors import DataError, FailureKind, Stage

PREFIX = "mood/theme---"
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Tagged:
    """Tracks with an embedding: `inputs` [tracks, 1024] float32, `labels` [tracks, tags] float32 of 0 and 1.

    `missing` counts the tracks of the list that have no embedding.
    """

    inputs: NDArray[np.float32]
    labels: NDArray[np.float32]
    missing: int


def parse_rows(lines: Iterable[str]) -> dict[int, tuple[str, ...]]:
    """Lines of a split's file, the header first -> mood/theme tags by track number; rows of any width."""
    return {
        row.number: tuple(tag.removeprefix(PREFIX) for tag in row.tags if tag.startswith(PREFIX))
        for row in parse_lines(lines)
    }


def tag_names(rows: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Every tag once, in alphabetical order: the official order of columns."""
    return tuple(sorted({tag for tags in rows for tag in tags}))


def read_split(folder: Path, split: str) -> dict[int, tuple[str, ...]]:
    """Tags by track number of `train`, `validation` or `test`; DataError(not_found) without the file."""
    path = folder / f"split0_{split}.tsv"
    if not path.is_file():
        raise DataError(FailureKind.NOT_FOUND, Stage.INPUT, f"{path.name} is not in the data folder")
    with path.open(encoding="utf-8") as lines:
        return parse_rows(lines)


def read_tagged(folder: Path) -> tuple[tuple[str, ...], dict[str, Tagged]]:
    """The 56 tags, and for every split the embeddings joined to the labels."""
    lists = {split: read_split(folder, split) for split in SPLITS}
    tags = tag_names(lists["train"].values())
    with np.load(folder / "embeddings_f16.npz") as arrays:
        ids, embeddings = arrays["ids"], arrays["X"].astype(np.float32)
    places = {int(track): place for place, track in enumerate(ids)}
    return tags, {split: _join(rows, tags, places, embeddings) for split, rows in lists.items()}


def _join(
    rows: dict[int, tuple[str, ...]],
    tags: tuple[str, ...],
    places: dict[int, int],
    embeddings: NDArray[np.float32],
) -> Tagged:
    columns = {tag: column for column, tag in enumerate(tags)}
    known = [track for track in rows if track in places]
    labels = np.zeros((len(known), len(tags)), np.float32)
    for row, track in enumerate(known):
        labels[row, [columns[tag] for tag in rows[track]]] = 1.0
    return Tagged(embeddings[[places[track] for track in known]], labels, len(rows) - len(known))
