"""Bundles: the versioned folder of models, fusion, calibration and thresholds that one job runs.

    bundle.json          what is below, and the sha256 of every file
    NAME.safetensors     weights of one member: arrays by variable path, nothing that executes
    card.md              data, splits, measurements, terms

Loading reads JSON and arrays and checks both; the nets are built by our own code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle_members import Member, check_encoders, is_plain_name, parse_member, plain_word
from models.quality import Quality, parse_quality
from models.registry import Role
from schemas.errors import bad_bundle

FORMAT = 1
INDEX = "bundle.json"
_MAX_INDEX_BYTES = 8 << 20


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
    """A bundle whose index and files have been checked."""

    folder: Path
    name: str
    version: str
    tags: tuple[str, ...]
    members: tuple[Member, ...]
    decisions: Decisions
    terms: str
    sha256: str
    quality: Quality = field(default_factory=Quality)

    @property
    def key(self) -> str:
        """How tables name it: name, version and the first twelve digits of the index's hash."""
        return f"{self.name}-{self.version}-{self.sha256[:12]}"

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
        """Arrays of a member by variable path."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            return load((self.folder / member.weights).read_bytes())
        except SafetensorError as error:
            raise bad_bundle(f"{member.weights}: not safetensors: {error}") from error
        except KeyError as error:
            raise bad_bundle(f"{member.weights}: arrays of type {error} cannot be read") from error


def read_bundle(folder: Path) -> Bundle:
    """Check a folder and return its bundle.

    Raises DataError(bad_bundle) that names the file and the value: no index, another format version, an
    unknown architecture or front end, an encoder that is missing, of other sizes or of no use, a file that is
    missing, a link, or not what its hash says.
    """
    index = folder / INDEX
    if not index.is_file():
        raise bad_bundle(f"{folder}: no {INDEX} in this folder")
    if index.stat().st_size > _MAX_INDEX_BYTES:
        raise bad_bundle(f"{index}: larger than {_MAX_INDEX_BYTES} bytes")
    data = index.read_bytes()
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise bad_bundle(f"{index}: not JSON: {error}") from error
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        found = fields.get("format") if isinstance(fields, dict) else fields
        raise bad_bundle(f"{index}: format version {found!r}; this moodscribe reads {FORMAT}")
    try:
        bundle = _parse(folder, fields, hashlib.sha256(data).hexdigest())
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise bad_bundle(f"{index}: {type(error).__name__}: {error}") from error
    _check_files(folder, fields["files"])
    for member in bundle.members:
        if member.weights not in fields["files"]:
            raise bad_bundle(f"{index}: weights of {member.name}, {member.weights!r}, are not in its files")
    return bundle


def _parse(folder: Path, fields: Mapping[str, Any], sha256: str) -> Bundle:
    tags = tuple(str(tag) for tag in fields["tags"])
    if len(set(tags)) != len(tags):
        raise ValueError("tags repeat")
    calibration, thresholds = fields["calibration"], fields["thresholds"]
    if fields["fusion"] != {"method": "mean"}:
        raise ValueError(f"fusion {fields['fusion']!r} is not known")
    if not isinstance(fields["files"], Mapping):
        raise ValueError("files is not an object")
    bundle = Bundle(
        folder=folder,
        name=plain_word(fields["name"]),
        version=plain_word(fields["version"]),
        tags=tags,
        members=tuple(parse_member(member) for member in fields["members"]),
        decisions=Decisions(
            scale=_per_tag("calibration.scale", calibration["scale"], tags),
            bias=_per_tag("calibration.bias", calibration["bias"], tags),
            threshold=_per_tag("thresholds.values", thresholds["values"], tags),
            calibration_provenance=str(calibration["provenance"]),
            threshold_provenance=str(thresholds["provenance"]),
        ),
        terms=str(fields["terms"]),
        sha256=sha256,
        quality=parse_quality(fields["quality"], tags) if "quality" in fields else Quality(),
    )
    if not bundle.members:
        raise ValueError("it has no members")
    check_encoders(bundle.members)
    targets = {getattr(member.settings, "target", "both") for member in bundle.of_role(Role.REGRESSOR)}
    if targets and "both" not in targets and targets != {"valence", "arousal"}:
        raise ValueError(f"its regressors give {targets.pop()} only")
    if bool(tags) != bool(bundle.of_role(Role.TAGGER)):
        raise ValueError(f"{len(tags)} tags, but {len(bundle.of_role(Role.TAGGER))} taggers")
    for member in bundle.members:
        if (scores := getattr(member.settings, "tags", len(tags))) != len(tags):
            raise ValueError(f"member {member.name!r} scores {scores} tags of {len(tags)}")
    return bundle


def _per_tag(name: str, values: Any, tags: tuple[str, ...]) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    if array.shape != (len(tags),) or not np.isfinite(array).all():
        raise ValueError(f"{name} needs {len(tags)} finite values, has {list(array.shape)}")
    return array


def _check_files(folder: Path, files: Mapping[str, Any]) -> None:
    for name, expected in files.items():
        path = folder / _plain(name)
        if path.is_symlink() or not path.is_file():
            raise bad_bundle(f"{path}: named in {INDEX}, but there is no such file")
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if not isinstance(expected, Mapping) or found != expected.get("sha256"):
            raise bad_bundle(f"{path}: sha256 is {found}, {INDEX} says {expected}")


def _plain(name: str) -> str:
    if not is_plain_name(name):
        raise bad_bundle(f"file name {name!r} in {INDEX} is not a plain name")
    return name


def write_index(folder: Path, fields: Mapping[str, Any]) -> Bundle:
    """Write bundle.json over the files that are in `folder`, hashes added, and read the bundle back.

    `fields` is what bundle.json holds but for `format` and `files`; members carry their settings as a
    dataclass or as a mapping. Every other file in the folder becomes part of the bundle.
    """
    files = {
        path.name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
        for path in sorted(folder.iterdir())
        if path.name != INDEX
    }
    members = [{**member, "settings": _plain_settings(member["settings"])} for member in fields["members"]]
    index = {"format": FORMAT, **fields, "members": members, "files": files}
    (folder / INDEX).write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return read_bundle(folder)


def _plain_settings(settings: Any) -> dict[str, Any]:
    return dict(settings) if isinstance(settings, Mapping) else asdict(settings)
