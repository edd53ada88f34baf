"""Servers that tests start as processes of this machine: their ports, waiting for them, ending them."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack

import requests

_READY_S = 180.0


def free_ports(count: int) -> list[int]:
    """So many ports that nothing listens at."""
    with ExitStack() as closed:
        probes = [closed.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("localhost", 0))
        return [probe.getsockname()[1] for probe in probes]


def listens(port: int) -> bool:
    """Whether something on this machine takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("localhost", port)) == 0


def wait_until(ready: Callable[[], bool]) -> None:
    """Wait for a server; TimeoutError after three minutes."""
    end = time.monotonic() + _READY_S
    while True:
        try:
            if ready():
                return
        except requests.RequestException:
            pass
        if time.monotonic() > end:
            raise TimeoutError(f"a server was not ready after {_READY_S:.0f} s")
        time.sleep(0.2)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process, by force where it must be."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
