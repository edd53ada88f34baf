"""Reads bundles that would fill a machine, for tests: how each was refused, how fast, in what memory.

memory_child.py FOLDER...     one JSON object a line: message, seconds, grown_mb
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from models.bundle_files import read_bundle
from schemas.errors import DataError


def main() -> None:
    """Read each folder in turn."""
    for folder in sys.argv[1:]:
        before, start = _peak_mb(), time.perf_counter()
        try:
            message = read_bundle(Path(folder)).key
        except DataError as error:
            message = error.message
        seconds = time.perf_counter() - start
        print(json.dumps({"message": message, "seconds": seconds, "grown_mb": _peak_mb() - before}))


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
