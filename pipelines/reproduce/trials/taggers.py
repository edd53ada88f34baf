"""Stage `taggers`: CRNNs and Deep Spectrum RNNs at their published size on the mood words of 4Q, by artist.

The catalogue of the tagging paper is not at hand, nor are the ImageNet weights of VGG16: a SqueezeNet stands
in for it, which is enough to compare window sizes and cells. The CRNNs train on few clips, to be seen to
learn; they are not compared.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.fusion import LEARNED, learn_fusion, mean_fusion
from models.evaluation.measures.ranking import areas, rank
from models.evaluation.reading.scores import MemberScores
from models.training.data.form import DataSet, tag_matrix
from models.training.systems.plan import Choices
from pipelines.reproduce.stages import Found, Place, Reproduction
from pipelines.reproduce.trials.affect import courses_of
from pipelines.reproduce.trials.cross_fit import Fold, Outputs, cross_fit
from pipelines.reproduce.trials.study import Contender, Study
from pipelines.reproduce.trials.taggers_section import section

WEIGHTS = "weights/squeezenet_imagenet_notop_tf.h5"
CELLS = ("lstm", "gru", "bilstm")
WINDOWS_S = (1, 5)
PICTURES = Study(
    name="moods4q",
    k=5,
    limit_s=30.0,
    contenders=tuple(
        Contender(
            f"{window}s-{cell}",
            "deep-spectrum-rnn",
            Choices(
                f"published-{window}s-{cell}", epochs=5 if window == 1 else 10, changes={"inputs": "512"}
            ),
            folds=1,
            image_net="squeezenet",
            weights=WEIGHTS,
        )
        for window in WINDOWS_S
        for cell in CELLS
    ),
)
MELS = Study(
    name="moods4q",
    k=5,
    limit_s=30.0,
    most=120,
    contenders=tuple(
        Contender(f"crnn-{cell}", "crnn", Choices(f"published-{cell}", epochs=2), folds=1) for cell in CELLS
    ),
)
_EDITION = 1


def run(place: Place) -> Found:
    """Train the nets, measure the Deep Spectrum ones and their fusions on test."""
    data, fitted = cross_fit(PICTURES, place)
    _, crnns = cross_fit(MELS, place)
    folds = {name: some[0] for name, some in fitted.items()}
    validation, test = (_scores(data, folds, part) for part in ("validation", "test"))
    groups = {
        **{name: (name,) for name in folds},
        **{
            f"{window}s, three": tuple(n for n in folds if n.startswith(f"{window}s")) for window in WINDOWS_S
        },
        "all six": tuple(folds),
    }
    rows: dict[str, Any] = {
        name: _areas(test, mean_fusion().apply(_pick(test, members))) for name, members in groups.items()
    }
    for learned in LEARNED:
        fusion = learn_fusion(learned, validation)
        rows[f"all six, {learned} learned on validation"] = _areas(test, fusion.apply(test.scores))
    return {
        "rows": rows,
        "tracks": {"validation": len(validation.labels), "test": len(test.labels)},
        "tags": {"all": len(data.tags), "measured": int(test.labels.any(axis=0).sum())},
        "courses": courses_of({**fitted, **crnns}),
    }


def _scores(data: DataSet, folds: dict[str, Fold], part: str) -> MemberScores:
    """Scores of every contender for the tracks of a part, in one order."""
    outputs: dict[str, Outputs] = {name: getattr(fold, part) for name, fold in folds.items()}
    by_net = {name: next(iter(nets.values())) for name, nets in outputs.items()}
    names = sorted(set.intersection(*(set(scores) for scores in by_net.values())))
    known = {track.track_id: track for track in data.tracks}
    labels = tag_matrix([known[name] for name in names], data.tags) > 0.5
    scores = np.array([[some[name] for name in names] for some in by_net.values()], np.float64)
    return MemberScores(part, part, tuple(by_net), data.tags, scores, labels)


def _pick(given: MemberScores, members: tuple[str, ...]) -> NDArray[np.float64]:
    return given.scores[[given.members.index(name) for name in members]]


def _areas(given: MemberScores, scores: NDArray[np.float64]) -> Found:
    """Macro areas over the tags that any test clip has."""
    roc_auc, pr_auc = areas(rank(given.labels, scores))
    return {"roc_auc_macro": float(np.nanmean(roc_auc)), "pr_auc_macro": float(np.nanmean(pr_auc))}


_SETTINGS = {"pictures": PICTURES.settings, "mels": MELS.settings, "edition": _EDITION}
STAGE = Reproduction("taggers", (*PICTURES.files, WEIGHTS), _SETTINGS, run, section)
