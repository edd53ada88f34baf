"""Data set, plan and features brought together: a stream of train and one of validation for every net."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.registry import Role
from models.training.data.form import DataSet, LabelledTrack
from models.training.data.tables import bad_data
from models.training.systems.framing import Framing
from models.training.systems.loop import Parts
from models.training.systems.plan import MemberPlan, SystemPlan
from models.training.systems.stream import StoredFeatures, Stream
from models.training.systems.targets import check_validation, split, targets_of

Floats = NDArray[np.float32]


class Features(StoredFeatures, Protocol):
    """Features with the shape of a row and the ids of the runs that made them."""

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Shape of one row."""

    @property
    def runs(self) -> tuple[str, ...]:
        """Ids of the runs."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Streams by net, how many tracks each part has, notes on those left out, and what tells this data from
    other data."""

    parts: Mapping[str, Parts]
    counts: Mapping[str, int]
    notes: tuple[str, ...]
    fingerprint: str


def gather(data: DataSet, system: SystemPlan, store: Features, *, seed: int) -> Gathered:
    """Read all features once, check them, and join them with the targets of each net.

    Raises DataError(bad_input) for rows of another width than the nets take, a value that is not finite, and
    a part of which nothing is left.
    """
    tracks = split(data, seed=seed)
    wanted = {track.track_id for part in ("train", "validation") for track in tracks[part]}
    lengths = _lengths(store, wanted)
    parts, notes = {}, []
    for plan in system.members:
        _check_width(plan, store)
        framing = _framing(plan, store)
        kept = {name: length for name, length in lengths.items() if length >= framing.minimum_rows}
        train, validation = (
            _stream(tracks[part], data, plan, _Source(store, kept, framing))
            for part in ("train", "validation")
        )
        for part in (train, validation):
            check_validation(part.targets, plan, data.tags)
        parts[plan.name] = Parts(train, validation)
        if left_out := len(wanted) - len(train.targets) - len(validation.targets):
            notes.append(
                f"{left_out} of {len(wanted)} tracks have no features, no target or less than "
                f"{framing.minimum_rows * store.step_s:.3g} s, and are left out"
            )
    first = parts[system.members[0].name]
    counts = {"train": len(first.train.targets), "validation": len(first.validation.targets)}
    counts |= {"test (not looked at)": len(tracks["test"])} if tracks["test"] else {}
    return Gathered(parts, counts, tuple(dict.fromkeys(notes)), _fingerprint(parts, store))


@dataclass(frozen=True, slots=True)
class _Source:
    store: Features
    lengths: Mapping[str, int]
    framing: Framing


def _stream(tracks: tuple[LabelledTrack, ...], data: DataSet, plan: MemberPlan, source: _Source) -> Stream:
    targets = {
        name: target for name, target in targets_of(tracks, data, plan).items() if name in source.lengths
    }
    lengths = {name: source.lengths[name] for name in targets}
    return Stream(source.store, targets, lengths, source.framing, plan.seed, plan.schedule.batch)


def _framing(plan: MemberPlan, store: Features) -> Framing:
    return Framing(plan.view, store.step_s, several=plan.role is Role.ANTONYM, masks=plan.masks)


def _lengths(store: Features, wanted: set[str]) -> dict[str, int]:
    """Rows of each wanted track that has features; DataError(bad_input) for a value that is not finite."""
    lengths = {}
    for group, names in enumerate(store.groups):
        if wanted.isdisjoint(names):
            continue
        for name, values in store.read(group, wanted).items():
            if not np.isfinite(values).all():
                raise bad_data(f"track {name}: its features have a value that is not finite")
            lengths[name] = len(values)
    if not lengths:
        raise bad_data(f"none of the {len(wanted)} tracks for training has features")
    return lengths


def _check_width(plan: MemberPlan, store: Features) -> None:
    """Refuse features that the net does not take before it is built."""
    inputs = getattr(plan.settings, "inputs", None) or getattr(plan.settings, "bands", None)
    if inputs and store.row_shape[-1] != inputs:
        raise bad_data(
            f"{plan.name} takes {inputs} values a row, the features have {store.row_shape[-1]}; "
            f"--set inputs={store.row_shape[-1]} makes a net for them"
        )
    window_s = getattr(plan.settings, "window_s", None)
    if window_s and store.step_s != window_s:
        raise bad_data(f"{plan.name} takes rows of {window_s:g} s, the features have {store.step_s:g} s")


def _fingerprint(parts: Mapping[str, Parts], store: Features) -> str:
    """Hash of tracks, targets and runs: a checkpoint of other data is not continued."""
    found = hashlib.sha256(repr(store.runs).encode())
    for name, both in parts.items():
        for part in (both.train, both.validation):
            for track in sorted(part.targets):
                found.update(f"{name} {track} {part.lengths[track]}".encode())
                found.update(np.ascontiguousarray(part.targets[track]).tobytes())
    return found.hexdigest()
