"""A track's curves as a Plotly figure: valence and arousal with their spread, the ribbon of its colours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from schemas.emotion_curves import EmotionCurveRow

AXES = ("valence", "arousal")
_DASH = {"valence": "solid", "arousal": "dash"}
_HOUR_S = 3600.0
# Shares of the height of the drawing: the ribbon below, the waveform, where there is one, on top.
_RIBBON, _GAP = 0.09, 0.05

Figure = dict[str, Any]


def curve_figure(curve: EmotionCurveRow, envelope: Figure | None = None, *, height: int = 320) -> Figure:
    """The figure; `envelope` is a trace of the waveform over the same time axis, drawn on top.

    Times are of a date axis, from 1970 on, so that ticks read m:ss however far one zooms in. Colours such as
    var(--line) are those of the page's theme.
    """
    end_s = curve.start_s + len(curve.valence) * curve.step_s
    top = 1.0 if envelope is None else 0.74
    layout: Figure = {
        "height": height,
        "margin": {"l": 44, "r": 12, "t": 34, "b": 62},
        "hovermode": "x unified",
        "hoverdistance": -1,
        "legend": {"orientation": "h", "x": 0, "y": -0.13, "yanchor": "top"},
        "barmode": "overlay",
        "bargap": 0,
        "dragmode": "zoom",
        "xaxis": _time_axis(end_s),
        "yaxis": _axis([_RIBBON + _GAP, top], range=[-1.05, 1.05], dtick=0.5, zeroline=True),
        "yaxis2": _axis([0.0, _RIBBON], range=[0, 1], visible=False),
        "shapes": [_change(time_s) for time_s in curve.change_points_s],
    }
    traces = [trace for axis in AXES for trace in _axis_traces(curve, axis)]
    traces.append(_ribbon(curve, end_s))
    if envelope is not None:
        layout["yaxis3"] = _axis([top + _GAP, 1.0], range=[-1, 1], visible=False)
        traces.append({**envelope, "yaxis": "y3"})
    return {"data": traces, "layout": layout}


def _axis_traces(curve: EmotionCurveRow, axis: str) -> list[Figure]:
    """The band of one standard deviation around an axis, and its line."""
    values, spreads = getattr(curve, axis), getattr(curve, f"{axis}_spread")
    times = {"x0": at(curve.start_s), "dx": curve.step_s * 1000.0}
    low, high = (
        [round(max(-1.0, min(1.0, v + side * s)), 3) for v, s in zip(values, spreads, strict=True)]
        for side in (-1, 1)
    )
    edge = {"type": "scatter", "mode": "lines", **times, "hoverinfo": "skip", "showlegend": False}
    line: Figure = {
        "type": "scatter",
        "mode": "lines",
        "name": axis,
        **times,
        "y": [round(value, 3) for value in values],
        "line": {"color": f"var(--{axis})", "width": 2, "dash": _DASH[axis]},
        "customdata": [round(spread, 3) for spread in spreads],
        "hovertemplate": "%{y:+.2f} ± %{customdata:.2f}",
    }
    if not any(spreads):
        return [line]
    band = {"fill": "tonexty", "fillcolor": f"var(--{axis}-band)"}
    none = {"line": {"width": 0}}
    return [{**edge, **none, "y": low}, {**edge, **none, "y": high, **band}, line]


def _ribbon(curve: EmotionCurveRow, end_s: float) -> Figure:
    """A bar for each colour step; the last may be shorter."""
    step_s = curve.colour_step_s
    begins = [curve.start_s + place * step_s for place in range(len(curve.colours))]
    widths = [1000.0 * min(step_s, max(0.001, end_s - begin)) for begin in begins]
    return {
        "type": "bar",
        "x": [at(begin) for begin in begins],
        "y": [1] * len(begins),
        "offset": 0,
        "width": widths,
        "marker": {"color": list(curve.colours), "line": {"width": 0}},
        "yaxis": "y2",
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _time_axis(end_s: float) -> Figure:
    clock = "%-H:%M:%S" if end_s >= _HOUR_S else "%-M:%S"
    return {
        "type": "date",
        "range": [at(0.0), at(end_s)],
        "anchor": "free",
        "position": 0,
        "tickformat": clock,
        "hoverformat": clock,
        "nticks": 8,
        "gridcolor": "var(--line)",
        "linecolor": "var(--line)",
        "zeroline": False,
    }


def _axis(domain: Sequence[float], **settings: Any) -> Figure:
    lines = {"gridcolor": "var(--line)", "zerolinecolor": "var(--quiet)", "zeroline": False}
    return {"domain": list(domain), "fixedrange": True, **lines, **settings}


def _change(time_s: float) -> Figure:
    line = {"color": "var(--quiet)", "width": 1.5, "dash": "dot"}
    return {"type": "line", "x0": at(time_s), "x1": at(time_s), "yref": "y", "y0": -1, "y1": 1, "line": line}


def at(seconds: float) -> str:
    """A time of the track on the date axis."""
    moment = datetime(1970, 1, 1) + timedelta(seconds=seconds)
    return moment.isoformat(sep=" ", timespec="milliseconds")
