"""Stage `static`: valence and arousal of whole clips, 4Q by artist, by the systems of stage `curves`."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.evaluation.static import StaticRatings, evaluate_static, quadrants_of
from models.training.systems.plan import Choices
from pipelines.reproduce.stages import Found, Place, Reproduction
from pipelines.reproduce.trials.affect import Row, courses_of, curves_of
from pipelines.reproduce.trials.cross_fit import cross_fit
from pipelines.reproduce.trials.static_section import section
from pipelines.reproduce.trials.study import MEAN, SVR, Contender, Study

STUDY = Study(
    name="moods4q",
    k=3,
    limit_s=30.0,
    contenders=(
        Contender(MEAN, MEAN),
        Contender(SVR, SVR),
        Contender("gru", "gru"),
        Contender("deep-lstm", "deep-lstm", Choices(epochs=30)),
        Contender("deep-lstm-improved", "deep-lstm", Choices("improved", epochs=20)),
        Contender("two-convolutions", "two-convolutions", Choices(epochs=10)),
        Contender("autoencoder", "autoencoder", Choices(epochs=10)),
    ),
)
ROWS = (
    Row("mean of the training tracks", MEAN),
    Row("SVR (Havránek's baseline)", SVR),
    Row("GRU, parallel, one net", "gru", "gru-1"),
    Row("GRU, parallel, ensemble of five", "gru"),
    Row("deep LSTM, FS1, pre-trained", "deep-lstm"),
    Row("deep LSTM, FS1, improved", "deep-lstm-improved"),
    Row("two convolutions", "two-convolutions"),
    Row("convolutional autoencoder", "autoencoder"),
)
_EDITION = 1


def run(place: Place) -> Found:
    """Train and apply every fold; a clip's point is the mean of its curve."""
    data, fitted = cross_fit(STUDY, place)
    known = {track.track_id: track for track in data.tracks}
    rows: dict[str, Any] = {}
    for row in ROWS:
        curves = curves_of(row, fitted)
        names = tuple(sorted(curves))
        predicted = np.array([curves[name].mean(axis=0) for name in names], np.float64)
        truth = np.array([known[name].static for name in names], np.float64)
        quadrants = tuple(known[name].stratum for name in names)
        rows[row.title] = evaluate_static(
            StaticRatings(names, truth, predicted, quadrants, quadrants_of(predicted))
        )
    return {"rows": rows, "courses": courses_of(fitted)}


STAGE = Reproduction("static", STUDY.files, {**STUDY.settings, "edition": _EDITION}, run, section)
