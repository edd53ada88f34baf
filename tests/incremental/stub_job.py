"""A job without models: results are computed from a file's bytes, so that a run takes no time but Beam's.

The samples of a file are what stands before its first "|"; what comes after is like a tag, which does not
change the sound. Bytes that begin with "bad" are no audio, with "flaky" the store fails.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from schemas.errors import DataError, FailureKind, Stage
from schemas.identity import RunIdentity
from schemas.mood_tags import MOOD_TAGS, MoodTagRow
from schemas.table import Table
from schemas.track import FileFacts, Outcome, TrackGroup, standing
from schemas.tracks import Status
from transforms.storage import read_bytes
from transforms.tracks.work import Restate, Sink

TAGS = ("calm", "happy", "sad")


class Nothing:
    """Models that there are none of; weakly referable."""


@dataclass(frozen=True, slots=True)
class StubJob:
    """A job whose results depend on the work key of its run and on the bytes of a file.

    `log` is a file that gets a line with the URI of every file that is worked on.
    """

    identity: RunIdentity
    log: str = ""
    rows_per_file: int = 1000

    @property
    def results(self) -> Mapping[str, Table]:
        """One table."""
        return {MOOD_TAGS.name: MOOD_TAGS}

    @property
    def done(self) -> Status:
        """Tagged."""
        return Status.TAGGED

    def load(self) -> Nothing:
        """There is nothing to load."""
        return Nothing()

    def worker(self, loaded: Nothing, sink: Sink) -> StubWorker:
        """A worker."""
        return StubWorker(self, sink)

    def restate(self) -> Restate:
        """Tags decided anew on stored raw scores."""
        return partial(restated, identity=self.identity)


class StubWorker:
    """See transforms.tracks.work.Worker."""

    def __init__(self, job: StubJob, sink: Sink) -> None:
        self._job = job
        self._sink = sink

    def process(self, group: TrackGroup) -> Iterator[Outcome]:
        """Take a group; its outcomes at once."""
        facts = None
        try:
            data = read_bytes(group.first.uri, max_bytes=1 << 20)
            facts = FileFacts(hashlib.sha256(data).hexdigest(), len(data))
            if known := standing(group, facts.file_sha256, done=Status.TAGGED):
                yield from known
                return
            self._log(group.first.uri)
            audio_sha256 = hash_of_samples(data)
        except DataError as error:
            yield from (Outcome(track, Status.FAILED, facts, error) for track in group.tracks)
            return
        facts = FileFacts(facts.file_sha256, facts.bytes, audio_sha256=audio_sha256, decoded_s=1.0)
        for track in group.tracks:
            self._sink(MOOD_TAGS.name, tag_rows(track.track_id, scores(audio_sha256, self._job), self._job))
            yield Outcome(track, Status.TAGGED, facts)

    def flush(self) -> Iterator[Outcome]:
        """Nothing waits."""
        return iter(())

    def take_sums(self) -> dict[str, float]:
        """Nothing is summed."""
        return {}

    def take_values(self) -> dict[str, list[int]]:
        """Nothing is measured."""
        return {}

    def close(self) -> None:
        """Nothing is held."""

    def _log(self, uri: str) -> None:
        if self._job.log:
            file = os.open(self._job.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(file, f"{uri}\n".encode())
            os.close(file)


def hash_of_samples(data: bytes) -> str:
    """Hash of what a file sounds like; DataError for one that has no sound."""
    if data.startswith(b"bad"):
        raise DataError(FailureKind.NOT_AUDIO, Stage.DECODE, f"no audio: {data[:20]!r}")
    if data.startswith(b"flaky"):
        raise DataError(FailureKind.STORAGE, Stage.READ, "503 from the store", attempts=3)
    return hashlib.sha256(data.partition(b"|")[0]).hexdigest()


def scores(audio_sha256: str, job: StubJob) -> list[float]:
    """A raw score for each tag, a multiple of 1 / 256: as float32 it is the same number."""
    made_by = "\n".join(job.identity.work.computed)
    return [value / 256 for value in hashlib.sha256(f"{made_by}\n{audio_sha256}".encode()).digest()[:3]]


def tag_rows(track_id: str, raw_scores: list[float], job: StubJob) -> list[MoodTagRow]:
    """Rows of a track; the decision of the work key is the threshold."""
    return _decided(track_id, raw_scores, identity=job.identity)


def restated(table: str, rows: pa.Table, *, identity: RunIdentity) -> list[MoodTagRow]:
    """Stored rows of a track by the threshold of this run."""
    assert table == MOOD_TAGS.name
    assert rows["tag"].to_pylist() == list(TAGS)
    (track_id,) = set(rows["track_id"].to_pylist())
    return _decided(track_id, rows["raw_score"].to_pylist(), identity=identity)


def _decided(track_id: str, raw_scores: list[float], *, identity: RunIdentity) -> list[MoodTagRow]:
    threshold = float(identity.work.decision)
    return [
        MoodTagRow(
            track_id=track_id,
            tag=tag,
            score=raw_score,
            raw_score=raw_score,
            threshold=threshold,
            tagged=raw_score > threshold,
            rank=1 + sum(other > raw_score for other in raw_scores),
            disagreement=0.0,
            grade="",
            off=False,
            contradicts=None,
            run_id=identity.run_id,
        )
        for tag, raw_score in zip(TAGS, raw_scores, strict=True)
    ]
