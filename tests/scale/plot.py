"""The curve of the scale bench as a picture: memory by process over the largest run, time by tracks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt


def draw(result: dict[str, Any], file: Path) -> None:
    """Write an SVG of the bench's result."""
    rows = result["by_number"]
    figure, (memory, time) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    for sort, samples in rows[-1]["curve"].items():
        memory.plot([at / 60 for at, _ in samples], [size for _, size in samples], label=sort)
    memory.set(
        xlabel="minutes",
        ylabel="MiB, the largest of its sort",
        title=f"{rows[-1]['tracks']:,} tracks",
        ylim=(0, None),
    )
    memory.legend()
    by_run = rows[-1]["ms_a_track_by_run"]
    time.plot(range(1, len(by_run) + 1), by_run, marker="o", label=f"{rows[-1]['tracks']:,} tracks")
    for row in rows[:-1]:
        time.axhline(row["ms_a_track"], ls="--", color="grey", label=f"{row['tracks']:,} tracks")
    time.set(xlabel="run", ylabel="ms a track", title="two workers, start included", ylim=(0, None))
    time.legend()
    for axes in (memory, time):
        axes.grid(alpha=0.3)
    mpl.rcParams["svg.hashsalt"] = "moodscribe"
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)
