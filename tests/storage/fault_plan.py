"""Which requests to a storage server meet which faults, chosen by a seed, and what came of it in numbers."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

# Parts of names that differ from run to run: the plan chooses without them.
_VARYING = re.compile(r"[0-9a-f]{32}|upload_id=[^&]*|\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Plan:
    """What befalls requests that match `where`: a fault of `kinds` at this rate, at most so often in a row.

    Those that match `always`, if it is given, meet 503 and nothing else. `page` is how many objects a listing
    has at most: the emulator itself has no pages.
    """

    seed: int = 0
    rate: float = 0.0
    kinds: tuple[str, ...] = ()
    where: str = ""
    most_in_a_row: int = 3
    always: str = ""
    page: int = 1000


@dataclass(slots=True)
class Course:
    """A plan as it is carried out, and what came of it."""

    plan: Plan = field(default_factory=Plan)
    asked: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    _in_a_row: Counter[str] = field(default_factory=Counter)
    _draws: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next_fault(self, request: str) -> str:
        """What befalls a request now: a kind of FAULTS, or "" for none."""
        with self._lock:
            self.asked[request] += 1
            kind = self._chosen(request)
            self._in_a_row[request] = self._in_a_row[request] + 1 if kind else 0
            if kind:
                self.faults[kind] += 1
                self.failed[request] += kind != "slow"
        return kind

    def _chosen(self, request: str) -> str:
        if self.plan.always and re.search(self.plan.always, request):
            return "503"
        spared = self._in_a_row[request] >= self.plan.most_in_a_row
        if spared or not re.search(self.plan.where, request):
            return ""
        name = _VARYING.sub("", request)
        self._draws[name] += 1
        drawn = hashlib.sha256(f"{self.plan.seed} {name} {self._draws[name]}".encode()).digest()
        chosen = int.from_bytes(drawn[:4], "big") < self.plan.rate * 2**32
        return self.plan.kinds[drawn[4] % len(self.plan.kinds)] if chosen else ""

    def counts(self) -> dict[str, Any]:
        """Counts of what was asked and done."""
        with self._lock:
            return {name: dict(getattr(self, name)) for name in ("asked", "failed", "faults")}


def as_json(plan: Plan) -> bytes:
    """A plan as the proxy takes it."""
    return json.dumps(asdict(plan)).encode()
