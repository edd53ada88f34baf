"""The main job of a worker process: which bundle it opens, and the worker that tags with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.bundle import Bundle
from models.bundle_source import open_bundle
from models.ensemble import Ensemble
from schemas.errors import bad_bundle
from schemas.identity import RunIdentity
from schemas.table import Table
from schemas.tables import MOODS
from schemas.tracks import Status
from transforms.tagging.worker import TaggingWorker, WorkSettings
from transforms.tracks.stage import Sink


@dataclass(frozen=True)  # without slots: Beam shares it by weak reference
class Loaded:
    """A bundle and its models, shared by the threads of a worker process."""

    bundle: Bundle
    models: Ensemble


@dataclass(frozen=True, slots=True)
class TaggingJob:
    """What a worker needs to tag: where its bundle is, which one it must be, and how to work."""

    bundle_source: str
    bundle_sha256: str
    identity: RunIdentity
    work: WorkSettings
    rows_per_file: int

    @property
    def results(self) -> Mapping[str, Table]:
        """The tables of moods."""
        return MOODS

    @property
    def done(self) -> Status:
        """Tagged."""
        return Status.TAGGED

    def load(self) -> Loaded:
        """Open and build the bundle; DataError(bad_bundle) if it is not the one the job was made with."""
        bundle = open_bundle(self.bundle_source)
        if bundle.sha256 != self.bundle_sha256:
            raise bad_bundle(
                f"bundle {self.bundle_source} has changed since the job began: "
                f"{bundle.sha256}, not {self.bundle_sha256}"
            )
        models = Ensemble(bundle)
        models.load()
        return Loaded(bundle, models)

    def worker(self, loaded: Loaded, sink: Sink) -> TaggingWorker:
        """A worker on the loaded models."""
        return TaggingWorker(loaded.bundle, loaded.models, self.work, run_id=self.identity.run_id, sink=sink)
