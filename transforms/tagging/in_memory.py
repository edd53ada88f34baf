"""Files to tags and curves in this process: the main job's own worker, without Beam and without tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from schemas.emotion_curves import EmotionCurveRow
from schemas.errors import DataError
from schemas.identity import RunIdentity
from schemas.mood_tags import MoodTagRow
from schemas.track import FileFacts, Outcome, Track, TrackGroup
from schemas.work import WorkKey
from transforms.tagging.job import TaggingJob, rows_a_track
from transforms.tagging.worker import Loaded, WorkSettings


@dataclass(frozen=True, slots=True)
class TaggedTrack:
    """What a bundle says of a track; what it has no members for has no values.

    `scores` (calibrated) and `tagged` are [tags] in the order of the bundle's tags, `curve` is [steps, 2]:
    valence and arousal in [-1, 1] at 2 Hz.
    """

    scores: NDArray[np.float64]
    tagged: NDArray[np.bool_]
    curve: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TrackRows:
    """What the main job writes of a track: the facts of its file, and its rows by table."""

    facts: FileFacts
    tables: Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class FileTagger:
    """A job whose models are loaded, for as many files as there are."""

    job: TaggingJob
    loaded: Loaded

    @property
    def bundle(self) -> Bundle:
        """What it tags with."""
        return self.loaded.bundle

    def tag(self, files: Mapping[str, Path]) -> dict[str, TaggedTrack | DataError]:
        """Files by track id to what is said of them, or to why nothing is; in the order given."""
        found = self.rows(files)
        return {
            track_id: one if isinstance(one, DataError) else _tagged(one.tables)
            for track_id, one in found.items()
        }

    def rows(self, files: Mapping[str, Path | str]) -> dict[str, TrackRows | DataError]:
        """Files by track id to the main job's rows, or to why there are none; in the order given."""
        rows: dict[str, dict[str, Sequence[Any]]] = defaultdict(dict)

        def keep(table: str, some: Sequence[Any]) -> None:
            rows[some[0].track_id][table] = some

        with closing(self.job.worker(self.loaded, keep)) as worker:
            groups = (TrackGroup(Track(track_id, str(path))) for track_id, path in files.items())
            settled = chain(chain.from_iterable(map(worker.process, groups)), worker.flush())
            outcomes = {outcome.track.track_id: outcome for outcome in settled}
        return {track_id: _rows(outcomes[track_id], rows[track_id]) for track_id in files}


def load_tagger(bundle: Bundle) -> FileTagger:
    """Build the models and front ends of a bundle. Raises DataError(bad_bundle), as the main job does."""
    identity = RunIdentity(run_id="in-memory", bundle=bundle.key, work=WorkKey("", "", "", ""), output_uri="")
    tables = tuple(rows_a_track(bundle))
    job = TaggingJob(
        str(bundle.folder), bundle.sha256, identity, WorkSettings(), rows_per_file=1, tables=tables
    )
    return FileTagger(job, job.load())


def _rows(outcome: Outcome, tables: Mapping[str, Sequence[Any]]) -> TrackRows | DataError:
    if outcome.error is not None:
        return outcome.error
    if outcome.facts is None:
        raise RuntimeError(f"track {outcome.track.track_id} is tagged, but nothing is known of its file")
    return TrackRows(outcome.facts, tables)


def _tagged(rows: Mapping[str, Sequence[Any]]) -> TaggedTrack:
    tags: Sequence[MoodTagRow] = rows.get("mood_tags", ())
    curves: Sequence[EmotionCurveRow] = rows.get("emotion_curves", ())
    sides = [(row.valence, row.arousal) for row in curves]
    return TaggedTrack(
        scores=np.array([row.score for row in tags], np.float64),
        tagged=np.array([row.tagged for row in tags], np.bool_),
        curve=np.array(sides[0], np.float64).T if sides else np.zeros((0, 2)),
    )
