"""Hand in `moodscribe tag` to Dataflow, from the parameters of a Flex Template.

Google's launcher runs this file with --name=value for each parameter of metadata.json that is given, and with
Beam's options of the job: runner, project, region, job_name, temp_location, template_location and others. It
takes the job from the file that template_location names, once this process has ended.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence

from pipelines.cli import main
from pipelines.job_arguments import add_tag
from pipelines.option_hints import HintingParser
from pipelines.running.beam_options import beam_parser

_BOOLEANS = {"true": True, "false": False}


class ParameterError(ValueError):
    """A parameter that cannot be understood; the message names it."""


def command_line(parameters: Sequence[str]) -> list[str]:
    """Arguments of `moodscribe` for a launcher's --name=value; ParameterError.

    An empty value is none. What neither moodscribe nor Beam knows comes from the launcher, never from a
    person, whose parameters the service has compared with metadata.json: it is left out, and said.
    """
    given = dict(_pairs(parameters))
    input_uri = given.pop("input", "")
    if not input_uri:
        raise ParameterError("the parameter input is missing")
    ours, beams = _tag_options(), beam_parser()._option_string_actions
    arguments = ["tag", input_uri]
    for name, value in given.items():
        if name.replace("_", "-") in ours:
            option = name.replace("_", "-")
            arguments += _arguments(option, value, ours[option], ours)
        elif f"--{name}" in beams:
            arguments += _arguments(name, value, beams[f"--{name}"], {key[2:]: beams[key] for key in beams})
        else:
            print(f"moodscribe: left out, no option of moodscribe or Beam: --{name}", file=sys.stderr)
    return [*arguments, "--no-wait"]


def _pairs(parameters: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Name and value of each parameter that has one; a bare --name is true."""
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if not name.startswith("--") or len(name) < 3:
            raise ParameterError(f"{parameter!r} is not --name=value")
        if value or not equals:
            yield name[2:], value if equals else "true"


def _arguments(
    name: str, value: str, action: argparse.Action, options: Mapping[str, argparse.Action]
) -> list[str]:
    """An option as argparse takes it: one without a value where true, its opposite or nothing where false."""
    if action.nargs != 0:
        return [f"--{name}={value}"]
    try:
        wanted = _BOOLEANS[value.lower()]
    except KeyError as error:
        raise ParameterError(f"{name}: {value!r} is neither true nor false") from error
    opposite = f"no_{name}"
    if wanted:
        return [f"--{name}"]
    return [f"--{opposite}"] if opposite in options else []


def _tag_options() -> dict[str, argparse.Action]:
    """Options of `moodscribe tag`, without their dashes."""
    tag = add_tag(HintingParser().add_subparsers(parser_class=HintingParser))
    return {name.removeprefix("--"): action for name, action in tag._option_string_actions.items()}


if __name__ == "__main__":
    try:
        arguments = command_line(sys.argv[1:])
    except ParameterError as error:
        print(f"moodscribe: {error}", file=sys.stderr)
        sys.exit(2)
    sys.exit(main(arguments))
