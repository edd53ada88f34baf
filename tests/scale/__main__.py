"""Run as `python -m tests.scale`: one JSON and a plot; `--quick` with few tracks, to see that it works."""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from tests.bundles import OTHERS, TAGS, write_bundle
from tests.scale.full_tracks import full_tracks
from tests.scale.large_catalogue import large_catalogue
from tests.scale.overhead import overhead
from tests.scale.page import write_page
from tests.scale.plot import draw
from tests.scale.runs import by_number, two_beside_one
from tests.scale.tracks import write_tracks

_NUMBERS, _QUICK = [5_000, 100_000], [200, 400]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale", description=__doc__)
    parser.add_argument(
        "--output", type=Path, default=Path("deploy"), help="folder for scale.json, scale.svg"
    )
    parser.add_argument(
        "--scratch", type=Path, help="folder for tracks and tables (default: a temporary one)"
    )
    parser.add_argument("--quick", action="store_true", help="few tracks, to see that it works")
    parser.add_argument("--part", action="append", choices=list(_PARTS), help="one part; may be given again")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.scratch, prefix="moodscribe-scale-") as name:
        measured = {part: _PARTS[part](Path(name), arguments.quick) for part in (arguments.part or _PARTS)}
    file = arguments.output / "scale.json"
    known: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    result = {**known, **measured, "machine": _machine()}
    arguments.output.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(result, indent=1) + "\n")
    if "by_number" in result:
        draw(result, arguments.output / "scale.svg")
    if set(_PARTS) <= set(result):
        write_page(result, arguments.output / "SCALING.md")


def _by_number(scratch: Path, quick: bool) -> Any:
    bundle = write_bundle(scratch / "small", OTHERS, tags=TAGS).folder
    return by_number(scratch, _QUICK if quick else _NUMBERS, bundle=bundle)


def _two_workers(scratch: Path, quick: bool) -> Any:
    few, many, rounds = (100, 200, 1) if quick else (200, 1_000, 3)
    return two_beside_one(scratch, bundle=Path("default"), few=few, many=many, rounds=rounds)


def _overhead(scratch: Path, quick: bool) -> Any:
    folder = write_tracks(scratch / "tracks", 50 if quick else 400) / "0000"
    return overhead(folder, scratch, bundle="default", rounds=1 if quick else 5)


def _full_tracks(scratch: Path, quick: bool) -> Any:
    return full_tracks(scratch, 2 if quick else 12)


def _large_catalogue(scratch: Path, quick: bool) -> Any:
    rows = 20_000 if quick else 1_000_000
    folder = scratch / "large"
    folder.mkdir()
    return {"rows": rows, "cases": large_catalogue(folder, rows)}


_PARTS = {
    "full_tracks": _full_tracks,
    "by_number": _by_number,
    "two_workers": _two_workers,
    "overhead": _overhead,
    "large_catalogue": _large_catalogue,
}


def _machine() -> dict[str, Any]:
    return {
        "processors": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


if __name__ == "__main__":
    main()
