"""Stage `bundles`: every system at its published size in the main job, on real clips, alone and together.

The nets have seeded random weights, VGG16 among them: what is shown is that the whole way works at that size,
and what it takes, not what the tables say.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.bundle_files import write_index
from models.image_nets.weights import WEIGHTS
from models.random_nets import write_random_nets, write_random_vgg16
from models.registry import Settings, architecture
from models.regressors.targets import one_net_per_target
from models.training.data.spec import open_data
from models.training.systems.plan import PRESETS
from pipelines.reproduce.stages import Found, Place, Reproduction
from pipelines.reproduce.trials.bundles_section import section
from pipelines.tables import open_tables
from schemas.errors import DataError, FailureKind, Stage

CLIPS = 8
SEED = 5
TAGS = 56
NINE = "CRNN and Deep Spectrum, nine taggers"


@dataclasses.dataclass(frozen=True, slots=True)
class Net:
    """A net of a bundle: its name, architecture and settings, and its front end's."""

    name: str
    architecture: str
    settings: Settings
    front_end: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def nets_of() -> dict[str, tuple[Net, ...]]:
    """The nets of every system at its published size."""
    cells = ("lstm", "gru", "bilstm")
    crnns = tuple(Net(f"crnn-{cell}", "crnn", PRESETS["crnn"][f"published-{cell}"]) for cell in cells)
    pictures = tuple(
        Net(
            f"ds-{window}s-{cell}",
            "deep-spectrum-rnn",
            PRESETS["deep-spectrum-rnn"][f"published-{window}s-{cell}"],
            {"window_s": float(window), "hop_s": float(window)},
        )
        for window in (1, 5)
        for cell in cells
    )
    lstm = PRESETS["deep-lstm"]
    per_target: Any = {name: PRESETS[name]["published"] for name in ("autoencoder", "two-convolutions")}
    alone = {
        NINE: (*crnns, *pictures),
        "deep LSTM, FS1": (Net("deep-lstm-fs1", "deep-lstm", lstm["published"]),),
        "deep LSTM, FS2": (Net("deep-lstm-fs2", "deep-lstm", lstm["published-fs2"], {"values": "fs2"}),),
        "antonym pairs": tuple(
            Net(pair, "antonym-rnn", PRESETS["antonym-rnn"][f"published-{pair}"])
            for pair in ("calm-excited", "joy-sad")
        ),
        "GRU, ensemble of five": tuple(Net(f"gru-{k}", "gru", PRESETS["gru"]["published"]) for k in range(5)),
        "GRU, forked": (Net("gru-forked", "gru", PRESETS["gru"]["published-forked"]),),
        **{
            name: tuple(Net(f"{name}-{one.target}", name, one) for one in one_net_per_target(settings))
            for name, settings in per_target.items()
        },
    }
    return {**alone, "all together": tuple(net for nets in alone.values() for net in nets)}


def run(place: Place) -> Found:
    """Write the bundles and tag the clips with each."""
    clips = _clips(place)
    write_random_weights(place.work / "cache")
    rows = {title: _tag(title, nets, clips, place) for title, nets in nets_of().items()}
    return {"clips": CLIPS, "rows": rows}


def write_random_weights(cache: Path) -> Path:
    """VGG16 where a job that has `cache` as $XDG_CACHE_HOME looks for what was fetched: a bundle names no
    files. It is written once."""
    file = cache / "moodscribe" / "weights" / WEIGHTS["vgg16"].file_name
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_random_vgg16(file, seed=SEED)
    return file


def _clips(place: Place) -> Path:
    """A folder of the set's first clips."""
    tracks = open_data(f"moods4q={place.data / 'moods4q'}").tracks[:CLIPS]
    if silent := [track.track_id for track in tracks if not track.audio]:
        raise DataError(FailureKind.NOT_FOUND, Stage.INPUT, f"moods4q: no audio of {silent[0]}")
    folder = place.work / "clips"
    folder.mkdir(parents=True, exist_ok=True)
    for track in tracks:
        shutil.copy(track.audio, folder)
    return folder


def _tag(title: str, nets: tuple[Net, ...], clips: Path, place: Place) -> Found:
    """One bundle through `moodscribe tag`: what it wrote and how long it took."""
    name = "".join(letter if letter.isalnum() else "-" for letter in title)
    folder, output = place.work / f"bundle-{name}", place.work / f"moods-{name}"
    for old in (folder, output):
        shutil.rmtree(old, ignore_errors=True)
    parameters = write_random_bundle(folder, nets)
    begin = time.monotonic()
    command = [Path(sys.executable).with_name("moodscribe"), "tag", clips]
    done = subprocess.run(  # noqa: S603 - this project's own command
        [*map(str, command), "--bundle", str(folder), "--output", str(output), "--workers", "1"],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_CACHE_HOME": str((place.work / "cache").absolute())},
    )
    seconds = time.monotonic() - begin
    if done.returncode:
        raise DataError(FailureKind.BAD_OUTPUT, Stage.OUTPUT, f"{title}: {done.stderr.strip()[-300:]}")
    tables = open_tables(str(output))
    counts = {table: len(tables.read(table)) for table in tables.names if table != "failures"}
    tagged = tables.query("SELECT count(*) AS n FROM tracks WHERE status = 'tagged'")["n"][0]
    tables.connection.close()
    return {
        "nets": len(nets),
        "parameters": parameters,
        "tagged": int(tagged),
        "tables": counts,
        "seconds": round(seconds, 1),
    }


def write_random_bundle(folder: Path, nets: tuple[Net, ...]) -> int:
    """The bundle with seeded random weights; how many parameters it has."""
    folder.mkdir(parents=True)
    parameters = write_random_nets(folder, nets, seed=SEED)
    (folder / "card.md").write_text("Seeded random weights.\n", encoding="utf-8")
    tags = [f"tag{number}" for number in range(TAGS)] if any(_is_tagger(net) for net in nets) else []
    write_index(folder, _index(nets, tags))
    return parameters


def _is_tagger(net: Net) -> bool:
    return net.architecture in ("crnn", "deep-spectrum-rnn")


def _index(nets: tuple[Net, ...], tags: list[str]) -> dict[str, Any]:
    return {
        "name": "published-size",
        "version": "1",
        "tags": tags,
        "members": [
            {
                "name": net.name,
                "architecture": net.architecture,
                "settings": net.settings,
                "front_end": architecture(net.architecture).front_end,
                "weights": f"{net.name}.safetensors",
                **({"front_end_settings": dict(net.front_end)} if net.front_end else {}),
            }
            for net in nets
        ],
        "fusion": {"method": "mean"},
        "calibration": {
            "method": "platt",
            "scale": [1.0] * len(tags),
            "bias": [0.0] * len(tags),
            "provenance": "none: random weights",
        },
        "thresholds": {"values": [0.5] * len(tags), "provenance": "none: random weights"},
        "terms": "none",
        "card": "card.md",
    }


_SETTINGS = {"clips": CLIPS, "seed": SEED, "edition": 1}
STAGE = Reproduction("bundles", ("moods4q/tracks.csv",), _SETTINGS, run, section)
