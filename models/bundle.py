"""Bundles: the versioned folder of models, fusion, calibration and thresholds that one job runs.

    bundle.json          what is below, and the sha256 of every file
    NAME.safetensors     weights of one member: arrays by variable path, nothing that executes
    card.md              data, splits, measurements, terms

A bundle may come from anybody. Loading reads JSON and arrays and checks both before anything is made of them;
the nets are built by our own code, and none is larger than the limits of models.checks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle_index import INDEX
from models.bundle_members import Member
from models.checks.array_file import Place, arrays_in, check_shapes, read_header
from models.checks.files import read_whole
from models.identity import hash_of, input_identity, model_identity
from models.quality import Quality
from models.registry import Role
from schemas.errors import bad_bundle

FUSION = {"method": "mean"}


@dataclass(frozen=True, slots=True)
class Decisions:
    """Raw fused scores to decisions: score = sigmoid(scale * logit(raw) + bias), tagged above threshold.

    Each array is [tags] float64; the provenances say on which data and by which rule they were found.
    """

    scale: NDArray[np.float64]
    bias: NDArray[np.float64]
    threshold: NDArray[np.float64]
    calibration_provenance: str
    threshold_provenance: str


@dataclass(frozen=True)
class Bundle:
    """A bundle whose index and files have been checked.

    `sha256` is the index's; `files` has that of every other file by name, `file_bytes` its size.
    """

    folder: Path
    name: str
    version: str
    tags: tuple[str, ...]
    members: tuple[Member, ...]
    decisions: Decisions
    terms: str
    sha256: str
    quality: Quality = field(default_factory=Quality)
    files: Mapping[str, str] = field(default_factory=dict)
    file_bytes: Mapping[str, int] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """How tables name it: name, version and the first twelve digits of the index's hash."""
        return f"{self.name}-{self.version}-{self.sha256[:12]}"

    @cached_property
    def model_hash(self) -> str:
        """16 hex digits over all that can change a raw score, a curve or a share, and over nothing else: not
        its name, version, card or terms, nor what is decided from scores."""
        members = model_identity(self.members, self.files)
        return hash_of({"tags": self.tags, "members": members, "fusion": FUSION})

    @cached_property
    def decision_hash(self) -> str:
        """16 hex digits over what makes decisions of raw scores: calibration, thresholds and the tags'
        quality, as `deciding` has set it; not over where they were found."""
        decisions, quality = self.decisions, self.quality
        return hash_of(
            {
                "scale": decisions.scale.tolist(),
                "bias": decisions.bias.tolist(),
                "threshold": decisions.threshold.tolist(),
                "grades": quality.grades,
                "off": quality.off,
                "opposites": quality.opposites,
                "all_tags": quality.all_tags,
            }
        )

    def input_hash(self, member: Member) -> str:
        """16 hex digits over what makes the rows that a member takes: its front end with settings, or its
        encoder with weights and the encoder's front end."""
        return hash_of(input_identity(member, self.encoder_of(member), self.files))

    @cached_property
    def front_ends(self) -> tuple[str, ...]:
        """Keys of the front ends that its members need, with their settings, in order, each once."""
        return tuple(dict.fromkeys(member.input_key for member in self.members if not member.encoder))

    @property
    def encoders(self) -> tuple[Member, ...]:
        """Members that give rows to others and predict nothing, in order."""
        return self.of_role(Role.ENCODER)

    def encoder_of(self, member: Member) -> Member | None:
        """The encoder whose rows a head takes, None for other members."""
        return next((one for one in self.encoders if one.name == member.encoder), None)

    @property
    def predictors(self) -> tuple[Member, ...]:
        """Members that predict something, in order: all but the encoders."""
        return tuple(member for member in self.members if member.role is not Role.ENCODER)

    def of_role(self, role: Role) -> tuple[Member, ...]:
        """Members of one role, in order."""
        return tuple(member for member in self.members if member.role is role)

    def deciding(self, *, all_tags: bool) -> Bundle:
        """The bundle for a run that decides all tags, or only those that are not off."""
        return replace(self, quality=self.quality.deciding(all_tags=all_tags))

    @property
    def pairs(self) -> tuple[str, ...]:
        """Antonym pairs that its members tell apart, in order, each once."""
        pairs = (getattr(member.settings, "pair", "") for member in self.of_role(Role.ANTONYM))
        return tuple(dict.fromkeys(pairs))

    def weights(self, member: Member) -> dict[str, NDArray[Any]]:
        """Arrays of a member by variable path, read only.

        Raises DataError(bad_bundle) where the file is no longer what was checked, and for an array with
        values that are not finite or beyond all bounds.
        """
        path = self.folder / member.weights
        data = read_whole(path, most=self.file_bytes[member.weights])
        check_hash(path, hashlib.sha256(data).hexdigest(), self.files[member.weights])
        try:
            return arrays_in(data, places_in(data, len(data), member))
        except ValueError as error:
            raise bad_bundle(f"{path}: {error}") from error


def check_hash(path: Path, found: str, expected: str) -> None:
    """Raise DataError(bad_bundle) for another hash than the index has."""
    if found != expected:
        raise bad_bundle(f"{path}: sha256 is {found}, {INDEX} says {expected}")


def places_in(head: bytes, size: int, member: Member) -> dict[str, Place]:
    """Where a member's arrays lie in a file of `size` bytes, from its first bytes; ValueError where they do
    not fit the member."""
    places = read_header(head, size)
    check_shapes(places, member.shapes)
    return places
