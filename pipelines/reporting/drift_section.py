"""The part of a report on what has changed since the run before."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.pages.escaping import html_text
from pipelines.pages.tables import Cell, signed, table
from pipelines.reporting.facts import Facts
from schemas.drift import AxisDrift, CurveDrift


def drift_section(facts: Facts) -> str:
    """What has changed since the run before."""
    drift = facts.drift
    if drift is None:
        return f"<p>{html_text(facts.not_compared)}</p>"
    lead = f"The catalogue as of {drift.run_b} beside what it was as of {drift.run_a}."
    before, after = drift.made_by
    parts = [f"<p>{html_text(lead)}</p>"]
    if before != after:
        parts.append(
            f'<p class="note">The runs had different models: {html_text(before)}, now {html_text(after)}.</p>'
        )
    if drift.nothing:
        return "\n".join([*parts, "<p>Nothing has changed.</p>"])
    tracks = drift.tracks
    rows: list[list[Cell]] = [
        ["tracks", tracks.count_a, tracks.count_b],
        ["with results", tracks.with_results_a, tracks.with_results_b],
        ["failed", tracks.failed_a, tracks.failed_b],
    ]
    rows += [[f"failed: {kind}", a, b] for kind, (a, b) in drift.failures.items()]
    parts.append(table("Tracks before and now", ["", "before", "now"], rows))
    moves = ("new", "gone", "changed", "newly_failed", "no_longer_failed")
    moved: list[list[Cell]] = [[name.replace("_", " "), getattr(tracks, name)] for name in moves]
    parts.append(table("What moved", ["", "tracks"], moved))
    if drift.compared:
        share = f"{drift.flips / drift.compared:.2%}"
        parts.append(f"<p>{share} of {drift.compared:,} decisions on tags are others now.</p>")
    if drift.examples:
        failed: list[list[Cell]] = [[one.kind, one.track_id, one.message] for one in drift.examples]
        parts.append(table("Newly failed, examples", ["kind", "track", "message"], failed))
    parts += _curve_drift(drift.curves)
    return "\n".join(parts)


def _curve_drift(curves: CurveDrift | None) -> Iterator[str]:
    if curves is None:
        return
    rows = [_axis("valence", curves.valence), _axis("arousal", curves.arousal)]
    columns = ["axis", "mean shift", "mean absolute shift", "95 % are below"]
    share = f"{curves.quadrant_changed / curves.compared:.2%}"
    yield table("Shifts of the tracks' means", columns, rows)
    yield f"<p>{share} of {curves.compared:,} tracks are in another quadrant.</p>"


def _axis(name: str, axis: AxisDrift) -> list[Cell]:
    return [name, signed(axis.mean, 4), f"{axis.mean_absolute:.4f}", f"{axis.percentile_95_absolute:.4f}"]
