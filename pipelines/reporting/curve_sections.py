"""The parts of a report on curves: the plane of all tracks, the chosen ones over time."""

from __future__ import annotations

from pipelines.pages.curve_summary import curve_table, curve_words
from pipelines.pages.document import details, plot
from pipelines.pages.escaping import html_text
from pipelines.pages.shown_track import ShownTrack
from pipelines.pages.tables import Cell, share_bar, signed, table
from pipelines.reporting.facts import Facts
from pipelines.reporting.plane import CELLS, MOST_POINTS, Plane


def plane_section(plane: Plane | None) -> str:
    """Where the tracks are in the plane."""
    if plane is None or not plane.count:
        return "<p>There are no curves.</p>"
    rows: list[list[Cell]] = [
        [q.quadrant, q.count, share_bar(q.count, plane.count), signed(q.valence), signed(q.arousal)]
        for q in plane.quadrants
    ]
    words = "Every track at the mean of its curves, in the colour of that emotion."
    if plane.cells:
        words = (
            f"More than {MOST_POINTS:,} tracks: how many there are in each of {CELLS} × {CELLS} cells, "  # noqa: RUF001
            f"on a logarithmic scale, and the {len(plane.points):,} outermost tracks."
        )
    label = f"{plane.count:,} tracks in the valence/arousal plane; the tables below have the numbers"
    parts = [
        plot("plane", label, words, kind="plot plane"),
        table("Tracks by quadrant", ["quadrant", "tracks", "share", "mean valence", "mean arousal"], rows),
        details("The tracks of the plot as a table" if not plane.cells else "The outermost tracks", _FINDER),
    ]
    return "\n".join(parts)


_FINDER = """\
<div class="finder" id="finder">
<label for="find">Find a track</label><input id="find" type="search" autocomplete="off">
<button type="button" id="back">Back</button><button type="button" id="on">On</button>
<span id="count" role="status"></span>
</div>
<div class="wide" tabindex="0" role="region" aria-label="Tracks"><table>
<caption>Tracks</caption>
<thead><tr><th scope="col">name</th><th scope="col">valence</th><th scope="col">arousal</th>
<th scope="col">colour</th><th scope="col">track id</th></tr></thead>
<tbody id="found"></tbody>
</table></div>"""


def curves_section(facts: Facts) -> str:
    """The curves of the chosen tracks."""
    if not facts.chosen:
        return "<p>There are no curves.</p>"
    return "\n".join(_curve(place, why, track) for place, (why, track) in enumerate(facts.chosen))


def _curve(place: int, why: str, track: ShownTrack) -> str:
    because = f' <span class="quiet">{html_text(why)}</span>' if why else ""
    head = f"<h3>{html_text(track.name)}{because}</h3>"
    lead = f'<p class="quiet">{html_text(track.track_id)}</p>'
    if track.curve is None:
        words = ", ".join(f"{name}: {value}" for name, value in track.facts.items())
        return f"{head}\n{lead}\n<p>It has no curves. {html_text(words)}</p>"
    label = f"valence and arousal of {track.name} over time; the table below sums them up"
    drawn = plot(f"curve-{place}", label, curve_words(track))
    return "\n".join([head, lead, drawn, details("Numbers", curve_table(track))])
