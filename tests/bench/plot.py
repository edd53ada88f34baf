"""The bench as a picture: seconds of a core a track by way, ours by stage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

# Ours, which stands first, and what takes 34 pictures of a track instead of all of it.
_OTHER_WORK = ("moodscribe", "moodscribe, pictures", "drawn Deep Spectrum")


def draw(result: Mapping[str, Any], file: Path) -> None:
    """Write an SVG."""
    ways, ours = result["peers"]["ways"], result["main_job"]["core_s"]
    stages = result["stages"]
    shown = {
        "Moodscribe": ours,
        **{name: way["clock_s"] for name, way in ways.items() if name not in _OTHER_WORK},
    }
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.4), layout="constrained", width_ratios=(3, 2))
    bars = left.barh(list(shown), list(shown.values()), color=["#2a7", *["#999"] * (len(shown) - 1)])
    left.bar_label(bars, [f"{value:.2f} s, {value / ours:.1f}x" for value in shown.values()], padding=3)
    left.set(xlabel="seconds of a core a track of 210 s", xlim=(0, 1.3 * max(shown.values())))
    left.invert_yaxis()
    parts = {
        "decode, resample": (stages["decode"]["ours_s"], stages["decode"]["least_s"]),
        "log-mel": (stages["mel"]["ours_s"], stages["mel"]["least_s"]),
        "network": (
            stages["network"]["s"],
            stages["network"]["gflop"] / stages["network"]["product_gflop_s"],
        ),
    }
    places = range(len(parts))
    right.barh([place - 0.2 for place in places], [ours for ours, _ in parts.values()], 0.38, color="#2a7")
    right.barh([place + 0.2 for place in places], [least for _, least in parts.values()], 0.38, color="#999")
    right.set(yticks=places, yticklabels=list(parts), xlabel="seconds a track")
    right.invert_yaxis()
    right.legend(["Moodscribe", "libraries, transforms, products alone"], fontsize=8)
    for axes in (left, right):
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
    mpl.rcParams["svg.hashsalt"] = "moodscribe"
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)
