"""A PostgreSQL of one's own on this machine, that of the machine or a fetched one, or one with pgvector."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.processes import end, free_ports, wait_until
from tests.servers import SERVERS

# initdb and the server refuse root.
_NOBODY = "nobody"
_VECTORS = SERVERS / "pgvector" / "pgserver" / "pginstall"


def programs(*, vectors: bool) -> Path | None:
    """The folder of a PostgreSQL's programs."""
    if vectors:
        return _VECTORS / "bin" if (_VECTORS / "bin" / "initdb").is_file() else None
    here = [*Path("/usr/lib/postgresql").glob("*/bin")]
    fetched = [*(SERVERS / "postgres/usr/lib/postgresql").glob("*/bin")]
    return next((folder for folder in [*here, *fetched] if (folder / "initdb").is_file()), None)


def why_not(*, vectors: bool) -> str | None:
    """Why there is no such PostgreSQL here, None where there is."""
    try:
        import psycopg
    except ImportError:
        return "no psycopg: pip install 'psycopg[binary]'"
    del psycopg
    if programs(vectors=vectors) is None:
        return "no PostgreSQL: make servers" if vectors else "no PostgreSQL: apt-get install postgresql"
    return None


@dataclass
class Postgres:
    """A server that runs: its programs, its folder, its port."""

    programs: Path
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is, for libpq."""
        return f"postgresql://moods@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [str(self.programs / "postgres"), "-D", str(self.folder / "data"), "-h", "127.0.0.1"]
        command += ["-p", str(self.port), "-k", str(self.folder), "-F"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, **_as_nobody())
        wait_until(self._answers)

    def kill(self) -> None:
        """End it without a word to those who are connected; its children see it gone."""
        assert self.process is not None
        subprocess.run(
            [self.programs / "pg_ctl", "stop", "-m", "immediate", "-D", self.folder / "data"],
            check=True,
            capture_output=True,
            **_as_nobody(),
        )
        self.process.wait(30)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of a statement."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return list(cursor.fetchall()) if cursor.description else []

    def _answers(self) -> bool:
        import psycopg

        try:
            return self.query("SELECT 1") == [(1,)]
        except psycopg.OperationalError:
            return False


@contextmanager
def postgres_server(*, vectors: bool) -> Iterator[Postgres]:
    """A server with an empty database, ended with its processes."""
    found = programs(vectors=vectors)
    assert found is not None
    # Not in pytest's own folder: nobody else may go through that.
    folder = Path(tempfile.mkdtemp(prefix="moodscribe-postgres-"))
    if os.getuid() == 0:
        shutil.chown(folder, _NOBODY)
    server = Postgres(found, folder, free_ports(1)[0])
    try:
        create = [
            str(found / "initdb"),
            "-D",
            str(folder / "data"),
            "-U",
            "moods",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "-N",
        ]
        subprocess.run([*create, "--locale=C"], check=True, capture_output=True, **_as_nobody())
        server.start()
        yield server
    finally:
        if server.process is not None:
            end(server.process)
        shutil.rmtree(folder)


def _as_nobody() -> Mapping[str, Any]:
    """Settings of a process that is not root's."""
    libraries = str(SERVERS / "postgres/usr/lib/x86_64-linux-gnu")
    environment = {**os.environ, "LD_LIBRARY_PATH": libraries}
    user = {"user": _NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
    return {"env": environment, "cwd": "/", **user}
