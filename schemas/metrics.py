"""What is counted and measured of a run: names that dashboards, alerts and readers of run.json rely on.

A name that is here stays; deploy/METRICS.md lists them for users.
"""

from __future__ import annotations

from collections.abc import Mapping

from schemas.errors import FailureKind
from schemas.tracks import Status

NAMESPACE = "moodscribe"

# Sums of a run's account that are counters of its job too: name of the sum -> name of the counter.
_COUNTED: Mapping[str, str] = {
    "count.read": "read",
    **{f"count.{status}": status.value for status in Status},
    "count.unchanged": "unchanged",
    "count.left": "left",
    "cached": "cached",
    **{f"failure.{kind}": f"failed_{kind}" for kind in FailureKind},
    "retries.read": "retries_read",
    "retries.write": "retries_write",
}
# Counted as it happens, not when a bundle of work ends: what shows that a long job goes on.
SETTLED = "settled"
COUNTERS = (*_COUNTED.values(), SETTLED)

# Values of whole numbers, each of one piece of work: a track (with its copies), a batch, a file.
DISTRIBUTIONS: Mapping[str, str] = {
    "decoded_ms": "milliseconds of audio of a track; as many values as tracks were decoded to their end",
    "read_ms": "milliseconds a track took to be fetched",
    "decode_ms": "milliseconds a track took to be decoded",
    "features_ms": "milliseconds a track took in front ends",
    "models_ms": "milliseconds in models for a track and those that waited with it for a full batch",
    "rows_ms": "milliseconds a track took to become rows",
    "batch_windows": "windows in a batch of taggers or regressors, at most --batch-size",
    "batch_images": "images in a batch of an image net",
    "merge_ms": "milliseconds a file of a table took to be written",
}


def counter_of(name: str) -> str | None:
    """The counter that goes with a sum of the account; None for a sum without one."""
    return _COUNTED.get(name)
