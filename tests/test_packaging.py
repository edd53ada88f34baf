"""What is shipped: the packages and bundles, and names that nobody else has."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("schemas", "models", "transforms", "pipelines")


def test_no_other_distribution_owns_one_of_our_package_names() -> None:
    owners = {
        f"{distribution.name}: {file}"
        for distribution in distributions()
        if distribution.name != "moodscribe"
        for file in distribution.files or ()
        if file.parts[0] in PACKAGES and file.suffix == ".py"
    }
    assert not owners


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_has_every_source_and_nothing_of_the_tests(wheel_names: list[str]) -> None:
    sources = {str(path.relative_to(ROOT)) for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    assert sources <= set(wheel_names)
    tops = {name.partition("/")[0] for name in wheel_names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


def test_the_wheel_has_the_shipped_bundle(wheel_names: list[str]) -> None:
    shipped = {str(path.relative_to(ROOT)) for path in (ROOT / "models" / "bundles" / "default").iterdir()}
    assert "models/bundles/default/bundle.json" in shipped
    assert shipped <= set(wheel_names)


def test_the_wheel_has_what_pages_are_made_of(wheel_names: list[str]) -> None:
    parts = [path for path in (ROOT / "pipelines" / "pages").iterdir() if path.suffix in (".css", ".js")]
    assert len(parts) > 3
    assert {str(path.relative_to(ROOT)) for path in parts} <= set(wheel_names)


def test_the_shipped_bundle_stays_small() -> None:
    folder = ROOT / "models" / "bundles" / "default"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 40 << 20


def test_every_locked_distribution_has_hashes() -> None:
    for lock in ("requirements.lock", "requirements-uv.lock"):
        entries = (ROOT / lock).read_text().replace("\\\n", " ").splitlines()
        pinned = [entry for entry in entries if "==" in entry and not entry.startswith("#")]
        assert pinned
        assert all("--hash=sha256:" in entry for entry in pinned)
