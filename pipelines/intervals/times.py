"""Times as people write them, seconds, M:SS or H:MM:SS, to seconds and back."""

from __future__ import annotations

import re

_TIME = re.compile(r"(?:(?:(?P<hours>\d+):)?(?P<minutes>\d+):)?(?P<seconds>\d+(?:\.\d+)?)", re.ASCII)
_MOST_IN_PLACE = 60


def parse_time(text: str) -> float:
    """Seconds of 70, 70.5, 1:10, 1:10.5 or 1:02:03; ValueError for anything else."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise ValueError(
            f"{text!r} is no time: write seconds, M:SS or H:MM:SS, such as 70.5, 1:10 or 1:02:03"
        )
    hours, minutes, seconds = int(found["hours"] or 0), int(found["minutes"] or 0), float(found["seconds"])
    if found["minutes"] and seconds >= _MOST_IN_PLACE:
        raise ValueError(f"{text!r} is no time: {found['seconds']} seconds after a colon")
    if found["hours"] and minutes >= _MOST_IN_PLACE:
        raise ValueError(f"{text!r} is no time: {minutes} minutes after a colon")
    return hours * 3600 + minutes * 60 + seconds


def show_time(seconds: float) -> str:
    """Seconds as M:SS or H:MM:SS, with the decimals that there are, three at most."""
    if seconds < 0:
        return f"-{show_time(-seconds)}"
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    shown = f"{rest / 1000:06.3f}".rstrip("0").rstrip(".") if rest % 1000 else f"{rest // 1000:02d}"
    return f"{hours}:{minutes:02d}:{shown}" if hours else f"{minutes}:{shown}"
