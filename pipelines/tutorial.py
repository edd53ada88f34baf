"""A tutorial on composed music: `python -m pipelines.tutorial [FOLDER]` does it all, each function is a step.

Read it from top to bottom, or copy the steps into a notebook, one a cell. It takes half a minute.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pipelines.api import MoodTables, TaggedTrack, open_tables, tag_file, tag_samples
from pipelines.demo.albums import RELEASES
from pipelines.demo.catalogue import ready, write_release
from pipelines.demo.pieces import PIECES
from pipelines.demo.render import render

TITLES = ("Siege Engines", "Calm Lake", "Sunlit Market", "Night Chase", "Winter Letter", "Old Photograph")


def compose(folder: Path, titles: tuple[str, ...] = TITLES) -> list[Path]:
    """Step 0: some music. Take your own files instead, if you have some."""
    pieces = {piece.title: piece for piece in PIECES}
    paths = []
    for release in RELEASES:
        if release.title in titles:
            path = ready(folder / release.path)
            write_release(path, release, render(pieces[release.title], rate_hz=release.rate_hz))
            paths.append(path)
    return sorted(paths, key=lambda path: [title in path.name for title in titles].index(True))


def look_at_tags(song: TaggedTrack) -> pd.DataFrame:
    """Step 1: the tags that were decided on, best first.

    `song.tags` has all, with the columns of the table `mood_tags`: the calibrated score, the threshold above
    which a tag is decided on, how far the members disagree, and the tag's grade.
    """
    tags = song.tags
    return tags.loc[tags["tagged"], ["tag", "score", "threshold", "disagreement", "grade"]]


def draw(song: TaggedTrack, picture: Path) -> None:
    """Step 2: valence and arousal over time, with their spreads, above the track's colours."""
    curves = song.curves
    figure = Figure(figsize=(9, 4), layout="constrained")
    plot, ribbon = figure.subplots(2, sharex=True, height_ratios=(8, 1))
    for axis in ("valence", "arousal"):
        plot.plot(curves["time_s"], curves[axis], label=axis)
        low, high = (curves[axis] + side * curves[f"{axis}_spread"] for side in (-1, 1))
        plot.fill_between(curves["time_s"], low, high, alpha=0.2)
    plot.set(ylim=(-1, 1), title=Path(song.track_id).stem)
    plot.legend()
    ribbon.bar(curves["time_s"], 1, width=0.5, align="edge", color=curves["colour"])
    ribbon.set(yticks=[], xlabel="seconds")
    figure.savefig(picture, dpi=120)


def look_at_a_part(song: TaggedTrack) -> pd.Series:
    """Step 3: its last quarter in numbers. `moodscribe curve` says the same of a track in tables."""
    part = song.interval(0.75 * song.interval().to_s)
    return pd.Series(part.summary)[["valence_mean", "arousal_mean", "arousal_slope", "quadrant", "colour"]]


def tag_what_is_no_file(bundle: str) -> TaggedTrack:
    """Step 4: samples from anywhere, [n] or [channels, n], and their rate: a sweep from 100 to 800 Hz."""
    rate_hz, seconds = 22_050, 8
    time = np.arange(rate_hz * seconds) / rate_hz
    sweep = 0.5 * np.sin(2 * np.pi * (100 * time + 700 / (2 * seconds) * time**2))
    return tag_samples(sweep, rate_hz, bundle=bundle)


def tag_catalogue(folder: Path, bundle: str) -> MoodTables:
    """Step 5: the whole folder, as `moodscribe tag FOLDER --output FOLDER/moods` does, and its tables."""
    from pipelines.cli import main

    status = main(["tag", str(folder / "music"), "--output", str(folder / "moods"), "--bundle", bundle])
    if status:
        sys.exit(status)
    return open_tables(str(folder / "moods"))


def like_but_calmer(tables: MoodTables, track_id: str) -> pd.DataFrame:
    """Step 6: tracks with lower arousal than this one, those first whose scores of all tags are nearest."""
    scores = tables.read("mood_tags").pivot(index="track_id", columns="tag", values="score")
    arousal = tables.read("emotion_curves").set_index("track_id")["arousal_mean"]
    distance = np.sqrt(((scores - scores.loc[track_id]) ** 2).mean(axis="columns"))
    found = pd.DataFrame({"distance": distance, "calmer_by": arousal[track_id] - arousal})
    return found[found["calmer_by"] > 0].sort_values("distance")


def run(folder: Path, *, bundle: str = "default", titles: tuple[str, ...] = TITLES) -> None:
    """All steps, what they give printed; music, tables and a picture go into the folder."""
    first, *_ = compose((folder / "music").absolute(), titles)
    song = tag_file(first, bundle=bundle)
    print(song, look_at_tags(song).to_string(index=False), sep="\n")
    draw(song, folder / "curves.png")
    print(f"\nits curves: {folder / 'curves.png'}\n\nits last quarter:\n{look_at_a_part(song).to_string()}")
    print(f"\na sweep: {tag_what_is_no_file(bundle)}\n", flush=True)
    tables = tag_catalogue(folder.absolute(), bundle)
    print(f"\nlike {first.stem}, but calmer:", like_but_calmer(tables, str(first)).to_string(), sep="\n")
    print(f"\nin the tables, too:\n{tables.curve(first.name, 0, '0:03').frame.to_string(index=False)}")


if __name__ == "__main__":
    run(Path(sys.argv[1] if len(sys.argv) > 1 else "tutorial-out"))
