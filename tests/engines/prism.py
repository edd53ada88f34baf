"""Beam's Prism as an engine: a process of its own, made by `make prism` from the Go module proxy."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.processes import end, free_ports, listens, wait_until

BINARY = Path(__file__).parents[2] / "work" / "prism" / "prism"


def why_not() -> str | None:
    """Why there is no Prism here, None where there is."""
    return None if BINARY.is_file() else f"no {BINARY}: make prism"


@contextmanager
def prism(scratch: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Prism, ended with its jobs; where jobs are handed in."""
    (port,) = free_ports(1)
    with (scratch / "prism.log").open("wb") as log:
        command = [str(BINARY), f"--job_port={port}", "--serve_http=false"]
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=log, stderr=log)
        try:
            wait_until(lambda: listens(port))
            yield f"localhost:{port}"
        finally:
            end(process)
