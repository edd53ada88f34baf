"""What tests share: one thread a library, a small bundle and its models, built once."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# Before numpy and TensorFlow start: several test processes share the cores.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Trainings of a few steps: XLA would take longer to make their update fast than all of them take.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

from models.bundle import Bundle
from models.ensemble import Ensemble
from tests.bundles import write_small_bundle


@pytest.fixture(scope="session")
def small_bundle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bundle]:
    """The small bundle, on disk; its models are built once, whatever loads them."""
    bundle = write_small_bundle(tmp_path_factory.mktemp("bundles") / "small")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ensemble, "load", _once_for(bundle.sha256, Ensemble.load))
        yield bundle


def _once_for(sha256: str, load: Callable[[Ensemble], None]) -> Callable[[Ensemble], None]:
    """A `load` that takes models of this bundle, wherever it lies, from the first that loaded those members:
    to build and compile them takes longer than most of what is done with them."""
    kept: dict[tuple[str, ...], dict[str, Any]] = {}

    def load_once(models: Ensemble) -> None:
        names = tuple(member.name for member in models._bundle.members)
        if models._bundle.sha256 != sha256:
            load(models)
        elif names in kept:
            models._functions.update(kept[names])
        else:
            load(models)
            kept[names] = dict(models._functions)

    return load_once


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Trainings first: they are files of minutes, and the last would have the cores for itself."""
    items.sort(key=lambda item: not item.path.name.startswith(("test_train", "test_trials")))


@pytest.fixture(scope="module", autouse=True)
def _only_later_garbage() -> Iterator[None]:
    """Libraries and models stay: no collection of garbage, one after each run, goes through them again."""
    yield
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """At the end all goes, or libraries complain."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def small_models(small_bundle: Bundle) -> Ensemble:
    """The models of the small bundle, built and filled."""
    models = Ensemble(small_bundle)
    models.load()
    return models


@pytest.fixture
def shared_data() -> Path:
    """The folder of real data beside the checkout; tests that need it skip where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}")
    return folder
