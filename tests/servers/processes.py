"""What servers of tests have alike: ports that are free, waiting until they answer, ending them."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import requests

# Where `make servers` puts them.
SERVERS = Path(__file__).parents[2] / "work" / "servers"
_READY_S = 60.0


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on now."""
    with ExitStack() as closed:
        probes = [closed.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("localhost", 0))
        return [probe.getsockname()[1] for probe in probes]


def listens(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("localhost", port)) == 0


def wait_until(ready: Callable[[], bool], *, what: str) -> None:
    """Wait for a server; TimeoutError after a minute."""
    end = time.monotonic() + _READY_S
    while True:
        try:
            if ready():
                return
        except requests.RequestException:
            pass
        if time.monotonic() > end:
            raise TimeoutError(f"{what} was not ready after {_READY_S:.0f} s")
        time.sleep(0.2)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process, by force if it does not end by itself."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
