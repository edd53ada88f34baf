"""What a bundle reaches on the held-out clips, as one table of plain numbers for the card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.decisions import safe_logit
from models.training.metrics import bootstrap_r, pearson_columns, regression, roc_auc
from schemas.errors import bad_bundle

MOST_COMMON = 0.6
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
AFFECT = ("valence", "arousal")
_TOP_SHARE = 0.1
_BOOTSTRAP_SEED = 7


@dataclass(frozen=True, slots=True)
class Predicted:
    """Everything predicted of every clip.

    `split`, `source`, `stratum` [clips] names; `members` [taggers, clips, tags] raw track scores; `scores`
    [clips, tags] calibrated; `teacher` [clips, tags]; `thresholds` and `teachers` [tags], the teacher's own;
    `affect` [regressors, clips, 2] means of curves; `truth` [clips, 2], NaN where there is none.
    """

    split: NDArray[np.str_]
    source: NDArray[np.str_]
    stratum: NDArray[np.str_]
    members: NDArray[np.floating]
    scores: NDArray[np.floating]
    teacher: NDArray[np.floating]
    thresholds: NDArray[np.floating]
    teachers: NDArray[np.floating]
    affect: NDArray[np.floating]
    truth: NDArray[np.floating]

    def tagged(self) -> NDArray[np.bool_]:
        """Decisions [clips, tags]: strictly above the threshold."""
        return np.asarray(self.scores > self.thresholds)


def measure(predicted: Predicted, tags: Sequence[str]) -> dict[str, Any]:
    """Counts, agreement with the teacher and with the quadrants, valence and arousal, and tag rates."""
    counts = Counter(zip(predicted.source.tolist(), predicted.split.tolist(), strict=True))
    return {
        "clips": {f"{source} {split}": count for (source, split), count in sorted(counts.items())},
        "tags": list(tags),
        "tagging": _tagging(predicted),
        "places": _places(predicted, tags),
        "affect": {split: _affect(predicted, predicted.split == split) for split in ("validation", "test")},
        "quadrants": _quadrants(predicted),
        "rates": _rates(predicted),
    }


def require(measured: dict[str, Any]) -> None:
    """Refuse, with DataError(bad_bundle), a bundle that says the same of every track or turns arousal round.

    No tag on more than 60 % of the 4Q clips; the quadrants of high arousal above those of low, of the test
    artists too.
    """
    if (highest := measured["rates"]["highest_4q"]) > MOST_COMMON:
        raise bad_bundle(f"a tag is on {highest:.0%} of the 4Q clips, at most {MOST_COMMON:.0%} may be")
    for part, quadrants in measured["quadrants"].items():
        arousal = {quadrant: means[1] for quadrant, means in quadrants.items()}
        if min(arousal["Q1"], arousal["Q2"]) <= max(arousal["Q3"], arousal["Q4"]):
            raise bad_bundle(f"mean arousal of the quadrants, {part} clips, is out of order: {arousal}")


def _tagging(predicted: Predicted) -> dict[str, Any]:
    """Students against the teacher on the test clips; correlations are of logits."""
    test = predicted.split == "test"
    teacher = predicted.teacher[test]
    top = teacher > np.quantile(teacher, 1.0 - _TOP_SHARE, axis=0)
    scores = predicted.scores[test]
    auc = np.array([roc_auc(top[:, tag], scores[:, tag]) for tag in range(top.shape[1])])
    r = pearson_columns(safe_logit(scores), safe_logit(teacher))
    members = [
        float(pearson_columns(safe_logit(raw[test]), safe_logit(teacher)).mean()) for raw in predicted.members
    ]
    tagged, theirs = predicted.tagged()[test], teacher > predicted.teachers
    same = (tagged & theirs).sum() / max(int((tagged | theirs).sum()), 1)
    return {
        "n": int(test.sum()),
        "r": r.tolist(),
        "auc": auc.tolist(),
        "r_mean": float(r.mean()),
        "r_median": float(np.median(r)),
        "auc_mean": float(auc.mean()),
        "member_r_mean": members,
        "jaccard": float(same),
    }


def _places(predicted: Predicted, tags: Sequence[str]) -> dict[str, Any]:
    """ROC-AUC of tags, students' and teacher's, against the quadrants of 4Q that their words belong to."""
    moods4q = predicted.source == "4q"
    figures: dict[str, Any] = {}
    for tag in (tag for tag in PLACES if tag in tags):
        column, inside = tags.index(tag), np.isin(predicted.stratum, PLACES[tag])
        figures[tag] = {"quadrants": list(PLACES[tag])}
        for part in ("test", "validation", "train"):
            rows = moods4q & (predicted.split == part)
            figures[tag][part] = {
                "n": [int(inside[rows].sum()), int((~inside[rows]).sum())],
                "students": roc_auc(inside[rows], predicted.scores[rows, column]),
                "teacher": roc_auc(inside[rows], predicted.teacher[rows, column]),
            }
    return figures


def _affect(predicted: Predicted, rows: NDArray[np.bool_]) -> dict[str, Any]:
    """Mean of the regressors against the set's valence and arousal."""
    known = rows & np.isfinite(predicted.truth).all(axis=1)
    mean, truth = predicted.affect.mean(axis=0)[known], predicted.truth[known]
    figures: dict[str, Any] = {}
    for column, name in enumerate(AFFECT):
        pair = truth[:, column], mean[:, column]
        interval = bootstrap_r(*pair, seed=_BOOTSTRAP_SEED)
        alone = [regression(truth[:, column], member[known][:, column])["r"] for member in predicted.affect]
        figures[name] = {**regression(*pair), "r_interval": list(interval), "member_r": alone}
    return figures


def _quadrants(predicted: Predicted) -> dict[str, Any]:
    """Mean predicted valence and arousal of each quadrant: of all 4Q clips and of the test artists."""
    mean, figures = predicted.affect.mean(axis=0), {}
    for name, part in (("all", predicted.split != ""), ("test", predicted.split == "test")):
        rows = part & (predicted.source == "4q")
        figures[name] = {
            quadrant: mean[rows & (predicted.stratum == quadrant)].mean(axis=0).tolist()
            for quadrant in ("Q1", "Q2", "Q3", "Q4")
        }
    return figures


def _rates(predicted: Predicted) -> dict[str, Any]:
    """Share of clips that carry each tag, and how many tags a clip has."""
    tagged, test, moods4q = predicted.tagged(), predicted.split == "test", predicted.source == "4q"
    count = tagged.sum(axis=1)
    return {
        "test": tagged[test].mean(axis=0).tolist(),
        "4q": tagged[moods4q].mean(axis=0).tolist(),
        "highest_4q": float(tagged[moods4q].mean(axis=0).max()),
        "median_tags": {"all": float(np.median(count)), "test": float(np.median(count[test]))},
        "untagged": {"all": float(np.mean(count == 0)), "test": float(np.mean(count[test] == 0))},
        "different_sets_4q": len({row.tobytes() for row in tagged[moods4q]}),
        "tags_in_use_4q": int(tagged[moods4q].any(axis=0).sum()),
    }
