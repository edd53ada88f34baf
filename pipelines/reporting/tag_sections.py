"""The parts of a report on tags: their rates, and how well the bundle tells them."""

from __future__ import annotations

from pipelines.pages.escaping import html_text
from pipelines.pages.tables import Bar, Cell, percent, table
from pipelines.reporting.facts import Facts, TagRate
from schemas.drift import TagDrift


def tags_section(facts: Facts) -> str:
    """Every tag's rate now and before."""
    if not facts.rates:
        return "<p>These runs have no tags.</p>"
    before = {tag.tag: tag for tag in facts.drift.tags} if facts.drift else {}
    ordered = sorted(facts.rates, key=lambda rate: (-rate.rate, rate.tag))
    rows = [[*_rate(one, before.get(one.tag)), _grade(one)] for one in ordered]
    columns = ["tag", "rate", "tracks", "before", "change", "gained", "lost", "grade"]
    if not before:
        rows = [[*row[:3], row[-1]] for row in rows]
        columns = [*columns[:3], columns[-1]]
    words = "Share of the tracks with results that have the tag; the line across a bar is the rate before."
    return f"<p>{words}</p>\n" + table("Tag rates", columns, rows)


def _rate(now: TagRate, before: TagDrift | None) -> list[Cell]:
    was = before.rate_a if before else None
    change = None if was is None else f"{now.rate - was:+.1%}"
    flips: list[Cell] = [before.gained, before.lost] if before else [None, None]
    return [now.tag, Bar(now.rate, percent(now.rate), was), now.tagged, percent(was), change, *flips]


def _grade(rate: TagRate) -> str:
    return f"{rate.grade or 'none'}{', off' if rate.off else ''}"


def grades_section(facts: Facts) -> str:
    """How well the tags are told, by the bundle's own measure."""
    graded = [rate for rate in facts.rates if rate.grade]
    if not graded:
        return "<p>The bundle does not grade its tags.</p>"
    rows: list[list[Cell]] = []
    for grade in sorted({rate.grade for rate in graded}):
        some = [rate for rate in graded if rate.grade == grade]
        off = sum(rate.off for rate in some)
        decisions = sum(rate.tagged for rate in some)
        rows.append([grade, ", ".join(rate.tag for rate in some), len(some), off, decisions])
    words = "From A, told well on unseen data, to D, near chance. Tags that are off are never given."
    by = f"<p>Graded {html_text(facts.grades_by)}.</p>" if facts.grades_by else ""
    columns = ["grade", "which", "tags", "of them off", "decisions"]
    return f"<p>{words}</p>\n{by}\n" + table("Tags by grade", columns, rows)
