"""Limits of drift for schedules, such as flips=0.02 or rate:happy=0.05, and which of them are exceeded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from schemas.drift import AxisDrift, Drift, TagDrift
from schemas.errors import DataError, FailureKind, Stage


@dataclass(frozen=True, slots=True)
class Rule:
    """What must not be above a limit; of one tag, or of all together."""

    name: str
    tag: str | None
    limit: float

    def __str__(self) -> str:
        return f"{self.name}{f':{self.tag}' if self.tag else ''}={self.limit:g}"


# What each rule looks at: None where there is nothing to look at.
_OF_ALL: Mapping[str, tuple[str, Callable[[Drift], float | None]]] = {
    "flips": ("share of tag decisions that flipped", lambda drift: _share(drift.flips, drift.compared)),
    "rate": (
        "largest change of a tag's rate",
        lambda drift: max((abs(tag.rate_change) for tag in drift.tags), default=None),
    ),
    "failed": (
        "share of tracks that newly failed",
        lambda drift: drift.tracks.newly_failed / max(1, drift.tracks.count_b),
    ),
    "gone": ("share of tracks that are gone", lambda drift: drift.tracks.gone / max(1, drift.tracks.count_a)),
    "valence": (
        "mean shift of valence",
        lambda drift: _shift(drift.curves.valence if drift.curves else None),
    ),
    "arousal": (
        "mean shift of arousal",
        lambda drift: _shift(drift.curves.arousal if drift.curves else None),
    ),
    "quadrant": (
        "share of tracks in another quadrant",
        lambda drift: _share(drift.curves.quadrant_changed, drift.curves.compared) if drift.curves else None,
    ),
}
_OF_TAG: Mapping[str, Callable[[TagDrift], float | None]] = {
    "flips": lambda tag: _share(tag.flips, tag.compared),
    "rate": lambda tag: abs(tag.rate_change),
}


def parse_rule(text: str) -> Rule:
    """A rule of the form NAME=LIMIT or NAME:TAG=LIMIT; ValueError that lists the rules for another text."""
    name, separator, value = text.rpartition("=")
    name, _, tag = name.partition(":")
    known = _OF_TAG if tag else _OF_ALL
    if not separator or name not in known:
        raise ValueError(f"{text!r} is no rule; there are {rules_text()}")
    try:
        limit = float(value)
    except ValueError:
        limit = -1.0
    if not 0.0 <= limit <= 2.0:
        raise ValueError(f"{text!r}: the limit {value!r} is not a number from 0 to 2")
    return Rule(name, tag or None, limit)


def rules_text() -> str:
    """All rules, for people."""
    each = [f"{name}=LIMIT ({meaning})" for name, (meaning, _) in _OF_ALL.items()]
    return ", ".join([*each, *(f"{name}:TAG=LIMIT" for name in _OF_TAG)])


def broken(rules: list[Rule], drift: Drift) -> list[str]:
    """A sentence for each rule that does not hold; what cannot be told does not hold, unless nothing moved.

    Raises DataError(bad_input) for a tag that neither state has.
    """
    sentences = []
    for rule in rules:
        value = _value(rule, drift)
        if value is None and not drift.nothing:
            sentences.append(f"{rule}: cannot be told, the two states have nothing of the kind in common")
        elif value is not None and value > rule.limit:
            sentences.append(f"{rule}: it is {value:.4g}")
    return sentences


def _value(rule: Rule, drift: Drift) -> float | None:
    if rule.tag is None:
        return _OF_ALL[rule.name][1](drift)
    tags = {tag.tag: tag for tag in drift.tags}
    if rule.tag not in tags:
        message = f"--fail-on {rule}: no tag {rule.tag!r}; there are {', '.join(tags) or 'none'}"
        raise DataError(FailureKind.BAD_INPUT, Stage.OUTPUT, message)
    return _OF_TAG[rule.name](tags[rule.tag])


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _shift(axis: AxisDrift | None) -> float | None:
    return abs(axis.mean) if axis else None
