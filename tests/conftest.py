"""What tests share: one thread a library, a small bundle and its models, built once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before numpy and TensorFlow start: several test processes share the cores.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# gcsfs would first ask a control API of Google's what kind of bucket it has, and wait for a minute.
os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"

from models.bundle import Bundle
from models.ensemble import Ensemble
from tests.bundles import write_small_bundle


@pytest.fixture(scope="session")
def small_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The small bundle, on disk."""
    return write_small_bundle(tmp_path_factory.mktemp("bundles") / "small")


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
