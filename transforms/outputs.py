"""What stages put out besides their main output, and outputs at the end of a bundle of work."""

from __future__ import annotations

from typing import Any

from apache_beam.pvalue import TaggedOutput
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

# Names of outputs: Tracks to read, tracks whose stored features or whose stored results stand, Outcomes that
# need no more work, Parquet parts, and sums by name for the account.
WORK, REMEMBERED, CACHED, CARRY = "work", "remembered", "cached", "carry"
SETTLED, PARTS, SUMS = "settled", "parts", "sums"


def at_end(element: Any) -> Any:
    """An element of the global window, under its tag if it has one, for `finish_bundle` to yield:
    Beam wants the window said there."""
    if isinstance(element, TaggedOutput):
        return TaggedOutput(element.tag, at_end(element.value))
    return WindowedValue(element, GlobalWindow().max_timestamp(), [GlobalWindow()])
