"""Bundles that would fill the memory are refused at once, in a process that is watched."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.bundle_index import INDEX, MAX_INDEX_BYTES
from models.checks.array_file import MAX_HEADER_BYTES
from tests.array_bundles import change_index

HUGE = 100 << 30
WEIGHTS = "tags.safetensors"


def sparse_weights(folder: Path) -> str:
    os.truncate(folder / WEIGHTS, HUGE)
    return f"{WEIGHTS}: {HUGE} bytes, larger than"


def sparse_weights_that_are_declared(folder: Path) -> str:
    os.truncate(folder / WEIGHTS, HUGE)
    change_index(folder, lambda fields: fields["files"][WEIGHTS].update(bytes=HUGE))
    return f"file {WEIGHTS}: {HUGE} bytes, larger than"


def sparse_index(folder: Path) -> str:
    os.truncate(folder / INDEX, HUGE)
    return f"{INDEX}: {HUGE} bytes, larger than {MAX_INDEX_BYTES}"


def full_index(folder: Path) -> str:
    """As many small lists as fit in."""
    change_index(folder, lambda fields: fields.update(more=[[]] * 250_000))
    return "arrays-1-"


def deep_index(folder: Path) -> str:
    (folder / INDEX).write_bytes(b"[" * MAX_INDEX_BYTES)
    return f"{INDEX}: not JSON: nested more than 16 deep"


def huge_shape(folder: Path) -> str:
    shape = {"dtype": "F32", "shape": [1 << 31, 1 << 31], "data_offsets": [0, 1 << 64]}
    _write_weights(folder, json.dumps({"hidden/kernel": shape}).encode())
    return f"{WEIGHTS}: not safetensors: the arrays end at "


def huge_header(folder: Path) -> str:
    _write_weights(folder, b"{}", length=1 << 40)
    return f"{WEIGHTS}: not safetensors: a header of {1 << 40} bytes"


def full_header(folder: Path) -> str:
    _write_weights(folder, b"[" + b"[]," * (MAX_HEADER_BYTES // 3 - 1) + b"0]")
    return f"{WEIGHTS}: not safetensors: the header is no object"


def huge_net(folder: Path) -> str:
    net = {"inputs": 4, "hidden": 16_384, "tags": 4, "deviation": False}
    change_index(folder, lambda fields: fields["members"][1].update(settings=net))
    return "array 'hidden/bias' is [4], the architecture needs [16384]"


def absurd_net(folder: Path) -> str:
    net = {"channels": [16_384] * 64, "tags": 4}
    change_index(
        folder,
        lambda fields: fields["members"].append(
            {
                "name": "crnn",
                "architecture": "crnn",
                "settings": net,
                "front_end": "crnn-logmel@1",
                "weights": WEIGHTS,
            }
        ),
    )
    return "member 'crnn' has 152"


def _write_weights(folder: Path, header: bytes, *, length: int | None = None) -> None:
    data = struct.pack("<Q", len(header) if length is None else length) + header
    (folder / WEIGHTS).write_bytes(data)
    entry: dict[str, Any] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    change_index(folder, lambda fields: fields["files"].update({WEIGHTS: entry}))


ATTACKS: tuple[Callable[[Path], str], ...] = (
    sparse_weights,
    sparse_weights_that_are_declared,
    sparse_index,
    full_index,
    deep_index,
    huge_shape,
    huge_header,
    full_header,
    huge_net,
    absurd_net,
)


@pytest.mark.timeout(60)
def test_no_bundle_fills_the_memory_or_takes_its_time(copies: Callable[[str], Path]) -> None:
    folders = {attack.__name__: copies(attack.__name__) for attack in ATTACKS}
    expected = {attack.__name__: attack(folders[attack.__name__]) for attack in ATTACKS}
    child = [sys.executable, "-m", "tests.untrusted.memory_child", *map(str, folders.values())]
    done = subprocess.run(child, capture_output=True, text=True, timeout=60, check=True)
    found = dict(zip(folders, map(json.loads, done.stdout.splitlines()), strict=True))
    for name, result in found.items():
        assert expected[name] in result["message"], name
        assert len(result["message"]) < 1000, name
        assert result["seconds"] < 2, name
        assert result["grown_mb"] < 64, name
