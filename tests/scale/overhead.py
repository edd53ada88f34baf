"""What Beam's local runner adds: the whole pipeline beside a plain loop of the same functions, in turns."""

from __future__ import annotations

import json
import shutil
import statistics
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from models.bundle_source import open_bundle
from schemas.track import Outcome, Track, TrackGroup
from tests.jobs import plan_run, run
from tests.timing import seconds_of
from transforms.duplicates import resolve_duplicates
from transforms.inputs.stage import inspect_input, read_input
from transforms.tracks.work import Job
from transforms.writing.parts import PartWriter


def overhead(folder: Path, scratch: Path, *, bundle: str, rounds: int) -> dict[str, Any]:
    """Seconds of the pipeline and of the loop for the tracks of a folder; the models are loaded before."""
    opened = open_bundle(bundle)
    seconds: dict[str, list[float]] = {"loop": [], "beam": []}
    _MODELS.append(plan_run(folder, scratch / "none", opened).job.load())
    for _ in range(rounds):
        planned = plan_run(folder, scratch / "beam", opened)
        job = _Loaded(planned.job, len(_MODELS) - 1)
        seconds["loop"].append(seconds_of(partial(_loop, folder, job)))
        seconds["beam"].append(seconds_of(partial(run, replace(planned, job=job))))
        shutil.rmtree(scratch / "beam")
    loop, beam = (statistics.median(seconds[name]) for name in ("loop", "beam"))
    result = {"seconds": seconds, "ratio": round(beam / loop, 4), "tracks": len(list(folder.iterdir()))}
    print(json.dumps(result), flush=True)
    return result


# Models by number: Beam pickles a stage, and finds them again here, in the same process.
_MODELS: list[Any] = []


@dataclass(frozen=True)
class _Loaded:
    """A job whose models are in memory already."""

    job: Job
    models: int

    def load(self) -> Any:
        return _MODELS[self.models]

    def __getattr__(self, name: str) -> Any:
        if name == "job":  # not there yet while it is unpickled
            raise AttributeError(name)
        return getattr(self.job, name)


def _loop(folder: Path, job: Any) -> None:
    """List, read, tag and write the rows of all tables of results, one track after another."""
    staging = f"{job.identity.output_uri}/loop"
    writer = PartWriter(staging, job.results, rows_per_file=job.rows_per_file)
    tracks = [one for one in read_input(inspect_input(str(folder))) if isinstance(one, Track)]
    outcomes: list[Outcome] = []
    with closing(job.worker(job.load(), lambda table, rows: list(writer.write(table, rows)))) as worker:
        for track in tracks:
            outcomes += worker.process(TrackGroup(track))
        outcomes += worker.flush()
    list(writer.close())
    list(resolve_duplicates(outcomes))
    shutil.rmtree(staging)
