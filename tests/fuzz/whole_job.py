"""Cases through the whole job: each accounted for as reading alone found it, sound files unharmed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from models.bundle import Bundle
from pipelines.tables import open_tables
from tests.audio_files import by_sndfile
from tests.fuzz.cases import Case
from tests.fuzz.reading import READ, Result
from tests.jobs import plan_run, run
from tests.sounds import music
from transforms.decoding.sandbox import DecodeLimits
from transforms.inputs.listing import looks_like_audio
from transforms.tagging.worker import WorkSettings
from transforms.tracks.reader import ReadSettings

_SOUND = ("a sound.flac", "m sound.flac", "z sound.flac")
# What a worker finds beyond reading: a track that is read can still be too short, or equal to another.
_OF_READ = frozenset({"tagged", "duplicate", "too_short"})


def problems_in_job(
    folder: Path, cases: Sequence[tuple[Case, Result]], bundle: Bundle, limits: DecodeLimits
) -> list[tuple[Case | None, str]]:
    """Run the job on sound files alone and on these cases among them; what must never be, by case."""
    for place in ("alone", "among"):
        (folder / place).mkdir(parents=True)
        for seed, name in enumerate(_SOUND):
            data = by_sndfile(music(3.0, seed=seed)[:, None], 16_000, "FLAC")
            (folder / place / name).write_bytes(data)
    for case, _ in cases:
        (folder / "among" / case.name).write_bytes(case.data)
    _, tags_alone = _tables_of(folder, "alone", bundle, limits)
    tracks, tags = _tables_of(folder, "among", bundle, limits)
    found = Counter(tracks["name"])
    problems: list[tuple[Case | None, str]] = []
    for name in _SOUND:
        one, other = (table[table["name"] == name]["score"].to_numpy() for table in (tags_alone, tags))
        if not len(one) or not np.allclose(one, other, rtol=0, atol=1e-5):
            problems.append((None, f"{name} has other scores among the cases than alone"))
    for case, result in cases:
        if found[case.name] != 1:
            problems.append((case, f"{found[case.name]} rows in tracks"))
            continue
        became = _became(tracks[tracks["name"] == case.name].iloc[0])
        if became not in expected_in_job(case, result):
            problems.append((case, f"{became} in the job, {result.outcome} when read alone"))
    if sum(found.values()) != len(cases) + len(_SOUND):
        problems.append((None, f"{sum(found.values())} rows for {len(cases) + len(_SOUND)} files"))
    return problems


def _tables_of(
    folder: Path, place: str, bundle: Bundle, limits: DecodeLimits
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tracks, with the kind of what failed, and tags, by file name."""
    output = folder / f"moods {place}"
    work = WorkSettings(read=ReadSettings(limits=limits))
    run(plan_run(folder / place, output, bundle, work=work))
    tables = open_tables(str(output))
    failures = tables.read("failures")[["track_id", "kind"]]
    tracks = tables.read("tracks").merge(failures, how="left", on="track_id", validate="one_to_one")
    tags = tables.read("mood_tags").sort_values(["track_id", "tag"])
    return tuple(
        table.assign(name=table["track_id"].map(lambda uri: Path(uri).name)) for table in (tracks, tags)
    )  # type: ignore[return-value]


def _became(row: Any) -> str:
    return str(row["kind"] if row["status"] == "failed" else row["status"])


def expected_in_job(case: Case, result: Result) -> frozenset[str]:
    """What may become of a case in a job, from what reading alone found: statuses and kinds of failure."""
    if not looks_like_audio(case.name):
        return frozenset({"skipped"})
    return _OF_READ if result.outcome == READ else frozenset({result.outcome})
