"""Files of a bundle: names that stay in its folder, files that are files, sizes that are said and bounded."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.bundle import Bundle
from models.bundle_files import read_bundle
from models.bundle_index import INDEX
from models.checks.files import HEAD_BYTES, MAX_BUNDLE_BYTES, MAX_FILE_BYTES, look_at, read_whole
from tests.array_bundles import change_index
from tests.refusal import refusal

CARD, WEIGHTS = "card.md", "tags.safetensors"


def declare(name: str, data: bytes = b"x", size: int | None = None) -> Callable[[dict[str, Any]], Any]:
    """An edit that adds a file to the index, by an honest hash."""
    entry = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data) if size is None else size,
    }
    return lambda fields: fields["files"].update({name: entry})


@pytest.mark.parametrize(
    "name",
    [
        "..",
        ".",
        "../x",
        "a/../x",
        "/etc/passwd",
        "sub/x",
        "a\0b",
        "a\nb",
        "C:x",
        "C:\\x",
        "..\\x",
        "\\\\host\\x",
        "x:stream",
        "nul",
        "NUL.safetensors",
        "Com1.txt",
        "x.",
        "x ",
        "~",
        "-",
        "\u202excod",
        "\uff0e\uff0e",
        "x" * 129,
        "",
    ],
)
def test_a_name_that_is_not_plain_everywhere_is_refused(folder: Path, name: str) -> None:
    change_index(folder, declare(name))
    message = refusal(lambda: read_bundle(folder))
    assert message.startswith(f"{folder / INDEX}: file name ")
    assert message.endswith(" is not a plain name")


@pytest.mark.parametrize(
    ("name", "other"), [("CARD.MD", CARD), ("Tags.safetensors", WEIGHTS), ("Bundle.json", INDEX)]
)
def test_names_that_some_file_systems_take_for_one_are_refused(folder: Path, name: str, other: str) -> None:
    (folder / name).write_bytes(b"x")
    change_index(folder, declare(name))
    assert f"file name {name!r} is the same as {other!r} where case does not count" in refusal(
        lambda: read_bundle(folder)
    )


def test_an_index_that_counts_itself_is_refused(folder: Path) -> None:
    change_index(folder, declare(INDEX))
    assert "file name 'bundle.json' is the same as" in refusal(lambda: read_bundle(folder))


def as_link(path: Path) -> None:
    path.rename(path.parent.parent / "moved")
    path.symlink_to(path.parent.parent / "moved")


def as_link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to("nothing")


def as_link_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def as_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def as_socket(path: Path) -> None:
    path.unlink()
    with socket.socket(socket.AF_UNIX) as one:
        here = Path.cwd()
        os.chdir(path.parent)  # names of sockets are short
        one.bind(path.name)
        os.chdir(here)


def as_link_to_a_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", [INDEX, CARD, WEIGHTS])
@pytest.mark.parametrize(
    ("replace", "states"),
    [
        (as_link, ("a link, not a file",)),
        (as_link_to_nothing, ("a link, not a file",)),
        (as_link_to_itself, ("a link, not a file",)),
        (as_link_to_a_device, ("a link, not a file",)),
        (as_folder, ("not a plain file",)),
        (as_pipe, ("not a plain file",)),
        (as_socket, ("No such device or address", "Operation not supported on socket")),
    ],
)
def test_what_is_no_plain_file_is_refused_without_waiting_for_it(
    folder: Path, name: str, replace: Callable[[Path], None], states: tuple[str, ...]
) -> None:
    replace(folder / name)
    assert refusal(lambda: read_bundle(folder)) in [f"{folder / name}: {state}" for state in states]


def test_a_link_to_a_whole_bundle_is_that_bundle(whole: Bundle, folder: Path) -> None:
    # The path is the user's, who may link to the bundle in use; what lies in the folder is the bundle's.
    link = folder.parent / "current"
    link.symlink_to(folder)
    assert read_bundle(link).sha256 == whole.sha256


def test_a_file_that_becomes_another_after_it_was_checked_is_not_used(folder: Path) -> None:
    bundle = read_bundle(folder)
    path, member = folder / WEIGHTS, bundle.members[1]
    before = bundle.weights(member)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert refusal(lambda: bundle.weights(member)).startswith(f"{path}: sha256 is ")
    as_link(path)
    assert refusal(lambda: bundle.weights(member)) == f"{path}: a link, not a file"
    assert all(not array.flags.writeable for array in before.values())


def test_a_file_that_has_grown_is_not_read_to_its_end(folder: Path) -> None:
    bundle = read_bundle(folder)
    os.truncate(folder / WEIGHTS, 1 << 40)
    assert refusal(lambda: bundle.weights(bundle.members[1])).endswith(
        f"{1 << 40} bytes, larger than {bundle.file_bytes[WEIGHTS]}"
    )
    assert refusal(lambda: read_bundle(folder)).startswith(f"{folder / WEIGHTS}: {1 << 40} bytes, ")


@pytest.mark.parametrize("difference", [-1, 1])
def test_a_file_of_another_size_than_said_is_refused(folder: Path, difference: int) -> None:
    size = (folder / CARD).stat().st_size

    def edit(fields: dict[str, Any]) -> None:
        fields["files"][CARD]["bytes"] += difference

    change_index(folder, edit)
    assert refusal(lambda: read_bundle(folder)) == (
        f"{folder / CARD}: {size} bytes, the index says {size + difference}"
    )


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (declare("a.bin", size=MAX_FILE_BYTES + 1), f"file a.bin: {MAX_FILE_BYTES + 1} bytes, larger than"),
        (declare("a.bin", size=10**30), "bytes, larger than"),
        (declare("a.bin", size=-1), "has no sha256 and bytes"),
        (lambda fields: fields["files"][CARD].update(bytes=True), "has no sha256 and bytes"),
        (lambda fields: fields["files"][CARD].update(bytes=24.0), "has no sha256 and bytes"),
        (lambda fields: fields["files"][CARD].pop("bytes"), "file card.md: {'sha256': "),
        (lambda fields: fields["files"][CARD].update(sha256="A" * 64), "has no sha256 and bytes"),
        (
            lambda fields: [declare(f"{index}.bin", size=MAX_FILE_BYTES)(fields) for index in range(5)],
            f"bytes together, more than {MAX_BUNDLE_BYTES}",
        ),
        (
            lambda fields: [declare(f"{index}.bin")(fields) for index in range(300)],
            "files is not an object of at most 256 files",
        ),
    ],
)
def test_more_than_a_machine_should_be_asked_to_read_is_refused_by_the_index_alone(
    folder: Path, edit: Callable[[dict[str, Any]], Any], message: str
) -> None:
    change_index(folder, edit)
    assert message in refusal(lambda: read_bundle(folder))


def test_what_the_index_does_not_name_is_not_looked_at(whole: Bundle, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "evil.pkl").write_bytes(b"\x80\x04.")
    (folder / "sub").mkdir()
    (folder / "link").symlink_to("/dev/zero")
    assert read_bundle(folder).sha256 == whole.sha256


def test_a_file_is_hashed_as_it_was_read(tmp_path: Path) -> None:
    for size in (0, 1, HEAD_BYTES, HEAD_BYTES + 1, 3 * HEAD_BYTES):
        data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        (tmp_path / "a").write_bytes(data)
        look = look_at(tmp_path / "a", size=size)
        assert (look.sha256, look.size) == (hashlib.sha256(data).hexdigest(), size)
        assert look.head == data[:HEAD_BYTES]
        assert read_whole(tmp_path / "a", most=size) == data


def test_an_index_of_another_bundle_over_these_files_is_refused(folder: Path) -> None:
    fields = json.loads((folder / INDEX).read_text("utf-8"))
    a, b = (fields["files"][name] for name in ("mobile.safetensors", "dilated.safetensors"))
    fields["files"].update({"mobile.safetensors": b, "dilated.safetensors": a})
    (folder / INDEX).write_text(json.dumps(fields), "utf-8")
    assert ".safetensors: " in refusal(lambda: read_bundle(folder))
