"""The images: what deploy/Dockerfile says, and the locks of what is installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.deploy.dockerfile import read_dockerfile
from tests.deploy.scripts import load_script

CHECK = load_script("image/check_names.py")
ROOT = Path(__file__).resolve().parents[2]
IMAGE = ROOT / "deploy" / "image"
EXTRAS = ("aws", "essentia", "gpu", "openvino")
FILE = read_dockerfile(ROOT / "deploy" / "Dockerfile")
TARGETS = ("worker", "flex_template", "flink")
LOCK = CHECK.locked((ROOT / "requirements.lock").read_text("utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SCRIPTS = sorted((ROOT / "deploy").rglob("*.sh"))


# The Dockerfile


def test_beam_and_python_are_those_of_the_lock() -> None:
    image, _, tag = FILE.arguments["BEAM_IMAGE"].rpartition(":")
    assert {tag} == LOCK["apache-beam"]
    (python,) = re.findall(r"python(3\.\d+)_sdk", image)
    assert FILE.arguments["PYTHON_IMAGE"].startswith(f"python:{python}.")
    assert f"python{python.replace('.', '')}-" in FILE.arguments["LAUNCHER_IMAGE"]
    assert f"--python-version {python} " in (IMAGE / "locks.sh").read_text("utf-8")


def test_every_image_from_elsewhere_has_a_tag_and_takes_a_digest() -> None:
    stages = {stage.name for stage in FILE.stages}
    outside = [stage.base for stage in FILE.stages if stage.base not in stages]
    for base in outside:
        found = re.fullmatch(r"\$\{(\w+)_IMAGE\}\$\{(\w+)_DIGEST:\+@\$\{\2_DIGEST\}\}", base)
        assert found, base
        assert found[1] == found[2]
        assert FILE.arguments[f"{found[1]}_DIGEST"] == ""
        tag = FILE.arguments[f"{found[1]}_IMAGE"].rpartition(":")[2]
        assert re.search(r"\d+[._]\d+|\d{8}", tag), base
        assert "latest" not in tag
    assert len(outside) * 2 == len(FILE.arguments)


@pytest.mark.parametrize(
    ("target", "entry"),
    [
        ("worker", "/opt/apache/beam/boot"),
        ("flex_template", "/opt/google/dataflow/python_template_launcher"),
        ("flink", "/opt/flink/flink.sh"),
    ],
)
def test_a_target_starts_what_its_engine_expects(target: str, entry: str) -> None:
    assert json.loads(FILE.effective(target, "ENTRYPOINT") or "[]") == [entry]
    assert FILE.stages[-1].base == "worker"


def test_who_runs_in_an_image_is_said() -> None:
    assert FILE.effective("flink", "USER") == "10001:10001"
    (account,) = [run for run in FILE.stage("worker").all("RUN") if "useradd" in run]
    assert "--uid 10001" in account
    # Dataflow's folders are root's; who may do without says so.
    for target in ("worker", "flex_template"):
        assert FILE.effective(target, "USER") == "${DATAFLOW_USER}"
    assert "DATAFLOW_USER=root" in FILE.stage("worker").all("ARG")


def test_boot_finds_what_is_installed() -> None:
    """It makes an environment of its own otherwise, for which it must write into /opt."""
    assert "RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1" in str(FILE.effective("worker", "ENV"))
    (sdk,) = [copy for copy in FILE.stage("worker").all("COPY") if "--from=beam" in copy]
    assert sdk.split()[1:] == ["/opt/apache/beam", "/opt/apache/beam"]


def test_nothing_comes_from_an_index_unchecked() -> None:
    commands = [run for stage in FILE.stages for run in stage.all("RUN")]
    commands += [(IMAGE / "install.sh").read_text("utf-8").replace("\\\n", " ")]
    installs = [line for text in commands for line in re.findall(r"pip install[^&\n]*", text)]
    assert len(installs) >= 4
    for install in installs:
        assert "--no-deps" in install
        assert "--require-hashes" in install or "--no-index" in install, install
    assert not any(re.search(r"\b(curl|wget|git clone)\b", text) for text in commands)


def test_no_secret_is_an_argument_or_a_variable() -> None:
    given = [rest for stage in FILE.stages for word in ("ARG", "ENV") for rest in stage.all(word)]
    assert not re.search(r"TOKEN|SECRET|PASSWORD|INDEX_URL|CREDENTIAL", " ".join([*given, *FILE.arguments]))


def test_weights_are_fetched_only_when_asked_for() -> None:
    worker = FILE.stage("worker")
    assert "WEIGHTS=" in worker.all("ARG")
    (run,) = [run for run in worker.all("RUN") if "weights fetch" in run]
    assert run.endswith("moodscribe --version")


def test_the_list_of_parts_is_written_and_its_tool_stays_out() -> None:
    assert any("cyclonedx-py environment" in run for run in FILE.stage("sbom").all("RUN"))
    assert "--from=sbom /opt/moodscribe/sbom.json /opt/moodscribe/sbom.json" in FILE.stage("worker").all(
        "COPY"
    )
    for target in TARGETS:
        assert "sbom" not in {stage.name for stage in FILE.lineage(target)}


def test_the_build_is_given_what_it_copies_and_little_else() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    let_in = [line.removeprefix("!") for line in lines if line.startswith("!")]
    assert "*" in lines
    copied = [
        source
        for stage in FILE.stages
        for copy in stage.all("COPY")
        if "--from=" not in copy
        for source in [word for word in copy.split() if not word.startswith("--")][:-1]
    ]
    mounted = re.findall(r"type=bind,source=([^,]+)", " ".join(FILE.stage("installed").all("RUN")))
    assert len(mounted) == 2
    for source in {*copied, *mounted}:
        assert (ROOT / source).exists(), source
        assert any(source == allowed or source.startswith(f"{allowed}/") for allowed in let_in), source
    assert not {"tests", "work", ".git", "deploy/terraform"} & set(let_in)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_one(script: Path) -> None:
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    done = subprocess.run([_tool("shellcheck"), str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_hadolint_has_nothing_to_say() -> None:
    command = [_tool("hadolint"), str(ROOT / "deploy" / "Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def _tool(name: str) -> str:
    """A linter of this environment, which has it on Linux, or of the machine."""
    path = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if path is None:
        pytest.skip(f"no {name} on the path")
    return path


# What is installed


@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="the image has Python 3.11: other Pythons need others"
)
def test_the_runtime_names_are_what_moodscribe_needs() -> None:
    named = set(_names(IMAGE / "runtime.txt"))
    assert named == (_needed(CHECK.OURS, ()) - {CHECK.OURS}) | {"tensorflow", "tensorflow-cpu"}
    assert named <= set(LOCK)


def _needed(name: str, extras: tuple[str, ...]) -> set[str]:
    """Distributions that one needs here, itself included."""
    needed: set[str] = set()
    left = [(name, extras)]
    done = set()
    while left:
        name, extras = left.pop()
        if (name, extras) in done:
            continue
        done.add((name, extras))
        try:
            found = distribution(name)
        except PackageNotFoundError:
            pytest.skip(f"{name} is not installed here: make test")
        needed.add(CHECK.normal(name))
        for requirement in map(Requirement, found.requires or ()):
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in (*extras, "")):
                left.append((CHECK.normal(requirement.name), tuple(sorted(requirement.extras))))
    return needed


def _names(path: Path) -> list[str]:
    return [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]


def test_no_tool_of_ours_and_no_licence_for_research_only_is_in_the_image() -> None:
    named = set(_names(IMAGE / "runtime.txt"))
    assert not named & {"pytest", "mypy", "ruff", "librosa", "scikit-learn", "tensorflow-io"}
    assert not named & {"essentia", "opensmile"}


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_has_hashes_and_the_versions_of_the_lock(extra: str) -> None:
    text = (IMAGE / f"{extra}.lock").read_text("utf-8")
    entries = [line for line in text.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)
    pinned = CHECK.locked(text)
    wanted = {CHECK.normal(Requirement(one).name) for one in PROJECT["optional-dependencies"][extra]}
    assert wanted <= set(pinned)
    differing = {name for name, versions in pinned.items() if name in LOCK and not versions <= LOCK[name]}
    assert not differing
    assert "tensorflow-cpu" not in pinned


def test_the_tool_of_the_list_of_parts_has_hashes() -> None:
    text = (IMAGE / "sbom.lock").read_text("utf-8")
    entries = [line for line in text.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "cyclonedx-bom" in CHECK.locked(text)


def test_entries_are_picked_whole() -> None:
    done = _pick("numpy", "scipy")
    assert done.returncode == 0
    assert set(CHECK.locked(done.stdout)) == {"numpy", "scipy"}
    whole = (ROOT / "requirements.lock").read_text("utf-8")
    assert CHECK.locked(done.stdout)["scipy"] == LOCK["scipy"]
    (entry,) = re.findall(r"^numpy==.*?(?=^[a-z])", whole, re.MULTILINE | re.DOTALL)
    assert entry in done.stdout


def test_a_name_that_the_lock_does_not_have_is_told() -> None:
    done = _pick("numpy", "numpyy")
    assert done.returncode == 1
    assert "no entry of numpyy" in done.stderr


def _pick(*names: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(IMAGE / "pick.sh"), str(ROOT / "requirements.lock"), *names]
    return subprocess.run(command, capture_output=True, text=True, check=False)
