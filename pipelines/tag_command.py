"""`moodscribe tag`: a run of the main job from the command's arguments."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from models.bundle import Bundle
from pipelines.running.beam_options import beam_options
from pipelines.running.before import before
from pipelines.running.cached import cached_before
from pipelines.running.command import (
    PlanRun,
    execute,
    output_folder,
    policy_of,
    read_settings,
    versions,
    workers_for,
)
from pipelines.running.dataflow import GPU_BATCH, place
from pipelines.running.run import Run
from pipelines.tables import MOODS, check_output
from schemas.identity import RunIdentity, new_run_id, timestamp
from schemas.precision import Precision
from schemas.tracks import Status
from schemas.work import CacheType, WorkKey, hash_of
from transforms.bundles import open_bundle
from transforms.incremental.feature_cache import FeatureCache
from transforms.inputs.stage import InputSpec, inspect_input
from transforms.tagging.job import TaggingJob, at_precision, rows_a_track
from transforms.tagging.windows import Coverage
from transforms.tagging.worker import BATCH, WorkSettings
from transforms.writing.account import RunPlan


def run_tag(arguments: argparse.Namespace, beam_arguments: Sequence[str]) -> int:
    """Run the main job; the exit status. Raises DataError before anything runs for what cannot work."""
    spec = inspect_input(arguments.input)
    bundle = bundle_of(arguments)
    options = beam_options(beam_arguments, command="tag", workers=workers_for(arguments, spec))
    hints = place(options, command="tag", places=_places(arguments), gpu=arguments.gpu)
    output_uri = output_folder(arguments.output)
    check_output(output_uri, MOODS)
    prepared = prepare(arguments, spec, bundle, output_uri, hints)
    return execute(arguments, prepared, options, command="tag")


def bundle_of(arguments: argparse.Namespace) -> Bundle:
    """The bundle that the command's arguments name, in the precision that they ask for."""
    return at_precision(open_bundle(arguments.bundle), Precision(arguments.precision))


def prepare(
    arguments: argparse.Namespace,
    spec: InputSpec,
    bundle: Bundle,
    output_uri: str,
    hints: Mapping[str, str] | None = None,
) -> PlanRun:
    """The runs that the command's arguments ask for."""
    work = WorkSettings(
        coverage=Coverage(arguments.coverage),
        stride_s=arguments.stride_s,
        batch_size=arguments.batch_size or (GPU_BATCH if arguments.gpu else BATCH),
        all_tags=arguments.all_tags,
        precision=Precision(arguments.precision),
        read=read_settings(arguments),
        cache=cache_of(arguments, bundle),
    )
    settings = {
        "coverage": work.coverage.value,
        "stride_s": work.stride_s,
        "all_tags": work.all_tags,
        "front_ends": list(bundle.front_ends),
        "bundle_sha256": bundle.sha256,
    }
    source = str(Path(arguments.bundle).absolute()) if Path(arguments.bundle).is_dir() else arguments.bundle
    decided = bundle.deciding(all_tags=work.all_tags)
    key = work_key(decided, work)

    def plan_run(limit: int | None, begun: str) -> Run:
        identity = RunIdentity(new_run_id(), bundle.key, key, output_uri)
        job = TaggingJob(
            source, bundle.sha256, identity, work, arguments.rows_per_file, tuple(rows_a_track(bundle))
        )
        planned = plan(decided, identity, input_uri=spec.uri, settings=settings)
        planned = replace(planned, max_gone_rate=arguments.max_gone_rate, begun=begun)
        policy = policy_of(arguments, spec.uri, key, begun=begun)
        known = before(output_uri)
        if work.cache:
            known = replace(known, cache=cached_before(work.cache))
        return Run(spec, job, planned, policy, known, limit, hints=hints or {})

    return plan_run


def _places(arguments: argparse.Namespace) -> dict[str, str]:
    """Where workers read and write, by what it is; a shipped bundle comes with the wheel."""
    places = {"INPUT": arguments.input, "--output": arguments.output}
    if Path(arguments.bundle).is_dir():
        places["--bundle"] = arguments.bundle
    if arguments.feature_cache:
        places["--feature-cache"] = arguments.feature_cache
    return places


def cache_of(arguments: argparse.Namespace, bundle: Bundle) -> FeatureCache | None:
    """The feature cache that the command's arguments ask for."""
    if arguments.feature_cache is None:
        return None
    inputs = {member.input_key: bundle.input_hash(member) for member in bundle.predictors}
    uri = output_folder(arguments.feature_cache)
    return FeatureCache(uri, CacheType(arguments.feature_cache_type), inputs)


def work_key(bundle: Bundle, work: WorkSettings) -> WorkKey:
    """What can change a result of the main job besides the audio; the bundle as it decides."""
    return WorkKey(
        front_end=hash_of({"front_ends": list(bundle.front_ends)}),
        model=bundle.model_hash,
        settings=hash_of({"coverage": work.coverage.value, "stride_s": work.stride_s}),
        decision=bundle.decision_hash,
    )


def plan(bundle: Bundle, identity: RunIdentity, *, input_uri: str, settings: Mapping[str, Any]) -> RunPlan:
    """What is known of a run of the main job before it begins; tags that it does not decide have no rate."""
    undecided = bundle.quality.undecided
    described = {"bundle": _described(bundle), "settings": settings, "versions": versions()}
    return RunPlan(
        identity=identity,
        input_uri=input_uri,
        started=timestamp(),
        done=Status.TAGGED,
        rows_a_track=rows_a_track(bundle),
        tags=tuple(tag for index, tag in enumerate(bundle.tags) if index not in undecided),
        described=described,
    )


def _described(bundle: Bundle) -> dict[str, Any]:
    return {
        "key": bundle.key,
        "name": bundle.name,
        "version": bundle.version,
        "sha256": bundle.sha256,
        "members": [member.name for member in bundle.members],
        "off": [bundle.tags[index] for index in bundle.quality.off],
        "terms": bundle.terms,
    }
