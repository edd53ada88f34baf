"""The report as a page: its parts in order, its figures, and what its table of tracks finds in."""

from __future__ import annotations

from pipelines.pages.curve_figure import Figure, curve_figure
from pipelines.pages.document import Page
from pipelines.pages.escaping import html_text, visible
from pipelines.reporting.account_sections import account_section, failures_section, stages_section
from pipelines.reporting.curve_sections import curves_section, plane_section
from pipelines.reporting.drift_section import drift_section
from pipelines.reporting.facts import Facts
from pipelines.reporting.plane_figure import plane_figure
from pipelines.reporting.tag_sections import grades_section, tags_section


def report_page(facts: Facts) -> Page:
    """What `render` makes the page of."""
    account = facts.account
    words = f"Run {account.run_ids[-1]} of {account.finished}, with {account.made_by}, in {facts.output_uri}."
    if len(account.run_ids) > 1:
        words += (
            f" The account is of all {len(account.run_ids):,} runs that its command had published by then."
        )
    sections = (
        ("Account", account_section(facts)),
        ("Failures", failures_section(facts)),
        ("Throughput", stages_section(account)),
        ("Tag rates", tags_section(facts)),
        ("Valence and arousal", plane_section(facts.plane)),
        ("Curves of chosen tracks", curves_section(facts)),
        ("Grades of the tags", grades_section(facts)),
        ("Drift", drift_section(facts)),
    )
    points = facts.plane.points if facts.plane else ()
    tracks = [
        [visible(p.name), round(p.valence, 4), round(p.arousal, 4), p.colour, visible(p.track_id)]
        for p in points
    ]
    title = "Moodscribe report"
    lead = f'<p class="lead">{html_text(words)}</p>'
    return Page(title, lead, sections, _figures(facts), {"tracks": tracks}, ("finder.js",))


def _figures(facts: Facts) -> dict[str, Figure]:
    figures = {
        f"curve-{place}": curve_figure(track.curve)
        for place, (_, track) in enumerate(facts.chosen)
        if track.curve is not None
    }
    if facts.plane is not None and facts.plane.count:
        figures["plane"] = plane_figure(facts.plane)
    return figures
