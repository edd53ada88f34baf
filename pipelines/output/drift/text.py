"""Drift for people: a few lines, the largest first."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.drift import AxisDrift, Drift, TagDrift

_TAGS = 10
_MOVES = ("new", "gone", "changed", "newly_failed", "no_longer_failed")
_MESSAGE = 100


def describe(drift: Drift) -> Iterator[str]:
    """Lines on what differs."""
    yield f"{drift.run_a} -> {drift.run_b}"
    before, after = drift.made_by
    if before != after:
        yield f"made by {before} -> {after}"
    tracks = drift.tracks
    moves = {name.replace("_", " "): getattr(tracks, name) for name in _MOVES}
    counts = [f"{count:,} {name}" for name, count in moves.items() if count]
    yield f"tracks    {', '.join([f'{tracks.count_a:,} -> {tracks.count_b:,}', *counts])}"
    if drift.nothing:
        yield "nothing has changed"
        return
    yield from _failures(drift)
    yield from _tags(drift)
    yield from _curves(drift)


def _failures(drift: Drift) -> Iterator[str]:
    moved = {kind: counts for kind, counts in drift.failures.items() if counts[0] != counts[1]}
    if moved:
        ordered = sorted(moved.items(), key=lambda item: -abs(item[1][1] - item[1][0]))
        yield "failures  " + ", ".join(f"{kind} {a:,} -> {b:,}" for kind, (a, b) in ordered)
    for one in drift.examples:
        message = one.message if len(one.message) <= _MESSAGE else one.message[:_MESSAGE] + "..."
        yield f"          {one.track_id}: {one.kind}: {message}"


def _tags(drift: Drift) -> Iterator[str]:
    if not drift.tags:
        return
    if not drift.compared:
        yield "tags      no track has tags in both states"
    else:
        share = drift.flips / drift.compared
        yield f"tags      {share:.2%} of {drift.compared:,} decisions flipped"
    moved = [tag for tag in drift.tags if tag.flips or tag.rate_change or tag.score_shift]
    moved.sort(key=lambda tag: (-abs(tag.rate_change), -tag.flips, tag.tag))
    if not moved:
        return
    width = max(3, *(len(tag.tag) for tag in moved[:_TAGS]))
    yield f"          {'tag':{width}}   rate A   rate B   change    gained      lost    score"
    yield from (f"          {_tag(tag, width)}" for tag in moved[:_TAGS])
    if len(moved) > _TAGS:
        yield f"          and {len(moved) - _TAGS} with less, see --json"


def _tag(tag: TagDrift, width: int) -> str:
    rates = "".join(f"{'--':>9}" if rate is None else f"{rate:9.2%}" for rate in (tag.rate_a, tag.rate_b))
    shift = f"{'--':>9}" if tag.score_shift is None else f"{tag.score_shift:+9.4f}"
    return f"{tag.tag:{width}}{rates}{tag.rate_change:+9.2%}{tag.gained:10,}{tag.lost:10,}{shift}"


def _curves(drift: Drift) -> Iterator[str]:
    curves = drift.curves
    if curves is None:
        return
    moved = f"{curves.quadrant_changed / curves.compared:.2%} of {curves.compared:,} tracks"
    yield f"curves    {moved} are in another quadrant"
    yield f"          valence {_axis(curves.valence)}"
    yield f"          arousal {_axis(curves.arousal)}"


def _axis(axis: AxisDrift) -> str:
    return (
        f"{axis.mean:+.4f} on average; in absolute terms {axis.mean_absolute:.4f}, "
        f"95 % below {axis.percentile_95_absolute:.4f}"
    )
