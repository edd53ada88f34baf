"""What is written and what is not, for people: a table of the first files, and the account of all."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from rich.table import Table
from rich.text import Text

from pipelines.plain_text import plain
from pipelines.writing_tags.one_file import Became, FileRow

_BETWEEN = "; "
_NOTHING = "-"


@dataclass(slots=True)
class Account:
    """Tracks by what became of them, and the reasons of those left and failed, as often as they are."""

    counts: Counter[Became] = field(default_factory=Counter)
    reasons: Mapping[Became, Counter[str]] = field(
        default_factory=lambda: {became: Counter() for became in (Became.LEFT, Became.FAILED)}
    )

    def add(self, row: FileRow) -> None:
        """Count a row."""
        self.counts[row.became] += 1
        if row.became in self.reasons:
            self.reasons[row.became][row.reason] += 1

    @property
    def tracks(self) -> int:
        """All that were counted."""
        return self.counts.total()

    def lines(self, *, apply: bool) -> list[str]:
        """The account: written + unchanged + left + failed = tracks."""
        words = {one: one.value if apply or one is not Became.WRITTEN else "to write" for one in Became}
        counts = ", ".join(f"{self.counts[one]:,} {words[one]}" for one in Became)
        lines = [f"{self.tracks:,} tracks: {counts}"]
        for became, reasons in self.reasons.items():
            lines += [f"  {count:,} {became}: {plain(reason)}" for reason, count in reasons.most_common()]
        return lines


def as_json(row: FileRow) -> str:
    """A row as one line."""
    return json.dumps(asdict(row), ensure_ascii=False) + "\n"


def table_of(rows: Sequence[FileRow], *, apply: bool) -> Table:
    """Files with what changes in them; of those that failed, why."""
    title = "written" if apply else "what would be written"
    table = Table(title=title, title_justify="left")
    for name in ("file", "field", "old", "new"):
        table.add_column(name, overflow="fold")
    for row in rows:
        for number, cells in enumerate(_cells(row)):
            table.add_row(*(Text(plain(cell)) for cell in (row.file if not number else "", *cells)))
    return table


def _cells(row: FileRow) -> list[tuple[str, str, str]]:
    if row.became is Became.FAILED:
        return [("failed", row.reason, "")]
    changed = [(one.field, _shown(one.old), _shown(one.new)) for one in row.changes]
    return changed or [("a copy", _NOTHING, "with the tags of its file")]


def _shown(values: tuple[str, ...]) -> str:
    return _BETWEEN.join(values) or _NOTHING
