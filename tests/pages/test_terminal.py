"""A track on the terminal: bars, plots and words, in colour where there is one and plain elsewhere."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Literal

import pytest
from rich.console import Console

from pipelines.pages.shown_track import ShownTrack
from pipelines.showing.curve_plot import plot_lines, window_of
from pipelines.showing.terminal import shown
from tests.pages.made_tables import HOSTILE, Made, shown_track

TRACK = shown_track(Made("0001", title="Blue Hour", uri="/music/blue.flac", valence=0.1, arousal=-0.3))


def printed(track: ShownTrack, *, colours: bool, every_tag: bool = False) -> str:
    stream = io.StringIO()
    system: Literal["truecolor"] | None = "truecolor" if colours else None
    console = Console(file=stream, width=80, force_terminal=colours, color_system=system)
    console.print(shown(track, width=80, every_tag=every_tag, ribbon=colours))
    return stream.getvalue()


def test_what_is_shown_are_the_numbers_of_the_tables() -> None:
    text = printed(TRACK, colours=False)
    lines = text.splitlines()
    assert lines[0] == "Blue Hour"
    (happy,) = (line for line in lines if "happy" in line)
    assert happy.startswith("* happy")
    assert "0.700" in happy
    assert "0.500" in happy
    assert "±0.125" in happy
    (sad,) = (line for line in lines if " sad " in line)
    assert sad.startswith("  sad")  # above its threshold, but off
    assert sad.rstrip().endswith("D off")
    assert "valence +0.10 on average, -0.10 to +0.30" in text
    assert "changes at 1:00" in text
    assert "calm or excited" in text
    assert "75.0%" in text


def test_plain_text_has_no_escape_and_no_line_that_only_colours_tell_of() -> None:
    text = printed(TRACK, colours=False)
    assert "\x1b" not in text
    assert "█" * 40 not in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_terminal_gets_the_colours_of_the_moments() -> None:
    text = printed(TRACK, colours=True)
    assert TRACK.curve is not None
    for colour in set(TRACK.curve.colours):
        red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
        assert f"38;2;{red};{green};{blue}m█" in text


def test_hostile_words_reach_the_terminal_as_words() -> None:
    hostile = replace(TRACK, title=f"[red]{HOSTILE}", uri=HOSTILE, facts={"failure": HOSTILE})
    text = printed(hostile, colours=False)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.startswith("[red]</script>")


def test_tags_beyond_the_first_are_shown_when_asked_for() -> None:
    tags = [
        replace(TRACK.tags[0], tag=f"tag{place}", rank=place, tagged=place == 30) for place in range(1, 41)
    ]
    some = printed(replace(TRACK, tags=tags), colours=False)
    assert "tag10 " in some
    assert "tag30 " in some
    assert "tag11 " not in some
    assert "tag11 " in printed(replace(TRACK, tags=tags), colours=False, every_tag=True)


def test_a_track_without_curves_or_tags_is_shown_by_what_is_known() -> None:
    text = printed(replace(TRACK, curve=None, tags=(), antonyms=()), colours=False)
    assert text.splitlines()[1:] == [
        "  id           0001",
        "  status       tagged",
        "  from         run 7",
        "  uri          /music/blue.flac",
    ]


@pytest.mark.parametrize("count", [1, 7, 160, 5_000])
def test_a_plot_has_its_curve_at_the_height_of_the_values(count: int) -> None:
    top = plot_lines([1.0] * count, width=20, height=3, edge=1.0)
    assert [len(line) for line in top] == [20, 20, 20]
    assert set(top[0]) == {"⠉"}
    assert set(top[2]) == {" "}
    rising = plot_lines([-1.0] * count + [1.0] * count, width=20, height=3, edge=1.0)
    assert rising[0][-1] == "⠉"
    assert rising[2][0] == "⣀"


def test_the_window_is_the_next_quarter_that_has_the_curves() -> None:
    assert window_of([0.1], [-0.2]) == 0.25
    assert window_of([0.1], [-0.6]) == 0.75
    assert window_of([]) == 1.0
