"""A plan in words: what would run and why, and what it would take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from pipelines.planning.count import CACHED, CARRIED, READ, Counted
from pipelines.planning.estimate import Estimate, Range
from pipelines.planning.measure import Measured
from pipelines.planning.prices import Prices

_WORDS = {
    READ: "to read and tag",
    CACHED: "to tag by cached features, no audio read",
    CARRIED: "whose results stand, no audio read",
}
_WHY = {
    "new": "new in the input",
    "changed": "the file is another than before",
    "touched": "the file's state changed, its bytes did not",
    "failed_before": "failed before, and may not again",
    "front_end": "made by other front ends",
    "model": "made by other models",
    "settings": "made with other settings",
    "decisions": "other thresholds or calibration: decided again from stored scores",
    "columns": "the manifest says something else of it",
    "forced": "--force",
}


def describe(counted: Counted) -> Iterator[str]:
    """What a run would do, line by line."""
    sums = counted.sums
    yield f"{sums['count.read']:,} inputs"
    for how, words in _WORDS.items():
        reasons = {reason: count for (one, reason), count in counted.tracks.items() if one == how}
        if reasons:
            yield f"  {sum(reasons.values()):>12,} {words}"
            for reason, count in sorted(reasons.items(), key=lambda item: -item[1]):
                yield f"  {count:>12,}   {_WHY.get(reason, reason)}"
    for count, words in (
        (sums["count.unchanged"], "unchanged: nothing to do"),
        (sums["count.left"], "left for another run"),
        (counted.settled["skipped"], "to skip: no audio by their names"),
        (counted.settled["failed"], "that cannot be read: bad rows, closed folders, repeated ids"),
        (counted.settled["gone"], "gone from the input: a tombstone each"),
    ):
        if count:
            yield f"  {count:>12,} {words}"
    if not counted.tracks and not counted.settled:
        yield "nothing to do"


def describe_estimate(
    found: Estimate, measured: Measured, prices: Prices, *, processors: int
) -> Iterator[str]:
    """What it would take, line by line; `processors` are those of this machine."""
    count, hours = len(measured.cpu_s), found.processor_hours
    yield (
        f"measured here on {count} of those to read: {measured.cpu_mean_s:.2f} s of a processor a track of "
        f"{sum(measured.audio_s) / len(measured.audio_s):.0f} s, standard error {measured.cpu_error_s:.2f} s"
    )
    if measured.errors:
        yield f"  {len(measured.errors)} of the sample failed, such as: {measured.errors[0].message}"
    yield f"{found.tracks:,} tracks to read, {found.audio_hours:,.1f} hours of audio"
    yield f"  this machine, {processors} processors: {_hours(hours.times(1 / processors))}"
    yield f"  Dataflow, list prices of {prices.date}, {prices.region} (FlexRS: about {prices.flexrs:.0%}):"
    yield f"    {'machine':<22}{'hours of one':>26}{prices.currency:>24}"
    for one in found.machines:
        if one.hours is None or one.cost is None:
            yield f"    {one.machine.name:<22}{'not measured':>26}{one.machine.hour:>16.2f} an hour"
        else:
            cost = f"{one.cost.value:,.2f} ({one.cost.low:,.2f} to {one.cost.high:,.2f})"
            yield f"    {one.machine.name:<22}{_hours(one.hours):>26}{cost:>24}"
    yield "  prices: --prices FILE; they were written down by hand, from " + ", ".join(prices.sources)


def as_json(
    counted: Counted, found: Estimate | None, measured: Measured | None, prices: Prices
) -> dict[str, Any]:
    """The plan for machines."""
    tracks = [
        {"how": how, "reason": reason, "tracks": count} for (how, reason), count in counted.tracks.items()
    ]
    result: dict[str, Any] = {
        "counts": dict(counted.sums),
        "tracks": tracks,
        "settled": dict(counted.settled),
    }
    if found and measured:
        result["measured"] = {
            "tracks": len(measured.cpu_s),
            "cpu_mean_s": measured.cpu_mean_s,
            "cpu_error_s": measured.cpu_error_s,
        }
        result["estimate"] = asdict(found)
        result["prices"] = {"date": prices.date, "region": prices.region, "currency": prices.currency}
    return result


def _hours(hours: Range) -> str:
    return f"{_of(hours.value)} ({_of(hours.low)} to {_of(hours.high)})"


def _of(hours: float) -> str:
    if hours < 1 / 60:
        return f"{hours * 3600:.0f} s"
    return f"{hours * 60:.0f} min" if hours < 1 else f"{hours:,.1f} h"
