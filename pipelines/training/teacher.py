"""Stage `teacher`: tag heads, fitted to the true labels of MTG-Jamendo on its tracks' YAMNet embeddings."""

from __future__ import annotations

import logging
from pathlib import Path

from models.training.recipe import TEACHER_SEEDS
from models.training.teaching.jamendo import read_tagged
from models.training.teaching.teacher import Teacher, fit_tag_teacher
from pipelines.training.figures import keep_figures

log = logging.getLogger(__name__)

ARRAYS, FIGURES = "teacher.npz", "teacher.json"


def teach(data: Path, work: Path) -> None:
    """Write teacher.npz and teacher.json into `work`, unless they are there."""
    if (work / FIGURES).exists():
        return
    tags, splits = read_tagged(data / "jamendo")
    fitted = fit_tag_teacher(splits, seeds=TEACHER_SEEDS)
    Teacher(tags, fitted.heads, fitted.platt, fitted.floor).save(work / ARRAYS)
    log.info("teacher: %s", {name: fitted.figures[name] for name in ("validation", "test", "test_macro_f")})
    keep_figures(fitted.figures, work / FIGURES)
