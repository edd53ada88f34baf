"""What a bundle reaches on clips that its encoder had not heard, as plain numbers for the card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.curves import QUADRANTS, quadrant
from models.decisions import safe_logit
from models.evaluation.curves import AXES
from models.training.metrics import bootstrap_r, pearson, pearson_columns, regression, roc_auc
from models.training.recipe import WORDS
from schemas.errors import bad_bundle

MOST_COMMON = 0.25
# Where on the plane of valence and arousal a tag's word belongs, set down before anything was measured.
PLACES = {
    "happy": ("Q1",),
    "party": ("Q1",),
    "energetic": ("Q1", "Q2"),
    "dark": ("Q2",),
    "heavy": ("Q2",),
    "sad": ("Q3",),
    "melancholic": ("Q3",),
    "calm": ("Q3", "Q4"),
    "relaxing": ("Q3", "Q4"),
}
_TOP_SHARE = 0.1
_BOOTSTRAP_SEED = 7


@dataclass(frozen=True, slots=True)
class Predicted:
    """Everything said of every clip, each by an encoder and heads that had not heard its artist.

    `fold` [clips]; `source`, `stratum` [clips] names; `members` [taggers, clips, tags] raw track scores;
    `scores` [clips, tags] calibrated; `teacher` [clips, tags]; `thresholds` and `teachers` [tags], the
    teacher's own; `on` [tags], decided by default; `affect` [regressors, clips, 2] means of curves; `spread`
    [clips, 2] of the regressors along them; `truth` [clips, 2], NaN where there is none; `ridge` [clips, 2],
    of the teacher's embeddings.
    """

    fold: NDArray[np.int64]
    source: NDArray[np.str_]
    stratum: NDArray[np.str_]
    members: NDArray[np.floating]
    scores: NDArray[np.floating]
    teacher: NDArray[np.floating]
    thresholds: NDArray[np.floating]
    teachers: NDArray[np.floating]
    on: NDArray[np.bool_]
    affect: NDArray[np.floating]
    spread: NDArray[np.floating]
    truth: NDArray[np.floating]
    ridge: NDArray[np.floating]

    def tagged(self) -> NDArray[np.bool_]:
        """Decisions [clips, tags]: strictly above the threshold and not off."""
        return np.asarray((self.scores > self.thresholds) & self.on)

    @property
    def rated(self) -> NDArray[np.bool_]:
        """Clips with valence and arousal: [clips]."""
        return np.asarray(np.isfinite(self.truth).all(axis=1))


def measure(predicted: Predicted, tags: Sequence[str], words: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Agreement with the teacher, with mood words [clips] and with quadrants; valence and arousal; rates."""
    return {
        "folds": int(predicted.fold.max()) + 1,
        "tags": list(tags),
        "tagging": _tagging(predicted),
        "words": _words(predicted, tags, words),
        "places": _places(predicted, tags),
        "affect": _affect(predicted),
        "quadrants": _quadrants(predicted),
        "rates": _rates(predicted),
    }


def require(measured: dict[str, Any]) -> None:
    """Refuse, with DataError(bad_bundle), a bundle that tags too much or turns arousal round.

    No tag on more than a quarter of the clips; the quadrants of high arousal above those of low.
    """
    if (highest := measured["rates"]["highest"]) > MOST_COMMON:
        raise bad_bundle(f"a tag is on {highest:.0%} of the clips, at most {MOST_COMMON:.0%} may be")
    arousal = {name: means[1] for name, means in measured["quadrants"]["means"].items()}
    if arousal and min(arousal["Q1"], arousal["Q2"]) <= max(arousal["Q3"], arousal["Q4"]):
        raise bad_bundle(f"mean arousal of the quadrants is out of order: {arousal}")


def agreement(scores: NDArray[np.floating], teacher: NDArray[np.floating]) -> NDArray[np.float64]:
    """Correlation of the logits of two [clips, tags] arrays: [tags]."""
    return pearson_columns(safe_logit(scores), safe_logit(teacher))


def _tagging(predicted: Predicted) -> dict[str, Any]:
    """Students against the teacher; correlations are of logits."""
    teacher = predicted.teacher
    top = teacher > np.quantile(teacher, 1.0 - _TOP_SHARE, axis=0)
    auc = np.array([roc_auc(top[:, tag], predicted.scores[:, tag]) for tag in range(top.shape[1])])
    r = agreement(predicted.scores, teacher)
    tagged = predicted.scores > predicted.thresholds
    theirs = teacher > predicted.teachers
    return {
        "n": len(teacher),
        "r": r.tolist(),
        "auc": auc.tolist(),
        "r_mean": float(r.mean()),
        "r_lowest": float(r.min()),
        "auc_mean": float(auc.mean()),
        "member_r_mean": [float(agreement(raw, teacher).mean()) for raw in predicted.members],
        "jaccard": float((tagged & theirs).sum() / max(int((tagged | theirs).sum()), 1)),
    }


def _words(predicted: Predicted, tags: Sequence[str], words: Sequence[Sequence[str]]) -> dict[str, Any]:
    """ROC-AUC of tags, students' and teacher's, against true mood words, among the clips that have words."""
    known = np.array([bool(own) for own in words])
    figures: dict[str, Any] = {}
    for tag, meant in WORDS.items():
        labels = np.array([bool(set(meant) & set(own)) for own in words])[known]
        if tag in tags and labels.any():
            column = tags.index(tag)
            figures[tag] = {
                "words": list(meant),
                "clips": int(labels.sum()),
                "students": roc_auc(labels, predicted.scores[known, column]),
                "teacher": roc_auc(labels, predicted.teacher[known, column]),
            }
    return figures


def _places(predicted: Predicted, tags: Sequence[str]) -> dict[str, Any]:
    """ROC-AUC of tags, students' and teacher's, against the quadrants that their words belong to."""
    rows = np.isin(predicted.stratum, QUADRANTS)
    figures: dict[str, Any] = {}
    for tag in (tag for tag in PLACES if tag in tags and rows.any()):
        column, inside = tags.index(tag), np.isin(predicted.stratum, PLACES[tag])[rows]
        figures[tag] = {
            "quadrants": list(PLACES[tag]),
            "students": roc_auc(inside, predicted.scores[rows, column]),
            "teacher": roc_auc(inside, predicted.teacher[rows, column]),
        }
    return figures


def _affect(predicted: Predicted) -> dict[str, Any]:
    """Mean of the regressors, one of them, and ridge on the teacher's embeddings, against the truth."""
    rows = predicted.rated
    mean, truth = predicted.affect.mean(axis=0)[rows], predicted.truth[rows]
    figures: dict[str, Any] = {}
    for column, name in enumerate(AXES):
        pair = truth[:, column], mean[:, column]
        alone = [regression(truth[:, column], own[rows, column])["r2"] for own in predicted.affect]
        figures[name] = {
            **regression(*pair),
            "r_interval": list(bootstrap_r(*pair, seed=_BOOTSTRAP_SEED)),
            "member_r2": alone,
            "ridge": regression(truth[:, column], predicted.ridge[rows, column]),
            "spread_r": pearson(predicted.spread[rows, column], np.abs(pair[0] - pair[1])),
        }
    return figures


def _quadrants(predicted: Predicted) -> dict[str, Any]:
    """Quadrants by the signs of valence and arousal against the given ones: accuracy, macro F1, confusion."""
    rows = predicted.rated & np.isin(predicted.stratum, QUADRANTS)
    truth = predicted.stratum[rows]
    found: dict[str, Any] = {"n": int(rows.sum()), "means": {}}
    for name, values in (("bundle", predicted.affect.mean(axis=0)), ("ridge", predicted.ridge)):
        said = np.array([quadrant(float(valence), float(arousal)) for valence, arousal in values[rows]])
        found[name] = _classified(truth, said) if len(truth) else {}
    mean = predicted.affect.mean(axis=0)[rows]
    for name in QUADRANTS if len(truth) else ():
        found["means"][name] = mean[truth == name].mean(axis=0).tolist()
    return found


def _classified(truth: NDArray[np.str_], said: NDArray[np.str_]) -> dict[str, Any]:
    confusion = np.array([[np.sum((truth == a) & (said == b)) for b in QUADRANTS] for a in QUADRANTS])
    hits = np.diag(confusion)
    f1 = 2.0 * hits / np.maximum(confusion.sum(axis=0) + confusion.sum(axis=1), 1)
    return {
        "accuracy": float(hits.sum() / confusion.sum()),
        "macro_f1": float(f1.mean()),
        "confusion": confusion.tolist(),
    }


def _rates(predicted: Predicted) -> dict[str, Any]:
    """Share of clips that carry each tag, and how many tags a clip has."""
    tagged = predicted.tagged()
    count = tagged.sum(axis=1)
    return {
        "all": tagged.mean(axis=0).tolist(),
        "teacher": (predicted.teacher > predicted.teachers).mean(axis=0).tolist(),
        # Of each set by itself: a catalogue may be more like one than like all.
        "highest": max(
            float(tagged[predicted.source == source].mean(axis=0).max())
            for source in np.unique(predicted.source)
        ),
        "median_tags": float(np.median(count)),
        "most_tags": int(count.max()),
        "untagged": float(np.mean(count == 0)),
        "different_sets": len({row.tobytes() for row in tagged}),
        "tags_in_use": int(tagged.any(axis=0).sum()),
    }
