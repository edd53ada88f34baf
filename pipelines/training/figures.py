"""Figures that one stage keeps for others, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def load_figures(path: Path) -> dict[str, Any]:
    """What `keep_figures` wrote."""
    figures: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return figures


def keep_figures(figures: Mapping[str, Any], path: Path) -> None:
    """Write figures by name."""
    path.write_text(json.dumps(figures, indent=1), encoding="utf-8")
