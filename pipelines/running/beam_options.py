"""Beam's options from what the command line does not know itself, checked so that a typing error is one."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.option_hints import nearest
from pipelines.running.local_runner import default_options
from schemas.errors import DataError, FailureKind, Stage

if TYPE_CHECKING:
    from pipelines.running.run_options import RunOptions


# How long Flink and others keep a worker process that has nothing to do: else they start one for each stage
# of a job, which takes about as long as the stage.
_KEPT_MS = 60_000
_PORTABLE = ("PortableRunner", "FlinkRunner", "SparkRunner")


def beam_options(arguments: Sequence[str], *, command: str, workers: int) -> RunOptions:
    """Options for a pipeline; our defaults for its runner where the arguments do not say otherwise.

    Raises DataError(bad_input) for an option that neither moodscribe nor Beam has.
    """
    from pipelines.running.run_options import RunOptions

    known, unknown = beam_parser().parse_known_args(list(arguments))
    if unknown:
        raise DataError(FailureKind.BAD_INPUT, Stage.INPUT, _complaint(unknown[0], command))
    given = {argument.partition("=")[0] for argument in arguments}
    defaults = _defaults(known.runner, workers)
    kept = [default for default in defaults if default.partition("=")[0] not in given]
    return RunOptions([*arguments, *kept], save_main_session=False)


def _defaults(runner: str | None, workers: int) -> list[str]:
    if runner in (None, "DirectRunner"):
        return default_options(workers=workers)
    return [f"--environment_cache_millis={_KEPT_MS}"] if runner in _PORTABLE else []


def beam_parser() -> argparse.ArgumentParser:
    """A parser of all options that Beam has."""
    from apache_beam.options.pipeline_options import PipelineOptions

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, conflict_handler="resolve")
    for options in PipelineOptions.__subclasses__():
        if hasattr(options, "_add_argparse_args"):
            options._add_argparse_args(parser)
    return parser


def _complaint(argument: str, command: str) -> str:
    if not argument.startswith("-"):
        return f"unrecognized argument {argument!r}"
    from pipelines.job_arguments import options_of

    name = argument.partition("=")[0]
    near = nearest(name, [*options_of(command), *beam_parser()._option_string_actions])
    hint = f"; did you mean {near}?" if near else ""
    return f"{name} is an option of neither moodscribe nor Beam{hint}"
