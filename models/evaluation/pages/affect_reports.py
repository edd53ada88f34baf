"""The reports on curves, static ratings and antonym pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from models.curves import QUADRANTS
from models.evaluation.antonyms import PairShares
from models.evaluation.curves import AXES, SongCurves
from models.evaluation.pages.drawing import draw_agreement_of_songs, draw_scatter, draw_songs
from models.evaluation.pages.report import Picture, Report, ReportTable
from models.evaluation.static import StaticRatings

_EXAMPLES = 4
_MEASURES = ("rmse", "r", "ccc")
_PAIR = ("songs", "undecided", "accuracy", "accuracy_balanced", "cross_entropy")


def curves_report(found: Mapping[str, Any], songs: Sequence[SongCurves] = ()) -> Report:
    """What `evaluate_curves` found, with its files and gaps; pictures where the songs are given."""
    summary = f"{_files(found)}: {found['songs']:,} songs, {found['steps']:,} steps, values in [-1, 1]."
    columns = ["measure", *(f"{axis} {what}" for axis in AXES for what in ("mean", "sd", "pooled"))]
    rows = [
        [name, *(found[axis][f"{name}_{what}"] for axis in AXES for what in ("mean", "sd", "pooled"))]
        for name in _MEASURES
    ]
    warnings = _gaps(found)
    if without := max(found[axis]["songs_without_r"] for axis in AXES):
        warnings.append(f"{without} songs have no r (a constant curve or rating): left out of its mean.")
    names = ("song", "steps", *(f"{axis}_{name}" for axis in AXES for name in _MEASURES))
    by_song = ReportTable("Every song", names, [[row[name] for name in names] for row in found["by_song"]])
    tables = [
        ReportTable("Of every song, then over songs; and over all steps as one", columns, rows),
        by_song,
    ]
    return Report("Emotion curves", summary, warnings, tables, _curve_pictures(found, songs) if songs else ())


def static_report(found: Mapping[str, Any], ratings: StaticRatings | None = None) -> Report:
    """What `evaluate_static` found, with its files and gaps; a picture where the ratings are given."""
    quadrants = found["quadrants"]
    summary = (
        f"{_files(found)}: {found['songs']:,} songs. Quadrants: accuracy {quadrants['accuracy']:.4f}, "
        f"macro F {quadrants['f1_macro']:.4f}."
    )
    rows = [[axis, *(found[axis][name] for name in ("r2", *_MEASURES))] for axis in AXES]
    confusion = [[name, *quadrants["confusion"][name], quadrants["f1"][name]] for name in QUADRANTS]
    tables = [
        ReportTable(
            "Figures", ["", "R2", "r", "RMSE", "CCC"], [[r[0], r[1], r[3], r[2], r[4]] for r in rows]
        ),
        ReportTable("Quadrants: a row for each true one", ["true", *QUADRANTS, "F"], confusion),
    ]
    pictures = []
    if ratings:
        drawn = draw_scatter(ratings.truth, ratings.predicted, AXES)
        pictures = [Picture("Predicted against rated", "On the line they agree.", drawn)]
    return Report("Static valence and arousal", summary, _gaps(found), tables, pictures)


def antonyms_report(found: Mapping[str, Any], pairs: Sequence[PairShares] = ()) -> Report:
    """What `evaluate_antonyms` found, with its files and gaps; pictures where the pairs are given."""
    measured = found["pairs"]
    rows = [
        [name, *(each[key] for key in _PAIR), each["shares"]["r"], each["shares"]["rmse"]]
        for name, each in measured.items()
    ]
    columns = ["pair", "songs", "undecided", "accuracy", "balanced", "cross-entropy", "r of shares", "RMSE"]
    tables = [ReportTable("Figures", columns, rows)]
    for name, each in measured.items():
        sides = list(each["confusion"])
        confusion = [
            [side, *each["confusion"][side].values(), sum(each["counts"][side].values())] for side in sides
        ]
        columns = ["rated", *(f"predicted {side}" for side in sides), "songs"]
        tables.append(ReportTable(f"Confusion of {name}, by row", columns, confusion))
    pictures = [_pair_picture(pair) for pair in pairs]
    return Report("Antonym pairs", f"{_files(found)}.", _gaps(found), tables, pictures)


def _pair_picture(pair: PairShares) -> Picture:
    drawn = draw_scatter(pair.truth[:, None], pair.predicted[:, None], [f"share of {pair.first}"])
    return Picture(
        f"{pair.first} or {pair.second}", f"Shares of {pair.first}; above .5 it is decided.", drawn
    )


def _curve_pictures(found: Mapping[str, Any], songs: Sequence[SongCurves]) -> list[Picture]:
    """The scatter of songs' r and example songs, from the lowest RMSE to the highest in even steps."""
    errors = np.array([row["valence_rmse"] + row["arousal_rmse"] for row in found["by_song"]])
    order = np.argsort(errors, kind="stable")
    places = np.unique(np.linspace(0, len(order) - 1, min(_EXAMPLES, len(order))).round().astype(int))
    examples = [songs[order[place]] for place in places]
    return [
        Picture(
            "r of every song", "To the right and up is better.", draw_agreement_of_songs(found["by_song"])
        ),
        Picture(
            "Example songs", "From the lowest error to the highest, evenly chosen.", draw_songs(examples)
        ),
    ]


def _files(found: Mapping[str, Any]) -> str:
    return f"{found['predictions']} against {found['annotations']}"


def _gaps(found: Mapping[str, Any]) -> list[str]:
    warnings = []
    if lost := found["songs_without_prediction"]:
        some = ", ".join(lost[:5])
        warnings.append(f"{len(lost)} annotated songs have no prediction and are left out: {some}.")
    if steps := found.get("steps_without_prediction"):
        warnings.append(f"{steps:,} annotated steps have no prediction and are left out.")
    return warnings
