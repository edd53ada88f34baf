"""An interval for people, for spreadsheets and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pipelines.intervals.interval import AXES, Interval
from pipelines.intervals.times import show_time
from pipelines.plain_text import plain

_DECIMALS = 4


def as_text(interval: Interval) -> str:
    """Summary and steps in columns."""
    return "\n".join([*_summary(interval), "", *_steps(interval)]) + "\n"


def as_csv(interval: Interval) -> str:
    """A header and one line a step."""
    return interval.frame.to_csv(index=False, float_format=f"%.{_DECIMALS}f", lineterminator="\n")


def as_json(interval: Interval) -> str:
    """One object: what was asked, the summary of it, and the steps as columns."""
    frame = interval.frame
    columns = {name: _rounded(frame[name].tolist()) for name in frame.columns}
    said = {
        "track_id": interval.track_id,
        "from_s": interval.from_s,
        "to_s": interval.to_s,
        "step_s": interval.step_s,
        "summary": {name: _rounded(value) for name, value in interval.summary.items()},
        "steps": columns,
    }
    return json.dumps(said, ensure_ascii=False) + "\n"


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, _DECIMALS)
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    return value


def _summary(interval: Interval) -> Iterator[str]:
    said = interval.summary
    begin, end = show_time(interval.from_s), show_time(interval.to_s)
    steps = "1 step" if said["steps"] == 1 else f"{said['steps']:,} steps"
    yield f"{plain(interval.track_id)}, {begin} to {end}: {steps} of {interval.step_s:g} s"
    for axis in AXES:
        mean, low, high, slope, spread = (
            said[f"{axis}_{name}"] for name in ("mean", "min", "max", "slope", "spread_mean")
        )
        yield f"{axis}   {mean:+.2f}, {low:+.2f} to {high:+.2f}, {slope:+.2f} a minute, spread {spread:.2f}"
    shares = ", ".join(f"{said[f'q{k}_share']:.0%} Q{k}" for k in range(1, 5) if said[f"q{k}_share"])
    yield f"quadrant  {said['quadrant']} ({shares}), colour {said['colour']}"
    if said["change_points_s"]:
        yield "changes   at " + ", ".join(map(show_time, said["change_points_s"]))
    for pair, share in said["antonyms"].items():
        first, _, second = pair.partition("-")
        yield f"{pair}   {share:.0%} {first}, {1 - share:.0%} {second}"


def _steps(interval: Interval) -> Iterator[str]:
    pairs = [share.pair for share in interval.shares]
    yield f"{'time':>9}  valence  spread  arousal  spread  colour" + "".join(f"  {pair}" for pair in pairs)
    for row in interval.frame.to_dict(orient="records"):
        values = "".join(f"  {row[axis]:+7.2f}  {row[f'{axis}_spread']:6.2f}" for axis in AXES)
        shares = "".join(f"  {row[pair]:{len(pair)}.2f}" for pair in pairs)
        yield f"{show_time(row['time_s']):>9}{values}  {row['colour']}{shares}"
