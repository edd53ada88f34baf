"""An evaluation of tags from files: read, fuse, choose thresholds, measure."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.evaluation.fusion import FUSIONS, LEARNED, Fusion, learn_fusion, mean_fusion, published_members
from models.evaluation.measures.bootstrap import Draws
from models.evaluation.reading.labels import read_labels
from models.evaluation.reading.refusal import refuse
from models.evaluation.reading.scores import MemberScores, member_names, read_scores
from models.evaluation.reading.threshold_files import Thresholds, read_thresholds
from models.evaluation.tags import (
    Scored,
    evaluate_tags,
    fixed,
    member_areas,
    tune_official,
    tune_validation,
)

OFFICIAL, VALIDATION = "official", "validation"


@dataclass(frozen=True, slots=True)
class ScoreFiles:
    """Score arrays (.npz) and the list of their tracks' labels (.tsv)."""

    scores: Path
    labels: Path


@dataclass(frozen=True, slots=True)
class TagRequest:
    """What to evaluate: `members` all by default, `fusion` a name of FUSIONS, mean, weights or stacking.

    `thresholds`: official, validation, a number for all tags, or a JSON file; "" is validation.
    """

    test: ScoreFiles
    validation: ScoreFiles | None = None
    members: tuple[str, ...] = ()
    fusion: str = "mean"
    thresholds: str = ""


@dataclass(frozen=True, slots=True)
class TagEvaluation:
    """What was found, ready for JSON; the fused scores and the thresholds that it was found with."""

    found: dict[str, Any]
    scored: Scored
    thresholds: Thresholds


def evaluate_tag_files(request: TagRequest, how: Draws | None = None) -> TagEvaluation:
    """Measure one fusion of the score arrays of a file against a list of labels.

    Raises DataError(not_found, bad_input), with the file and the value, before anything is measured.
    """
    _refuse_without_validation(request)
    members = _members(request)
    test = read_scores(request.test.scores, read_labels(request.test.labels), members=members)
    validation = _validation(request, test)
    fusion = _fusion(request, validation)
    scored = Scored(test.tags, fusion.apply(test.scores), test.labels)
    thresholds = _thresholds(request, scored, validation, fusion)
    found = {
        **evaluate_tags(scored, thresholds, how=how),
        "scores": request.test.scores.name,
        "labels": request.test.labels.name,
        "sha256": {path.name: _sha256(path) for path in (request.test.scores, request.test.labels)},
        "members": list(test.members),
        "fusion": {"name": request.fusion, **fusion.facts},
        "members_alone": member_areas(test.members, test.scores, test.labels),
    }
    return TagEvaluation(found, scored, thresholds)


def _refuse_without_validation(request: TagRequest) -> None:
    if request.validation:
        return
    needs = "--validation-scores FILE.npz and --validation-labels TSV"
    if request.fusion in LEARNED:
        raise refuse(
            str(request.test.scores), f"fusion {request.fusion!r} is learned on validation: give {needs}"
        )
    if request.thresholds in ("", VALIDATION):
        other = "or --thresholds official (tuned on these very labels), a number or a JSON file"
        raise refuse(str(request.test.scores), f"thresholds come from validation: give {needs}, {other}")


def _members(request: TagRequest) -> tuple[str, ...]:
    if request.fusion not in FUSIONS:
        return request.members
    if request.members:
        what = f"fusion {request.fusion!r} names its members itself, and so does --members"
        raise refuse(str(request.test.scores), what)
    known = member_names(request.test.scores)
    return published_members(request.fusion, known, file=str(request.test.scores))


def _validation(request: TagRequest, test: MemberScores) -> MemberScores | None:
    if request.validation is None:
        return None
    listed = read_labels(request.validation.labels)
    given = read_scores(request.validation.scores, listed, members=test.members)
    if given.tags != test.tags:
        raise refuse(str(request.validation.scores), f"its tags are not those of {request.test.scores.name}")
    return given


def _fusion(request: TagRequest, validation: MemberScores | None) -> Fusion:
    if request.fusion in LEARNED and validation is not None:
        return learn_fusion(request.fusion, validation)
    return mean_fusion()


def _thresholds(
    request: TagRequest, scored: Scored, validation: MemberScores | None, fusion: Fusion
) -> Thresholds:
    if request.thresholds == OFFICIAL:
        return tune_official(scored)
    if validation is not None and request.validation and request.thresholds in ("", VALIDATION):
        fused = Scored(validation.tags, fusion.apply(validation.scores), validation.labels)
        return tune_validation(fused, tuned_on=_provenance(request, request.validation, validation))
    try:
        value = float(request.thresholds)
    except ValueError:
        return read_thresholds(Path(request.thresholds), scored.tags)
    if not math.isfinite(value):
        raise refuse(str(request.test.scores), f"threshold {value:g} is not a number")
    return fixed(value, len(scored.tags))


def _provenance(request: TagRequest, files: ScoreFiles, given: MemberScores) -> dict[str, Any]:
    return {
        "scores": files.scores.name,
        "scores_sha256": _sha256(files.scores),
        "labels": files.labels.name,
        "labels_sha256": _sha256(files.labels),
        "members": list(given.members),
        "fusion": request.fusion,
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
