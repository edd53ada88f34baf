"""The summary of a track's curves in words and as tables."""

from __future__ import annotations

from pipelines.pages.shown_track import ShownTrack
from pipelines.pages.tables import Cell, Swatch, clock, percent, signed, table


def curve_words(track: ShownTrack) -> str:
    """What a plot of curves shows besides its lines."""
    words = "Bands: one standard deviation over the models. Below: the colour of each moment."
    if track.curve is not None and track.curve.change_points_s:
        words += f" Dotted: changes at {', '.join(map(clock, track.curve.change_points_s))}."
    return words


def curve_table(track: ShownTrack) -> str:
    """The summary of a track's curves."""
    curve = track.curve
    if curve is None:
        return ""
    rows: list[list[Cell]] = [
        [axis, *(signed(getattr(curve, f"{axis}_{name}")) for name in ("mean", "min", "max", "slope"))]
        for axis in ("valence", "arousal")
    ]
    shares = ", ".join(f"Q{n} {percent(getattr(curve, f'q{n}_share'))}" for n in (1, 2, 3, 4))
    further: list[list[Cell]] = [
        ["quadrant of the means", curve.quadrant],
        ["time in each quadrant", shares],
        ["changes at", ", ".join(map(clock, curve.change_points_s)) or None],
        ["colour of the means", Swatch(curve.colour, curve.colour)],
    ]
    first = table("Valence and arousal", ["axis", "mean", "lowest", "highest", "slope a minute"], rows)
    return first + "\n" + table("Summary", ["", ""], further)
