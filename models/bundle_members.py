"""Members of a bundle as its index has them: architectures with settings, what they take and who shares it.

front end -> member               "front_end": "NAME@1"
front end -> encoder -> heads     "encoder": "NAME" of each head, and no front end
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.registry import Architecture, Role, Settings, architecture, parse_settings
from models.views import View

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True)
class Member:
    """One model of a bundle: an architecture with its settings, what it takes and its weights' file.

    It takes the rows of its `front_end`, or, where that is "", those that the member named `encoder` gives.
    """

    name: str
    architecture: str
    settings: Settings
    front_end: str
    weights: str
    front_end_settings: Mapping[str, Any] = field(default_factory=dict)
    encoder: str = ""

    @property
    def input_key(self) -> str:
        """Its front end with what of its settings is not the default, or its encoder: equal keys share their
        features."""
        if self.encoder:
            return encoder_key(self.encoder)
        if not self.front_end_settings:
            return self.front_end
        return f"{self.front_end} {json.dumps(self.front_end_settings, sort_keys=True)}"

    @property
    def view(self) -> View:
        """What of a track one call of it sees."""
        return architecture(self.architecture).view(self.settings)

    @property
    def role(self) -> Role:
        """What it predicts, as its architecture says."""
        return architecture(self.architecture).role


def encoder_key(name: str) -> str:
    """The input key of the members that take the rows of an encoder: no front end has a space in its name."""
    return f"encoder {name}"


def parse_member(fields: Mapping[str, Any]) -> Member:
    """A member from its part of the index; DataError(bad_bundle), ValueError or KeyError for what is not as
    it must be."""
    known = architecture(str(fields["architecture"]))
    named = fields["front_end"] if known.front_end else fields.get("front_end", "")
    if named != known.front_end:
        takes = known.front_end or "the rows of an encoder"
        raise ValueError(
            f"member {fields['name']!r}: front end {named!r}, but {known.name} of this version "
            f"of moodscribe takes {takes}"
        )
    return Member(
        name=plain_word(fields["name"]),
        architecture=known.name,
        settings=parse_settings(known.name, fields["settings"]),
        front_end=known.front_end,
        weights=plain_word(fields["weights"]),
        front_end_settings=_front_end_settings(fields, known),
        encoder=_encoder(fields, known),
    )


def check_encoders(members: Sequence[Member]) -> None:
    """Raise ValueError for a name that repeats, a head without its encoder, and an encoder without a head."""
    names = [member.name for member in members]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"two members are named {repeated[0]!r}")
    encoders = {member.name: member for member in members if member.role is Role.ENCODER}
    for head in members:
        if not head.encoder:
            continue
        if head.encoder not in encoders:
            raise ValueError(f"member {head.name!r}: there is no encoder {head.encoder!r} in this bundle")
        taken, given = (
            getattr(one.settings, what)
            for one, what in ((head, "inputs"), (encoders[head.encoder], "outputs"))
        )
        if taken != given:
            raise ValueError(
                f"member {head.name!r} takes {taken} values a row, encoder {head.encoder!r} gives {given}"
            )
    if idle := sorted(set(encoders) - {member.encoder for member in members}):
        raise ValueError(f"no member takes the rows of encoder {idle[0]!r}")


def _encoder(fields: Mapping[str, Any], known: Architecture) -> str:
    """The encoder that a head names; none for others."""
    if known.front_end and "encoder" in fields:
        raise ValueError(
            f"member {fields['name']!r}: encoder {fields['encoder']!r}, but {known.name} takes the rows of "
            f"{known.front_end}"
        )
    return "" if known.front_end else plain_word(fields["encoder"])


def _front_end_settings(fields: Mapping[str, Any], known: Architecture) -> dict[str, Any]:
    """Settings of a member's front end that are not its default; which there are, the front end says."""
    settings = fields.get("front_end_settings", {})
    plain = isinstance(settings, dict) and all(
        isinstance(value, str | int | float | bool) for value in settings.values()
    )
    if not plain:
        raise ValueError(f"member {fields['name']!r}: front_end_settings {settings!r} are not plain values")
    if settings and not known.front_end:
        raise ValueError(f"member {fields['name']!r}: front_end_settings {settings!r}, but it has none")
    return dict(settings)


def is_plain_name(value: Any) -> bool:
    """Whether a value of an index is a name that stays in the bundle's folder."""
    return isinstance(value, str) and _FILE_NAME.fullmatch(value) is not None


def plain_word(value: Any) -> str:
    """A value of an index that is a plain name, or ValueError."""
    if not is_plain_name(value):
        raise ValueError(f"{value!r} is not a plain name")
    return str(value)
