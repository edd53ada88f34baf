"""A bundle's folder, read and written: every file is looked at before anything is made of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.bundle import FUSION, Bundle, Decisions, check_hash, places_in
from models.bundle_index import (
    FORMAT,
    INDEX,
    MAX_INDEX_BYTES,
    an_object,
    objects,
    parse_files,
    parse_index,
    per_tag,
    plain_word,
    tag_names,
    text,
)
from models.bundle_members import check_members, parse_member
from models.checks.files import look_at, read_whole
from models.checks.strict_json import cut, shown
from models.quality import Quality, parse_quality
from schemas.errors import DataError, bad_bundle


def read_bundle(folder: Path) -> Bundle:
    """Check a folder and return its bundle.

    Raises DataError(bad_bundle) that names the file and the value: no index, another format version, an
    unknown architecture or front end, an encoder that is missing, of other sizes or of no use, a net beyond
    all bounds, a file that is missing, a link, or not what its hash says, weights that do not fit their net.
    """
    index = folder / INDEX
    if not index.exists() and not index.is_symlink():
        raise bad_bundle(f"{folder}: no {INDEX} in this folder")
    bundle = parse_bundle(read_whole(index, most=MAX_INDEX_BYTES), folder, source=str(index))
    heads = {name: _checked_head(bundle, name) for name in bundle.files}
    for member in bundle.members:
        try:
            places_in(heads[member.weights], bundle.file_bytes[member.weights], member)
        except ValueError as error:
            raise bad_bundle(f"{folder / member.weights}: {error}") from error
    return bundle


def parse_bundle(data: bytes, folder: Path, *, source: str) -> Bundle:
    """The bundle that an index says lies in `folder`, its files not looked at yet.

    Raises DataError(bad_bundle) that names `source`.
    """
    try:
        return _parse(folder, parse_index(data), hashlib.sha256(data).hexdigest())
    except DataError as error:
        raise bad_bundle(f"{source}: {cut(error.message)}") from error
    except ValueError as error:
        raise bad_bundle(f"{source}: {cut(str(error))}") from error
    except KeyError as error:
        raise bad_bundle(f"{source}: {cut(str(error))} is missing") from error


def _parse(folder: Path, fields: Mapping[str, Any], sha256: str) -> Bundle:
    tags = tag_names(fields["tags"])
    if fields["fusion"] != FUSION:
        raise ValueError(f"fusion {shown(fields['fusion'])} is not known")
    files = parse_files(fields["files"])
    bundle = Bundle(
        folder=folder,
        name=plain_word(fields["name"]),
        version=plain_word(fields["version"]),
        tags=tags,
        members=tuple(parse_member(member) for member in objects("members", fields["members"])),
        decisions=_decisions(fields, tags),
        terms=text("terms", fields["terms"]),
        sha256=sha256,
        quality=parse_quality(fields["quality"], tags) if "quality" in fields else Quality(),
        files={name: file.sha256 for name, file in files.items()},
        file_bytes={name: file.size for name, file in files.items()},
    )
    check_members(bundle.members, tags=len(tags))
    for member in bundle.members:
        if member.weights not in files:
            raise ValueError(f"weights of {member.name}, {member.weights!r}, are not in its files")
    return bundle


def _decisions(fields: Mapping[str, Any], tags: tuple[str, ...]) -> Decisions:
    calibration, thresholds = (an_object(name, fields[name]) for name in ("calibration", "thresholds"))
    return Decisions(
        scale=per_tag("calibration.scale", calibration["scale"], tags),
        bias=per_tag("calibration.bias", calibration["bias"], tags),
        threshold=per_tag("thresholds.values", thresholds["values"], tags),
        calibration_provenance=text("calibration.provenance", calibration["provenance"]),
        threshold_provenance=text("thresholds.provenance", thresholds["provenance"]),
    )


def _checked_head(bundle: Bundle, name: str) -> bytes:
    """The first bytes of a file whose size and hash are what the index says."""
    path = bundle.folder / name
    if not path.exists() and not path.is_symlink():
        raise bad_bundle(f"{path}: named in {INDEX}, but there is no such file")
    look = look_at(path, size=bundle.file_bytes[name])
    check_hash(path, look.sha256, bundle.files[name])
    return look.head


def write_index(folder: Path, fields: Mapping[str, Any]) -> Bundle:
    """Write bundle.json over the files that are in `folder`, hashes added, and read the bundle back.

    `fields` is what bundle.json holds but for `format` and `files`; members carry their settings as a
    dataclass or as a mapping. Every other file in the folder becomes part of the bundle.
    """
    looks = {path.name: look_at(path) for path in sorted(folder.iterdir()) if path.name != INDEX}
    files = {name: {"sha256": look.sha256, "bytes": look.size} for name, look in looks.items()}
    members = [{**member, "settings": _plain_settings(member["settings"])} for member in fields["members"]]
    index = {"format": FORMAT, **fields, "members": members, "files": files}
    (folder / INDEX).write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return read_bundle(folder)


def _plain_settings(settings: Any) -> dict[str, Any]:
    return dict(settings) if isinstance(settings, Mapping) else asdict(settings)
