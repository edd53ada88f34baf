"""The main job of a worker process: which bundle it opens, and the worker that tags with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from models.bundle import Bundle
from models.ensemble import Ensemble
from models.image_nets.quantised import openvino_version
from models.registry import Role
from schemas.errors import DataError, FailureKind, Stage, bad_bundle
from schemas.identity import RunIdentity
from schemas.precision import Precision
from schemas.table import Table
from schemas.tables import MOODS
from schemas.tracks import Status
from transforms.bundles import open_bundle
from transforms.features.images import deep_spectrum
from transforms.tagging.features import FrontEnds
from transforms.tagging.stored import restated
from transforms.tagging.worker import Loaded, TaggingWorker, WorkSettings
from transforms.tracks.work import Restate, Sink


@dataclass(frozen=True, slots=True)
class TaggingJob:
    """What a worker needs to tag: where its bundle is, which one it must be, and how to work."""

    bundle_source: str
    bundle_sha256: str
    identity: RunIdentity
    work: WorkSettings
    rows_per_file: int
    tables: tuple[str, ...]

    @property
    def results(self) -> Mapping[str, Table]:
        """The tables that the bundle's members fill: see `tables_of`."""
        return {name: MOODS[name] for name in self.tables}

    @property
    def done(self) -> Status:
        """Tagged."""
        return Status.TAGGED

    def load(self) -> Loaded:
        """Open and build the bundle; DataError(bad_bundle) if it is not the one the job was made with."""
        bundle = self._open()
        front_ends = FrontEnds(bundle.front_ends)
        check_widths(bundle, front_ends)
        models = Ensemble(bundle)
        models.load()
        return Loaded(bundle, models, front_ends)

    def worker(self, loaded: Loaded, sink: Sink) -> TaggingWorker:
        """A worker on the loaded models."""
        return TaggingWorker(loaded, self.work, run_id=self.identity.run_id, sink=sink)

    def restate(self) -> Restate:
        """Tags decided anew on stored raw scores, with this bundle's decisions; all else as it is."""
        bundle = self._open().deciding(all_tags=self.work.all_tags)
        return partial(restated, bundle=bundle, run_id=self.identity.run_id)

    def _open(self) -> Bundle:
        bundle = open_bundle(self.bundle_source)
        if bundle.sha256 != self.bundle_sha256:
            raise bad_bundle(
                f"bundle {self.bundle_source} has changed since the job began: "
                f"{bundle.sha256}, not {self.bundle_sha256}"
            )
        return at_precision(bundle, self.work.precision)


def at_precision(bundle: Bundle, precision: Precision) -> Bundle:
    """The bundle with its image nets in that precision; what it gives then has another identity.

    DataError(bad_input) where it has no image net, or for int8 without OpenVINO.
    """
    if precision is Precision.FLOAT32:
        return bundle
    key = deep_spectrum.FRONT_END.key
    if not any(member.front_end == key for member in bundle.members):
        message = f"precision {precision} is for bundles with an image net; {bundle.name} has none"
        raise DataError(FailureKind.BAD_INPUT, Stage.BUNDLE, message)
    openvino_version()
    members = [
        replace(member, front_end_settings={**member.front_end_settings, "precision": precision.value})
        if member.front_end == key
        else member
        for member in bundle.members
    ]
    return replace(bundle, members=tuple(members))


def rows_a_track(bundle: Bundle) -> dict[str, int]:
    """Rows that a track has in each table that the bundle's members fill."""
    rows = {}
    if tags := len(bundle.tags):
        rows["mood_tags"] = tags
    if bundle.of_role(Role.REGRESSOR):
        rows["emotion_curves"] = 1
    if pairs := bundle.pairs:
        rows["antonyms"] = len(pairs)
    return rows


def check_widths(bundle: Bundle, front_ends: FrontEnds) -> None:
    """Raise DataError(bad_bundle) for a member that takes other rows than its front end gives."""
    for member in bundle.members:
        wanted = getattr(member.settings, "inputs", None)
        # Those of heads have been checked when the bundle was read.
        if wanted is None or member.encoder:
            continue
        if wanted != (given := len(front_ends.layout(member.input_key).names)):
            raise bad_bundle(
                f"member {member.name!r} takes {wanted} values a row, {member.input_key} gives {given}"
            )
