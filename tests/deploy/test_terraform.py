"""The Terraform module: its form, its rights, its variables, what it computes without its provider."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.metrics import COUNTERS, DISTRIBUTIONS
from tests.deploy.template import NEEDED, PARAMETERS
from transforms.writing.stage import RUN_LINE

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "deploy" / "terraform"
SOURCES = {path.name: path.read_text("utf-8") for path in sorted(MODULE.glob("*.tf"))}

needs_terraform = pytest.mark.skipif(
    shutil.which("terraform") is None,
    reason="no terraform on the path, see https://developer.hashicorp.com/terraform/install",
)

# Every right that is given: the kind of grant, the role, what it is on, whom.
GRANTS = {
    ("google_project_iam_member", "roles/dataflow.worker", "var.project", "worker"),
    (
        "google_storage_bucket_iam_member",
        "roles/storage.objectAdmin",
        "google_storage_bucket.moods",
        "worker",
    ),
    ("google_storage_bucket_iam_member", "roles/storage.objectViewer", "var.audio_bucket", "worker"),
    (
        "google_artifact_registry_repository_iam_member",
        "roles/artifactregistry.reader",
        "google_artifact_registry_repository.images",
        "worker",
    ),
    ("google_project_iam_member", "roles/dataflow.developer", "var.project", "scheduler"),
    (
        "google_service_account_iam_member",
        "roles/iam.serviceAccountUser",
        "google_service_account.worker",
        "scheduler",
    ),
}


def blocks(kind: str) -> Iterator[tuple[list[str], str]]:
    """Labels and body of each block of a kind at the top level; `terraform fmt` ends it by a } of its own."""
    form = re.compile(rf'^{kind}((?: "[^"]+")*) \{{\n(.*?)^\}}$', re.MULTILINE | re.DOTALL)
    for source in SOURCES.values():
        for found in form.finditer(source):
            yield re.findall('"([^"]+)"', found[1]), found[2]


def attribute(body: str, name: str) -> str | None:
    """The expression of an attribute of a block, as it is written."""
    found = re.search(rf"^  {name}\s+= (.*)$", body, re.MULTILINE)
    return found[1] if found else None


def test_no_right_but_the_named_ones_is_given() -> None:
    given = set()
    for (kind, _), body in blocks("resource"):
        if "_iam_" not in kind:
            assert "roles/" not in body, kind
            continue
        place = next(
            place
            for name in ("bucket", "repository", "service_account_id", "project")
            if (place := attribute(body, name))
        )
        member = re.fullmatch(r"google_service_account\.(\w+)\.member", str(attribute(body, "member")))
        assert member, body
        role = str(attribute(body, "role")).strip('"')
        given.add((kind, role, place.removesuffix(".name"), member[1]))
    assert given == GRANTS


def test_grants_add_to_what_there_is_and_no_account_has_a_key() -> None:
    kinds = {labels[0] for labels, _ in blocks("resource")}
    assert not {kind for kind in kinds if kind.endswith(("_iam_binding", "_iam_policy", "_key"))}
    everything = "".join(SOURCES.values())
    assert "allUsers" not in everything
    assert "allAuthenticatedUsers" not in everything


@pytest.mark.parametrize("page", [MODULE / "README.md", ROOT / "SECURITY.md"], ids=lambda path: path.name)
def test_the_pages_name_the_roles_that_are_given_and_no_other(page: Path) -> None:
    named = set(re.findall(r"roles/[a-zA-Z.]+[a-zA-Z]", page.read_text("utf-8")))
    assert named == {role for _, role, _, _ in GRANTS}


def test_the_bucket_keeps_versions_and_is_private() -> None:
    (body,) = [body for labels, body in blocks("resource") if labels[0] == "google_storage_bucket"]
    assert attribute(body, "uniform_bucket_level_access") == "true"
    assert attribute(body, "public_access_prevention") == '"enforced"'
    assert attribute(body, "force_destroy") == "false"
    assert re.search(r"versioning \{\s+enabled = true", body)
    assert "prevent_destroy = true" in body
    # Rules that delete current objects do so under these prefixes only.
    rules = re.findall(r"lifecycle_rule \{(.*?)^  \}", body, re.MULTILINE | re.DOTALL)
    deleting = [rule for rule in rules if '"Delete"' in rule]
    assert len(deleting) == 2
    assert [
        re.findall(r'matches_prefix = (\[.*\])|with_state\s+= "(ARCHIVED)"', rule) for rule in deleting
    ] == [
        [('["temp/", "staging/"]', "")],
        [("", "ARCHIVED")],
    ]


def test_every_variable_is_described_and_its_form_is_checked() -> None:
    variables = {labels[0]: body for labels, body in blocks("variable")}
    assert len(variables) > 15
    for name, body in variables.items():
        assert attribute(body, "description"), name
        kind = attribute(body, "type")
        if kind != "bool":
            assert "validation {" in body, name
        if kind in ("string", "list(string)", "map(string)"):
            assert "regex(" in body, name
        for message in re.findall(r'error_message = "(.*)"', body):
            assert message.startswith(f"{name}: "), name
    for labels, body in blocks("output"):
        assert attribute(body, "description"), labels


def test_the_provider_is_pinned_to_a_range() -> None:
    assert re.search(
        r'source  = "hashicorp/google"\n\s+version = ">= \d+\.\d+\.\d+, < \d+\.0\.0"', SOURCES["versions.tf"]
    )
    assert re.search(r'required_version = ">= \d+\.\d+\.\d+, < \d+\.0\.0"', SOURCES["versions.tf"])


# What Terraform itself says.


def terraform(folder: Path, *arguments: str, asked: str = "") -> subprocess.CompletedProcess[str]:
    """Terraform in a folder, asking nobody."""
    environment = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}
    command = ["terraform", f"-chdir={folder}", *arguments]
    return subprocess.run(command, input=asked, capture_output=True, text=True, env=environment, check=False)


@needs_terraform
def test_the_form_is_terraforms_own() -> None:
    done = terraform(MODULE, "fmt", "-check", "-diff", "-recursive")
    assert done.returncode == 0, done.stdout


@needs_terraform
def test_the_module_is_valid_by_its_provider() -> None:
    if not any((MODULE / ".terraform" / "providers").glob("**/terraform-provider-google_*")):
        pytest.skip("the provider is not there: terraform -chdir=deploy/terraform init -backend=false")
    done = terraform(MODULE, "validate", "-json")
    assert json.loads(done.stdout)["valid"], done.stdout


@pytest.fixture(scope="module")
def without_provider(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The module without its resources: variables and locals, with names in the place of what they make."""
    folder = tmp_path_factory.mktemp("module")
    kept = [
        re.sub(r"^(resource|output|terraform)\b.*?^\}$", "", source, flags=re.MULTILINE | re.DOTALL)
        for source in SOURCES.values()
    ]
    text = re.sub(r"google_\w+\.\w+\.(\w+)", r'"a-\1"', "\n".join(kept))
    text += 'output "launch" { value = local.launch }\noutput "charts" { value = local.charts }\n'
    (folder / "main.tf").write_text(text)
    done = terraform(folder, "init", "-backend=false", "-no-color")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def computed(without_provider: Path) -> dict[str, Any]:
    """What the module makes of the example of its variables."""
    example = MODULE / "terraform.tfvars.example"
    (without_provider / "terraform.tfvars").write_text(example.read_text("utf-8"))
    done = terraform(without_provider, "apply", "-auto-approve", "-no-color")
    assert done.returncode == 0, done.stderr
    outputs = json.loads(terraform(without_provider, "output", "-json").stdout)
    return {name: output["value"] for name, output in outputs.items()}


WRONG = {
    "project": "12345",
    "region": "europe",
    "scheduler_region": "here",
    "name": "Moods",
    "labels": '{Team="x"}',
    "bucket": "gs://moods",
    "bucket_location": "in Europe",
    "audio_bucket": "gs://audio",
    "input": "/archive",
    "output_folder": "temp/moods",
    "template_spec": "gs://moods/template",
    "worker_image": "moodscribe",
    "template_parameters": '{input="gs://other"}',
    "machine_type": "large one",
    "max_workers": "0",
    "subnetwork": "default",
    "schedule": "daily",
    "time_zone": "Berlin summer",
    "late_after_hours": "48",
    "max_run_hours": "0",
    "notification_channels": '["me@example.org"]',
    "temporary_days": "0",
    "noncurrent_days": "0.5",
}


@needs_terraform
def test_every_variable_that_cannot_be_right_is_refused(without_provider: Path) -> None:
    wrong = [f"-var={name}={value}" for name, value in WRONG.items()]
    done = terraform(without_provider, "plan", "-no-color", *wrong)
    assert done.returncode == 1
    said = done.stderr + done.stdout
    assert not [name for name in WRONG if f"{name}: " not in said], said
    checked = {labels[0] for labels, body in blocks("variable") if "validation {" in body}
    assert checked == set(WRONG)


@needs_terraform
def test_the_launch_is_a_request_that_dataflow_knows(computed: dict[str, Any]) -> None:
    from google.cloud.dataflow_v1beta3 import LaunchFlexTemplateRequest

    request = LaunchFlexTemplateRequest.from_json(json.dumps(computed["launch"]), ignore_unknown_fields=False)
    launch = request.launch_parameter
    assert launch.job_name == "moodscribe-nightly"
    assert launch.container_spec_gcs_path == "gs://our-moods/templates/moodscribe.json"
    assert launch.parameters["input"] == "gs://our-audio/catalogue.parquet"
    assert launch.environment.temp_location.endswith("/temp")
    assert launch.parameters["max_num_workers"] == "20"
    assert launch.environment.service_account_email == "a-email"
    assert launch.environment.ip_configuration.name == "WORKER_IP_PRIVATE"


@needs_terraform
def test_a_network_and_a_machine_of_ones_own_are_sent(
    without_provider: Path, computed: dict[str, Any]
) -> None:
    from google.cloud.dataflow_v1beta3 import LaunchFlexTemplateRequest

    given = (
        "subnetwork=regions/europe-west1/subnetworks/ours",
        "machine_type=n2-highmem-4",
        "public_ips=true",
    )
    variables = [f"-var={one}" for one in given]
    done = terraform(without_provider, "console", *variables, asked="jsonencode(local.launch)\n")
    assert done.returncode == 0, done.stderr
    sent = json.loads(json.loads(done.stdout))
    request = LaunchFlexTemplateRequest.from_json(json.dumps(sent), ignore_unknown_fields=False)
    launch = request.launch_parameter
    assert launch.environment.subnetwork == "regions/europe-west1/subnetworks/ours"
    assert launch.environment.ip_configuration.name == "WORKER_IP_PUBLIC"
    assert launch.parameters["machine_type"] == "n2-highmem-4"
    assert set(launch.parameters) <= set(PARAMETERS)


@needs_terraform
def test_the_template_takes_every_parameter_that_is_sent(computed: dict[str, Any]) -> None:
    sent = computed["launch"]["launchParameter"]["parameters"]
    assert NEEDED <= set(sent) <= set(PARAMETERS)
    for name, value in sent.items():
        for form in PARAMETERS[name].get("regexes", ()):
            assert re.fullmatch(form, value.replace("gs://a-name/", "gs://our-moods/")), name


@needs_terraform
def test_the_dashboard_shows_what_the_code_counts_and_each_status(computed: dict[str, Any]) -> None:
    filters = [
        series["timeSeriesQuery"]["timeSeriesFilter"]["filter"]
        for chart in computed["charts"]
        for series in chart["xyChart"]["dataSets"]
    ]
    assert all('"moodscribe-"' in one or "runs_published" in one or "a-name" in one for one in filters)
    shown = [form for one in filters for form in re.findall(r'full_match\("\(moodscribe/\)\?(.+?)"\)', one)]
    assert len(shown) == len(set(shown)) == sum("user_counter" in one for one in filters)
    told = {
        *COUNTERS,
        *(f"{name}_{part}" for name in DISTRIBUTIONS for part in ("MEAN", "MAX", "MIN", "COUNT")),
    }
    assert [form for form in shown if not any(re.fullmatch(form, name) for name in told)] == []
    missed = {name for name in COUNTERS if not any(re.fullmatch(form, name) for form in shown)}
    assert missed == {"cached", "retries_read", "retries_write"}


def test_the_line_that_tells_of_a_published_run_is_logged_by_the_code() -> None:
    (line,) = re.findall(r'^  run_line = "(.*)"$', SOURCES["alerts.tf"], re.MULTILINE)
    assert line == RUN_LINE
