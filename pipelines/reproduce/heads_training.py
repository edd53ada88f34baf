"""Training of the tag heads on the official splits, and their scores for every track of a split."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.evaluation.tags import Scored
from models.training.data.form import DataSet, LabelledTrack, join_vectors, tag_matrix
from models.training.data.spec import open_data
from models.training.data.splits import official
from models.training.data.tables import bad_data
from models.training.systems.embedding_heads import (
    Head,
    HeadRecipe,
    Labelled,
    arrays_of_heads,
    fit_head,
    mean_scores,
)

log = logging.getLogger(__name__)

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One official split: labels [tracks, tags] of all its tracks in official order, which of them are known
    [tracks], that is have an embedding, and the known ones as training takes them."""

    tags: tuple[str, ...]
    tracks: tuple[LabelledTrack, ...]
    labels: NDArray[np.bool_]
    known: NDArray[np.bool_]
    data: Labelled


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """Heads by recipe, one for each seed, trained on one list of tracks; its tag frequencies [tags]."""

    heads: Mapping[str, tuple[Head, ...]]
    seeds: tuple[int, ...]
    frequency: NDArray[np.float64]


def read_splits(folder: Path) -> dict[str, Part]:
    """The official split 0 of the mood/theme subset with the folder's embeddings, all 56 tags as columns.

    Raises DataError(not_found, bad_input) for a folder of which anything is missing.
    """
    data = open_data(f"jamendo={folder}")
    return {split: _part(data, tracks) for split, tracks in official(data).items()}


def train_all(
    train: Part, validation: Part, recipes: Mapping[str, HeadRecipe], seeds: Sequence[int]
) -> Trained:
    """One head for each recipe and seed, on train, at the epoch with the best PR-AUC on validation."""
    heads = {
        name: tuple(_fit(name, train.data, validation.data, recipe, seed) for seed in seeds)
        for name, recipe in recipes.items()
    }
    return Trained(heads, tuple(seeds), train.labels.mean(axis=0))


def train_again(splits: Mapping[str, Part], recipes: Mapping[str, HeadRecipe], first: Trained) -> Trained:
    """The same heads on train and validation together, each for the epochs it was best at before."""
    parts = [splits["train"], splits["validation"]]
    both = Labelled(
        np.concatenate([part.data.inputs for part in parts]),
        np.concatenate([part.data.labels for part in parts]),
    )
    heads = {
        name: tuple(
            _fit(name, both, None, replace(recipes[name], epochs=head.epoch), seed)
            for head, seed in zip(trained, first.seeds, strict=True)
        )
        for name, trained in first.heads.items()
    }
    return Trained(heads, first.seeds, np.concatenate([part.labels for part in parts]).mean(axis=0))


def as_scored(part: Part, trained: Trained, recipes: Sequence[str]) -> Scored:
    """Mean of all heads of those recipes beside the labels of every track of a split.

    A track without an embedding gets the tag frequencies of the tracks trained on.
    """
    scores = np.tile(trained.frequency, (len(part.tracks), 1))
    chosen = [head for name in recipes for head in trained.heads[name]]
    scores[part.known] = mean_scores(chosen, part.data.inputs)
    return Scored(part.tags, scores, part.labels)


def save_heads(path: Path, trained: Trained) -> None:
    """Write the weights of all heads as safetensors, each under its recipe's name."""
    from safetensors.numpy import save_file

    arrays = {
        f"{name}/{key}": np.ascontiguousarray(array)
        for name, heads in trained.heads.items()
        for key, array in arrays_of_heads(heads).items()
    }
    save_file(arrays, path)


def _part(data: DataSet, tracks: tuple[LabelledTrack, ...]) -> Part:
    if data.vectors is None:
        raise bad_data(f"{data.name}: there are no embeddings in the folder")
    known, inputs = join_vectors(tracks, data.vectors)
    names = {track.track_id for track in known}
    return Part(
        tags=data.tags,
        tracks=tracks,
        labels=tag_matrix(tracks, data.tags) > 0,
        known=np.array([track.track_id in names for track in tracks]),
        data=Labelled(inputs, tag_matrix(known, data.tags)),
    )


def _fit(name: str, data: Labelled, validation: Labelled | None, recipe: HeadRecipe, seed: int) -> Head:
    head = fit_head(data, validation, recipe, seed=seed)
    log.info("head %s, seed %d, %d tracks: epoch %d", name, seed, len(data.inputs), head.epoch)
    return head
