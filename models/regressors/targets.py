"""Targets of a regressor: valence and arousal together, or one of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Protocol, TypeVar

from schemas.errors import bad_bundle

TARGETS: Mapping[str, tuple[str, ...]] = {
    "both": ("valence", "arousal"),
    "valence": ("valence",),
    "arousal": ("arousal",),
}


class TargetSettings(Protocol):
    """Settings of a regressor that say what it predicts."""

    @property
    def target(self) -> str:
        """One of TARGETS."""


S = TypeVar("S", bound=TargetSettings)


def target_names(target: str) -> tuple[str, ...]:
    """What the outputs are, in order: ("valence", "arousal") for "both".

    DataError(bad_bundle) that lists those there are for any other.
    """
    if target not in TARGETS:
        raise bad_bundle(f"target {target!r} is not known; there are {', '.join(TARGETS)}")
    return TARGETS[target]


def output_names(settings: object) -> tuple[str, ...]:
    """What each output of a regressor is, in order: its targets, once for each of its voices."""
    return target_names(getattr(settings, "target", "both")) * int(getattr(settings, "voices", 1))


def one_net_per_target(settings: S) -> tuple[S, S]:
    """The same settings for valence alone and for arousal alone."""
    valence, arousal = (
        dataclasses.replace(settings, target=name)  # type: ignore[type-var]
        for name in TARGETS["both"]
    )
    return valence, arousal
