"""Thresholds as JSON, with where they come from: the files they were tuned on by hash, the members, the rule.

Either what this project writes or a plain object of numbers by tag:

    {"thresholds": {"calm": 0.21, ...}, "rule": "...", "tuned_on": {"scores": "val.npz", ...}}
    {"calm": 0.21, ...}
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.reading.refusal import missing, refuse, unknown


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Thresholds [tags], `kind` (official, validation, file, fixed), the rule in words and its provenance."""

    kind: str
    values: NDArray[np.float64]
    rule: str
    tuned_on: Mapping[str, Any]

    @property
    def tuned_on_these_labels(self) -> bool:
        """Whether the decisions have seen the labels that they are measured against."""
        return self.kind == "official"

    def record(self, tags: Sequence[str]) -> dict[str, Any]:
        """Everything, for JSON; as `read_thresholds` reads it."""
        return {
            "kind": self.kind,
            "rule": self.rule,
            "tuned_on_these_labels": self.tuned_on_these_labels,
            "tuned_on": dict(self.tuned_on),
            "thresholds": {tag: float(value) for tag, value in zip(tags, self.values, strict=True)},
        }


def read_thresholds(path: Path, tags: Sequence[str]) -> Thresholds:
    """Thresholds of the tags; DataError(not_found, bad_input) for a tag unknown, missing or no number."""
    if not path.is_file():
        raise missing(str(path))
    try:
        read = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise refuse(str(path), f"not JSON: {error}") from error
    if not isinstance(read, dict):
        raise refuse(str(path), "not an object of thresholds by tag")
    values = read.get("thresholds", read)
    if not isinstance(values, dict):
        raise refuse(str(path), "`thresholds` is not an object of numbers by tag")
    _check(path, values, tags)
    numbers = np.array([float(values[tag]) for tag in tags])
    rule, tuned_on = (read.get("rule", ""), read.get("tuned_on", {})) if "thresholds" in read else ("", {})
    return Thresholds("file", numbers, rule or f"from {path.name}", {"file": path.name, **tuned_on})


def _check(path: Path, values: Mapping[str, Any], tags: Sequence[str]) -> None:
    for tag, value in values.items():
        if tag not in tags:
            raise refuse(str(path), unknown(tag, tags, kind="tag"))
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not np.isfinite(value):
            raise refuse(str(path), f"threshold of {tag!r} is {value!r}, not a number")
    if absent := [tag for tag in tags if tag not in values]:
        raise refuse(str(path), f"no threshold for {', '.join(absent[:5])} ({len(absent)} tags)")
