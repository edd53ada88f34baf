"""The DAG for Cloud Composer under the real Airflow: it is imported, and its tasks do what they say."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pipelines.option_hints import HintingParser
from pipelines.output.compacting.arguments import add_compact
from pipelines.output.drift.arguments import add_diff
from tests.deploy.template import NEEDED, PARAMETERS

ROOT = Path(__file__).resolve().parents[2]
DAG = ROOT / "deploy" / "airflow" / "moodscribe_dag.py"
PYTHON = ROOT / "work" / "airflow" / "bin" / "python"

needs_airflow = pytest.mark.skipif(not PYTHON.is_file(), reason="no Airflow in work/airflow: make airflow")

SETTINGS: dict[str, Any] = {
    "project": "our-project",
    "region": "europe-west1",
    "template": "gs://our-moods/templates/moodscribe.json",
    "image": "europe-west1-docker.pkg.dev/our-project/moodscribe/moodscribe:0.1.0",
    "worker_account": "moodscribe-worker@our-project.iam.gserviceaccount.com",
    "input": "gs://our-audio/catalogue.parquet",
    "output": "gs://our-moods/moods",
    "temp": "gs://our-moods/temp",
}

# Read by the Python of Airflow's environment: prints what the file makes as JSON.
PROBE = """
import importlib.util, json, os, sys
try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:
    from airflow.models import DagBag

path, asked = sys.argv[1], json.loads(sys.argv[2])
bag = DagBag(path)
spec = importlib.util.spec_from_file_location("moodscribe_dag_read", path)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
dag = module.dag

def seconds(delta):
    return delta.total_seconds() if delta else None

def refusal(settings):
    try:
        module.checked(settings)
    except ValueError as error:
        return str(error)

def read(value):
    os.environ["AIRFLOW_VAR_MOODSCRIBE"] = value
    try:
        return dag.get_task("settings").python_callable()
    except module.AirflowFailException as error:
        return f"failed: {error}"

launch, wait = dag.get_task("launch"), dag.get_task("wait")
pods = [dag.get_task(name) for name in ("gate", "compact")]
print("PROBE " + json.dumps({
    "errors": bag.import_errors,
    "dags": sorted(bag.dags),
    "order": {task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks},
    "kinds": {task.task_id: type(task).__name__ for task in dag.tasks},
    "retries": {task.task_id: task.retries for task in dag.tasks},
    "hours": {task.task_id: seconds(task.execution_timeout) / 3600 for task in dag.tasks},
    "dag": {
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "paused": dag.is_paused_upon_creation,
        "hours": seconds(dag.dagrun_timeout) / 3600,
    },
    "launch": [launch.append_job_name, launch.wait_until_finished, launch.deferrable],
    "wait": [sorted(wait.expected_statuses), wait.deferrable, sorted(wait.template_fields)],
    "outputs_apart": dag.get_task("settings").multiple_outputs,
    "commands": [pod.cmds for pod in pods],
    "takes": {
        "launch": str(launch.body.key),
        "wait": [str(getattr(wait, name).key) for name in ("job_id", "project_id", "location")],
        "gate": str(pods[0].arguments.key),
        "compact": str(pods[1].arguments.key),
    },
    "refused": [refusal(one) for one in asked["refused"]],
    "made": [read(json.dumps(one)) for one in asked["made"]],
    "unset": [read(text) for text in ("null", "{}", "{")],
}))
"""

# Plays runs of the DAG with stand-ins for Dataflow and pods: how tasks have ended, and what was asked for.
PLAY = """
import importlib.util, json, os, sys
from unittest.mock import patch
from airflow.providers.google.cloud.hooks.dataflow import DataflowHook

path, scenes = sys.argv[1], json.loads(sys.argv[2])
spec = importlib.util.spec_from_file_location("moodscribe_dag", path)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
asked, scene = {}, {}

def start(self, *, on_new_job_callback=None, **given):
    asked["launch"] = given
    job = {"id": "job-7", "projectId": given["project_id"], "location": given["location"]}
    if on_new_job_callback:
        on_new_job_callback(job)
    return job

def get_job(self, **given):
    asked["wait"] = given
    return {"currentState": scene["job"]}

def pod(self, context):
    asked[self.task_id] = [self.image, *self.cmds, *self.arguments]
    if self.task_id == scene.get("fails"):
        raise RuntimeError("a rule is broken")

for task in module.dag.tasks:
    task.retries = 0
played = []
with (
    patch.object(DataflowHook, "__init__", lambda self, **_: None),
    patch.object(DataflowHook, "start_flex_template", start),
    patch.object(DataflowHook, "get_job", get_job),
    patch.object(module.KubernetesPodOperator, "execute", pod),
):
    for scene in scenes:
        asked.clear()
        os.environ["AIRFLOW_VAR_MOODSCRIBE"] = json.dumps(scene["settings"])
        run = module.dag.test()
        ends = {one.task_id: one.state and str(getattr(one.state, "value", one.state))
                for one in run.get_task_instances()}
        played.append([ends, dict(asked)])
print("PROBE " + json.dumps(played))
"""
SCENES: list[dict[str, Any]] = [
    {"settings": SETTINGS, "job": "JOB_STATE_DONE"},
    {"settings": SETTINGS, "job": "JOB_STATE_FAILED"},
    {"settings": SETTINGS, "job": "JOB_STATE_CANCELLED"},
    {"settings": SETTINGS, "job": "JOB_STATE_DONE", "fails": "gate"},
    {"settings": {}, "job": "JOB_STATE_DONE"},
]

WRONG: list[tuple[Any, str]] = [
    (None, "not set"),
    ([], "no JSON object"),
    ({}, "project is missing; region is missing; template is missing; image is missing"),
    ({**SETTINGS, "project": None}, "project is missing"),
    ({**SETTINGS, "output": "/archive"}, "output '/archive' has not the form gs://"),
    ({**SETTINGS, "image": "moodscribe"}, "image 'moodscribe' has not the form"),
    ({**SETTINGS, "template": "gs://our-moods/templates/moodscribe"}, "template 'gs://our-moods/templates"),
    ({**SETTINGS, "outputs": "gs://our-moods/moods"}, "outputs is not known"),
    ({**SETTINGS, "fail_on": []}, "without one nothing is gated"),
    ({**SETTINGS, "fail_on": ["flip=0.1"]}, "fail_on 'flip=0.1' is no rule"),
    ({**SETTINGS, "subnetwork": "default"}, "subnetwork 'default' has not the form"),
    ({**SETTINGS, "public_ips": "no"}, "public_ips 'no' is neither true nor false"),
    ({**SETTINGS, "keep": 0}, "keep 0 is no whole number from 2 on"),
    ({**SETTINGS, "keep": "7"}, "keep '7' is no whole number from 2 on"),
    ({**SETTINGS, "parameters": {"force": True}}, "parameters is no object of texts"),
    ({**SETTINGS, "parameters": {"input": "gs://other"}}, "parameters: input is a setting"),
]
MADE: list[dict[str, Any]] = [
    SETTINGS,
    {
        **SETTINGS,
        "fail_on": ["flips:happy=0.05", "valence=.1"],
        "keep": 14,
        "max_workers": 40,
        "parameters": {"max_gone_rate": "0.2"},
        "subnetwork": "regions/europe-west1/subnetworks/ours",
    },
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of Airflow's own."""
    return tmp_path_factory.mktemp("airflow")


def airflow(home: Path, *arguments: str) -> str:
    """What the Python of Airflow's environment prints."""
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAG.parent),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [str(PYTHON), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=home, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def probed(home: Path, program: str, asked: object) -> Any:
    """What a program says of the file."""
    output = airflow(home, "-c", program, str(DAG), json.dumps(asked))
    (line,) = [line for line in output.splitlines() if line.startswith("PROBE ")]
    return json.loads(line.removeprefix("PROBE "))


@pytest.fixture(scope="module")
def read(home: Path) -> dict[str, Any]:
    """What the real Airflow makes of the file."""
    asked = {"refused": [settings for settings, _ in WRONG], "made": MADE}
    result: dict[str, Any] = probed(home, PROBE, asked)
    return result


@pytest.fixture(scope="module")
def played(home: Path) -> list[Any]:
    """How the scenes end under the real Airflow."""
    airflow(home, "-m", "airflow", "db", "migrate")
    result: list[Any] = probed(home, PLAY, SCENES)
    return result


@needs_airflow
def test_a_night_goes_from_the_launch_to_the_compaction(played: list[Any]) -> None:
    ends, asked = played[0]
    assert ends == dict.fromkeys(("settings", "launch", "wait", "gate", "compact"), "success")
    assert asked["launch"]["project_id"] == "our-project"
    assert asked["launch"]["location"] == "europe-west1"
    assert asked["launch"]["body"]["launchParameter"]["jobName"] == "moodscribe-nightly"
    assert asked["wait"] == {"job_id": "job-7", "project_id": "our-project", "location": "europe-west1"}
    assert asked["gate"][:4] == [SETTINGS["image"], "moodscribe", "diff", SETTINGS["output"]]
    assert asked["compact"][:4] == [SETTINGS["image"], "moodscribe", "compact", SETTINGS["output"]]


@needs_airflow
@pytest.mark.parametrize("scene", [1, 2], ids=["failed", "cancelled"])
def test_after_a_job_that_did_not_end_well_nothing_is_compacted(played: list[Any], scene: int) -> None:
    ends, asked = played[scene]
    assert ends["wait"] == "failed"
    assert ends["gate"] == ends["compact"] == "upstream_failed"
    assert set(asked) == {"launch", "wait"}


@needs_airflow
def test_a_broken_rule_holds_the_compaction_back(played: list[Any]) -> None:
    ends, asked = played[3]
    assert (ends["wait"], ends["gate"], ends["compact"]) == ("success", "failed", "upstream_failed")
    assert "compact" not in asked


@needs_airflow
def test_without_settings_nothing_is_launched(played: list[Any]) -> None:
    ends, asked = played[4]
    assert ends["settings"] == "failed"
    assert ends["launch"] == "upstream_failed"
    assert asked == {}


@needs_airflow
def test_the_file_is_one_dag_without_errors(read: dict[str, Any]) -> None:
    assert read["errors"] == {}
    assert read["dags"] == ["moodscribe"]


@needs_airflow
def test_settings_are_checked_before_a_job_and_a_gate_stands_before_compaction(read: dict[str, Any]) -> None:
    assert set(read["order"]) == {"settings", "launch", "wait", "gate", "compact"}
    assert "settings" in read["order"]["launch"]
    assert "launch" in read["order"]["wait"]
    assert "wait" in read["order"]["gate"]
    assert "gate" in read["order"]["compact"]
    assert read["kinds"]["launch"] == "DataflowStartFlexTemplateOperator"
    assert read["kinds"]["wait"] == "JobEnd"
    assert read["kinds"]["gate"] == read["kinds"]["compact"] == "KubernetesPodOperator"
    assert read["commands"] == [["moodscribe"], ["moodscribe"]]
    assert read["outputs_apart"]
    assert read["takes"] == {
        "launch": "body",
        "wait": ["job_id", "project", "region"],
        "gate": "diff",
        "compact": "compact",
    }


@needs_airflow
def test_one_run_at_a_time_none_made_up_for_and_none_without_an_end(read: dict[str, Any]) -> None:
    assert read["dag"] == {"catchup": False, "max_active_runs": 1, "paused": True, "hours": 20}
    assert read["retries"] == {"settings": 0, "launch": 2, "wait": 2, "gate": 0, "compact": 2}
    assert 0 < max(read["hours"].values()) < read["dag"]["hours"]
    # The name stays: Dataflow refuses a second job while the first is active.
    assert read["launch"] == [False, False, False]
    assert read["wait"] == [["JOB_STATE_DONE"], True, ["job_id", "location", "project_id"]]


@needs_airflow
def test_nothing_runs_by_mistake(read: dict[str, Any]) -> None:
    for (_, reason), said in zip(WRONG, read["refused"], strict=True):
        assert reason in str(said)
    for said in read["unset"]:
        assert said.startswith("failed: Variable moodscribe: ")


@needs_airflow
def test_the_launch_is_a_request_that_dataflow_knows(read: dict[str, Any]) -> None:
    from google.cloud.dataflow_v1beta3 import LaunchFlexTemplateRequest

    for made, settings in zip(read["made"], MADE, strict=True):
        request = LaunchFlexTemplateRequest.from_json(json.dumps(made["body"]), ignore_unknown_fields=False)
        launch = request.launch_parameter
        assert launch.container_spec_gcs_path == settings["template"]
        assert launch.parameters["input"] == settings["input"]
        assert launch.parameters["output"] == settings["output"]
        assert launch.parameters["sdk_container_image"] == settings["image"]
        assert launch.environment.service_account_email == settings["worker_account"]
        assert launch.environment.temp_location == settings["temp"]
        assert launch.environment.ip_configuration.name == "WORKER_IP_PRIVATE"
    assert read["made"][1]["body"]["launchParameter"]["parameters"]["max_num_workers"] == "40"
    assert read["made"][1]["body"]["launchParameter"]["environment"]["subnetwork"].endswith("/ours")


@needs_airflow
def test_the_template_takes_every_parameter_that_is_sent(read: dict[str, Any]) -> None:
    for made in read["made"]:
        sent = made["body"]["launchParameter"]["parameters"]
        assert NEEDED <= set(sent) <= set(PARAMETERS)
        for name, value in sent.items():
            for form in PARAMETERS[name].get("regexes", ()):
                assert re.fullmatch(form, value), name


@needs_airflow
def test_the_pods_run_commands_that_moodscribe_has(read: dict[str, Any]) -> None:
    parser = HintingParser()
    commands = parser.add_subparsers(dest="command", parser_class=HintingParser)
    add_diff(commands)
    add_compact(commands)
    for made, settings in zip(read["made"], MADE, strict=True):
        gate = parser.parse_args(made["diff"])
        assert (gate.command, gate.output, gate.run_a, gate.run_b) == (
            "diff",
            settings["output"],
            "previous",
            "latest",
        )
        rules = settings.get("fail_on", ["flips=0.02", "failed=0.01", "gone=0.1"])
        assert [str(rule) for rule in gate.fail_on] == [rule.replace("=.", "=0.") for rule in rules]
        compact = parser.parse_args(made["compact"])
        assert (compact.command, compact.output) == ("compact", settings["output"])
        assert compact.keep == settings.get("keep", 7)
        assert gate.memory_mb == compact.memory_mb == 3072


# Without Airflow.


def constant(name: str) -> Any:
    """A constant of the file, read without importing it."""
    for node in ast.parse(DAG.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    raise AssertionError(f"no {name} in {DAG}")


def test_the_parameters_that_settings_fill_are_the_templates() -> None:
    assert NEEDED <= set(constant("OWN_PARAMETERS")) <= set(PARAMETERS)


def test_the_page_shows_settings_that_the_file_takes() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", (DAG.parent / "README.md").read_text("utf-8"), re.DOTALL)
    example = json.loads(shown)
    assert {name: example[name] for name in SETTINGS} == SETTINGS


def test_what_the_workers_may_do_is_not_asked_for_by_keys() -> None:
    text = DAG.read_text("utf-8")
    assert not re.search(r"keyfile|private_key|password|token", text, re.IGNORECASE)
