"""The Flex Template: its parameters against what the command and Beam know, and what its launcher runs."""

from __future__ import annotations

import argparse
import json
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from models.bundle import Bundle
from pipelines.cli import _parser
from pipelines.job_arguments import add_tag
from pipelines.option_hints import HintingParser
from pipelines.running.beam_options import beam_parser
from tests.deploy.scripts import DEPLOY, load_script
from tests.deploy.template import METADATA, PARAMETERS
from tests.storage.emulator import google_store, led_to

MAIN = load_script("flex_template/main.py")
ACTIONS = add_tag(HintingParser().add_subparsers(parser_class=HintingParser))._option_string_actions
OURS = {
    name: ACTIONS[f"--{name.replace('_', '-')}"]
    for name in PARAMETERS
    if f"--{name.replace('_', '-')}" in ACTIONS
}
BEAM = beam_parser()._option_string_actions
# The launcher sets these; with a parameter of their names, Dataflow does not find the job.
LAUNCHERS = {"runner", "project", "region", "job_name", "template_location"}
# Without a meaning where a job is only handed in: those of a run on this machine, and of waiting for the end.
NOT_OFFERED = {"workers", "tracks_per_run", "max_failure_rate", "no_wait", "help"}

# Keys of a template's metadata and their types, as the Dataflow API has them (TemplateMetadata).
METADATA_KEYS = {"name": str, "description": str, "streaming": bool, "parameters": list}
PARAMETER_KEYS = {
    "name": str,
    "label": str,
    "helpText": str,
    "isOptional": bool,
    "regexes": list,
    "paramType": str,
    "defaultValue": str,
    "enumOptions": list,
    "groupName": str,
}
PARAMETER_TYPES = {"DEFAULT", "TEXT", "BOOLEAN", "ENUM", "NUMBER", "MACHINE_TYPE"}


def test_the_metadata_has_the_form_that_dataflow_takes() -> None:
    assert {key: type(value) for key, value in METADATA.items()} == METADATA_KEYS
    assert METADATA["streaming"] is False
    assert len(PARAMETERS) == len(METADATA["parameters"])
    for one in METADATA["parameters"]:
        assert one.keys() <= PARAMETER_KEYS.keys()
        assert one.keys() >= {"name", "label", "helpText", "isOptional", "regexes"}
        for key, value in one.items():
            assert type(value) is PARAMETER_KEYS[key], (one["name"], key)
        assert one["label"].strip()
        assert one["helpText"].endswith(".")
        assert one.get("paramType", "TEXT") in PARAMETER_TYPES
        assert all(option.keys() == {"value", "label"} for option in one.get("enumOptions", ()))
        assert ("enumOptions" in one) == (one.get("paramType") == "ENUM")


def test_every_option_of_the_command_that_makes_sense_is_offered() -> None:
    names = {option.removeprefix("--").replace("-", "_") for option in ACTIONS if option.startswith("--")}
    assert names - OURS.keys() == NOT_OFFERED


def test_every_parameter_is_an_option_of_the_command_or_of_beam() -> None:
    others = PARAMETERS.keys() - OURS.keys() - {"input"}
    assert {name for name in others if f"--{name}" not in BEAM} == set()
    assert not LAUNCHERS & PARAMETERS.keys()


def test_what_must_be_given_is_what_the_command_and_dataflow_need() -> None:
    required = {name for name, one in PARAMETERS.items() if not one["isOptional"]}
    assert required == {"input", "output", "sdk_container_image"}


@pytest.mark.parametrize("name", OURS)
def test_a_default_is_the_commands_own(name: str) -> None:
    action, default = OURS[name], PARAMETERS[name].get("defaultValue")
    if action.nargs == 0:
        assert default == "false"
        assert PARAMETERS[name]["paramType"] == "BOOLEAN"
    elif action.default is None:
        assert default is None
    else:
        assert default is not None
        assert _taken(action, default) == action.default


@pytest.mark.parametrize("name", [name for name, one in PARAMETERS.items() if "enumOptions" in one])
def test_choices_are_those_of_the_parser(name: str) -> None:
    values = [option["value"] for option in PARAMETERS[name]["enumOptions"]]
    if name in OURS:
        assert values == list(OURS[name].choices or ())
    else:
        assert name == "flexrs_goal"  # Beam leaves its values to the service
        assert values == ["COST_OPTIMIZED", "SPEED_OPTIMIZED"]


def _taken(action: argparse.Action, text: str) -> Any:
    """A value as the parser takes it."""
    kind = action.type
    value = kind(text) if callable(kind) else text
    assert action.choices is None or value in action.choices
    return value


DIGEST = "sha256:" + 32 * "a1"
GOOD = {
    "input": ["gs://our-bucket", "gs://our-bucket/audio/", "gs://b.c_d/a/**/*.flac", "s3://our/cat%20a.csv"],
    "output": ["gs://our-bucket/moods", "s3://our-bucket/a/b=c"],
    "bundle": ["default", "ours-0.2", "gs://our-bucket/bundles/ours"],
    "coverage": ["whole", "centre"],
    "stride_s": ["20.0", "20", "0.1", "0.15", "9.5", "10", "10.5", "19.999", "1"],
    "all_tags": ["true", "false"],
    "precision": ["float32", "int8"],
    "feature_cache": ["gs://our-bucket/features"],
    "feature_cache_type": ["float16", "uint8"],
    "batch_size": ["1", "64"],
    "force": ["true", "false"],
    "only_failed": ["true", "false"],
    "limit": ["1", "1000000"],
    "sample": ["0", "1", "0.05", "1.0"],
    "gone": ["input", "all", "keep"],
    "max_gone_rate": ["0.5", "0.0001", "1"],
    "rows_per_file": ["500000"],
    "max_file_mb": ["1024", "0.5", "0.001", "0.05", "2048.5"],
    "max_duration_s": ["3", "21600", "3.5", "10"],
    "decode_timeout_s": ["120", "0.1", "99999.5"],
    "decode_memory_mb": ["512", "520", "600", "2048", "16384"],
    "sdk_container_image": [
        "europe-west1-docker.pkg.dev/our-project/images/moodscribe:0.1.0",
        "localhost:5000/moodscribe:1",
        f"gcr.io/our-project/moodscribe@{DIGEST}",
        f"gcr.io/our-project/moodscribe:0.1.0@{DIGEST}",
    ],
    "gpu": ["nvidia-l4", "nvidia-tesla-t4"],
    "machine_type": ["n2-standard-4", "c3d-highcpu-8", "n2-custom-4-16384", "g2-standard-8"],
    "num_workers": ["1", "1000"],
    "max_num_workers": ["1", "250", "1000"],
    "disk_size_gb": ["30", "50", "1000"],
    "number_of_worker_harness_threads": ["1", "16"],
    "flexrs_goal": ["COST_OPTIMIZED", "SPEED_OPTIMIZED"],
    "dataflow_service_options": [
        "enable_preflight_validation=false",
        "enable_prime,worker_utilization_hint=0.8",
    ],
}
BAD = {
    "input": [
        "audio/",
        "file:///etc/passwd",
        "gs://",
        "gs://Bucket/a",
        "http://host/a",
        "gs://b/a b",
        "gs://ab/a#b",
    ],
    "output": ["moods", "/moods", "gs://our-bucket/*", "gs://our-bucket/a b"],
    "bundle": ["../bundles/ours", "/bundles/ours", "Ours", "file:///ours"],
    "coverage": ["Whole", "middle"],
    "stride_s": ["0", "0.0", "0.01", "20.1", "21", "30", "-1", "1e1", "nan", "inf"],
    "all_tags": ["True", "1", "yes"],
    "precision": ["Int8", "bfloat16"],
    "feature_cache": ["features", "file:///features"],
    "feature_cache_type": ["float32"],
    "batch_size": ["0", "-1", "1.5", "12345"],
    "force": ["TRUE", "0"],
    "only_failed": ["no"],
    "limit": ["0", "-5", "1e6"],
    "sample": ["1.1", "-0.1", "2", ".5"],
    "gone": ["none"],
    "max_gone_rate": ["1.01", "50%"],
    "rows_per_file": ["0"],
    "max_file_mb": ["0", "0.0", "0.000", "1048577"],
    "max_duration_s": ["2", "0", "2.9", "1000001"],
    "decode_timeout_s": ["0", "0.01", "100001"],
    "decode_memory_mb": ["511", "0", "512.5", "99"],
    "sdk_container_image": [
        "moodscribe",
        "gcr.io/our/moodscribe",
        "gcr.io/our/moodscribe@sha256:12",
        "GCR.io/a/b:1",
    ],
    "gpu": ["type:nvidia-l4", "nvidia-l4;count:8", "l"],
    "machine_type": ["n2", "n2_standard_4", "N2-standard-4"],
    "num_workers": ["0", "1001"],
    "max_num_workers": ["0", "1001", "-1"],
    "disk_size_gb": ["10", "29", "0"],
    "number_of_worker_harness_threads": ["0", "1000"],
    "flexrs_goal": ["FLEXRS_COST_OPTIMIZED", "cost_optimized"],
    "dataflow_service_options": ["a b", "a=b,", "a=;b,c d", "--x"],
}
HOSTILE = [
    "",
    " ",
    "-",
    "--runner=DirectRunner",
    "x; rm -rf /",
    "$(id)",
    "`id`",
    "a\nb",
    "a\0b",
    "<b>",
    '"',
    "'",
    "é",
]


def test_every_parameter_is_tried() -> None:
    assert GOOD.keys() == BAD.keys() == PARAMETERS.keys()


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_regex_takes_what_is_right_and_nothing_else(name: str) -> None:
    (pattern,) = PARAMETERS[name]["regexes"]
    taken = re.compile(pattern)
    right = [*GOOD[name], *filter(None, [PARAMETERS[name].get("defaultValue")])]
    assert [value for value in right if not taken.fullmatch(value)] == []
    wrong = [*BAD[name], *HOSTILE, *(f"{value}\n" for value in right), *(f"{value} --x" for value in right)]
    assert [value for value in wrong if taken.fullmatch(value)] == []
    # Also where the service only searches.
    assert [value for value in [*BAD[name], *HOSTILE] if taken.search(value)] == []


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_regex_means_the_same_in_every_dialect(name: str) -> None:
    """Dataflow says POSIX egrep: no escapes, no groups of other kinds, nothing lazy, the whole value."""
    (pattern,) = PARAMETERS[name]["regexes"]
    assert pattern.isascii()
    assert "\\" not in pattern
    assert "(?" not in pattern
    assert not re.search(r"[*+?}][?+]", re.sub(r"\[[^\]]*\]", "x", pattern))
    assert not re.search(r"\[[^\]]*(&&|\[)", pattern)
    assert pattern.startswith("^")
    assert pattern.endswith("$")


@pytest.mark.parametrize("name", OURS)
def test_what_a_regex_takes_the_command_takes_too(name: str) -> None:
    for value in GOOD[name] if OURS[name].nargs != 0 else ():
        _taken(OURS[name], value)


def test_what_a_regex_takes_beam_takes_too() -> None:
    for name in PARAMETERS.keys() - OURS.keys() - {"input"}:
        for value in GOOD[name]:
            beam_parser().parse_args([f"--{name}={value}"])


# The launcher's entry

LAUNCHED = [
    "--runner=DataflowRunner",
    "--project=ours",
    "--region=europe-west1",
    "--job_name=nightly",
    "--temp_location=gs://music/temp",
    "--staging_location=gs://music/staging",
    "--template_location=gs://music/staging/template_launches/1/job_object",
    '--labels={"team":"moods"}',
]


def test_parameters_become_the_commands_arguments() -> None:
    given = ["--input=gs://music/catalogue.csv", "--output=gs://music/moods", "--max_gone_rate=0.1"]
    given += ["--force=true", "--all_tags=false", "--limit=", "--gpu=nvidia-l4", "--max_num_workers=7"]
    known, further = _parser().parse_known_args(MAIN.command_line([*LAUNCHED, *given]))
    assert (known.input, known.output) == ("gs://music/catalogue.csv", "gs://music/moods")
    assert (known.max_gone_rate, known.force, known.all_tags) == (0.1, True, False)
    assert (known.limit, known.gpu) == (None, "nvidia-l4")
    assert known.wait is False
    assert further == [*LAUNCHED, "--max_num_workers=7"]
    options, unknown = beam_parser().parse_known_args(further)
    assert unknown == []
    assert options.template_location.endswith("/job_object")


def test_all_parameters_at_once_are_understood() -> None:
    given = [f"--{name}={values[0]}" for name, values in GOOD.items()]
    known, further = _parser().parse_known_args(MAIN.command_line([*given, *LAUNCHED]))
    for name, action in OURS.items():
        expected = True if action.nargs == 0 else _taken(action, GOOD[name][0])
        assert getattr(known, name) == expected
    assert beam_parser().parse_known_args(further)[1] == []


def test_a_value_stays_one_argument_whatever_is_in_it() -> None:
    given = ["--input=gs://music/a", "--output=gs://music/moods --force", "--bundle=x=--force"]
    known, further = _parser().parse_known_args(MAIN.command_line(given))
    assert (known.output, known.bundle, known.force) == ("gs://music/moods --force", "x=--force", False)
    assert further == []


@pytest.mark.parametrize(
    ("given", "arguments"),
    [
        ("--use_public_ips=true", ["--use_public_ips"]),
        ("--use_public_ips=false", ["--no_use_public_ips"]),
        ("--no_use_public_ips", ["--no_use_public_ips"]),
        ("--enable_streaming_engine=false", []),
        ("--streaming=", []),
        ("--only_failed=True", ["--only-failed"]),
        ("--only_failed=false", []),
    ],
)
def test_booleans_become_flags(given: str, arguments: list[str]) -> None:
    assert MAIN.command_line(["--input=gs://music/a", given]) == [
        "tag",
        "gs://music/a",
        *arguments,
        "--no-wait",
    ]


def test_what_nobody_knows_is_left_out_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    line = MAIN.command_line(["--input=gs://music/a", "--launcher_only=1"])
    assert line == ["tag", "gs://music/a", "--no-wait"]
    assert "left out, no option of moodscribe or Beam: --launcher_only" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--output=gs://music/moods"], "the parameter input is missing"),
        (["--input="], "the parameter input is missing"),
        (["--input=gs://music/a", "--force=perhaps"], "force: 'perhaps' is neither true nor false"),
        (["--input=gs://music/a", "gs://music/b"], "'gs://music/b' is not --name=value"),
        (["--input=gs://music/a", "--"], "'--' is not --name=value"),
    ],
)
def test_what_cannot_be_understood_is_told(given: list[str], message: str) -> None:
    with pytest.raises(MAIN.ParameterError, match=re.escape(message)):
        MAIN.command_line(given)


def test_a_launch_leaves_the_job_where_the_service_looks_for_it(
    tmp_path: Path, small_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Google's launcher runs the file, against a storage emulator; the job is then the service's."""
    soundfile.write(tmp_path / "a.flac", np.zeros(16_000 * 4, np.float32), 16_000)
    with google_store(cache=str(tmp_path / "cache")) as store, led_to(store):
        store.files.pipe_file("music/audio/a.flac", (tmp_path / "a.flac").read_bytes())
        for file in small_bundle.folder.iterdir():
            store.files.pipe_file(f"music/bundles/small/{file.name}", file.read_bytes())
        given = ["--input=gs://music/audio", "--output=gs://music/moods", "--bundle=gs://music/bundles/small"]
        given += [f"--sdk_container_image={GOOD['sdk_container_image'][0]}", "--max_num_workers=7"]
        monkeypatch.setattr(sys, "argv", ["main.py", *LAUNCHED, *given, "--no_auth"])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(DEPLOY / "flex_template" / "main.py"), run_name="__main__")
        assert ended.value.code == 0
        store.files.invalidate_cache()
        job = json.loads(store.files.cat_file("music/staging/template_launches/1/job_object"))
    assert job["name"] == "nightly"
    assert job["type"] == "JOB_TYPE_BATCH"
    assert job["labels"]["team"] == "moods"
    assert job["labels"]["moodscribe-command"] == "tag"
    (pool,) = job["environment"]["workerPools"]
    assert pool["autoscalingSettings"]["maxNumWorkers"] == 7
    images = {one["containerImage"] for one in pool["sdkHarnessContainerImages"]}
    assert images == {GOOD["sdk_container_image"][0]}
