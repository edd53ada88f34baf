"""Stage `curves`: rated emotion curves, VGMIDI rendered, all regressors by the same folds.

Epochs are capped so that all of it takes about half an hour on two cores; the page says where.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.evaluation.curves import SongCurves, evaluate_curves
from models.training.systems.plan import Choices
from models.training.systems.targets import STEP_S, on_steps, on_the_clock
from pipelines.reproduce.stages import Found, Place, Reproduction
from pipelines.reproduce.trials.affect import Floats, Row, courses_of, curves_of
from pipelines.reproduce.trials.cross_fit import cross_fit
from pipelines.reproduce.trials.curves_section import section
from pipelines.reproduce.trials.study import MEAN, SVR, Contender, Study

STUDY = Study(
    name="vgmidi",
    k=4,
    limit_s=60.0,
    contenders=(
        Contender(MEAN, MEAN),
        Contender(SVR, SVR),
        Contender("gru", "gru"),
        Contender("gru-forked", "gru", Choices("published-forked")),
        Contender("deep-lstm", "deep-lstm", Choices(epochs=40)),
        Contender("deep-lstm-no-pretraining", "deep-lstm", Choices(epochs=40), pretraining=False),
        Contender("deep-lstm-improved", "deep-lstm", Choices("improved")),
        Contender("two-convolutions", "two-convolutions", Choices(epochs=20)),
        Contender("autoencoder", "autoencoder", Choices(epochs=20)),
    ),
)
# The psychoacoustic descriptors take a core a minute for a quarter of an hour of sound: on few pieces, to be
# seen to be learned from.
FS2 = Study(
    name="vgmidi",
    k=3,
    limit_s=60.0,
    most=48,
    contenders=(Contender("deep-lstm-fs2", "deep-lstm", Choices("published-fs2", epochs=40), folds=1),),
)
ROWS = (
    Row("mean of the training tracks", MEAN),
    Row("SVR (Havránek's baseline)", SVR),
    Row("GRU, parallel, one net", "gru", "gru-1"),
    Row("GRU, parallel, ensemble of five", "gru"),
    Row("GRU, forked, one net", "gru-forked", "gru-1"),
    Row("GRU, forked, ensemble of five", "gru-forked"),
    Row("deep LSTM, FS1, pre-trained", "deep-lstm"),
    Row("deep LSTM, FS1, not pre-trained", "deep-lstm-no-pretraining"),
    Row("deep LSTM, FS1, improved", "deep-lstm-improved"),
    Row("two convolutions", "two-convolutions"),
    Row("convolutional autoencoder", "autoencoder"),
)
_EDITION = 1


def run(place: Place) -> Found:
    """Train and apply every fold, and measure the curves of the test tracks."""
    data, fitted = cross_fit(STUDY, place)
    _, few = cross_fit(FS2, place)
    rated = {track.track_id: on_the_clock(track.curve) for track in data.tracks if track.curve is not None}
    rows: dict[str, Any] = {}
    for row in ROWS:
        songs = [_song(name, curve, rated[name]) for name, curve in sorted(curves_of(row, fitted).items())]
        rows[row.title] = {key: value for key, value in evaluate_curves(songs).items() if key != "by_song"}
    return {"rows": rows, "courses": courses_of({**fitted, **few}), "notes": list(data.notes)}


def _song(name: str, predicted: Floats, rated: Floats) -> SongCurves:
    truth = on_steps(rated, len(predicted))
    known = np.isfinite(truth).all(axis=1)
    time_s = np.arange(len(truth), dtype=np.float64) * STEP_S
    return SongCurves(
        name, time_s[known], np.asarray(truth[known], np.float64), np.asarray(predicted[known], np.float64)
    )


_SETTINGS = {**STUDY.settings, "fs2": FS2.settings, "edition": _EDITION}
STAGE = Reproduction("curves", STUDY.files, _SETTINGS, run, section)
