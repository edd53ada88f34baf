"""A storage server of a test module, and this process led to it, with pauses that tests can wait for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.storage.emulator import Store, google_store, led_to
from transforms.object_stores import retries


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store behind the fault proxy, which this process reads and writes, too."""
    cache = str(tmp_path_factory.mktemp("cache"))
    with google_store(cache=cache, faults=True) as store, led_to(store) as patched:
        patched.setattr(retries, "FIRST_PAUSE_S", 0.01)
        yield store
