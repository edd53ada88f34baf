"""Members of a bundle as its index has them: architectures with settings, what they take and who shares it.

front end -> member               "front_end": "NAME@1"
front end -> encoder -> heads     "encoder": "NAME" of each head, and no front end
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.bundle_index import is_plain_name, plain_word
from models.checks.sizes import check_sizes
from models.checks.strict_json import shown
from models.registry import Architecture, Role, Settings, architecture, parse_settings
from models.views import View

_MOST_MEMBERS = 64
_ENCODER = "encoder "
# Settings of front ends are seconds, counts and frequencies: a step of a nanosecond or a million bands would
# take a worker's time and memory.
_LEAST_SETTING, _LARGEST_SETTING = 1e-3, 65_536


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
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes of its arrays by path, as its settings have it."""
        return architecture(self.architecture).sizes(self.settings).shapes

    @property
    def role(self) -> Role:
        """What it predicts, as its architecture says."""
        return architecture(self.architecture).role


def encoder_key(name: str) -> str:
    """The input key of the members that take the rows of an encoder: no front end has a space in its name."""
    return f"{_ENCODER}{name}"


def is_encoder_key(key: str) -> bool:
    """Whether an input key is that of an encoder's rows, not of a front end's."""
    return key.startswith(_ENCODER)


def parse_member(fields: Mapping[str, Any]) -> Member:
    """A member from its part of the index; DataError(bad_bundle) or ValueError for what is not as it must
    be."""
    try:
        return _parse_member(fields)
    except KeyError as error:
        raise ValueError(f"member {shown(fields.get('name'))}: {error} is missing") from error


def _parse_member(fields: Mapping[str, Any]) -> Member:
    known = architecture(plain_word(fields["architecture"]))
    name = plain_word(fields["name"])
    named = fields["front_end"] if known.front_end else fields.get("front_end", "")
    if named != known.front_end:
        takes = known.front_end or "the rows of an encoder"
        raise ValueError(
            f"member {name!r}: front end {shown(named)}, but {known.name} of this version "
            f"of moodscribe takes {takes}"
        )
    settings = parse_settings(known.name, fields["settings"])
    check_sizes(name, known.sizes(settings), known.view(settings))
    return Member(
        name=name,
        architecture=known.name,
        settings=settings,
        front_end=known.front_end,
        weights=plain_word(fields["weights"]),
        front_end_settings=_front_end_settings(fields, known),
        encoder=_encoder(fields, known),
    )


def check_members(members: Sequence[Member], *, tags: int) -> None:
    """Raise ValueError for members that do not make a bundle of so many tags."""
    if not 0 < len(members) <= _MOST_MEMBERS:
        raise ValueError("it has no members" if not members else f"it has {len(members)} members")
    _check_encoders(members)
    regressors = [member for member in members if member.role is Role.REGRESSOR]
    targets = {getattr(member.settings, "target", "both") for member in regressors}
    if targets and "both" not in targets and targets != {"valence", "arousal"}:
        raise ValueError(f"its regressors give {targets.pop()} only")
    taggers = sum(member.role is Role.TAGGER for member in members)
    if bool(tags) != bool(taggers):
        raise ValueError(f"{tags} tags, but {taggers} taggers")
    for member in members:
        if (outputs := getattr(member.settings, "targets", 2)) != 2:
            raise ValueError(f"member {member.name!r} gives {outputs} values a step, not valence and arousal")
        if (scores := getattr(member.settings, "tags", tags)) != tags:
            raise ValueError(f"member {member.name!r} scores {scores} tags of {tags}")


def _check_encoders(members: Sequence[Member]) -> None:
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
    settings, member = fields.get("front_end_settings", {}), f"member {fields['name']!r}"
    if not isinstance(settings, dict) or not all(map(_is_plain_value, settings.values())):
        raise ValueError(f"{member}: front_end_settings {shown(settings)} are not plain values")
    if settings and not known.front_end:
        raise ValueError(f"{member}: front_end_settings {shown(settings)}, but it has none")
    # Of a front end's own weights a bundle can say what they have to be, not where this machine has them.
    if "weights" in settings:
        raise ValueError(f"{member}: front_end_settings name the file {shown(settings['weights'])}")
    return dict(settings)


def _is_plain_value(value: Any) -> bool:
    """Whether a setting is a short word, "", a flag, 0 or a number of a size that settings have."""
    if isinstance(value, str):
        return not value or is_plain_name(value)
    return isinstance(value, int | float) and (value == 0 or _LEAST_SETTING <= value <= _LARGEST_SETTING)
