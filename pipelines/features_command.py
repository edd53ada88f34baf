"""`moodscribe features`: a run that writes what a front end makes of every track."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pipelines.running.beam_options import beam_options
from pipelines.running.before import before
from pipelines.running.command import (
    execute,
    output_folder,
    policy_of,
    read_settings,
    versions,
    workers_for,
)
from pipelines.running.dataflow import place
from pipelines.running.run import Run
from pipelines.tables import check_output, features_of
from schemas import features
from schemas.identity import RunIdentity, new_run_id, timestamp
from schemas.tracks import Status
from schemas.work import WorkKey, hash_of
from transforms.features.front_end import FrontEnd
from transforms.features.job import FeatureJob
from transforms.features.registry import FRONT_ENDS, choose, front_end, settings_of
from transforms.features.samples import refusal
from transforms.inputs.stage import inspect_input
from transforms.writing.account import RunPlan


def run_features(arguments: argparse.Namespace, beam_arguments: Sequence[str]) -> int:
    """Run a front end over a catalogue; the exit status.

    Raises DataError before anything runs for what cannot work: no such front end or setting, weights or a
    library that are not here.
    """
    chosen = front_end(arguments.name)
    settings = choose(chosen, arguments.preset, _changes(arguments.set))
    needed = chosen.needs(settings)
    spec = inspect_input(arguments.input)
    options = beam_options(beam_arguments, command="features", workers=workers_for(arguments, spec))
    places = {"INPUT": arguments.input, "--output": arguments.output}
    hints = place(options, command="features", places=places, gpu=arguments.gpu)
    output_uri = output_folder(arguments.output)
    described = {**settings_of(settings), **needed, "dtype": arguments.dtype}
    check_output(output_uri, features_of(chosen.key, described))
    key = WorkKey(hash_of({"front_end": chosen.key, **described}), model="", settings="", decision="")
    if chosen.terms:
        print(f"moodscribe features: {chosen.terms}", file=sys.stderr)

    def plan_run(limit: int | None, begun: str) -> Run:
        identity = RunIdentity(new_run_id(), chosen.key, key, output_uri)
        job = FeatureJob(
            name=chosen.name,
            settings=settings,
            dtype=arguments.dtype,
            identity=identity,
            read=read_settings(arguments),
            rows_per_file=arguments.rows_per_file,
        )
        planned = _plan(chosen, identity, input_uri=spec.uri, settings=described)
        planned = replace(planned, max_gone_rate=arguments.max_gone_rate, begun=begun)
        policy = policy_of(arguments, spec.uri, key, begun=begun)
        return Run(spec, job, planned, policy, before(output_uri), limit, hints=hints)

    return execute(arguments, plan_run, options, command="features")


def _plan(
    chosen: FrontEnd[Any], identity: RunIdentity, *, input_uri: str, settings: dict[str, Any]
) -> RunPlan:
    described = {"key": chosen.key, "rate_hz": chosen.rate_hz, "terms": chosen.terms}
    return RunPlan(
        identity=identity,
        input_uri=input_uri,
        started=timestamp(),
        done=Status.EXTRACTED,
        rows_a_track={features.NAME: 1},
        tags=(),
        described={"front_end": described, "settings": settings, "versions": versions()},
    )


def _changes(given: Sequence[str]) -> dict[str, str]:
    """key=value texts as a mapping; DataError(bad_input) for one without a sign of equality."""
    pairs = [text.partition("=") for text in given]
    if wrong := [text for text, pair in zip(given, pairs, strict=True) if not pair[1]]:
        raise refusal(f"--set {wrong[0]}: not of the form NAME=VALUE")
    return {name: value for name, _, value in pairs}


def describe_front_ends() -> str:
    """Every front end with its version, rate, presets and settings, for people."""
    return "\n".join(_description(front_end) for front_end in FRONT_ENDS.values())


def _description(one: FrontEnd[Any]) -> str:
    rate = f"{one.rate_hz} Hz" if one.rate_hz else "the file's own rate"
    default = next(iter(one.presets.values()))
    lines = [f"{one.key}  {one.about}", f"    takes {rate}"]
    if default is not None:
        values = ", ".join(f"{name}={value}" for name, value in settings_of(default).items())
        lines.append(f"    settings: {values}")
        lines.append(f"    presets: {', '.join(one.presets)}")
    if one.terms:
        lines.append(f"    terms: {one.terms}")
    return "\n".join(lines)
