"""An OpenSearch of one's own on this machine, a process that can be killed and started again."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.processes import end, free_ports, wait_until
from tests.servers import SERVERS

_JARS = SERVERS / "opensearch"
_PLUGINS = (
    "org.opensearch.transport.Netty4Plugin",
    "org.opensearch.index.mapper.MapperExtrasPlugin",
    "org.opensearch.index.reindex.ReindexPlugin",
    "org.opensearch.painless.PainlessPlugin",
)
_NEAREST = "org.opensearch.knn.plugin.KNNPlugin"


def why_not() -> str | None:
    """Why there is no OpenSearch here, None where there is."""
    if shutil.which("java") is None:
        return "no java: apt-get install openjdk-17-jre-headless"
    if not (_JARS / ".complete").is_file():
        return f"no OpenSearch in {_JARS}: make servers"
    return None


@dataclass
class Search:
    """A server that runs, with its data in `home`; `nearest`: with the k-NN plugin."""

    home: Path
    port: int
    nearest: bool
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        folders = ["lib", "knn"] if self.nearest else ["lib"]
        jars = ":".join([str(_JARS / "main"), *(f"{_JARS / folder}/*" for folder in folders)])
        command = ["java", "-Xms400m", "-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", jars]
        plugins = [*_PLUGINS, *([_NEAREST] if self.nearest else [])]
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "SearchServer", str(self.home), str(self.port), *plugins], stdout=log, stderr=log
            )
        wait_until(lambda: bool(self.ask("GET", "_cluster/health")["status"] != "red"))

    def kill(self) -> None:
        """End it without a word to it."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """An answer, past whatever stands before the server."""
        answer = requests.request(method, f"{self.url}/{path}", json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def documents(self, index: str) -> dict[str, dict[str, Any]]:
        """All documents of an index by id."""
        hits = self.ask("POST", f"{index}/_search", {"size": 1000, "version": True})["hits"]["hits"]
        return {hit["_id"]: hit["_source"] for hit in hits}

    def indices(self, alias: str) -> list[str]:
        """Indices whose names begin with that of an alias."""
        found = self.ask("GET", f"_cat/indices/{alias}-*?format=json&h=index")
        return sorted(one["index"] for one in found)


@contextmanager
def search_server(home: Path, *, nearest: bool = True) -> Iterator[Search]:
    """A server, ended with its process."""
    (home / "config").mkdir(parents=True, exist_ok=True)
    server = Search(home, free_ports(1)[0], nearest)
    try:
        server.start()
        yield server
    finally:
        if server.process is not None:
            end(server.process)
