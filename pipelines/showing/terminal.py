"""A track on the terminal: what it is, tags as bars, curves as plots in the colours of the moments."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import groupby

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipelines.pages.escaping import visible
from pipelines.pages.shown_track import ShownTrack
from pipelines.pages.tables import clock, percent, signed
from pipelines.showing.curve_plot import plot_lines, window_of
from schemas.antonyms import AntonymRow
from schemas.emotion_curves import EmotionCurveRow
from schemas.mood_tags import MoodTagRow

# Off a terminal lines have this width, so that they read the same everywhere.
PLAIN_WIDTH = 100
_BAR, _ROWS, _MOST_WIDE = 24, 5, 160
_MARGIN = 8
_FIRST_TAGS = 10
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def print_track(track: ShownTrack, *, every_tag: bool) -> None:
    """Print it to standard output: plain text where that is no terminal."""
    terminal = sys.stdout.isatty()
    console = Console(width=None if terminal else PLAIN_WIDTH, highlight=False)
    console.print(
        shown(track, width=min(console.width, _MOST_WIDE), every_tag=every_tag, ribbon=terminal),
        soft_wrap=False,
    )


def shown(track: ShownTrack, *, width: int, every_tag: bool, ribbon: bool) -> RenderableType:
    """All of it; without a `ribbon` there are no lines that only colours tell of."""
    parts: list[RenderableType] = [Text(visible(track.name), style="bold")]
    about = {"id": track.track_id, **track.facts, "from": track.source}
    if track.uri not in ("", track.track_id):
        about["uri"] = track.uri
    parts += [Text(f"  {name:12} {visible(value)}") for name, value in about.items()]
    if track.curve is not None:
        parts += _curves(track.curve, width=width - _MARGIN, ribbon=ribbon)
    if track.tags:
        parts += ["", _tags(_chosen(track.tags, every_tag=every_tag))]
        if not any(tag.tagged for tag in track.tags):
            parts.append(Text("  no tag is above its threshold"))
    if track.antonyms:
        parts += ["", _antonyms(track.antonyms)]
    return Group(*parts)


def _chosen(tags: Sequence[MoodTagRow], *, every_tag: bool) -> list[MoodTagRow]:
    """The first by rank, and all that the track has."""
    return [tag for tag in tags if every_tag or tag.tagged or tag.rank <= _FIRST_TAGS]


def _curves(curve: EmotionCurveRow, *, width: int, ribbon: bool) -> list[RenderableType]:
    edge = window_of(curve.valence, curve.arousal)
    parts: list[RenderableType] = []
    for axis in ("valence", "arousal"):
        values = getattr(curve, axis)
        mean, low, high, slope = (
            getattr(curve, f"{axis}_{name}") for name in ("mean", "min", "max", "slope")
        )
        words = f"{signed(mean)} on average, {signed(low)} to {signed(high)}, {signed(slope)} a minute"
        spread = sum(getattr(curve, f"{axis}_spread")) / max(1, len(values))
        parts += ["", Text.assemble((f"  {axis} ", "bold"), f"{words}, models ±{spread:.2f}")]
        parts += _plot(values, curve.colours, width=width, edge=edge)
    if ribbon:
        parts.append(_coloured(Text(" " * (_MARGIN - 2)), "█" * width, curve.colours))
    end = clock(curve.start_s + len(curve.valence) * curve.step_s)
    parts.append(Text(f"{'':{_MARGIN - 2}}0:00{end:>{max(1, width - 4)}}"))
    shares = ", ".join(f"Q{n} {percent(getattr(curve, f'q{n}_share'))}" for n in (1, 2, 3, 4))
    changes = ", ".join(map(clock, curve.change_points_s))
    parts.append(Text(f"  quadrant {curve.quadrant} on average; of the time {shares}"))
    parts.append(
        Text.assemble(
            "  colour ", ("■ ", curve.colour), curve.colour + (f"; changes at {changes}" if changes else "")
        )
    )
    return parts


def _plot(
    values: Sequence[float], colours: Sequence[str], *, width: int, edge: float
) -> list[RenderableType]:
    marks = {0: signed(edge), _ROWS // 2: "0", _ROWS - 1: signed(-edge)}
    lines: list[RenderableType] = []
    for place, line in enumerate(plot_lines(values, width=width, height=_ROWS, edge=edge)):
        text = Text(f"{marks.get(place, ''):>{_MARGIN - 3}} ▏")
        lines.append(_coloured(text, line, colours))
    return lines


def _coloured(text: Text, characters: str, colours: Sequence[str]) -> Text:
    """The text with these characters after it, in the colours of the moments that they stand for."""
    for colour, run in groupby(range(len(characters)), lambda at: _colour_at(colours, at, len(characters))):
        columns = list(run)
        text.append(characters[columns[0] : columns[-1] + 1], style=colour)
    return text


def _colour_at(colours: Sequence[str], column: int, width: int) -> str:
    return colours[column * len(colours) // width] if colours else ""


def _tags(tags: Sequence[MoodTagRow]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("  tag", "", "score", "above", "models", "grade", ""):
        table.add_column(name, justify="right" if name in ("score", "above") else "left", no_wrap=True)
    for tag in tags:
        table.add_row(
            Text(f"{'* ' if tag.tagged else '  '}{visible(tag.tag)}", style="bold" if tag.tagged else ""),
            Text(_bar(tag.score), style="" if tag.tagged else "dim"),
            f"{tag.score:.3f}",
            f"{tag.threshold:.3f}",
            f"±{tag.disagreement:.3f}",
            f"{tag.grade}{' off' if tag.off else ''}",
            Text(f"against {visible(tag.contradicts)}" if tag.contradicts else ""),
        )
    return table


def _antonyms(rows: Sequence[AntonymRow]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("  pair", "", "share of the first", "models"):
        table.add_column(name, no_wrap=True)
    for row in rows:
        words = Text(f"  {visible(row.first)} or {visible(row.second)}")
        table.add_row(words, Text(_bar(row.share)), percent(row.share), f"±{row.spread:.3f}")
    return table


def _bar(share: float) -> str:
    """A bar of a share in [0, 1], to an eighth of a character."""
    eighths = round(max(0.0, min(1.0, share)) * _BAR * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(_BAR)
