"""Identity of a run: what every row and every file of it is marked with."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from schemas.work import WorkKey


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """Ids that mark the rows of a run, and its folders; `bundle` names what computed the results, `work` says
    what can change them."""

    run_id: str
    bundle: str
    work: WorkKey
    output_uri: str

    @property
    def run_uri(self) -> str:
        """Folder of the run's published files."""
        return f"{self.output_uri}/run_id={self.run_id}"

    @property
    def staging_uri(self) -> str:
        """Folder of what is not published yet, out of the way of every reader's glob."""
        return f"{self.output_uri}/.staging/{self.run_id}"


def timestamp() -> str:
    """Now, in UTC, to the millisecond, as run records have it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def new_run_id(now: datetime | None = None) -> str:
    """An id that sorts by time: 20261121T065501.123Z-1f9c04."""
    moment = now or datetime.now(UTC)
    stamp = moment.strftime("%Y%m%dT%H%M%S.%f")[:-3]
    return f"{stamp}Z-{secrets.token_hex(3)}"
