"""A proxy before a storage server that does what networks and busy stores do, by a seeded plan, and counts it.

    PUT /plan     {"seed": 1, "rate": 0.3, "kinds": [...], "most": 3, "always": "regular expression"}: begin anew
    GET /counts   {"asked": {request: times}, "faults": {kind: times}, "refused": {request: times}}

Of each request (method, path and query, but for what differs from try to try) it is decided by chance, by its
name and how often it was asked, so that the same requests meet the same faults in any order; but never more
than `most` in a row. Requests that match `always` always meet the first of the kinds.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

# What is not of the name of a request: upload ids and boundaries differ from try to try.
_VARYING = re.compile(r"[0-9a-f]{32}|upload_id=[^&]*|generation=\d+|\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{6}")


@dataclass(slots=True)
class Plan:
    """Which requests meet which faults, and what has been asked and done since it began."""

    seed: int = 0
    rate: float = 0.0
    kinds: tuple[str, ...] = ()
    most: int = 3
    always: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    _in_a_row: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, method: str, path: str) -> str:
        """What befalls a request: the name of a fault, "" for none."""
        name = f"{method} {path}"
        with self._lock:
            kind = self._chosen(_VARYING.sub("*", name)) if not self._forced(name) else self.kinds[0]
            self.asked[name] += 1
            self._in_a_row[name] = self._in_a_row[name] + 1 if kind else 0
            if kind:
                self.faults[kind] += 1
                self.refused[name] += kind not in _HARMLESS
        return kind

    def _forced(self, name: str) -> bool:
        return bool(self.always and re.search(self.always, name))

    def _chosen(self, name: str) -> str:
        drawn = hashlib.sha256(f"{self.seed} {name} {self.asked[name]}".encode()).digest()
        self.asked[name] += 0
        chance, which = int.from_bytes(drawn[:4]) / 2**32, drawn[4]
        return self.kinds[which % len(self.kinds)] if chance < self.rate else ""
