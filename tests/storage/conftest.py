"""A storage server of a test module, and this process led to it, with pauses that tests can wait for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.storage.emulator import Store, google_store
from transforms.object_stores import known, retries


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store behind the fault proxy, which this process reads and writes, too."""
    with (
        pytest.MonkeyPatch.context() as patched,
        google_store(cache=str(tmp_path_factory.mktemp("cache")), faults=True) as store,
    ):
        for name, value in store.environment.items():
            patched.setenv(name, value)
        patched.setattr(retries, "FIRST_PAUSE_S", 0.01)
        known.forget_stores()
        yield store
    known.forget_stores()
