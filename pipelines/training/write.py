"""Stage `write`: weights, pictures, card and index of the bundle, from what the other stages kept."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.bundle import Bundle, write_index
from models.training.members import PLANS, Plan
from models.training.reporting.card import Facts, write_card
from models.training.reporting.measure import require
from models.training.reporting.plots import draw_affect, draw_learning, draw_rates
from pipelines.training.calibrate import DECIDED, MEASURED, load_predicted
from pipelines.training.students import weights_path
from pipelines.training.teacher import FIGURES

log = logging.getLogger(__name__)

TERMS = (
    "Research and non-commercial use. Trained on the audio of 4Q and Emotify (research only) towards a "
    "teacher fitted on MTG-Jamendo metadata (CC BY-NC-SA 4.0) over YAMNet embeddings (Apache-2.0)."
)


def write(work: Path, output: Path) -> Bundle:
    """Fill an empty or earlier bundle folder and return the bundle, read back and checked."""
    measured, decided = _load(work / MEASURED), _load(work / DECIDED)
    require(measured)
    output.mkdir(parents=True, exist_ok=True)
    for old in output.iterdir():
        old.unlink()
    for plan in PLANS:
        shutil.copyfile(weights_path(plan, work), output / _file(plan))
    histories = {plan.name: _load(weights_path(plan, work).with_suffix(".json")) for plan in PLANS}
    draw_learning(histories, output)
    draw_affect(load_predicted(work), output)
    draw_rates(measured["rates"], measured["tags"], output)
    facts = Facts(
        plans=PLANS,
        parameters={plan.name: _parameters(output / _file(plan)) for plan in PLANS},
        bytes={plan.name: (output / _file(plan)).stat().st_size for plan in PLANS},
        histories=histories,
        teacher=_load(work / FIGURES),
        measured=measured,
        fields=_fields(measured["tags"], decided),
    )
    (output / "card.md").write_text(write_card(facts), encoding="utf-8")
    bundle = write_index(output, facts.fields)
    log.info("%s: %d bytes", bundle.key, sum(file.stat().st_size for file in output.iterdir()))
    return bundle


def _fields(tags: Sequence[str], decided: dict[str, Any]) -> dict[str, Any]:
    members = [
        {
            "name": plan.name,
            "architecture": plan.architecture,
            "settings": plan.settings,
            "front_end": plan.front_end,
            "weights": _file(plan),
        }
        for plan in PLANS
    ]
    return {
        "name": "default",
        "version": "0.1.0",
        "tags": list(tags),
        "members": members,
        "fusion": {"method": "mean"},
        **decided,
        "terms": TERMS,
        "card": "card.md",
    }


def _file(plan: Plan) -> str:
    return f"{plan.name}.safetensors"


def _parameters(path: Path) -> int:
    from safetensors.numpy import load_file

    return sum(array.size for array in load_file(path).values())


def _load(path: Path) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return fields
