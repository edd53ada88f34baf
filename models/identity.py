"""What the results of a bundle depend on, as short hashes: where they are equal, so are the results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from models.bundle_members import Member

_DIGITS = 16


def hash_of(value: Any) -> str:
    """16 hex digits over a value as JSON: sorted keys, floats with all their digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def model_identity(members: Sequence[Member], files: Mapping[str, str]) -> list[Any]:
    """What decides the members' numbers; `files` has the sha256 of a file by name.

    Members count by their place: no number changes with the name of a member or of its file.
    """
    places = {member.name: place for place, member in enumerate(members)}
    return [
        {**_net(member, files), **_front_end(member), "encoder": places.get(member.encoder)}
        for member in members
    ]


def input_identity(member: Member, encoder: Member | None, files: Mapping[str, str]) -> dict[str, Any]:
    """What decides the rows that a member takes: its front end, or its encoder and the encoder's."""
    return _front_end(member) if encoder is None else {**_net(encoder, files), **_front_end(encoder)}


def _net(member: Member, files: Mapping[str, str]) -> dict[str, Any]:
    return {
        "architecture": member.architecture,
        "settings": asdict(member.settings),
        "weights": files[member.weights],
    }


def _front_end(member: Member) -> dict[str, Any]:
    return {"front_end": member.front_end, "front_end_settings": dict(member.front_end_settings)}
