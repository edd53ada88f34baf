"""Where what is downloaded is kept: $XDG_CACHE_HOME or ~/.cache, then moodscribe."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(kind: str) -> Path:
    """Folder of the cache for one kind of file, such as "bundles"; it need not exist yet."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "moodscribe" / kind
