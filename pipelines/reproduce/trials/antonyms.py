"""Stage `antonyms`: shares of joy-sad and calm-tense by the BLSTM, Emotify, on held-out tracks."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.evaluation.antonyms import PairShares, evaluate_pair
from models.training.data.form import AntonymPair, DataSet, antonym_targets
from models.training.systems.plan import Choices
from pipelines.reproduce.stages import Found, Place, Reproduction
from pipelines.reproduce.trials.affect import courses_of
from pipelines.reproduce.trials.antonyms_section import section
from pipelines.reproduce.trials.cross_fit import cross_fit, each_track
from pipelines.reproduce.trials.study import Contender, Study

STUDY = Study(
    name="emotify",
    k=5,
    limit_s=30.0,
    contenders=(
        Contender("published", "antonym-rnn", Choices(epochs=6), folds=1),
        Contender("improved", "antonym-rnn", Choices("improved", epochs=12, changes={"units": "128"})),
    ),
)
_EDITION = 1


def run(place: Place) -> Found:
    """Train and apply the folds, and measure each pair on its test tracks."""
    data, fitted = cross_fit(STUDY, place)
    rows: dict[str, Any] = {}
    for contender, folds in fitted.items():
        for pair in data.pairs:
            shares = dict(each_track(folds, f"antonym-rnn-{pair.name}"))
            rows[f"{pair.name} {contender}"] = {
                **_measured(data, pair, {name: float(value[0]) for name, value in shares.items()}),
                "pair": pair.name,
                "contender": contender,
                "folds": len(folds),
            }
    return {"rows": rows, "courses": courses_of(fitted)}


def _measured(data: DataSet, pair: AntonymPair, predicted: dict[str, float]) -> Found:
    tracks, targets = antonym_targets([track for track in data.tracks if track.track_id in predicted], pair)
    names = tuple(track.track_id for track in tracks)
    truth = np.asarray(targets[:, 0], np.float64)
    shares = np.array([predicted[name] for name in names], np.float64)
    first, _, second = pair.name.partition("-")
    found = evaluate_pair(PairShares(first, second, names, truth, shares))
    decided = truth[truth != 0.5] > 0.5
    return {**found, "commoner_side": float(max(decided.mean(), 1.0 - decided.mean()))}


STAGE = Reproduction("antonyms", STUDY.files, {**STUDY.settings, "edition": _EDITION}, run, section)
