"""A track as a page: waveform, curves with their spread, ribbon, tags, antonyms, and a player."""

from __future__ import annotations

from html import escape
from typing import Any

from pipelines.pages.curve_figure import Figure, at, curve_figure
from pipelines.pages.curve_summary import curve_table, curve_words
from pipelines.pages.document import Page, details, plot
from pipelines.pages.escaping import html_text
from pipelines.pages.shown_track import ShownTrack
from pipelines.pages.tables import Bar, Cell, Swatch, clock, percent, signed, table
from pipelines.showing.envelope import Envelope
from pipelines.showing.player import Player
from schemas.emotion_curves import EmotionCurveRow
from schemas.mood_tags import MoodTagRow

_FIRST_TAGS = 15
_HEIGHT = 460


def track_page(track: ShownTrack, envelope: Envelope | None, player: Player | None, note: str = "") -> Page:
    """What `render` makes the page of; `note` says why there is no waveform or player."""
    about: list[list[Cell]] = [["id", track.track_id], ["uri", track.uri or None]]
    about += [[name, words] for name, words in track.facts.items()]
    sections = [("Emotion over time", _emotion(track, player, note))]
    if track.tags:
        sections.append(("Tags", _tags(track)))
    if track.antonyms:
        sections.append(("Between two moods", _antonyms(track)))
    sections.append(("The track", table("What it is", ["", ""], about)))
    figures: dict[str, Figure] = {}
    data: dict[str, Any] = {}
    if track.curve is not None:
        drawn = None if envelope is None else _waveform(envelope)
        figures["curve"] = curve_figure(track.curve, drawn, height=_HEIGHT)
        data["curve"] = _read_out(track.curve)
    words = ", ".join(filter(None, [track.source, track.facts.get("bundle")]))
    lead = f'<p class="lead">{html_text(words)}</p>'
    media = player.policy if player else None
    return Page(track.name, lead, sections, figures, data, ("track.js",), media)


def _emotion(track: ShownTrack, player: Player | None, note: str) -> str:
    parts = [f'<p class="note">{html_text(note)}</p>'] if note else []
    if track.curve is None:
        return "\n".join([*parts, "<p>It has no curves.</p>"])
    if player is not None:
        parts.append(
            f'<audio id="player" controls preload="metadata" src="{escape(player.source)}"></audio>\n'
            '<p id="unplayed" class="note" hidden>The browser cannot play this file from here.</p>'
        )
    length = len(track.curve.valence) * track.curve.step_s
    parts.append(
        '<div class="finder"><label for="moment">Moment</label>'
        f'<input type="range" id="moment" min="0" max="{length:g}" step="{track.curve.step_s:g}" value="0">'
        '<output id="reading" for="moment"></output></div>'
    )
    label = f"valence and arousal of {track.name} over time; the tables below have the numbers"
    words = curve_words(track) + " Click to go to a moment."
    parts += [
        plot("curve", label, words),
        curve_table(track),
        details("Moment by moment", _moments(track.curve)),
    ]
    return "\n".join(parts)


def _moments(curve: EmotionCurveRow) -> str:
    """Means over each colour step as a table."""
    steps = max(1, round(curve.colour_step_s / curve.step_s))
    rows: list[list[Cell]] = []
    for place, colour in enumerate(curve.colours):
        part = slice(place * steps, (place + 1) * steps)
        means = [sum(some[part]) / max(1, len(some[part])) for some in (curve.valence, curve.arousal)]
        begin = clock(curve.start_s + place * curve.colour_step_s)
        rows.append([begin, signed(means[0]), signed(means[1]), Swatch(colour, colour)])
    return table("Moment by moment", ["from", "valence", "arousal", "colour"], rows)


def _tags(track: ShownTrack) -> str:
    rows = [_tag(tag) for tag in track.tags]
    columns = ["tag", "score", "threshold", "given", "models disagree by", "grade"]
    words = "<p>The line across a bar is the threshold.</p>\n"
    first = words + table("Tags by score", columns, rows[:_FIRST_TAGS])
    if len(rows) <= _FIRST_TAGS:
        return first
    rest = table("The others", columns, rows[_FIRST_TAGS:])
    return first + "\n" + details(f"{len(rows) - _FIRST_TAGS} more tags", rest)


def _tag(tag: MoodTagRow) -> list[Cell]:
    score = Bar(tag.score, f"{tag.score:.3f}", tag.threshold)
    return [
        tag.tag,
        score,
        f"{tag.threshold:.3f}",
        _given(tag),
        f"{tag.disagreement:.3f}",
        tag.grade or "none",
    ]


def _given(tag: MoodTagRow) -> str:
    if tag.tagged:
        return "yes"
    return f"no: {tag.contradicts}" if tag.contradicts else "no: off" if tag.off else "no"


def _antonyms(track: ShownTrack) -> str:
    rows: list[list[Cell]] = [
        [f"{row.first} or {row.second}", Bar(row.share, percent(row.share)), f"{row.spread:.3f}"]
        for row in track.antonyms
    ]
    return table("Share of the first of two opposites", ["pair", "share", "models disagree by"], rows)


def _waveform(envelope: Envelope) -> Figure:
    """A filled outline: the highs on the way there, the lows on the way back."""
    count = len(envelope.low)
    there = [at((place + 0.5) * envelope.step_s) for place in range(count)]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [*there, *reversed(there)],
        "y": [round(float(y), 3) for y in (*envelope.high, *envelope.low[::-1])],
        "fill": "toself",
        "fillcolor": "var(--quiet)",
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _read_out(curve: EmotionCurveRow) -> dict[str, Any]:
    """What the page says of a moment."""
    return {
        "start_s": curve.start_s,
        "step_s": curve.step_s,
        "valence": [round(value, 3) for value in curve.valence],
        "arousal": [round(value, 3) for value in curve.arousal],
        "colour_step_s": curve.colour_step_s,
        "colours": list(curve.colours),
    }
