"""Evaluations of curves, static ratings and antonym pairs from tables: match songs, then measure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.evaluation.antonyms import PairShares, evaluate_antonyms
from models.evaluation.curves import SongCurves, evaluate_curves
from models.evaluation.reading.affect_tables import checked_table, curves_of, points_of, read_table, shares_of
from models.evaluation.reading.matching import Matching, align, match_songs
from models.evaluation.reading.refusal import refuse, unknown
from models.evaluation.reading.scale import Scale
from models.evaluation.static import StaticRatings, evaluate_static, quadrants_of

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "curves": ("song", "valence", "arousal"),
    "static": ("song", "valence", "arousal"),
    "antonyms": ("song", "pair", "share"),
}


@dataclass(frozen=True, slots=True)
class Sides:
    """Predictions and annotations as checked tables, each with the name that messages and reports give it."""

    predictions: pd.DataFrame
    predictions_name: str
    annotations: pd.DataFrame
    annotations_name: str


def read_sides(kind: str, predictions: Path | pd.DataFrame, annotations: Path, *, name: str) -> Sides:
    """Both tables of an evaluation `kind`; predictions from a file or as rows read already, called `name`."""
    if isinstance(predictions, Path):
        predicted = read_table(predictions, columns=COLUMNS[kind])
    else:
        predicted = checked_table(predictions, columns=COLUMNS[kind], source=name)
    return Sides(predicted, name, read_table(annotations, columns=COLUMNS[kind]), annotations.name)


def evaluate_curve_tables(
    sides: Sides, how: Matching, scale: Scale
) -> tuple[dict[str, Any], list[SongCurves]]:
    """Measures of `evaluate_curves`, what had no prediction, and the songs; `scale` of the annotations."""
    name = sides.annotations_name
    truth = curves_of(sides.annotations, source=name)
    predicted = curves_of(sides.predictions, source=sides.predictions_name)
    matched, lost = match_songs(truth, predicted, how, source=sides.predictions_name)
    songs, bare_steps = [], 0
    for song, (rated, found) in matched.items():
        curves, bare = align(song, (rated[0], scale.to_ours(rated[1], source=name)), found)
        bare_steps += bare
        if curves is None:
            what = f"song {song}: no prediction at any of its annotated times, from {rated[0][0]:g} s on"
            raise refuse(sides.predictions_name, what)
        songs.append(curves)
    gaps = {"songs_without_prediction": lost, "steps_without_prediction": bare_steps}
    return {**evaluate_curves(songs), **_names(sides), **gaps}, songs


def evaluate_static_tables(sides: Sides, how: Matching, scale: Scale) -> tuple[dict[str, Any], StaticRatings]:
    """Measures of `evaluate_static` with what had no prediction, and the ratings.

    A quadrant is a table's own where it has a column of that name, else that of valence and arousal.
    """
    truth = points_of(sides.annotations, source=sides.annotations_name)
    predicted = points_of(sides.predictions, source=sides.predictions_name)
    matched, lost = match_songs(truth, predicted, how, source=sides.predictions_name)
    rated = np.stack([rating[0] for rating, _ in matched.values()])
    rated = scale.to_ours(rated, source=sides.annotations_name)
    found = np.stack([point[0] for _, point in matched.values()])
    own = [(rating[1], point[1]) for rating, point in matched.values()]
    ratings = StaticRatings(
        tuple(matched),
        rated,
        found,
        tuple(given or by_sign for (given, _), by_sign in zip(own, quadrants_of(rated), strict=True)),
        tuple(given or by_sign for (_, given), by_sign in zip(own, quadrants_of(found), strict=True)),
    )
    return {**evaluate_static(ratings), **_names(sides), "songs_without_prediction": lost}, ratings


def evaluate_antonym_tables(sides: Sides, how: Matching) -> tuple[dict[str, Any], list[PairShares]]:
    """Measures of `evaluate_antonyms` for every annotated pair, what had no prediction, and the pairs."""
    truth = shares_of(sides.annotations, source=sides.annotations_name)
    predicted = shares_of(sides.predictions, source=sides.predictions_name)
    pairs, all_lost = [], []
    for pair, rated in truth.items():
        if pair not in predicted:
            raise refuse(sides.predictions_name, unknown(pair, predicted, kind="pair"))
        matched, lost = match_songs(rated, predicted[pair], how, source=sides.predictions_name)
        shares = np.array(list(matched.values()), np.float64)
        first, second = pair.split("-")
        pairs.append(PairShares(first, second, tuple(matched), shares[:, 0], shares[:, 1]))
        all_lost += [f"{song} ({pair})" for song in lost]
    return {**evaluate_antonyms(pairs), **_names(sides), "songs_without_prediction": all_lost}, pairs


def _names(sides: Sides) -> dict[str, str]:
    return {"predictions": sides.predictions_name, "annotations": sides.annotations_name}
