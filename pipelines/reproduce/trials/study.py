"""What a trial is: contenders on one research set, its folds, and where its sound and features are kept."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from models.registry import architecture
from models.training.data.form import DataSet, LabelledTrack
from models.training.data.spec import open_data
from models.training.data.splits import folds, hold_out
from models.training.systems.plan import Choices, SystemPlan, plan_system
from models.training.systems.targets import VALIDATION_SHARE
from pipelines.reproduce.stages import Place
from pipelines.training.systems.extract import extract_features, front_end_settings
from schemas.errors import DataError, FailureKind, Stage

MEAN, SVR = "mean", "svr"
# What the baselines, which are no nets, are trained on.
_FEATURES_OF = {MEAN: "gru", SVR: "gru"}
SETS: Mapping[str, tuple[str, ...]] = {
    "vgmidi": ("vgmidi/va_per_measure.json", "vgmidi/vgmidi_labelled.csv"),
    "moods4q": ("moods4q/tracks.csv",),
    "emotify": ("emotify/tracks.csv",),
}


@dataclass(frozen=True, slots=True)
class Contender:
    """A row of a table: a system of `moodscribe train`, or "mean" or "svr", and what is chosen of it.

    Without `pretraining` a deep LSTM's first layer starts as its others. `folds` are how many of the study's
    folds are run, 0 for all. `image_net` is one of models.image_nets, for a Deep Spectrum of which `weights`
    are a file in the data folder.
    """

    name: str
    system: str
    choices: Choices = field(default_factory=Choices)
    pretraining: bool = True
    folds: int = 0
    image_net: str = ""
    weights: str = ""

    def plan(self, data: DataSet) -> SystemPlan:
        """The nets to train on a set; those of the GRU for a baseline, which has none."""
        plan = plan_system(_FEATURES_OF.get(self.system, self.system), data, self.choices)
        if self.pretraining:
            return plan
        members = (replace(one, schedule=replace(one.schedule, pretraining=0)) for one in plan.members)
        return replace(plan, members=tuple(members))


@dataclass(frozen=True, slots=True)
class Study:
    """Contenders on a set of SETS in `k` folds by group: each is test once, a fifth of the others validation.

    `limit_s` is how much of every track is used, from its start; `most` how many tracks, 0 for all, drawn so
    that every stratum keeps its share.
    """

    name: str
    contenders: tuple[Contender, ...]
    k: int
    limit_s: float
    seed: int = 1
    most: int = 0

    @property
    def files(self) -> tuple[str, ...]:
        """What is read of the data folder, but for the sound."""
        return SETS[self.name]

    @property
    def settings(self) -> dict[str, Any]:
        """All that the figures depend on besides the data, ready for JSON."""
        found: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        return found

    def key(self, contender: Contender) -> str:
        """Short hash of all that a contender's folds depend on."""
        plain = dataclasses.asdict(Contender(contender.name, contender.system))
        changed = {
            name: value for name, value in dataclasses.asdict(contender).items() if value != plain[name]
        }
        own = {**self.settings, "contenders": [contender.system, changed]}
        return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()[:10]

    def folds_of(self, contender: Contender) -> range:
        """The folds that are run of a contender."""
        return range(contender.folds or self.k)


def open_study(study: Study, place: Place) -> DataSet:
    """The set with its sound, rendered where it is MIDI, or with `most` of its tracks."""
    folder = place.data / study.name
    sound = f",work={place.shared / 'sound'}" if study.name == "vgmidi" else ""
    data = open_data(f"{study.name}={folder}{sound}")
    if not study.most or study.most >= len(data.tracks):
        return data
    kept = hold_out(data.tracks, study.most / len(data.tracks), seed=study.seed, whole_groups=False)
    return replace(data, tracks=tuple(replace(one, split="") for one in kept["validation"]))


def divide_fold(data: DataSet, study: Study, fold: int) -> DataSet:
    """The set with the split of a fold: test, and of the other folds train and validation by group."""
    places = folds(data.tracks, study.k, study.seed)
    test = [track for track, at in zip(data.tracks, places, strict=True) if at == fold]
    rest = [track for track, at in zip(data.tracks, places, strict=True) if at != fold]
    held = hold_out(rest, VALIDATION_SHARE, seed=study.seed + fold)
    tracks: Sequence[LabelledTrack] = [
        *(replace(track, split="test") for track in test),
        *held["train"],
        *held["validation"],
    ]
    return replace(data, tracks=tuple(tracks))


def features_folder(study: Study, plan: SystemPlan, place: Place, *, image_net: str = "") -> Path:
    """Where the features of a set for a system are kept, shared by all stages."""
    front_end = architecture(plan.system).front_end.partition("@")[0]
    settings = "".join(f"-{value}" for value in front_end_settings(plan).values())
    return place.shared / "features" / f"{study.name}-{front_end}{settings}{image_net and f'-{image_net}'}"


def make_features(study: Study, data: DataSet, place: Place) -> None:
    """Run the features job over the set for every contender; DataError(bad_output) where it fails."""
    for contender in study.contenders:
        plan = contender.plan(data)
        folder = features_folder(study, plan, place, image_net=contender.image_net)
        net = {"net": contender.image_net, "weights": (place.data / contender.weights).absolute()}
        changes = net if contender.image_net else {}
        if extract_features(plan, data.tracks, folder, workers=place.processes, changes=changes):
            raise DataError(FailureKind.BAD_OUTPUT, Stage.OUTPUT, f"{folder}: the features job failed")
