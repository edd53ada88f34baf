"""Beam's options from what the command line does not know itself, checked so that a typing error is one."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.option_hints import nearest
from pipelines.running.local_runner import default_options
from schemas.errors import DataError, FailureKind, Stage

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions


def beam_options(arguments: Sequence[str], *, command: str, workers: int) -> PipelineOptions:
    """Options for a pipeline; local defaults where the arguments do not say otherwise.

    Raises DataError(bad_input) for an option that neither moodscribe nor Beam has.
    """
    from apache_beam.options.pipeline_options import PipelineOptions

    known, unknown = beam_parser().parse_known_args(list(arguments))
    if unknown:
        raise DataError(FailureKind.BAD_INPUT, Stage.INPUT, _complaint(unknown[0], command))
    local = known.runner in (None, "DirectRunner")
    defaults = default_options(workers=workers) if local else []
    given = {argument.partition("=")[0] for argument in arguments}
    kept = [default for default in defaults if default.partition("=")[0] not in given]
    return PipelineOptions([*arguments, *kept], save_main_session=False)


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
