"""Texts of strangers, such as titles and tags of files, for a terminal: nothing in them moves its cursor."""

from __future__ import annotations


def plain(text: str) -> str:
    """The text with what cannot be printed as Python writes it: an escape becomes \\x1b, a line's end \\n."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
