"""Words of others made harmless: in HTML, in script data, in plots."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

LONGEST_PLOT_TEXT = 90
# Direction marks turn the words around them about as well; none of these has a look of its own.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")


def visible(text: str) -> str:
    """The text on one line, with the replacement character for every control character and direction mark."""
    return "".join(" " if c in "\t\r\n" else "\ufffd" if _unseen(c) else c for c in text)


def html_text(value: object) -> str:
    """A value as text of an element or of a quoted attribute."""
    return escape(visible(str(value)))


def plot_text(text: str) -> str:
    """A text for Plotly, which reads tags and entities in titles and labels; a long one loses its middle."""
    shown = visible(text)
    if len(shown) > LONGEST_PLOT_TEXT:
        half = LONGEST_PLOT_TEXT // 2
        shown = f"{shown[:half]}…{shown[-half:]}"
    return escape(shown, quote=False)


def script_json(values: Mapping[str, Any]) -> str:
    """Values as JSON that stands inside a script element: nothing in it ends or begins an element.

    Raises ValueError for a number that is not finite.
    """
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _unseen(character: str) -> bool:
    return ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 or character in _TURNING
