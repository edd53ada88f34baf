"""Beam's options with views that are made once: a pipeline asks for six hundred, and each would be parsed."""

from __future__ import annotations

from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions


class RunOptions(PipelineOptions):  # type: ignore[misc]
    """Options of a run, as Beam has them: all views share their values, as theirs do."""

    def view_as(self, cls: type[Any]) -> Any:
        """These options as that class of Beam's has them."""
        views = self.__dict__.setdefault("_views", {})
        if cls not in views:
            views[cls] = super().view_as(cls)
        return views[cls]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_views"}
