"""From trained nets to a bundle: weights, decisions found on validation, card and curves of learning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.bundle_files import write_index
from models.bundle_index import is_plain_name
from models.registry import Role, architecture
from models.training.calibration import Platt, f_optimal, fit_platt
from models.training.data.form import DataSet
from models.training.systems.card import CARD, Course, draw_course, write_system_card
from models.training.systems.folds import FoldReport
from models.training.systems.loop import Trained
from models.training.systems.losses import measures
from models.training.systems.plan import SystemPlan

# Above any score: the threshold of a tag that no validation track has.
_NEVER = 1.0


@dataclass(frozen=True, slots=True)
class Facts:
    """What of a training stands in its bundle: the data, tracks by part, settings of the front end that are
    not its default, targets of the validation tracks by net and id, notes, and what became of folds."""

    data: DataSet
    parts: Mapping[str, int]
    seed: int
    front_end_settings: Mapping[str, Any] = field(default_factory=dict)
    targets: Mapping[str, Mapping[str, NDArray[np.float32]]] = field(default_factory=dict)
    notes: Sequence[str] = ()
    folds: FoldReport | None = None


def write_system_bundle(
    folder: Path, system: SystemPlan, trained: Sequence[Trained], facts: Facts, *, name: str
) -> Bundle:
    """Write the bundle of a system's nets into an empty folder and read it back.

    Taggers are calibrated on the validation tracks (Platt, of the mean of the nets), and a tag's threshold is
    the one with the best F there. `name` becomes the bundle's where it is a plain name.
    """
    from safetensors.numpy import save_file

    for one in trained:
        path = folder / f"{one.plan.name}.safetensors"
        save_file({key: np.array(array, order="C") for key, array in one.weights.items()}, path)
        path.chmod(0o644)
    draw_course(folder, [_course(one) for one in trained], monitor=trained[0].plan.schedule.monitor)
    write_system_card(folder, system, facts, _measured(trained, facts), [_course(one) for one in trained])
    is_tagger = trained[0].plan.role is Role.TAGGER
    fields = {
        "name": name if is_plain_name(name) else system.system,
        "version": "1",
        "tags": list(facts.data.tags) if is_tagger else [],
        "members": [_member(one, facts) for one in trained],
        "fusion": {"method": "mean"},
        **(_decisions(trained, facts) if is_tagger else _no_decisions()),
        "terms": f"weights trained on {facts.data.name}: {facts.data.terms}",
        "card": CARD,
    }
    return write_index(folder, fields)


def _member(one: Trained, facts: Facts) -> dict[str, Any]:
    # Where this machine has a front end's weights is of no use to others; their hash is there, too.
    named = {name: value for name, value in facts.front_end_settings.items() if name != "weights"}
    settings = {"front_end_settings": named} if named else {}
    return {
        "name": one.plan.name,
        "architecture": one.plan.architecture,
        "settings": one.plan.settings,
        "front_end": architecture(one.plan.architecture).front_end,
        "weights": f"{one.plan.name}.safetensors",
        **settings,
    }


def _course(one: Trained) -> Course:
    return Course(one.plan.name, one.plan.seed, one.losses, one.scores, one.best_epoch)


def _measured(trained: Sequence[Trained], facts: Facts) -> dict[str, dict[str, float]]:
    """Measures on validation by net, and of the mean of those that predict the same of the same tracks."""
    kinds: dict[tuple[str, ...], list[Trained]] = {}
    for one in trained:
        kinds.setdefault((repr(one.plan.settings), *one.outputs), []).append(one)
    found = {}
    for alike in kinds.values():
        targets = facts.targets[alike[0].plan.name]
        goals = [targets[track] for track in alike[0].outputs]
        for one in alike:
            found[one.plan.name] = measures(one.plan, list(one.outputs.values()), goals)
        if len(alike) > 1:
            mean = [np.mean([one.outputs[track] for one in alike], axis=0) for track in alike[0].outputs]
            found[f"mean of {len(alike)}"] = measures(alike[0].plan, mean, goals)
    return found


def _decisions(trained: Sequence[Trained], facts: Facts) -> dict[str, Any]:
    tracks = list(trained[0].outputs)
    raw = np.mean([[one.outputs[track] for track in tracks] for one in trained], axis=0)
    labels = np.stack([facts.targets[trained[0].plan.name][track] for track in tracks]) > 0.5
    platt = fit_platt(raw, labels.astype(np.float64))
    seen = labels.any(axis=0)
    thresholds = np.where(seen, f_optimal(labels, platt(raw)), _NEVER)
    where = f"the {len(tracks)} validation tracks of {facts.data.name}"
    unseen = f"; {int((~seen).sum())} tags that none of them has are never given" if not seen.all() else ""
    return _fields(
        platt,
        thresholds,
        f"Platt per tag on {where}: mean track score of the nets to the labels; penalty log(scale)^2",
        f"per tag the best F on {where}{unseen}; no test track was used",
    )


def _no_decisions() -> dict[str, Any]:
    nothing = np.zeros(0)
    return _fields(Platt(nothing, nothing), nothing, "none: no tags", "none: no tags")


def _fields(platt: Platt, thresholds: NDArray[np.float64], calibrated: str, chosen: str) -> dict[str, Any]:
    return {
        "calibration": {
            "method": "platt",
            "scale": platt.scale.tolist(),
            "bias": platt.bias.tolist(),
            "provenance": calibrated,
        },
        "thresholds": {"values": thresholds.tolist(), "provenance": chosen},
    }
