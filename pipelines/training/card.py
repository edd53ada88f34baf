"""Stages `checks` and `card`: a bundle measured on clips that it has not heard, and its model card written.

What is checked is the bundle of a fold, trained as the shipped one is, on clips of that fold.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from models.bundle import Bundle
from models.bundle_files import write_index
from models.bundle_index import INDEX
from models.training.recipe import FOLDS
from models.training.reporting.card import Facts, Part, write_card
from models.training.reporting.plots import draw_affect, draw_learning, draw_rates
from models.training.reporting.robustness_plot import draw_robustness
from pipelines.training.calibrate import MEASURED, load_predicted
from pipelines.training.clips import Clip
from pipelines.training.curve_checks import measure_curve_checks
from pipelines.training.encoders import FINAL, history
from pipelines.training.figures import keep_figures, load_figures
from pipelines.training.robustness import chosen, measure_robustness
from pipelines.training.speed import measure_speed
from pipelines.training.teacher import FIGURES
from pipelines.training.write import CARD, write

log = logging.getLogger(__name__)

CHECKS = "checks.json"
_FOLD = 0
_CLIPS = 40


def check(clips: Sequence[Clip], work: Path) -> None:
    """Write checks.json into `work`: robustness, steadiness of curves and speed."""
    bundle = write(work, work / f"bundle-of-fold-{_FOLD}", number=_FOLD)
    unheard = chosen(clips, _CLIPS, fold=_FOLD)
    found = {
        "robustness": measure_robustness(bundle, unheard, work / "robustness"),
        "curves": measure_curve_checks(bundle, unheard),
        "speed": measure_speed(bundle, unheard),
    }
    log.info("speed: %s", found["speed"])
    keep_figures(found, work / CHECKS)


def card(work: Path, output: Path, *, stages: Sequence[str]) -> Bundle:
    """Write the bundle's folder anew with its card and pictures; the bundle, read back."""
    parts = _parts(write(work, output))
    index = load_figures(output / INDEX)
    measured, checks = load_figures(work / MEASURED), load_figures(work / CHECKS)
    for old in output.glob("*.png"):
        old.unlink()
    names = {number: f"fold {number + 1}" for number in range(FOLDS)} | {FINAL: "shipped"}
    draw_learning({name: history(number, work) for number, name in names.items()}, output)
    draw_affect(load_predicted(work), output)
    draw_rates(measured["rates"], measured["tags"], output)
    draw_robustness(checks["robustness"], output)
    facts = Facts(
        parts=parts,
        fields=index,
        teacher=load_figures(work / FIGURES),
        measured=measured,
        checks=checks,
        stages=stages,
    )
    (output / CARD).write_text(write_card(facts), encoding="utf-8")
    return write_index(
        output, {name: value for name, value in index.items() if name not in ("format", "files")}
    )


def _parts(bundle: Bundle) -> list[Part]:
    return [
        Part(
            name=member.name,
            net=member.architecture,
            hears=member.front_end or f"rows of {member.encoder}",
            values=sum(array.size for array in bundle.weights(member).values()),
            bytes=(bundle.folder / member.weights).stat().st_size,
        )
        for member in bundle.members
    ]
