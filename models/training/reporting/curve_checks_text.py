"""The card's section on the steadiness of curves, from the measured figures alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.evaluation.curves import AXES
from models.training.reporting.markdown import table

_NONE = "-"

SECTION = """
## How steady the curves are

{table}

Shift: half a second of silence in front of {shifted} clips, their curves against those without it one
step earlier, the 5 s at either end left out. Chord: {chord_s:g} s of one chord, the largest change from one
step to the next away from the ends. Borders: {music} sounds joined of clips ({seconds:.0f} s together), the
mean change from step to step at the borders of stretches of so many steps (how many there were) over that in
the 5 s on either side of them; 1 is no jump.
"""


def curve_checks_text(figures: Mapping[str, Any]) -> str:
    """The section as Markdown, of what `measure_curve_checks` gives."""
    shift, chord = figures["shift"], figures["chord"]
    rows = [
        ("shift, largest", *(_number(shift.get(axis, {}).get("largest"), ".4f") for axis in AXES)),
        ("shift, RMS", *(_number(shift.get(axis, {}).get("rms"), ".4f") for axis in AXES)),
        ("chord, largest step", *(_number(chord.get(axis, {}).get("largest"), ".5f") for axis in AXES)),
        *(
            (
                f"borders every {one['length']} steps ({one['borders']})",
                *(_number(one[axis], ".2f") for axis in AXES),
            )
            for one in figures["borders"]
        ),
    ]
    return SECTION.format(
        table=table(("", *AXES), rows),
        shifted=figures["shifted"],
        chord_s=figures["chord_s"],
        music=figures["music"],
        seconds=figures["music_s"],
    ).strip()


def _number(value: float | None, layout: str) -> str:
    return _NONE if value is None else format(value, layout)
