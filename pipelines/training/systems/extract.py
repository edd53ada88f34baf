"""The features job over the audio of a data set, for a training that was given no features."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.registry import architecture
from models.training.data.form import LabelledTrack
from models.training.systems.plan import SystemPlan
from pipelines.cli import EXIT_DONE
from pipelines.features_command import run_features
from pipelines.job_arguments import add_features
from pipelines.option_hints import HintingParser
from pipelines.training.systems.feature_store import known_tracks

_FS2_INPUTS = 264


def extract_features(
    system: SystemPlan,
    tracks: Sequence[LabelledTrack],
    output: Path,
    *,
    workers: int | None,
    changes: Mapping[str, Any] | None = None,
) -> int:
    """Write the features of the tracks that runs under `output` have not met yet; the exit status.

    `changes` are settings of the front end besides those that the nets need.
    Raises DataError before anything runs for what cannot work, as `moodscribe features` does.
    """
    known = known_tracks(str(output))
    missing = [track for track in tracks if track.track_id not in known]
    if not missing:
        return EXIT_DONE
    output.mkdir(parents=True, exist_ok=True)
    manifest = output.with_name(f"{output.name}.csv")
    with manifest.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("track_id", "uri"))
        rows.writerows((track.track_id, str(Path(track.audio).absolute())) for track in missing)
    front_end = architecture(system.system).front_end.partition("@")[0]
    all_settings = {**front_end_settings(system), **(changes or {})}
    settings = (f"--set={name}={value}" for name, value in all_settings.items())
    words = [front_end, str(manifest), "--output", str(output), *settings]
    words += ["--workers", str(workers)] if workers else []
    return run_features(_parsed(words), [])


def front_end_settings(system: SystemPlan) -> Mapping[str, Any]:
    """Settings of the front end that the nets need and that are not its default."""
    settings: Any = system.members[0].settings
    if system.system == "deep-spectrum-rnn" and settings.window_s != 1:
        return {"window_s": float(settings.window_s), "hop_s": float(settings.window_s)}
    if system.system == "deep-lstm" and settings.inputs == _FS2_INPUTS:
        return {"values": "fs2"}
    return {}


def _parsed(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_features(parser.add_subparsers(parser_class=HintingParser))
    return parser.parse_args(["features", *words])
