"""The nightly run for Cloud Composer: launch the Flex Template, gate its run by `diff`, then `compact`.

settings -> launch -> wait -> gate -> compact
   |          |        |      '- moodscribe diff OUT previous latest --fail-on ...: status 1, a rule is broken
   |          |        '- until the job has ended: only a run that was published lets it end well
   |          '- asks Dataflow for the job, under a name that it takes once at a time
   '- the Airflow Variable `moodscribe`, checked: without it nothing is launched

`diff` and `compact` run in the worker image, as pods: what moodscribe needs and what Airflow pins do not go
together in one environment. The Variable is described in deploy/airflow/README.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.exceptions import AirflowFailException
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.google.cloud.operators.dataflow import DataflowStartFlexTemplateOperator
from airflow.providers.google.cloud.sensors.dataflow import DataflowJobStatusSensor
from kubernetes.client import V1ResourceRequirements

try:  # Airflow 3
    from airflow.sdk import DAG, Variable, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task
    from airflow.models import Variable

VARIABLE = "moodscribe"
# The template's parameters that settings of their own fill; any other goes into `parameters`.
OWN_PARAMETERS = ("input", "output", "sdk_container_image", "max_num_workers")

_URI = r"gs://[a-z0-9][a-z0-9_.-]{1,61}[a-z0-9]/\S*"
_NUMBER = r"[0-9]*\.?[0-9]+"
# What has to be there, and its form. None of it has a default: nothing runs that nobody has asked for.
_NEEDED = {
    "project": r"[a-z][a-z0-9-]{4,28}[a-z0-9]",
    "region": r"[a-z]+-[a-z]+[0-9]+",
    "template": _URI.replace(r"\S*", r"\S+\.json"),
    "image": r"[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+(:\w[\w.-]{0,127}|@sha256:[0-9a-f]{64})",
    "worker_account": r"[a-z0-9-]+@[a-z0-9.-]+\.gserviceaccount\.com",
    "input": _URI,
    "output": _URI,
    "temp": _URI,
}
_OPTIONAL: Mapping[str, Any] = {
    "job_name": "moodscribe-nightly",
    "fail_on": ["flips=0.02", "failed=0.01", "gone=0.1"],
    "keep": 7,
    "max_workers": 10,
    "subnetwork": None,
    "public_ips": False,
    "parameters": {},
    "namespace": "composer-user-workloads",
    "kube_config": "/home/airflow/composer_kube_config",
}
_FORMS = {
    "job_name": r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
    "subnetwork": r"(https://www\.googleapis\.com/compute/v1/projects/[a-z0-9:.-]+/)?"
    r"regions/[a-z0-9-]+/subnetworks/[a-z0-9-]+",
    "namespace": r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
    "kube_config": r"/\S+",
}
_FAIL_ON = re.compile(
    rf"(flips|rate|failed|gone|valence|arousal|quadrant)={_NUMBER}|(flips|rate):[^=\s]+={_NUMBER}"
)
# Of a pod of `diff` or `compact`: half of its memory is left for what DuckDB does not count; what does not
# fit goes to its disk.
_POD_MEMORY_MB, _POD_DISK_MB = 6144, 10_240
_TRIED_AGAIN = {"retries": 2, "retry_delay": timedelta(minutes=10), "retry_exponential_backoff": True}


def checked(given: Any) -> dict[str, Any]:
    """All settings, defaults filled in; ValueError that names every one that is missing or cannot work."""
    if not isinstance(given, Mapping):
        raise ValueError("not set" if given is None else "no JSON object")
    if problems := [*_problems(given), *_contrary({**_OPTIONAL, **given})]:
        raise ValueError("; ".join(problems))
    return {**_OPTIONAL, **given}


def _problems(given: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{name} is missing" for name in _NEEDED if given.get(name) is None)
    for name, form in {**_NEEDED, **_FORMS}.items():
        value = given.get(name)
        if value is not None and not (isinstance(value, str) and re.fullmatch(form, value)):
            yield f"{name} {value!r} has not the form {form}"
    for name in sorted(set(given) - set(_NEEDED) - set(_OPTIONAL)):
        yield f"{name} is not known"


def _contrary(settings: Mapping[str, Any]) -> Iterator[str]:
    if type(settings["public_ips"]) is not bool:
        yield f"public_ips {settings['public_ips']!r} is neither true nor false"
    for name, least in {"keep": 2, "max_workers": 1}.items():
        if type(settings[name]) is not int or settings[name] < least:
            yield f"{name} {settings[name]!r} is no whole number from {least} on"
    rules = settings["fail_on"]
    if not isinstance(rules, list) or not rules:
        yield "fail_on is no list of rules: without one nothing is gated"
    else:
        yield from (f"fail_on {rule!r} is no rule" for rule in rules if not _FAIL_ON.fullmatch(str(rule)))
    parameters = settings["parameters"]
    if not isinstance(parameters, Mapping) or not all(isinstance(one, str) for one in parameters.values()):
        yield "parameters is no object of texts"
    else:
        yield from (f"parameters: {name} is a setting" for name in OWN_PARAMETERS if name in parameters)


def launch_body(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The request to Dataflow. The name of the job is always the same: a second one while the first is active
    is refused, whoever launches it."""
    own = (settings["input"], settings["output"], settings["image"], str(settings["max_workers"]))
    environment = {
        "serviceAccountEmail": settings["worker_account"],
        "tempLocation": settings["temp"],
        "ipConfiguration": "WORKER_IP_PUBLIC" if settings["public_ips"] else "WORKER_IP_PRIVATE",
    }
    if settings["subnetwork"]:
        environment["subnetwork"] = settings["subnetwork"]
    return {
        "launchParameter": {
            "jobName": settings["job_name"],
            "containerSpecGcsPath": settings["template"],
            "parameters": {**settings["parameters"], **dict(zip(OWN_PARAMETERS, own, strict=True))},
            "environment": environment,
        }
    }


def diff_arguments(settings: Mapping[str, Any]) -> list[str]:
    """`moodscribe diff` as the gate: status 1 for a broken rule, 2 for a state that is not there."""
    rules = [part for rule in settings["fail_on"] for part in ("--fail-on", rule)]
    return ["diff", settings["output"], "previous", "latest", *rules, *_memory()]


def compact_arguments(settings: Mapping[str, Any]) -> list[str]:
    """`moodscribe compact`, which keeps the folders of some runs."""
    return ["compact", settings["output"], "--keep", str(settings["keep"]), *_memory()]


def _memory() -> list[str]:
    return ["--memory-mb", str(_POD_MEMORY_MB // 2)]


class JobEnd(DataflowJobStatusSensor):
    """Waits for the end of a job whose project and region are known when it runs."""

    template_fields = ("job_id", "project_id", "location")


def _pod(task_id: str, chosen: Any, arguments: Any, **given: Any) -> KubernetesPodOperator:
    return KubernetesPodOperator(
        task_id=task_id,
        name=f"moodscribe-{task_id}",
        image=chosen["image"],
        cmds=["moodscribe"],
        arguments=arguments,
        namespace=chosen["namespace"],
        config_file=chosen["kube_config"],
        container_resources=V1ResourceRequirements(
            requests={"cpu": "2", "memory": f"{_POD_MEMORY_MB}Mi", "ephemeral-storage": f"{_POD_DISK_MB}Mi"},
            limits={"memory": f"{_POD_MEMORY_MB}Mi"},
        ),
        startup_timeout_seconds=900,
        get_logs=True,
        **given,
    )


with DAG(
    dag_id="moodscribe",
    description="Tag what is new or changed in the catalogue, gate it by its drift, compact the tables.",
    schedule="0 1 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),  # noqa: UP017 - as Composer's oldest Python has it
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    dagrun_timeout=timedelta(hours=20),
    default_args={"owner": "moodscribe"},
    tags=["moodscribe"],
    doc_md=__doc__,
) as dag:

    @task(task_id="settings", multiple_outputs=True, retries=0, execution_timeout=timedelta(minutes=5))
    def read_settings() -> dict[str, Any]:
        """What the tasks after this take; fails at once where the Variable does not say all of it."""
        try:
            settings = checked(Variable.get(VARIABLE, None, deserialize_json=True))
        except ValueError as error:
            raise AirflowFailException(f"Variable {VARIABLE}: {error}") from error
        texts = ("project", "region", "image", "namespace", "kube_config")
        return {
            **{name: settings[name] for name in texts},
            "body": launch_body(settings),
            "diff": diff_arguments(settings),
            "compact": compact_arguments(settings),
        }

    chosen = read_settings()
    launch = DataflowStartFlexTemplateOperator(
        task_id="launch",
        project_id=chosen["project"],
        location=chosen["region"],
        body=chosen["body"],
        append_job_name=False,
        wait_until_finished=False,
        deferrable=False,
        execution_timeout=timedelta(minutes=30),
        **_TRIED_AGAIN,
    )
    # Apart from the launch: to look again is not to launch again. No worker of Airflow is held meanwhile.
    wait = JobEnd(
        task_id="wait",
        job_id=launch.output["job_id"],
        project_id=chosen["project"],
        location=chosen["region"],
        expected_statuses={"JOB_STATE_DONE"},
        deferrable=True,
        poll_interval=60,
        execution_timeout=timedelta(hours=16),
        **_TRIED_AGAIN,
    )
    gate = _pod("gate", chosen, chosen["diff"], retries=0, execution_timeout=timedelta(hours=2))
    compact = _pod("compact", chosen, chosen["compact"], execution_timeout=timedelta(hours=4), **_TRIED_AGAIN)

    chosen >> launch >> wait >> gate >> compact
