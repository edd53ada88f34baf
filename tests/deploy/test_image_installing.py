"""What an image installs and what it refuses, by its own scripts, and the check of the names.

An index is a folder of small wheels.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tests.deploy.scripts import DEPLOY, load_script

CHECK = load_script("image/check_names.py")
OURS, PACKAGES = CHECK.OURS, CHECK.PACKAGES
IMAGE = DEPLOY / "image"


class Index:
    """Wheels in a folder, their lock, and a Python to install into."""

    def __init__(self, folder: Path, fresh_python: Path) -> None:
        self.folder = folder
        self._fresh_python = fresh_python
        self.wheels = folder / "wheels"
        self.image = folder / "deploy" / "image"
        self.wheels.mkdir(parents=True)
        self.image.mkdir(parents=True)
        for name in ("install.sh", "pick.sh", "check_names.py"):
            shutil.copy(IMAGE / name, self.image)
        (self.image / "runtime.txt").write_text("# names\n")
        self.lock = ""
        self.add("setuptools")

    def add(self, name: str, *, package: str = "", needs: str = "", named: bool = True) -> Path:
        """A wheel of version 1.0, in the lock and among the names of what moodscribe needs."""
        path = wheel(self.wheels, name, package=package, needs=needs)
        if named:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            self.lock += f"{name}==1.0 \\\n    --hash=sha256:{digest}\n"
        if named and name != "setuptools":
            names = self.image / "runtime.txt"
            names.write_text(names.read_text() + f"{name}\n")
        return path

    def install(self, *extras: str, needs: str = "") -> subprocess.CompletedProcess[str]:
        """Install into a new Python, with moodscribe's own wheel."""
        shutil.copytree(self._fresh_python, self.folder / "python", symlinks=True)
        (self.folder / "requirements.lock").write_text(self.lock)
        ours = wheel(self.folder, OURS, needs=needs)
        python = self.folder / "python" / "bin" / "python"
        environment = {**_without_pip(os.environ), "PYTHON": str(python), "PIP_NO_INDEX": "1"}
        environment |= {"PIP_FIND_LINKS": str(self.wheels), "PIP_CONFIG_FILE": os.devnull}
        command = ["sh", str(self.image / "install.sh"), str(ours), *extras]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _without_pip(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith(("PIP_", "PYTHON"))}


def wheel(folder: Path, name: str, *, package: str = "", needs: str = "") -> Path:
    """A wheel with one module."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    files = {
        f"{package or f'{name}_module'}/__init__.py": "",
        f"{info}/METADATA": metadata + (f"Requires-Dist: {needs}\n" if needs else ""),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"]))
    return path


@pytest.fixture(scope="module")
def fresh_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with pip alone, for copies of its own to each installation."""
    folder = tmp_path_factory.mktemp("fresh") / "python"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return folder


@pytest.fixture
def index(tmp_path: Path, fresh_python: Path) -> Index:
    index = Index(tmp_path, fresh_python)
    index.add("needed")
    return index


def test_what_the_lock_names_is_installed_and_nothing_else(index: Index) -> None:
    index.add("further", named=False)
    done = index.install(needs="needed")
    assert done.returncode == 0, done.stderr
    site = next((index.folder / "python" / "lib").glob("python*")) / "site-packages"
    names = {found.name for found in distributions(path=[str(site)])}
    assert names == {"pip", "setuptools", "needed", OURS}


def test_a_file_with_other_bytes_than_the_lock_knows_is_refused(index: Index) -> None:
    wheel(index.wheels, "needed", package="changed")
    done = index.install(needs="needed")
    assert done.returncode == 1
    assert "DO NOT MATCH THE HASHES" in done.stderr


def test_a_requirement_that_the_names_have_not_is_told(index: Index) -> None:
    done = index.install(needs="forgotten")
    assert done.returncode == 1
    assert "requires forgotten, which is not installed" in done.stderr


def test_a_package_of_our_name_from_somebody_else_ends_the_build(index: Index) -> None:
    index.add("stranger", package="schemas")
    done = index.install(needs="stranger")
    assert done.returncode == 1
    assert "stranger 1.0 has a package schemas, a name of ours" in done.stderr


def test_with_the_extra_for_gpus_the_tensorflow_for_processors_stays_out(index: Index) -> None:
    index.add("tensorflow-cpu")
    digest = hashlib.sha256(index.add("tensorflow", named=False).read_bytes()).hexdigest()
    (index.image / "gpu.lock").write_text(f"tensorflow==1.0 --hash=sha256:{digest}\n")
    index.lock += f"tensorflow==1.0 ; sys_platform == 'nowhere' --hash=sha256:{digest}\n"
    done = index.install("gpu", needs="tensorflow-cpu")
    assert done.returncode == 0, done.stderr
    site = next((index.folder / "python" / "lib").glob("python*")) / "site-packages"
    names = {CHECK.normal(found.name) for found in distributions(path=[str(site)])}
    assert "tensorflow" in names
    assert "tensorflow-cpu" not in names


def test_an_extra_that_there_is_not_is_refused(index: Index) -> None:
    done = index.install("opensmile")
    assert done.returncode == 2
    assert "no extra opensmile: aws, essentia, gpu, openvino" in done.stderr


# The names


def installed(folder: Path, name: str, version: str = "1.0", *, url: str = "", package: str = "") -> None:
    """A distribution, as an installer leaves it."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text(f"{package}/__init__.py,,\n" if package else "")
    if url:
        (info / "direct_url.json").write_text(json.dumps({"url": url, "archive_info": {}}))


def told(folder: Path, lock: str) -> list[str]:
    return list(CHECK.problems(distributions(path=[str(folder)]), CHECK.locked(lock)))


def test_what_is_in_a_lock_is_right_however_its_name_is_written(tmp_path: Path) -> None:
    installed(tmp_path, OURS, url="file:///wheel/moodscribe-1.0-py3-none-any.whl", package="schemas")
    installed(tmp_path, "Typing_Extensions", "4.16.0")
    installed(tmp_path, "pip", "24.0")
    assert told(tmp_path, "typing-extensions==4.16.0 \\\n    --hash=sha256:00\n") == []


@pytest.mark.parametrize("name", PACKAGES)
def test_a_distribution_of_one_of_our_names_is_told(tmp_path: Path, name: str) -> None:
    installed(tmp_path, OURS, url="file:///wheel/moodscribe-1.0-py3-none-any.whl")
    installed(tmp_path, name, package=name)
    assert told(tmp_path, "numpy==2.4.6\n") == [
        f"{name} 1.0 is in no lock",
        f"{name} 1.0 has a package {name}, a name of ours",
    ]
    assert f"a lock names {name}: that would come from an index" in told(tmp_path, f"{name}==1.0\n")


@pytest.mark.parametrize("url", ["", "https://index.example/moodscribe-1.0-py3-none-any.whl"])
def test_moodscribe_itself_must_come_from_a_file(tmp_path: Path, url: str) -> None:
    installed(tmp_path, OURS, url=url)
    (problem,) = told(tmp_path, "numpy==2.4.6\n")
    assert problem == "moodscribe 1.0 did not come from a file: an index may have anybody's"


def test_another_version_than_the_lock_has_is_told(tmp_path: Path) -> None:
    installed(tmp_path, OURS, url="file:///wheel/moodscribe-1.0-py3-none-any.whl")
    installed(tmp_path, "numpy", "2.4.7")
    assert told(tmp_path, "numpy==2.4.6\nscipy==1.17.1\n") == ["numpy 2.4.7 is in no lock"]


def test_an_image_without_moodscribe_is_told(tmp_path: Path) -> None:
    assert told(tmp_path, "numpy==2.4.6\n") == ["moodscribe is not installed"]
