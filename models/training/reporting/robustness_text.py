"""The card's section on other forms of the same track, from the measured figures alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.evaluation.curves import AXES
from models.training.reporting.markdown import table
from models.training.reporting.robustness_plot import ROBUSTNESS

_NONE = "-"
_HEAD = (
    "form",
    "tag r, mean",
    "tag r, lowest",
    "decisions changed",
    "valence RMSE",
    "arousal RMSE",
    "valence bias",
    "arousal bias",
)

SECTION = """
## The same track in another form

{table}

Measured on {clips} clips ({sources}), each once as it was decoded and once in every form, by the main job's
own code: r is over the clips, of the logits of a tag's calibrated score; decisions changed is the share of
the tags given in either form that are not given in both; errors of the curves are over all half seconds that
both forms have, without any shift, and bias is the changed form less the original.{failed}

![Other forms of the same track]({picture})
"""


def robustness_text(figures: Mapping[str, Any]) -> str:
    """The section as Markdown, of what `measure_robustness` gives."""
    forms = figures["forms"]
    failed = [f"{name}: {len(one['failed'])}" for name, one in forms.items() if one["failed"]]
    return SECTION.format(
        table=table(_HEAD, [(name, *_cells(one)) for name, one in forms.items()]),
        clips=figures["clips"],
        sources=", ".join(f"{count} of {source}" for source, count in figures["sources"].items()),
        failed=f" Clips that could not be tagged in a form: {', '.join(failed)}." if failed else "",
        picture=ROBUSTNESS,
    ).strip()


def _cells(figures: Mapping[str, Any]) -> tuple[str, ...]:
    tags, curves = figures.get("tags", {}), figures.get("curves", {})
    lowest = _number(tags.get("r_lowest"), ".3f")
    return (
        _number(tags.get("r_mean"), ".3f"),
        f"{lowest} ({tags['lowest_tag']})" if tags.get("lowest_tag") else lowest,
        _number(figures.get("decisions_changed"), ".1%"),
        *(_number(curves.get(axis, {}).get("rmse"), ".3f") for axis in AXES),
        *(_number(curves.get(axis, {}).get("bias"), "+.3f") for axis in AXES),
    )


def _number(value: float | None, layout: str) -> str:
    # Adding zero takes the sign from what rounds to it.
    return _NONE if value is None else format(round(value, 3) + 0.0, layout)
