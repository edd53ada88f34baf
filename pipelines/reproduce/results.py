"""The results page: figures of all stages -> models/RESULTS.md, the same text for the same figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipelines.reproduce.stages import Found, Reproduction, Section, Table, write_json

PAGE = Path("models") / "RESULTS.md"
COMMAND = "python -m pipelines.reproduce --data ../shared/data --work work/reproduce"
_HEAD = f"""\
# Results

What the systems reach on the data at hand, beside what the papers print, and why they differ. Every figure
on this page was measured by one command, `make reproduce`, which is

    {COMMAND}

It runs stage by stage, some two hours on two cores, and goes on where it was stopped; the page is written
from its figures (`results.json` in the work folder) and is not edited by hand. The data are research sets
that are no part of this repository; VGMIDI is rendered by FluidSynth with FluidR3 (Debian's fluidsynth and
fluid-soundfont-gm). Nothing was chosen by a look at test labels unless a line says so.
"""


def render(found: Mapping[str, Found], stages: Sequence[Reproduction]) -> str:
    """The page as Markdown: one section for each stage of which there are figures, in the stages' order."""
    sections = [stage.section(found[stage.name]) for stage in stages if stage.name in found]
    return "\n".join([_HEAD, *map(_section, sections)])


def write_results(
    found: Mapping[str, Found], stages: Sequence[Reproduction], *, work: Path, page: Path
) -> None:
    """Write work/results.json, and the page from it."""
    write_json(work / "results.json", dict(found))
    page.write_text(render(found, stages), encoding="utf-8")


def figure(value: float | None, digits: int = 4) -> str:
    """A figure between -1 and 1 as tables print it, without the 0 before the point; a dash for none."""
    if value is None:
        return "-"
    text = f"{value:.{digits}f}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def interval(bounds: Sequence[float], digits: int = 3) -> str:
    """A low and a high bound in brackets."""
    return f"[{', '.join(figure(bound, digits) for bound in bounds)}]"


def _section(section: Section) -> str:
    parts = [_table(part) if isinstance(part, Table) else f"{part.strip()}\n" for part in section.parts]
    return "\n".join([f"## {section.title}\n", *parts])


def _table(table: Table) -> str:
    lines = [table.columns, ("---",) * len(table.columns), *table.rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
