"""Bundles in an object store: no more is fetched than the index says, and the cache is trusted no further."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import models.bundle_source
from models.bundle import Bundle
from models.bundle_index import INDEX, MAX_INDEX_BYTES
from models.bundle_source import SHIPPED, open_bundle
from schemas.errors import DataError, FailureKind
from tests.array_bundles import change_index
from tests.refusal import refusal

URI = "gs://bucket/b"
WEIGHTS = "tags.safetensors"


class _Store:
    """What is used of gcsfs, over a folder; counts what is fetched, and sends more where it is told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fetched: list[tuple[str, int]] = []
        self.obeys = True

    @property
    def names(self) -> list[str]:
        return sorted({name for name, _ in self.fetched})

    def cat_file(self, uri: str, *, start: int, end: int) -> bytes:
        name = uri.removeprefix(f"{URI}/")
        with (self.folder / name).open("rb") as file:
            file.seek(start if self.obeys else 0)
            data = file.read(end - start if self.obeys else -1)
        self.fetched.append((name, len(data)))
        return data


@pytest.fixture
def store(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Store:
    """An object store with the bundle under gs://bucket/b, and a cache of its own."""
    import gcsfs

    one = _Store(folder)
    monkeypatch.setattr(gcsfs, "GCSFileSystem", lambda: one)
    monkeypatch.setattr(models.bundle_source, "_PIECE_BYTES", 100)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return one


def cached(tmp_path: Path, bundle: Bundle) -> Path:
    return tmp_path / "cache" / "moodscribe" / "bundles" / bundle.sha256


def test_a_bundle_in_a_store_is_fetched_once(store: _Store, whole: Bundle, tmp_path: Path) -> None:
    first = open_bundle(URI)
    assert (first.key, first.folder) == (whole.key, cached(tmp_path, whole))
    assert store.names == sorted([INDEX, *whole.files])
    store.fetched.clear()
    assert open_bundle(f"{URI}/").key == whole.key
    assert store.names == [INDEX]


def test_another_index_in_the_store_is_another_bundle(store: _Store, whole: Bundle) -> None:
    assert open_bundle(URI).key == whole.key
    change_index(store.folder, lambda fields: fields.update(version="2"))
    assert open_bundle(URI).key.startswith("arrays-2-")


def declare(name: str, size: int = 1) -> Callable[[Path], Any]:
    entry = {"sha256": "0" * 64, "bytes": size}
    return lambda folder: change_index(folder, lambda fields: fields["files"].update({name: entry}))


def grow(name: str, size: int) -> Callable[[Path], Any]:
    return lambda folder: os.truncate(folder / name, size)


@pytest.mark.parametrize(
    ("edit", "message", "fetched"),
    [
        (lambda folder: (folder / INDEX).unlink(), f"{URI}: no bundle.json there", []),
        (lambda folder: (folder / INDEX).write_bytes(b"{"), "bundle.json: not JSON", [INDEX]),
        (lambda folder: (folder / INDEX).write_bytes(b"[1]"), "bundle.json: format version [1]", [INDEX]),
        (grow(INDEX, 1 << 40), f"{URI}/bundle.json: larger than {MAX_INDEX_BYTES} bytes", [INDEX]),
        (declare("../../x"), f"{URI}/bundle.json: file name '../../x' is not a plain name", [INDEX]),
        (declare("/x"), "file name '/x' is not a plain name", [INDEX]),
        (declare(".."), "file name '..' is not a plain name", [INDEX]),
        (declare("TAGS.safetensors"), "the same as 'tags.safetensors' where case does not", [INDEX]),
        (declare("big", 10**12), "file big: 1000000000000 bytes, larger than", [INDEX]),
        (
            lambda folder: change_index(folder, lambda fields: fields["members"][3].update(name="../x")),
            f"{URI}/bundle.json: '../x' is not a plain name",
            [INDEX],
        ),
        (declare("gone"), f"{URI}/gone: named in bundle.json, but there is no such file", None),
        (lambda folder: (folder / WEIGHTS).unlink(), f"{WEIGHTS}: named in bundle.json, but there is", None),
        (lambda folder: (folder / WEIGHTS).write_bytes(b"x"), f"{WEIGHTS}: 1 bytes, the index says ", None),
        (lambda folder: (folder / "card.md").write_bytes(b"x" * 26), "card.md: sha256 is ", None),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_bundle_in_a_store_that_is_not_right_is_refused_and_not_kept(
    store: _Store, tmp_path: Path, edit: Callable[[Path], Any], message: str, fetched: list[str] | None
) -> None:
    edit(store.folder)
    assert message in refusal(lambda: open_bundle(URI))
    assert fetched is None or store.names == fetched
    assert not list((tmp_path / "cache").rglob("*.*"))


def test_no_more_is_fetched_of_a_file_than_the_index_says(store: _Store, whole: Bundle) -> None:
    os.truncate(store.folder / WEIGHTS, 1 << 40)
    assert open_bundle(URI).sha256 == whole.sha256  # what comes first are the right bytes
    assert sum(size for name, size in store.fetched if name == WEIGHTS) == whole.file_bytes[WEIGHTS]


def test_a_store_that_sends_more_than_it_was_asked_for_is_refused(store: _Store) -> None:
    change_index(store.folder, lambda fields: fields.update(terms="x" * 2000))
    store.obeys = False
    assert "the store sent " in refusal(lambda: open_bundle(URI))


def test_the_cache_is_nobody_else_s_to_read_or_write(store: _Store, tmp_path: Path) -> None:
    place = tmp_path / "cache" / "moodscribe" / "bundles"
    place.mkdir(parents=True)
    place.chmod(0o777)
    open_bundle(URI)
    assert stat.S_IMODE(place.stat().st_mode) == 0o700


def as_other_weights(kept: Path) -> str:
    (kept / WEIGHTS).write_bytes(bytes((kept / WEIGHTS).stat().st_size))
    return f"{kept / WEIGHTS}: sha256 is "


def as_other_bundle(kept: Path) -> str:
    change_index(kept, lambda fields: fields.update(terms="other"))
    return f"{kept / INDEX}: sha256 is "


def as_nothing(kept: Path) -> str:
    shutil.rmtree(kept)
    kept.mkdir()
    return f"{kept}: no bundle.json in this folder"


def as_linked_file(kept: Path) -> str:
    (kept / WEIGHTS).rename(kept / "moved")
    (kept / WEIGHTS).symlink_to("moved")
    return f"{kept / WEIGHTS}: a link, not a file"


@pytest.mark.parametrize("poison", [as_other_weights, as_other_bundle, as_nothing, as_linked_file])
def test_a_cache_that_somebody_has_changed_is_noticed_and_named(
    store: _Store, whole: Bundle, tmp_path: Path, poison: Callable[[Path], str]
) -> None:
    open_bundle(URI)
    kept = cached(tmp_path, whole)
    expected = poison(kept)
    message = refusal(lambda: open_bundle(URI))
    assert message.startswith(expected)
    assert message.endswith(f"; the cache was changed: remove the folder {kept}")


def test_a_folder_laid_out_for_a_bundle_before_it_comes_is_noticed(
    store: _Store, whole: Bundle, tmp_path: Path
) -> None:
    cached(tmp_path, whole).mkdir(parents=True)
    assert "the cache was changed" in refusal(lambda: open_bundle(URI))


@pytest.mark.parametrize(
    "source", ["x" * 5000, "a\0b", "../bundles/default", "..", "default/../default", "gs:/bucket/b"]
)
def test_a_name_that_leads_nowhere_is_not_found(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if source == "..":
        assert refusal(lambda: open_bundle(source)) == "..: no bundle.json in this folder"
        return
    with pytest.raises(DataError, match="is neither a folder nor a shipped bundle") as caught:
        open_bundle(source)
    assert caught.value.kind is FailureKind.NOT_FOUND


def test_a_shipped_bundle_is_found_by_its_name_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_bundle("default").folder == SHIPPED / "default"
