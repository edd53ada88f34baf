"""Memory of the process that starts the runs of a job: the hundredth run finds it as the first did.

Without this, what a run leaves in the C library's pools stays there: some 8 MiB a run.
"""

from __future__ import annotations

import ctypes
import gc

# malloc.h of glibc: pools of many threads are seldom empty, and where blocks of some size are mapped, they
# are given back as they are freed.
_ARENA_MAX, _ARENAS = -8, 2
_MMAP_THRESHOLD, _MAPPED_BYTES = -3, 128 << 10


def keep_few_pools() -> None:
    """Before any thread is started."""
    _set(_ARENA_MAX, _ARENAS)


def map_blocks() -> None:
    """For a process that hands messages from worker to worker; one that computes would wait for its pages."""
    _set(_MMAP_THRESHOLD, _MAPPED_BYTES)


def give_back() -> None:
    """Collect what a run has left in circles, and give free memory back to the system."""
    import pyarrow as pa

    gc.collect()
    pa.default_memory_pool().release_unused()
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)


def _set(option: int, value: int) -> None:
    """An option of malloc; nothing where the C library is not glibc."""
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(option, value)
