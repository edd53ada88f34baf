"""Writing a page to a file or an object: there whole or not at all."""

from __future__ import annotations

from transforms.storage import write_text
from transforms.writing.faults import writing


def write_page(uri: str, text: str) -> int:
    """Write a page; its bytes. Raises OutputError where it cannot be written."""
    with writing(uri):
        write_text(uri, text)
    return len(text.encode())
