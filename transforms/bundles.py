"""Bundles by name, path or URI of an object store, read as all else is read from there."""

from __future__ import annotations

from models import bundle_source
from models.bundle import Bundle
from transforms.storage import read_piece


def open_bundle(source: str) -> Bundle:
    """The checked bundle; DataError(bad_bundle), or not_found where there is nothing under that name."""
    return bundle_source.open_bundle(source, read=read_piece)
