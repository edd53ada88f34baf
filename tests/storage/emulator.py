"""Servers of the tests: gcp-storage-emulator, with the fault proxy before it, each a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from tests.storage.fault_plan import Plan, as_json
from transforms.object_stores import known

_EMULATOR = """
import socket
from socketserver import StreamRequestHandler
from gcp_storage_emulator.server import create_server
StreamRequestHandler.disable_nagle_algorithm = True  # else a body waits 40 ms for word of its head
with socket.socket() as probe:
    probe.bind(("localhost", 0))
    port = probe.getsockname()[1]
server = create_server("localhost", port, in_memory=True, default_bucket="music")
server.start()
print(port, flush=True)
input()
server.stop()
"""


@contextmanager
def served(*arguments: str) -> Iterator[int]:
    """The port of a server: Python with these arguments, that prints it, and ends with its input."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.communicate("stop\n", timeout=30)


@dataclass(frozen=True, slots=True)
class Store:
    """A storage server: its files through gcsfs, and the environment that leads the project to it.

    `files` goes past the faults of a plan.
    """

    files: Any
    environment: Mapping[str, str]
    address: str = ""

    def moodscribe(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """The command, led to the server."""
        command = [sys.executable, "-m", "pipelines.cli", *map(str, arguments)]
        return subprocess.run(
            command,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def plan(self, plan: Plan) -> None:
        """Begin a plan of faults."""
        requests.put(f"{self.address}/plan", as_json(plan), timeout=10).raise_for_status()

    def counts(self) -> Any:
        """What was asked and done since the plan began."""
        return requests.get(f"{self.address}/counts", timeout=10).json()


@contextmanager
def google_store(*, cache: str, faults: bool = False) -> Iterator[Store]:
    """Google's storage with a bucket `music`; behind the fault proxy, which does nothing until it is told."""
    from gcsfs.core import GCSFileSystem

    with served("-c", _EMULATOR) as port:
        straight = f"http://localhost:{port}"
        files = GCSFileSystem(endpoint_url=straight, token="anon", skip_instance_cache=True)  # noqa: S106
        if not faults:
            yield Store(files, _leading_to(straight, cache), straight)
            return
        with served("-m", "tests.storage.fault_proxy", str(port)) as proxy_port:
            address = f"http://127.0.0.1:{proxy_port}"
            yield Store(files, _leading_to(address, cache), address)


@contextmanager
def led_to(store: Store) -> Iterator[pytest.MonkeyPatch]:
    """This process reads and writes the store, too; what is patched besides is undone with it."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in store.environment.items():
            patched.setenv(name, value)
        # Beam would look for credentials five times, for half a minute, and then do without.
        patched.setattr("apache_beam.internal.gcp.auth._Credentials._credentials_init", True)
        known.forget_stores()
        yield patched
    known.forget_stores()


def _leading_to(address: str, cache: str) -> dict[str, str]:
    # gcsfs would first ask a control API of Google's what kind of bucket it has, and wait for a minute; the
    # class that files of this process are made of does not.
    return {
        "STORAGE_EMULATOR_HOST": address,
        "NO_GCE_CHECK": "true",  # no waiting for the metadata server of a machine that is not Google's
        "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
        "XDG_CACHE_HOME": cache,
    }
