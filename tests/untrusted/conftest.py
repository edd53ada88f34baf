"""A bundle without nets, to be spoilt."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from models.bundle import Bundle
from tests.array_bundles import write_array_bundle


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The bundle as it should be."""
    return write_array_bundle(tmp_path_factory.mktemp("untrusted") / "bundle")


@pytest.fixture
def folder(whole: Bundle, tmp_path: Path) -> Path:
    """A copy of it, to be spoilt."""
    return Path(shutil.copytree(whole.folder, tmp_path / "bundle"))


@pytest.fixture
def copies(whole: Bundle, tmp_path: Path) -> Callable[[str], Path]:
    """More copies, by name."""
    return lambda name: Path(shutil.copytree(whole.folder, tmp_path / name))
