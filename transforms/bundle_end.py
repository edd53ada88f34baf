"""Outputs at the end of a bundle of work, which Beam wants with their window said."""

from __future__ import annotations

from typing import Any

from apache_beam.pvalue import TaggedOutput
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue


def at_end(element: Any) -> Any:
    """An element of the global window, under its tag if it has one, for `finish_bundle` to yield."""
    if isinstance(element, TaggedOutput):
        return TaggedOutput(element.tag, at_end(element.value))
    return WindowedValue(element, GlobalWindow().max_timestamp(), [GlobalWindow()])
