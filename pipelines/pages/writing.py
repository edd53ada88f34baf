"""Writing a page to a file or an object: there whole or not at all."""

from __future__ import annotations

from schemas.errors import DataError, FailureKind, Stage
from transforms.storage import is_local, local_path, write_text
from transforms.writing.faults import writing


def check_page(uri: str) -> None:
    """Raise DataError(bad_output) for a local place where no file can be, before any work is done for it."""
    if not is_local(uri):
        return
    path = local_path(uri)
    if path.is_dir():
        raise DataError(FailureKind.BAD_OUTPUT, Stage.OUTPUT, f"{uri}: is a folder")
    if not path.parent.is_dir():
        message = f"{uri}: there is no folder {path.parent}"
        raise DataError(FailureKind.BAD_OUTPUT, Stage.OUTPUT, message)


def write_page(uri: str, text: str) -> int:
    """Write a page; its bytes. Raises OutputError where it cannot be written."""
    try:
        with writing(uri):
            write_text(uri, text)
    finally:
        if is_local(uri):
            local_path(f"{uri}.tmp").unlink(missing_ok=True)
    return len(text.encode())
