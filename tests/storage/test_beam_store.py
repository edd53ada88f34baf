"""Stores that only Beam knows: the same uses, on a file system made for the test, with faults by turns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apache_beam.io.filesystem import BeamIOError, FileMetadata
from apache_beam.io.localfilesystem import LocalFileSystem

from schemas.errors import DataError, FailureKind
from tests.storage.uses import Use, fill, uses
from transforms import storage
from transforms.inputs.listing import list_folder
from transforms.object_stores import known, retries
from transforms.object_stores.retries import ATTEMPTS, take_retries

FOLDER = "held://music/audio"


class Held(LocalFileSystem):  # type: ignore[misc]
    """A Beam file system over a folder; of `faults` each call takes one, and fails if it is true."""

    root = Path()
    faults: Iterator[bool] = iter(())

    @classmethod
    def scheme(cls) -> str:
        return "held"

    def _inside(self, uri: str) -> str:
        if next(self.faults, False):
            raise BeamIOError("the store is out", {uri: TimeoutError("timed out")})
        return str(self.root / uri.removeprefix("held://"))

    def _list(self, uri: str) -> Iterator[FileMetadata]:
        for found in super()._list(self._inside(uri)):
            yield FileMetadata(
                found.path.replace(f"{self.root}/", "held://"),
                found.size_in_bytes,
                found.last_updated_in_seconds,
            )

    def open(self, uri: str, *arguments: Any) -> Any:
        return super().open(self._inside(uri), *arguments)

    def create(self, uri: str, *arguments: Any) -> Any:
        path = self._inside(uri)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return super().create(path, *arguments)

    def exists(self, uri: str) -> bool:
        return bool(super().exists(self._inside(uri)))

    def metadata(self, uri: str) -> FileMetadata:
        path = self._inside(uri)
        if Path(path).is_dir():  # a folder is no object
            raise BeamIOError(f"Path does not exist: {path}")
        return super().metadata(path)

    def copy(self, uris: list[str], targets: list[str]) -> None:
        super().copy([self._inside(uri) for uri in uris], [self._inside(uri) for uri in targets])

    def delete(self, uris: list[str]) -> None:
        super().delete([self._inside(uri) for uri in uris])


@pytest.fixture(autouse=True)
def filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few objects, no faults, nothing counted."""
    monkeypatch.setattr(retries, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(Held, "root", tmp_path)
    known.forget_stores()
    fill(FOLDER)
    take_retries()


@pytest.mark.parametrize("use", uses(FOLDER), ids=str)
def test_faults_by_turns_are_mended_and_counted(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Held, "faults", iter([True, False] * 2))
    result = use.action()
    assert sum(take_retries().values()) in (1, 2)
    monkeypatch.setattr(Held, "faults", iter(()))
    assert use.holds(result)


@pytest.mark.parametrize("use", uses(FOLDER), ids=str)
def test_a_store_that_goes_on_failing_is_told_after_the_last_try(
    use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Held, "faults", iter([True] * 1000))
    with pytest.raises(DataError, match=rf"the store is out .*\(tried {ATTEMPTS} times\)") as refusal:
        use.action()
    assert (refusal.value.kind, refusal.value.attempts) == (FailureKind.STORAGE, ATTEMPTS)


def test_a_listing_and_a_description_say_the_same_and_what_is_not_there_is_not_found() -> None:
    for listed in list_folder(FOLDER):
        assert storage.describe(listed.uri).source_version == listed.source_version
    assert not list(list_folder("held://music/none"))
    with pytest.raises(DataError, match="no such object") as refusal:
        storage.describe(f"{FOLDER}/none")
    assert (refusal.value.kind, refusal.value.attempts) == (FailureKind.NOT_FOUND, 1)
