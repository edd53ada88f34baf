"""The coloured bar of `moodscribe listen`: one line of the terminal in the colour of the moment."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from transforms.listening.emotion import Reading

_DARK_BELOW = 0.45


class ListenBar:
    """A line on standard error that shows the latest reading; use as a context manager."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stderr)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, reading: Reading, *, colour: str, delay_ms: float) -> None:
        """Paint the line anew."""
        line = bar(reading, colour=colour, delay_ms=delay_ms, width=self._console.width)
        self._live.update(line, refresh=True)


def bar(reading: Reading, *, colour: str, delay_ms: float, width: int) -> Text:
    """A line of `width` characters on the colour #rrggbb: time, valence, arousal, delay."""
    minutes, seconds = divmod(reading.time_s, 60.0)
    words = (
        f" {minutes:.0f}:{seconds:04.1f}  valence {reading.valence:+.2f}  arousal {reading.arousal:+.2f}"
        f"  {delay_ms:.0f} ms"
    )
    ink = "white" if _lightness(colour) < _DARK_BELOW else "black"
    return Text(words[:width].ljust(width), style=f"{ink} on {colour}", no_wrap=True)


def _lightness(colour: str) -> float:
    """How light a colour #rrggbb looks, from 0 to 1 (Rec. 709 weights)."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255.0 for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
