"""The valence/arousal plane as a Plotly figure."""

from __future__ import annotations

import math
from typing import Any

from pipelines.pages.escaping import plot_text
from pipelines.reporting.plane import CELLS, Plane, Point, density, window

Figure = dict[str, Any]
_HOVER = "<b>%{customdata}</b><br>%{text}<br>valence %{x:+.2f}, arousal %{y:+.2f}<extra></extra>"
_CELL = "%{text} tracks<br>valence near %{x:+.2f}, arousal near %{y:+.2f}<extra></extra>"
_SMALL, _LARGE, _MANY = 5, 10, 300
_NAMES = (
    (1, 1, "Q1 happy, excited"),
    (-1, 1, "Q2 tense, angry"),
    (-1, -1, "Q3 sad, gloomy"),
    (1, -1, "Q4 calm, content"),
)


def plane_figure(plane: Plane) -> Figure:
    """Points in the tracks' colours; of many tracks their density with the outermost points on it."""
    data = [_density(plane)] if plane.cells else []
    data.append(
        _points(plane.points, _LARGE if plane.count <= _MANY else _SMALL, on_density=bool(plane.cells))
    )
    return {"data": data, "layout": _layout(window(plane.cells, plane.points)), "narrow": _NARROW}


def _points(points: Any, size: int, *, on_density: bool) -> Figure:
    shown: list[Point] = list(points)
    edge = {"width": 1.2 if on_density else 0.6, "color": "var(--ink)" if on_density else "var(--card)"}
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [round(point.valence, 4) for point in shown],
        "y": [round(point.arousal, 4) for point in shown],
        "text": [plot_text(point.track_id) for point in shown],
        "customdata": [plot_text(point.name) for point in shown],
        "marker": {"color": [point.colour for point in shown], "size": size, "line": edge},
        "hovertemplate": _HOVER,
    }


def _density(plane: Plane) -> Figure:
    """A heat map of log10 of the counts: one dense place would leave the others dark."""
    counts = density(plane.cells)
    centres = [round(-1.0 + 2.0 * (place + 0.5) / CELLS, 4) for place in range(CELLS)]
    most = max(count for _, _, count in plane.cells)
    ticks = [10**power for power in range(int(math.log10(most)) + 1)]
    return {
        "type": "heatmap",
        "x": centres,
        "y": centres,
        "z": [[None if count is None else round(math.log10(count), 3) for count in row] for row in counts],
        "text": [["" if count is None else f"{count:,}" for count in row] for row in counts],
        "hovertemplate": _CELL,
        "hoverongaps": False,
        "colorscale": [[0, "var(--low)"], [1, "var(--high)"]],
        "zmin": 0,
        "zmax": max(1.0, math.log10(most)),
        "colorbar": {
            "title": {"text": "tracks"},
            "tickvals": [math.log10(tick) for tick in ticks],
            "ticktext": [f"{tick:,}" for tick in ticks],
            "thickness": 12,
            "outlinewidth": 0,
        },
    }


def _layout(edge: float) -> Figure:
    axis = {
        "range": [-edge, edge],
        "gridcolor": "var(--line)",
        "zerolinecolor": "var(--quiet)",
        "linecolor": "var(--line)",
        "tickformat": "+.1f",
    }
    return {
        "height": 660,
        "margin": {"l": 56, "r": 12, "t": 34, "b": 50},
        "hovermode": "closest",
        "showlegend": False,
        "dragmode": "pan",
        "xaxis": {**axis, "title": {"text": "valence: unpleasant to pleasant"}},
        "yaxis": {**axis, "title": {"text": "arousal: calm to excited"}},
        "annotations": [_corner(x, y, words) for x, y, words in _NAMES],
    }


# What of the layout is another on a phone.
_NARROW: Figure = {"height": 370, "margin": {"l": 46, "r": 4, "t": 30, "b": 44}}


def _corner(x: int, y: int, words: str) -> Figure:
    place = {"x": (x + 1) / 2, "xanchor": "right" if x > 0 else "left", "y": (y + 1) / 2}
    ink = {"color": "var(--quiet)", "size": 11}
    anchor = "top" if y > 0 else "bottom"
    refs = {"xref": "paper", "yref": "paper", "yanchor": anchor}
    return {**place, **refs, "text": words, "showarrow": False, "font": ink}
