"""The parts of a report on the work: the account of the inputs, failures, seconds by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelines.pages.document import details
from pipelines.pages.escaping import html_text
from pipelines.pages.tables import Cell, share_bar, table
from pipelines.reporting.account import Account
from pipelines.reporting.facts import Facts
from schemas.metrics import DISTRIBUTIONS

_WHAT_BECAME = {
    "tagged": "tagged: the models heard it",
    "extracted": "extracted: a front end's features are there",
    "failed": "failed: a row in failures says why",
    "skipped": "skipped: by its name no audio",
    "duplicate": "duplicate: the same sound as another input",
    "unchanged": "unchanged since an earlier run",
    "left": "left for another run",
}


def account_section(facts: Facts) -> str:
    """What was read and what became of it."""
    account = facts.account
    read = account.counts["read"]
    tiles = {"read": read, **account.outcomes, "gone": account.counts["gone"]}
    shown = "".join(f"<div><dt>{name}</dt><dd>{count:,}</dd></div>" for name, count in tiles.items())
    rows: list[list[Cell]] = [
        [_WHAT_BECAME[name], count, share_bar(count, read)] for name, count in account.outcomes.items()
    ]
    sum_words = "as many as were read" if account.adds_up else "NOT as many as were read"
    rows.append(["together", sum(account.outcomes.values()), sum_words])
    parts = [
        f'<dl class="tiles">{shown}</dl>',
        table("What became of the inputs", ["", "inputs", "share"], rows),
    ]
    if account.counts["gone"]:
        parts.append(
            f"<p>Tracks of earlier runs that are no longer in the input: {account.counts['gone']:,}.</p>"
        )
    if account.reasons:
        parts.append(table("Why tracks were worked on", ["reason", "tracks"], _counted(account.reasons)))
    if account.left:
        parts.append(table("Why tracks are left", ["reason", "tracks"], _counted(account.left)))
    parts.append(table("The catalogue after it", ["status", "tracks"], _counted(facts.statuses)))
    parts.append(details("How it was made", _made(account)))
    return "\n".join(parts)


def _made(account: Account) -> str:
    rows: list[list[Cell]] = [
        ["input", account.input],
        ["bundle", account.made_by],
        ["runs", _runs(account.run_ids)],
        ["from", account.started],
        ["to", account.finished],
        ["from the feature cache", f"{account.cached:,}"],
    ]
    rows += [[f"tried again: {name}", f"{count:,}"] for name, count in account.retries.items()]
    rows += [[name, number] for name, number in account.versions.items()]
    return table("Input, bundle and versions", ["", ""], rows)


def _runs(run_ids: Sequence[str]) -> str:
    return run_ids[0] if len(run_ids) == 1 else f"{len(run_ids):,}, from {run_ids[0]} to {run_ids[-1]}"


def failures_section(facts: Facts) -> str:
    """Failures by kind, with examples."""
    kinds = sorted(facts.failures.keys() | facts.account.failures.keys())
    if not kinds:
        return "<p>Nothing failed, and no track of the catalogue has failed before.</p>"
    rows: list[list[Cell]] = [
        [kind, facts.account.failures.get(kind, 0), facts.failures.get(kind, 0)]
        for kind in sorted(kinds, key=lambda kind: -facts.failures.get(kind, 0))
    ]
    examples: list[list[Cell]] = [[one.kind, one.stage, one.track_id, one.message] for one in facts.examples]
    parts = [table("Failures by kind", ["kind", "in this run", "in the catalogue"], rows)]
    if examples:
        parts.append(table("Examples of the catalogue", ["kind", "stage", "track", "message"], examples))
    return "\n".join(parts)


def stages_section(account: Account) -> str:
    """Seconds by stage, summed over the workers, and how they compare with the length of the audio."""
    total = sum(account.seconds.values())
    ordered = sorted(account.seconds.items(), key=lambda item: -item[1])
    rows: list[list[Cell]] = [
        [
            stage,
            share_bar(seconds, total),
            f"{seconds:,.1f}",
            _speed(account, seconds),
        ]
        for stage, seconds in ordered
    ]
    rows.append(["together", None, f"{total:,.1f}", _speed(account, total)])
    lead = f"{account.audio_s / 3600:,.2f} hours of audio in {account.wall_s / 60:,.1f} minutes"
    if account.wall_s:
        done = sum(account.counts.get(name, 0) for name in ("tagged", "extracted"))
        played = account.audio_s / account.wall_s
        lead += f": {done / account.wall_s:,.1f} tracks and {played:,.0f} s of audio a second"
    columns = ["stage", "share", "seconds of workers", "times as fast as it plays"]
    parts = [f"<p>{html_text(lead)}.</p>", table("Seconds by stage", columns, rows)]
    if account.percentiles:
        parts.append(_percentiles(account.percentiles))
    return "\n".join(parts)


def _percentiles(found: Mapping[str, Mapping[str, float]]) -> str:
    columns = ("values", "p50", "p90", "p99", "most")
    rows: list[list[Cell]] = [
        [f"{name}: {DISTRIBUTIONS.get(name, '')}", *(f"{values[one]:,.10g}" for one in columns)]
        for name, values in found.items()
    ]
    return details("Percentiles", table("Percentiles of the last run", ["", *columns], rows))


def _speed(account: Account, seconds: float) -> str | None:
    return f"{account.audio_s / seconds:,.0f}" if seconds else None


def _counted(counts: Mapping[str, int]) -> list[list[Cell]]:
    pairs = sorted(counts.items(), key=lambda item: -item[1])
    return [[name.replace("_", " "), count] for name, count in pairs]
