"""Servers that tests start, from packages that `make servers` fetches."""

from __future__ import annotations

from pathlib import Path

# Where `make servers` puts them.
SERVERS = Path(__file__).parents[2] / "work" / "servers"
