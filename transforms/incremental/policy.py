"""What a run takes up of its input, given what earlier runs have."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from schemas.work import WorkKey


class Gone(StrEnum):
    """Which tracks of earlier runs are gone where they are not listed.

    Those that runs of the same input have listed; all, because the input is the whole catalogue; none.
    """

    INPUT = "input"
    ALL = "all"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a run takes up: `begun` is the first run of the command, whose tracks are settled ("" for none).

    `sample` is the share of what is to do that is taken, chosen by track_id.
    """

    input_uri: str
    work: WorkKey
    force: bool = False
    only_failed: bool = False
    sample: float = 1.0
    gone: Gone = Gone.INPUT
    begun: str = ""
