"""Figures are such as Plotly draws, with the values of the tables in them."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from pipelines.pages.curve_figure import at, curve_figure
from pipelines.reporting.plane import CELLS, Plane, Point, density, window
from pipelines.reporting.plane_figure import plane_figure
from pipelines.showing.envelope import Envelope, envelope
from pipelines.showing.page import _waveform
from tests.pages.made_tables import HOSTILE, Made, curve_of

POINT = Point(HOSTILE, HOSTILE, 0.25, -0.5, "#aabbcc")


def checked(figure: dict[str, Any]) -> Any:
    """The figure as Plotly's own validators take it; colours of the page's theme are any colour to them."""
    import plotly.graph_objects as go

    plain = json.loads(re.sub(r"var\(--[a-z-]+\)", "#123456", json.dumps(figure)))
    return go.Figure(data=plain["data"], layout={**plain["layout"], **plain.get("narrow", {})})


def test_the_curves_of_a_track_are_drawn_with_their_spread_ribbon_and_changes() -> None:
    curve = curve_of(Made("t", valence=0.1, arousal=-0.3), "r")
    drawn = checked(curve_figure(curve))
    lines = {trace.name: trace for trace in drawn.data if trace.name}
    assert lines.keys() == {"valence", "arousal"}
    assert list(lines["valence"].y) == pytest.approx(curve.valence, abs=1e-3)
    assert lines["valence"].dx == 500.0
    assert lines["valence"].line.dash != lines["arousal"].line.dash
    bands = [trace for trace in drawn.data if trace.type == "scatter" and trace.fill == "tonexty"]
    assert list(bands[0].y) == pytest.approx([v + 0.05 for v in curve.valence], abs=1e-3)
    (ribbon,) = (trace for trace in drawn.data if trace.type == "bar")
    assert list(ribbon.marker.color) == curve.colours
    assert sum(ribbon.width) == 120_000.0
    assert [shape.x0 for shape in drawn.layout.shapes] == ["1970-01-01 00:01:00.000"]


def test_times_of_more_than_an_hour_are_on_the_same_axis() -> None:
    assert at(3_725.25) == "1970-01-01 01:02:05.250"


def test_every_track_is_a_point_with_its_colour_and_words_that_are_no_markup() -> None:
    (points,) = checked(plane_figure(Plane(1, (), [POINT], ()))).data
    assert (points.type, list(points.x), list(points.y)) == ("scatter", [0.25], [-0.5])
    assert list(points.marker.color) == ["#aabbcc"]
    assert "<" not in points.text[0] + points.customdata[0]


def test_many_tracks_are_a_density_whose_cells_have_their_counts() -> None:
    plane = Plane(20_000, (), [POINT], [(0, 0, 1), (CELLS - 1, 2, 1000)])
    heat, points = checked(plane_figure(plane)).data
    assert (heat.type, points.type) == ("heatmap", "scatter")
    grid = np.array(heat.z, np.float64)
    assert grid.shape == (CELLS, CELLS)
    assert np.count_nonzero(~np.isnan(grid)) == 2
    assert (grid[0, 0], grid[2, CELLS - 1]) == (0.0, 3.0)
    assert heat.text[2][CELLS - 1] == "1,000"
    assert heat.x[0] == pytest.approx(-1 + 1 / CELLS)


def test_the_window_of_the_plane_has_every_point_and_cell_in_it() -> None:
    assert window((), [POINT]) > 0.5
    assert window([(0, 40, 1)], []) > 1.0
    assert window((), ()) == pytest.approx(1.05)
    assert density([(1, 0, 7)])[0][:3] == [None, 7, None]


def test_an_envelope_has_the_lowest_and_highest_sample_of_each_column() -> None:
    samples = np.random.default_rng(2).uniform(-1, 1, 100_003).astype(np.float32)
    blocks = [samples[:7], samples[7:50_000], samples[50_000:]]
    found = envelope(blocks, rate_hz=16_000, columns=50)
    size = round(found.step_s * 16_000)
    assert len(found.low) == -(-len(samples) // size) <= 50
    for place, (low, high) in enumerate(zip(found.low, found.high, strict=True)):
        column = samples[place * size : (place + 1) * size]
        assert (low, high) == (min(0, column.min()), max(0, column.max()))


def test_an_envelope_of_no_samples_is_empty() -> None:
    assert len(envelope([], rate_hz=8_000).low) == 0


def test_a_waveform_goes_along_the_highs_and_comes_back_along_the_lows() -> None:
    low, high = np.array([-0.5, -0.25], np.float32), np.array([0.75, 1.0], np.float32)
    drawn = checked({"data": [_waveform(Envelope(low, high, 1.0))], "layout": {}}).data[0]
    assert list(drawn.y) == [0.75, 1.0, -0.25, -0.5]
    assert drawn.x[0] == drawn.x[-1] == "1970-01-01 00:00:00.500"
