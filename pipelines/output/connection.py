"""DuckDB as this project opens it: with object stores to read from, and with a bound on its memory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from transforms.object_stores.known import store_of
from transforms.storage import describe, is_local, open_file, scheme

if TYPE_CHECKING:
    import duckdb

# DuckDB wants so much for each of its threads.
_THREAD_MB = 128
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def connect(
    output_uri: str, *, database: str = ":memory:", config: Mapping[str, Any] | None = None
) -> duckdb.DuckDBPyConnection:
    """A connection that can read the files under an output, wherever that is."""
    import duckdb

    connection = duckdb.connect(database, config=dict(config or {}))
    if not is_local(output_uri):
        store_of(output_uri)
        connection.register_filesystem(_file_system(scheme(output_uri)))
    return connection


def connect_bounded(output_uri: str, *, memory_mb: int, scratch: Path) -> duckdb.DuckDBPyConnection:
    """A connection that keeps to so much memory, and puts what does not fit into a scratch folder."""
    config = {
        "memory_limit": f"{memory_mb}MiB",
        "temp_directory": str(scratch / "spilled"),
        "threads": max(1, min(os.cpu_count() or 1, memory_mb // _THREAD_MB)),
        "preserve_insertion_order": False,
        # A join holds its right side, as it is written: the other may have rows as wide as curves.
        "disabled_optimizers": "join_order,build_side_probe_side",
    }
    return connect(output_uri, database=str(scratch / "work.duckdb"), config=config)


def machine_memory_mb() -> int:
    """Memory of this machine, or of the container that this process is in, in MiB."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _CGROUP_LIMIT.read_text().strip() if _CGROUP_LIMIT.is_file() else ""
    return (min(memory, int(limit)) if limit.isdecimal() else memory) >> 20


def _file_system(of_scheme: str) -> Any:
    """The project's own way of reading objects, tried again as everywhere, in the form that DuckDB takes."""
    from fsspec import AbstractFileSystem

    class Objects(AbstractFileSystem):  # type: ignore[misc]
        """Objects whose names are known and whose content never changes: nothing is listed or asked twice."""

        protocol = of_scheme
        cachable = False

        def __init__(self) -> None:
            super().__init__()
            self._bytes: dict[str, int] = {}

        def glob(self, path: str, **_: Any) -> list[str]:
            return [path]

        def open(self, path: str, *_: Any, **__: Any) -> BinaryIO:
            file = open_file(self.unstrip_protocol(path))
            self._bytes[path] = file.seek(0, os.SEEK_END)
            file.seek(0)
            return file

        def info(self, path: str, **_: Any) -> dict[str, Any]:
            size = self._bytes.get(path)
            found = describe(self.unstrip_protocol(path)).bytes if size is None else size
            return {"name": path, "size": found, "type": "file"}

        def modified(self, _path: str) -> datetime:
            return datetime.fromtimestamp(0, UTC)

    return Objects()
