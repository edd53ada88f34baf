"""What `moodscribe train SYSTEM` trains: preset, settings, seeds and schedule of every member."""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from models.antonyms import antonym_rnn
from models.registry import Role, Settings, architecture, parse_settings
from models.regressors import autoencoder, deep_lstm, gru, two_convolutions
from models.regressors.targets import one_net_per_target
from models.taggers import crnn, deep_spectrum_rnn
from models.training.data.form import DataSet
from models.training.data.tables import bad_data
from models.training.systems.schedules import SCHEDULES, Schedule, schedule
from models.views import RowView, SummaryView
from schemas.errors import DataError

PRESETS: Mapping[str, Mapping[str, Settings]] = {
    "crnn": crnn.PRESETS,
    "deep-spectrum-rnn": deep_spectrum_rnn.PRESETS,
    "deep-lstm": deep_lstm.PRESETS,
    "antonym-rnn": antonym_rnn.PRESETS,
    "gru": gru.PRESETS,
    "autoencoder": autoencoder.PRESETS,
    "two-convolutions": two_convolutions.PRESETS,
}
# Steps and bands that one mask of SpecAugment hides at most; pictures' values have no neighbours to hide.
_MASKS: Mapping[str, tuple[int, int]] = {"crnn": (60, 8)}
_PER_TARGET = ("autoencoder", "two-convolutions")
# Havránek (2021): an ensemble of five.
_MEMBERS: Mapping[str, int] = {"gru": 5}


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user chose: preset, first seed, nets of a kind (0: as published), cap of epochs (0: none), and
    settings of the model as text by name."""

    preset: str = "published"
    seed: int = 1
    members: int = 0
    epochs: int = 0
    changes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MemberPlan:
    """One net to train; `masks` are those of SpecAugment, None for none."""

    name: str
    architecture: str
    settings: Settings
    seed: int
    schedule: Schedule
    masks: tuple[int, int] | None = None

    @property
    def role(self) -> Role:
        """What it predicts."""
        return architecture(self.architecture).role

    @property
    def view(self) -> RowView:
        """What of a track one call of it sees."""
        view = architecture(self.architecture).view(self.settings)
        assert not isinstance(view, SummaryView)  # noqa: S101 - no system is a head on an encoder
        return view

    @property
    def target(self) -> str:
        """What a regressor gives: one of models.regressors.targets.TARGETS."""
        settings: Any = self.settings
        return str(settings.target)


@dataclass(frozen=True, slots=True)
class SystemPlan:
    """A system's nets; `trained_by` is the name of their schedule."""

    system: str
    preset: str
    trained_by: str
    members: tuple[MemberPlan, ...]


def plan_system(system: str, data: DataSet, choices: Choices) -> SystemPlan:
    """The nets that a system has on a data set: one for each pair or target where it has one for each, and
    each of them `members` times, from seeds that follow each other.

    Preset "improved" is ours: the published net, trained by our schedule, with SpecAugment for the CRNN.
    Raises DataError(bad_input) for a system, preset or setting that there is not, and for a data set without
    the labels that the system learns from.
    """
    settings, by = _settings(system, choices)
    chosen = _capped(schedule(system, by), choices.epochs)
    kinds = _kinds(system, settings, data)
    count = choices.members or (_MEMBERS.get(system, 1) if by == "published" else 1)
    masks = _MASKS.get(system) if by == "compact" else None
    members = tuple(
        MemberPlan(
            f"{name}-{index + 1}" if count > 1 else name, system, kind, choices.seed + index, chosen, masks
        )
        for name, kind in kinds
        for index in range(count)
    )
    return SystemPlan(system, choices.preset, by, members)


def unknown(kind: str, name: str, known: Iterable[str]) -> DataError:
    """The refusal of a name that there is not, with the nearest that there is."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    meant = f"; did you mean {near[0]}?" if near else ""
    return bad_data(f"no {kind} {name!r}{meant}; there are {', '.join(names)}")


def _settings(system: str, choices: Choices) -> tuple[Settings, str]:
    """Settings of the model and the name of its schedule."""
    if system not in SCHEDULES:
        raise unknown("system", system, SCHEDULES)
    wanted = "published" if choices.preset == "improved" else choices.preset
    presets = PRESETS[system]
    # "published" stands for the first of the published ones.
    name = wanted if wanted in presets else next((key for key in presets if key.startswith(f"{wanted}-")), "")
    if not name:
        raise unknown(f"preset of {system}", wanted, dict.fromkeys(("published", "improved", *presets)))
    ours = "compact" in (name, choices.preset) or choices.preset == "improved"
    by = "compact" if ours else "published-code" if name.startswith("published-code") else "published"
    return _changed(system, presets[name], choices.changes), by if by in SCHEDULES[system] else "published"


def _changed(system: str, settings: Settings, changes: Mapping[str, str]) -> Settings:
    given = {key: list(value) if isinstance(value, tuple) else value for key, value in _plain(settings)}
    for name in changes:
        if name not in given:
            raise unknown(f"setting of {system}", name, given)
    values = {name: _value(text, listed=isinstance(given[name], list)) for name, text in changes.items()}
    try:
        return parse_settings(system, {**given, **values})
    except DataError as error:
        raise bad_data(error.message) from error


def _plain(settings: Any) -> list[tuple[str, Any]]:
    return [(field.name, getattr(settings, field.name)) for field in dataclasses.fields(settings)]


def _value(text: str, *, listed: bool) -> Any:
    """Text as a number or yes and no where it is one; with commas as a list."""
    if listed:
        return [_value(part, listed=False) for part in text.split(",")]
    try:
        return json.loads(text)
    except ValueError:
        return text


def _kinds(system: str, settings: Any, data: DataSet) -> Sequence[tuple[str, Settings]]:
    """Name and settings of each kind of net; DataError(bad_input) for a set without the labels."""
    role = architecture(system).role
    if role is Role.TAGGER:
        if not data.tags:
            raise bad_data(f"{data.name} has no tags, which {system} learns from")
        return [(f"{system}-{settings.cell}", replace(settings, tags=len(data.tags)))]
    if role is Role.ANTONYM:
        if not data.pairs:
            raise bad_data(f"{data.name} has no antonym pairs, which {system} learns from")
        return [(f"{system}-{pair.name}", replace(settings, pair=pair.name)) for pair in data.pairs]
    if not any(track.static or track.curve for track in data.tracks):
        raise bad_data(f"{data.name} has no valence and arousal, which {system} learns from")
    if system in _PER_TARGET and settings.target != "both":
        return [(f"{system}-{one.target}", one) for one in one_net_per_target(settings)]
    if settings.target != "both":
        raise bad_data(f"target={settings.target}: a bundle of {system} needs both targets")
    return [(system, settings)]


def _capped(chosen: Schedule, epochs: int) -> Schedule:
    """A schedule that ends after so many epochs; 0 for as many as it has."""
    if not epochs:
        return chosen
    phases, left = [], epochs
    for phase in chosen.phases:
        if take := min(left, phase.epochs):
            phases.append(replace(phase, epochs=take))
        left -= take
    return replace(chosen, phases=tuple(phases))
