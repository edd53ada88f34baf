"""Stage `heads`: tag heads on the Jamendo embeddings, official split 0, alone and fused with the nine arrays.

Recipes are compared on validation only. Thresholds come from validation; the nine score arrays are published
for test tracks alone, so no weights and no thresholds of a fusion with them can be learned, and the ways to
fuse were fixed before any was measured.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from models.evaluation.fusion import published_members
from models.evaluation.measures.bootstrap import Draws
from models.evaluation.reading.labels import read_labels
from models.evaluation.reading.scores import MemberScores, member_names, read_scores
from models.evaluation.reading.threshold_files import Thresholds
from models.evaluation.tags import Scored, evaluate_tags, tune_official, tune_validation
from models.training.systems.embedding_heads import HeadRecipe
from pipelines.reproduce.heads_section import section
from pipelines.reproduce.heads_training import (
    SPLITS,
    Trained,
    as_scored,
    read_splits,
    save_heads,
    train_again,
    train_all,
)
from pipelines.reproduce.stages import Found, Place, Reproduction

log = logging.getLogger(__name__)

NINE, TEST_LIST = "mediaeval2019/test_scores.npz", "jamendo/split0_test.tsv"
FILES = ("jamendo/embeddings_f16.npz", *(f"jamendo/split0_{split}.tsv" for split in SPLITS), NINE)
RECIPES: Mapping[str, HeadRecipe] = {
    "one-layer": HeadRecipe(hidden=(384,)),
    "two-narrow": HeadRecipe(hidden=(256, 256), dropout=(0.4, 0.5), root=True, rate=3e-4),
    "two-wide": HeadRecipe(hidden=(512, 512), dropout=(0.4, 0.6), root=True, mixup=0.4, rate=3e-4),
}
SEEDS = (1, 2, 3)
DRAWS = Draws(draws=200)


def _described(recipe: HeadRecipe) -> dict[str, Any]:
    return {**asdict(recipe), "hidden": list(recipe.hidden)}


_SETTINGS = {
    "recipes": {name: _described(recipe) for name, recipe in RECIPES.items()},
    "seeds": list(SEEDS),
    "draws": [DRAWS.draws, DRAWS.seed, DRAWS.level],
    "edition": 1,
}
Scores = NDArray[np.float64]
# Nine arrays [9, tracks, tags] and the heads' [tracks, tags] -> fused [tracks, tags].
FUSE: Mapping[str, Callable[[Scores, Scores], Scores]] = {
    "two-systems": lambda nine, heads: (nine.mean(axis=0) + heads) / 2.0,
    "ten-arrays": lambda nine, heads: (nine.sum(axis=0) + heads) / (len(nine) + 1.0),
    "two-systems-by-rank": lambda nine, heads: (_ranks(nine.mean(axis=0)) + _ranks(heads)) / 2.0,
}


def run(place: Place) -> Found:
    """Train, choose on validation, measure on test; scores are kept for `moodscribe evaluate tags` too."""
    splits = read_splits(place.data / "jamendo")
    on_train = train_all(splits["train"], splits["validation"], RECIPES, SEEDS)
    on_both = train_again(splits, RECIPES, on_train)
    validation = {
        name: as_scored(splits["validation"], on_train, nets) for name, nets in _ensembles().items()
    }
    best = max(RECIPES, key=lambda name: _pr(validation[name]))
    chosen = max(validation, key=lambda name: _pr(validation[name]))
    log.info("heads: best recipe %s, chosen %s", best, chosen)
    thresholds = {name: tune_validation(scored, tuned_on=_TUNED_ON) for name, scored in validation.items()}
    test = {
        trained: {name: as_scored(splits["test"], heads, nets) for name, nets in _ensembles().items()}
        for trained, heads in (("train", on_train), ("train+validation", on_both))
    }
    _save_scores(place.work, validation, test["train"])
    for name, heads in (("train", on_train), ("both", on_both)):
        save_heads(place.work / f"heads-{name}.safetensors", heads)
    return {
        "tracks": {split: len(part.tracks) for split, part in splits.items()},
        "without_embedding": {split: int((~part.known).sum()) for split, part in splits.items()},
        "best_recipe": best,
        "chosen": chosen,
        "recipes": _recipes(on_train),
        "validation": {name: _areas(scored) for name, scored in validation.items()},
        "heads": {trained: _measured(scored, thresholds) for trained, scored in test.items()},
        "nine": measure_nine(place.data),
        "fused": {trained: _fuse(place.data, scored[chosen]) for trained, scored in test.items()},
    }


_TUNED_ON = {"labels": "split0_validation.tsv", "heads": "trained on train, stopped on validation"}


def _ensembles() -> dict[str, tuple[str, ...]]:
    """Recipes whose nets are averaged, by name: each alone, and all of them."""
    return {**{name: (name,) for name in RECIPES}, "all": tuple(RECIPES)}


def _recipes(trained: Trained) -> dict[str, Any]:
    return {
        name: {**_described(RECIPES[name]), "best_epochs": [head.epoch for head in heads]}
        for name, heads in trained.heads.items()
    }


def _measured(test: Mapping[str, Scored], thresholds: Mapping[str, Thresholds]) -> dict[str, Any]:
    return {name: evaluate_tags(scored, thresholds[name], how=DRAWS) for name, scored in test.items()}


def measure_nine(data: Path) -> dict[str, Any]:
    """The mean of the nine published arrays on test, by the official rule."""
    nine = _read_nine(data)
    return _official(Scored(nine.tags, nine.scores.mean(axis=0), nine.labels))


def _fuse(data: Path, heads: Scored) -> dict[str, Any]:
    """The nine with the heads by every way, by the official rule."""
    nine = _read_nine(data)
    fused = {name: fuse(nine.scores, heads.scores) for name, fuse in FUSE.items()}
    return {name: _official(Scored(nine.tags, scores, nine.labels)) for name, scores in fused.items()}


def _read_nine(data: Path) -> MemberScores:
    path = data / NINE
    members = published_members("all-nine", member_names(path), file=str(path))
    return read_scores(path, read_labels(data / TEST_LIST), members=members)


def _official(scored: Scored) -> dict[str, Any]:
    return evaluate_tags(scored, tune_official(scored), how=DRAWS)


def _areas(scored: Scored) -> dict[str, Any]:
    found = evaluate_tags(scored, tune_official(scored))
    return {name: found[name] for name in ("roc_auc_macro", "pr_auc_macro")}


def _pr(scored: Scored) -> float:
    return float(_areas(scored)["pr_auc_macro"])


def _ranks(scores: Scores) -> Scores:
    """Scores [tracks, tags] to their place in each tag's order, in (0, 1]; ties share their mean place."""
    return np.asarray(rankdata(scores, axis=0) / len(scores), np.float64)


def _save_scores(work: Path, validation: Mapping[str, Scored], test: Mapping[str, Scored]) -> None:
    for name, scored in (("validation", validation), ("test", test)):
        arrays = {ensemble: each.scores.astype(np.float32) for ensemble, each in scored.items()}
        np.savez(work / f"{name}_scores.npz", **arrays)  # type: ignore[arg-type]


STAGE = Reproduction("heads", FILES, _SETTINGS, run, section)
