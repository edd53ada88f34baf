"""Weights of a bundle: a header that is not of these bytes or this net is refused before arrays are made."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from safetensors.numpy import load, save

from models.bundle import Bundle
from models.bundle_files import read_bundle
from models.checks.array_file import MAX_HEADER_BYTES, arrays_in, check_shapes, read_header
from tests.array_bundles import reindex
from tests.refusal import refusal

Header = dict[str, Any]
FILE = "tags.safetensors"  # hidden/bias [4], hidden/kernel [4, 4], scores/bias [4], scores/kernel [4, 4]
KERNEL = "hidden/kernel"


def parts(data: bytes) -> tuple[Header, bytes]:
    """Header and arrays of a file."""
    (length,) = struct.unpack("<Q", data[:8])
    header: Header = json.loads(data[8 : 8 + length])
    return header, data[8 + length :]


def joined(header: Header | bytes, arrays: bytes) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + arrays


def put(name: str, **values: Any) -> Callable[[Header], Any]:
    return lambda header: header.setdefault(name, {}).update(values)


def entry(dtype: str, shape: list[Any], *offsets: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": list(offsets)}


def message_about(folder: Path, data: bytes) -> str:
    """How a bundle is refused that has this file under an honest hash."""
    (folder / FILE).write_bytes(data)
    message = refusal(lambda: reindex(folder))
    assert message.startswith(f"{folder / FILE}: ")
    return message.removeprefix(f"{folder / FILE}: ")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (put(KERNEL, shape=[2**40, 2**40]), "of [1099511627776, 1099511627776] needs 48357"),
        (put(KERNEL, shape=[2**62, 4]), "needs 73786976294838206464 bytes, has [16, 80]"),
        (put(KERNEL, shape=[2**63, 2]), "needs 73786976294838206464 bytes"),
        (put(KERNEL, shape=[16]), f"array '{KERNEL}' is [16], the architecture needs [4, 4]"),
        (put(KERNEL, shape=[2, 8]), f"array '{KERNEL}' is [2, 8], the architecture needs [4, 4]"),
        (put(KERNEL, shape=[0, 2**60]), f"array '{KERNEL}' has the shape [0, 1152921504606846976]"),
        (put(KERNEL, shape=[4, -4]), "has the shape [4, -4]"),
        (put(KERNEL, shape=[4, 4.0]), "has the shape [4, 4.0]"),
        (put(KERNEL, shape=[True, 16]), "has the shape [True, 16]"),
        (put(KERNEL, shape=[1] * 9), "has the shape [1, 1, 1, 1, 1, 1, 1, 1, 1]"),
        (put(KERNEL, shape="44"), "has the shape '44'"),
        (put(KERNEL, dtype="F64"), f"array '{KERNEL}': arrays of type 'F64' cannot be read"),
        (put(KERNEL, dtype="BOOL"), "arrays of type 'BOOL' cannot be read"),
        (put(KERNEL, dtype="O"), "arrays of type 'O' cannot be read"),
        (put(KERNEL, dtype=["F32"]), "arrays of type ['F32'] cannot be read"),
        (put(KERNEL, dtype="I64"), "arrays of type 'I64' cannot be read"),
        (put(KERNEL, data_offsets=[0, 64]), "begins at "),
        (put(KERNEL, data_offsets=[20, 84]), "begins at "),
        (put(KERNEL, data_offsets=[2**70, 2**70 + 64]), "begins at "),
        (put(KERNEL, data_offsets=[-64, 0]), "has the offsets [-64, 0]"),
        (put(KERNEL, data_offsets=[80, 16]), "needs 64 bytes, has [80, 16]"),
        (put(KERNEL, data_offsets=[16, 80, 96]), "has the offsets [16, 80, 96]"),
        (put(KERNEL, data_offsets=[16]), "has the offsets [16]"),
        (put(KERNEL, data_offsets=None), "has the offsets None"),
        (put(KERNEL, more=1), "not safetensors: array 'hidden/kernel' is {'dtype'"),
        (put("more", **entry("F32", [4], 0, 16)), "begins at "),
        (put("more", **entry("F32", [4], 160, 176)), "the arrays end at "),
        (put("more", **entry("F32", [], 160, 160)), "of [] needs 4 bytes"),
        (lambda header: header.update(more=7), "array 'more' is 7"),
        (lambda header: header.pop(KERNEL), "begins at "),
        (lambda header: header.update({"x" * 9000: header.pop(KERNEL)}), "array 'hidden/kernel' is missing"),
        (lambda header: header.update({"\x1b[2J": header.pop(KERNEL)}), r"array '\x1b[2J' is not of this"),
        (lambda header: [put(f"{index}", a=1)(header) for index in range(5000)], "at most 4096 arrays"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_header_that_does_not_account_for_its_file_is_refused(
    folder: Path, edit: Callable[[Header], Any], message: str
) -> None:
    header, arrays = parts((folder / FILE).read_bytes())
    edit(header)
    found = message_about(folder, joined(header, arrays))
    assert message in found
    assert len(found) < 500
    assert found.isprintable()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda header, arrays: joined(header, arrays + b"\0"), "the arrays end at "),
        (lambda header, arrays: joined(header, arrays[:-1]), "the arrays end at "),
        (lambda header, arrays: joined(header, b""), "the arrays end at "),
        (lambda header, arrays: joined({}, arrays), "the arrays end at "),
        (lambda header, arrays: joined({}, b""), "array 'hidden/bias' is missing"),
        (lambda header, arrays: joined(b"[]", arrays), "the header is no object"),
        (lambda header, arrays: joined(b"", arrays), "a header of 0 bytes"),
        (lambda header, arrays: joined(b"{" * 5000, arrays), "header: "),
        (lambda header, arrays: joined(b"[" * 90_000, arrays), "header: nested more than 16 deep"),
        (lambda header, arrays: joined(b" " * MAX_HEADER_BYTES + b"{}", b""), "bytes, more than 1048568"),
        (lambda header, arrays: struct.pack("<Q", 2**64 - 1) + arrays, "a header of 18446744073709551615"),
        (lambda header, arrays: struct.pack("<Q", 2**63) + arrays, "a header of 9223372036854775808 bytes"),
        (lambda header, arrays: struct.pack("<Q", 200) + b"{}", "a header of 200 bytes in a file of 10"),
        (lambda header, arrays: b"\x02\0\0", "a header of 2 bytes in a file of 3"),
        (
            lambda header, arrays: joined(json.dumps(header).encode()[:-1] + b', "a": 1, "a": 1}', arrays),
            "header: 'a' is there twice",
        ),
        (lambda header, arrays: joined(json.dumps(header).encode("utf-16"), arrays), "header: "),
    ],
)
def test_a_file_that_is_not_whole_is_refused(
    folder: Path, change: Callable[[Header, bytes], bytes], message: str
) -> None:
    found = message_about(folder, change(*parts((folder / FILE).read_bytes())))
    assert message in found


def as_pickle() -> bytes:
    return b"\x80\x04\x95\x0a\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x94K\x01s."


def as_npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, kernel=np.zeros((4, 4), np.float32))
    return file.getvalue()


def as_hdf5() -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as arrays:
        arrays["hidden/kernel"] = np.zeros((4, 4), np.float32)
    return file.getvalue()


@pytest.mark.parametrize("make", [as_pickle, as_npz, as_hdf5])
def test_another_format_under_the_name_of_weights_is_refused(folder: Path, make: Callable[[], bytes]) -> None:
    assert message_about(folder, make()).startswith("not safetensors: a header of ")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (KERNEL, np.nan, "has a value that is not finite"),
        (KERNEL, -np.inf, "has a value that is not finite"),
        (KERNEL, 3e38, "has the value 3e+38, beyond 1e+18"),
        (KERNEL, -2e18, "has the value -2e+18, beyond 1e+18"),
        ("standardise/variance", -1.0, "has the value -1: there is no variance below zero"),
    ],
)
def test_values_that_make_nan_of_every_track_are_refused_by_the_array_s_name(
    folder: Path, name: str, value: float, message: str
) -> None:
    file = FILE if name == KERNEL else "dilated.safetensors"
    arrays = {key: array.copy() for key, array in load((folder / file).read_bytes()).items()}
    arrays[name].flat[-1] = value
    (folder / file).write_bytes(save(arrays))
    bundle = reindex(folder)
    member = next(one for one in bundle.members if one.weights == file)
    assert refusal(lambda: bundle.weights(member)) == f"{folder / file}: array '{name}' {message}"


def test_arrays_are_what_another_reader_finds(whole: Bundle) -> None:
    for member in whole.members:
        expected = load((whole.folder / member.weights).read_bytes())
        found = whole.weights(member)
        assert found.keys() == expected.keys()
        for name, array in expected.items():
            np.testing.assert_array_equal(found[name], array)
            assert found[name].dtype == array.dtype


def test_metadata_and_half_precision_are_read_and_arrays_may_lie_in_any_order() -> None:
    values = np.arange(6, dtype=np.float16).reshape(2, 3)
    header = {
        "b": entry("F16", [2, 3], 4, 16),
        "__metadata__": {"format": "np"},
        "a": entry("F32", [], 0, 4),
    }
    data = joined(header, np.float32(2.5).tobytes() + values.tobytes())
    places = read_header(data, len(data))
    check_shapes(places, {"a": (), "b": (2, 3)})
    arrays = arrays_in(data, places)
    assert arrays["a"] == 2.5
    np.testing.assert_array_equal(arrays["b"], values)


def test_a_file_of_weights_can_be_read_again_and_again(folder: Path) -> None:
    bundle = read_bundle(folder)
    first, second = (bundle.weights(bundle.members[1]) for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)
