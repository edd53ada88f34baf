"""Bundles: a whole one reads back, and anything else in its place is refused before it can do harm."""

from __future__ import annotations

import hashlib
import json
import math
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.bundle import Bundle
from models.bundle_files import read_bundle, write_index
from models.bundle_index import INDEX
from models.bundle_source import SHIPPED, open_bundle
from models.registry import ARCHITECTURES, Role, architecture, parse_settings
from models.regressors.dilated import DilatedSettings
from models.taggers.crnn import CrnnSettings
from models.weights import arrays_of, save_weights, set_weights
from schemas.errors import DataError, Stage
from tests.bundles import MEMBERS, TAGS
from tests.refusal import refusal

Index = dict[str, Any]
WEIGHTS = "crnn-lstm.safetensors"


@pytest.fixture
def folder(small_bundle: Bundle, tmp_path: Path) -> Path:
    """A copy of the small bundle, to be spoilt."""
    return Path(shutil.copytree(small_bundle.folder, tmp_path / "bundle"))


def load_index(folder: Path) -> Index:
    fields: Index = json.loads((folder / INDEX).read_text("utf-8"))
    return fields


def change(folder: Path, edit: Callable[[Index], Any]) -> None:
    """Edit the index; what `edit` returns is of no interest."""
    fields = load_index(folder)
    edit(fields)
    (folder / INDEX).write_text(json.dumps(fields), "utf-8")


def replace_file(folder: Path, name: str, data: bytes) -> None:
    """Another file under an honest hash."""
    (folder / name).write_bytes(data)
    entry = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    change(folder, lambda fields: fields["files"].update({name: entry}))


def safetensors(dtype: str, size: int) -> bytes:
    """A file with one array `a` of one zero."""
    header = json.dumps({"a": {"dtype": dtype, "shape": [1], "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(size)


def test_a_whole_bundle_reads_back(small_bundle: Bundle, folder: Path) -> None:
    bundle = read_bundle(folder)
    assert (bundle.name, bundle.version, bundle.terms) == ("small", "1", "none")
    assert bundle.tags == TAGS
    assert [(member.name, member.architecture, member.settings) for member in bundle.members] == list(MEMBERS)
    assert bundle.front_ends == ("crnn-logmel@1", "window-image@1", "mel-steps@1")
    assert [member.name for member in bundle.of_role(Role.REGRESSOR)] == ["dilated-0", "dilated-1"]
    assert len(bundle.of_role(Role.TAGGER)) == 3
    assert bundle.decisions.scale.tolist() == [40.0] * 8
    assert bundle.decisions.threshold.tolist() == [0.5] * 8
    assert bundle.sha256 == hashlib.sha256((folder / INDEX).read_bytes()).hexdigest() == small_bundle.sha256
    assert bundle.key == f"small-1-{bundle.sha256[:12]}"


def test_the_weights_of_every_member_fill_its_model(small_bundle: Bundle) -> None:
    for member in small_bundle.members:
        arrays = small_bundle.weights(member)
        model = architecture(member.architecture).build(member.settings)
        set_weights(model, arrays, source=member.weights)
        found = arrays_of(model)
        assert found.keys() == arrays.keys()
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)


def test_the_same_bundle_has_the_same_hash_wherever_it_lies(small_bundle: Bundle, tmp_path: Path) -> None:
    other = Path(shutil.copytree(small_bundle.folder, tmp_path / "elsewhere"))
    assert read_bundle(other).key == small_bundle.key


def test_an_index_written_over_the_same_files_is_the_same(folder: Path) -> None:
    before = read_bundle(folder)
    fields = load_index(folder)
    kept = {name: value for name, value in fields.items() if name not in ("format", "files")}
    assert write_index(folder, kept).sha256 == before.sha256


def spoil_member(**values: Any) -> Callable[[Index], Any]:
    """An edit of the first member, a crnn."""
    return lambda fields: fields["members"][0].update(values)


def spoil_settings(**values: Any) -> Callable[[Index], Any]:
    return lambda fields: fields["members"][0]["settings"].update(values)


def spoil(*path: str, value: Any) -> Callable[[Index], Any]:
    """An edit that sets what lies under these names."""

    def edit(fields: Index) -> None:
        for name in path[:-1]:
            fields = fields[name]
        fields[path[-1]] = value

    return edit


def without(name: str) -> Callable[[Index], Any]:
    return lambda fields: fields.pop(name)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (spoil("format", value=2), "format version 2; this moodscribe reads 1"),
        (spoil("format", value=None), "format version None"),
        (without("format"), "format version None"),
        (without("tags"), "bundle.json: 'tags' is missing"),
        (without("members"), "'members' is missing"),
        (without("files"), "'files' is missing"),
        (without("terms"), "'terms' is missing"),
        (without("calibration"), "'calibration' is missing"),
        (spoil("files", value=[]), "files is not an object"),
        (spoil("files", value="x"), "files is not an object"),
        (spoil("files", value={}), "weights of crnn-lstm, 'crnn-lstm.safetensors', are not in its files"),
        (spoil("files", WEIGHTS, value="hash"), f"file {WEIGHTS}: 'hash' has no sha256 and bytes"),
        (spoil("files", WEIGHTS, value=None), f"file {WEIGHTS}: None has no sha256 and bytes"),
        (spoil("files", WEIGHTS, "sha256", value="0" * 64), f"{WEIGHTS}: sha256 is "),
        (
            spoil("files", "gone.bin", value={"sha256": "0" * 64, "bytes": 1}),
            "gone.bin: named in bundle.json",
        ),
        (spoil("tags", value=[]), "calibration.scale needs 0 finite values, has 8"),
        (spoil("tags", value=[*TAGS[:-1], TAGS[0]]), "tags repeat"),
        (spoil("tags", value=["happy"]), "calibration.scale needs 1 finite values, has 8"),
        (spoil("tags", value=5), "tags 5 is not a list"),
        (spoil("fusion", value={"method": "max"}), "fusion {'method': 'max'} is not known"),
        (spoil("thresholds", "values", value=[0.5] * 7), "thresholds.values needs 8 finite values, has 7"),
        (spoil("thresholds", "values", value=[0.5] * 7 + [math.nan]), "NaN is no number of JSON"),
        (spoil("thresholds", "values", value=[0.5] * 7 + [math.inf]), "Infinity is no number of JSON"),
        (spoil("thresholds", "values", value=[0.5] * 7 + [None]), "thresholds.values needs 8 finite"),
        (spoil("thresholds", "values", value=[0.5] * 7 + [10**400]), "none beyond 1e+06, has 1000"),
        (spoil("thresholds", "values", value=[[0.5]] * 8), "thresholds.values needs 8 finite"),
        (spoil("thresholds", "values", value="high"), "needs 8 finite values, has 'high'"),
        (spoil("thresholds", value=None), "thresholds None is not an object"),
        (spoil("calibration", "scale", value=[1.0] * 9), "calibration.scale needs 8 finite values, has 9"),
        (spoil("calibration", "bias", value=[-math.inf] * 8), "-Infinity is no number of JSON"),
        (spoil("name", value="../evil"), "'../evil' is not a plain name"),
        (spoil("version", value=1), "1 is not a plain name"),
        (spoil("members", value=[]), "it has no members"),
        (lambda fields: fields["members"].__delitem__(slice(0, 3)), "8 tags, but 0 taggers"),
        (spoil_member(front_end_settings={"a": [1]}), "front_end_settings {'a': [1]} are not plain values"),
        (spoil("members", value="crnn"), "members 'crnn' is not a list"),
        (spoil("members", value=[7]), "members: 7 is not an object"),
        (spoil_member(architecture="transformer"), "architecture 'transformer' is not known; there are crnn"),
        (spoil_member(architecture="os.system"), "architecture 'os.system' is not known"),
        (spoil_member(front_end="crnn-logmel@2"), "member 'crnn-lstm': front end 'crnn-logmel@2', but crnn"),
        (spoil_member(front_end="mel-steps@1"), "member 'crnn-lstm': front end 'mel-steps@1', but crnn"),
        (spoil_member(weights="../x"), "'../x' is not a plain name"),
        (spoil_member(weights="/etc/passwd"), "'/etc/passwd' is not a plain name"),
        (spoil_member(weights=".."), "'..' is not a plain name"),
        (spoil_member(weights="a\n"), "is not a plain name"),
        (spoil_member(weights="card.txt"), "weights of crnn-lstm, 'card.txt', are not in its files"),
        (spoil_member(settings=None), "architecture crnn: settings None are not an object"),
        (spoil_member(settings=[]), "architecture crnn: settings [] are not an object"),
        (spoil_member(settings="units"), "architecture crnn: settings 'units' are not an object"),
        (spoil_settings(lambda_="x"), "architecture crnn: unknown setting 'lambda_'"),
        (spoil_settings(units=0), "setting crnn.units = 0 does not fit"),
        (spoil_settings(units=-8), "setting crnn.units = -8 does not fit"),
        (spoil_settings(units=16_385), "setting crnn.units = 16385 does not fit"),
        (spoil_settings(units=10**30), "does not fit"),
        (spoil_settings(units=8.0), "setting crnn.units = 8.0 does not fit"),
        (spoil_settings(units=True), "setting crnn.units = True does not fit"),
        (spoil_settings(units="8"), "setting crnn.units = '8' does not fit"),
        (spoil_settings(channels=[4] * 65), "does not fit"),
        (spoil_settings(channels=[4, 4, 10**9]), "does not fit"),
        (spoil_settings(channels=4), "setting crnn.channels = 4 does not fit"),
        (spoil_settings(dropout=1.0), "setting crnn.dropout = 1.0 does not fit"),
        (spoil_settings(dropout=-0.1), "setting crnn.dropout = -0.1 does not fit"),
        (spoil_settings(dropout=math.nan), "NaN is no number of JSON"),
        (spoil_settings(cell=7), "setting crnn.cell = 7 does not fit"),
        (spoil_settings(tags=9), "member 'crnn-lstm' scores 9 tags of 8"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_an_index_that_is_not_right_is_refused_with_the_value(
    folder: Path, edit: Callable[[Index], Any], message: str
) -> None:
    change(folder, edit)
    found = refusal(lambda: read_bundle(folder))
    assert message in found


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "sub/file", "..", ".hidden", "", "a b", "a\0"])
def test_a_file_name_that_leads_out_of_the_folder_is_refused(folder: Path, name: str) -> None:
    secret = folder.parent / "secret"
    secret.write_bytes(b"x")
    (folder / "sub").mkdir()
    (folder / "sub" / "file").write_bytes(b"x")
    entry = {"sha256": hashlib.sha256(b"x").hexdigest(), "bytes": 1}
    change(folder, lambda fields: fields["files"].update({name: entry}))
    assert f"bundle.json: file name {name!r} is not a plain name" in refusal(lambda: read_bundle(folder))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "bundle.json: not JSON"),
        (b"{", "bundle.json: not JSON"),
        (b"\xff\xfe", "bundle.json: not JSON"),
        (b"[" * 200_000, "bundle.json: not JSON"),
        (b"[]", "format version []"),
        (b'"bundle"', "format version 'bundle'"),
        (b"null", "format version None"),
        (b"{}", "format version None"),
        (b" " * ((1 << 20) + 1), "bundle.json: 1048577 bytes, larger than 1048576"),
    ],
    ids=["empty", "half", "binary", "deep", "list", "text", "null", "bare", "large"],
)
def test_what_is_no_index_is_refused_by_name(folder: Path, data: bytes, message: str) -> None:
    (folder / INDEX).write_bytes(data)
    assert message in refusal(lambda: read_bundle(folder))


def test_a_folder_without_an_index_is_no_bundle(tmp_path: Path) -> None:
    for folder in (tmp_path / "missing", tmp_path):
        assert refusal(lambda: read_bundle(folder)) == f"{folder}: no bundle.json in this folder"  # noqa: B023


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    assert refusal(lambda: read_bundle(folder)) == (
        f"{folder / WEIGHTS}: named in bundle.json, but there is no such file"
    )


def test_one_other_byte_in_a_file_is_found_by_its_hash(folder: Path) -> None:
    data = bytearray((folder / WEIGHTS).read_bytes())
    data[-1] ^= 1
    (folder / WEIGHTS).write_bytes(data)
    found = hashlib.sha256(data).hexdigest()
    assert refusal(lambda: read_bundle(folder)).startswith(f"{folder / WEIGHTS}: sha256 is {found}, ")


def test_a_link_in_the_place_of_a_file_is_refused_even_to_the_right_bytes(folder: Path) -> None:
    target = folder.parent / "moved"
    (folder / WEIGHTS).rename(target)
    (folder / WEIGHTS).symlink_to(target)
    assert refusal(lambda: read_bundle(folder)) == f"{folder / WEIGHTS}: a link, not a file"


class _Bomb:
    """Unpickling it makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("kind", ["pickle", "npy"])
def test_bytes_that_would_execute_are_refused_and_not_executed(folder: Path, kind: str) -> None:
    marker = folder.parent / "executed"
    data = pickle.dumps(_Bomb(marker))
    if kind == "npy":
        np.save(folder / "object.npy", np.array([_Bomb(marker)], dtype=object), allow_pickle=True)
        data = (folder / "object.npy").read_bytes()
        (folder / "object.npy").unlink()
    replace_file(folder, WEIGHTS, data)
    message = refusal(lambda: read_bundle(folder))  # its hash is right
    assert message.startswith(f"{folder / WEIGHTS}: not safetensors: ")
    assert not marker.exists()
    pickle.loads(pickle.dumps(_Bomb(marker)))  # noqa: S301 - it would have gone off
    assert marker.exists()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not safetensors"),
        (bytes(1000), "not safetensors"),
        (struct.pack("<Q", 1 << 60) + bytes(100), "not safetensors"),
        (safetensors("F32", 4)[:-2], "not safetensors"),
        (safetensors("BF16", 2), "array 'a': arrays of type 'BF16' cannot be read"),
    ],
    ids=["empty", "zeros", "huge header", "cut short", "a type that numpy lacks"],
)
def test_weights_that_are_no_arrays_are_refused_by_name(folder: Path, data: bytes, message: str) -> None:
    replace_file(folder, WEIGHTS, data)
    found = refusal(lambda: read_bundle(folder))
    assert found.startswith(f"{folder / WEIGHTS}: ")
    assert message in found


@pytest.fixture(scope="module")
def regressor() -> Any:
    """A model to fill, the smallest there is."""
    return architecture("dilated").build(DilatedSettings(channels=2, dilations=(1,)))


def as_zeros(shape: tuple[int, ...]) -> NDArray[np.float32]:
    return np.zeros(shape, np.float32)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda arrays: arrays.update({"curve/bias": as_zeros((3,))}), "array 'curve/bias' is [3], the arch"),
        (lambda arrays: arrays.update({"curve/bias": as_zeros((2, 1))}), "array 'curve/bias' is [2, 1], the"),
        (lambda arrays: arrays.update({"curve/bias": as_zeros(())}), "'curve/bias' is [], the architecture"),
        (lambda arrays: arrays.pop("curve/kernel"), "array 'curve/kernel' is missing"),
        (lambda arrays: arrays.update(extra=as_zeros((1,))), "array 'extra' is not of this architecture"),
        (
            lambda arrays: arrays.update({"curve/bias": np.array([0, np.nan], np.float32)}),
            "array 'curve/bias' has a value that is not finite",
        ),
        (
            lambda arrays: arrays.update({"curve/bias": np.array([np.inf, 0], np.float32)}),
            "array 'curve/bias' has a value that is not finite",
        ),
    ],
    ids=["longer", "more axes", "scalar", "missing", "left over", "nan", "infinite"],
)
def test_arrays_that_do_not_fit_the_architecture_are_refused_by_path(
    regressor: Any, edit: Callable[[dict[str, NDArray[Any]]], Any], message: str
) -> None:
    arrays = arrays_of(regressor)
    edit(arrays)
    found = refusal(lambda: set_weights(regressor, arrays, source="w.safetensors"))
    assert found.startswith("w.safetensors: ")
    assert message in found


def test_weights_survive_the_way_through_a_file(regressor: Any, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    path = tmp_path / "w.safetensors"
    save_weights(regressor, path)
    arrays = load_file(path)
    expected = arrays_of(regressor)
    assert arrays.keys() == expected.keys()
    assert all(np.array_equal(arrays[name], expected[name]) for name in expected)
    other = architecture("dilated").build(DilatedSettings(channels=2, dilations=(1,)))
    set_weights(other, arrays, source="w")
    values = np.random.default_rng(14).standard_normal((1, 9, 192)).astype(np.float32)
    inside = np.ones((1, 9), bool)
    np.testing.assert_array_equal(other([values, inside]), regressor([values, inside]))


def test_a_cell_that_there_is_not_is_refused_when_the_model_is_built() -> None:
    settings = parse_settings("crnn", {"cell": "transformer"})
    message = refusal(lambda: architecture("crnn").build(settings))
    assert message == "cell 'transformer' is not known; there are lstm, gru, bilstm"


def test_a_colour_map_that_there_is_not_is_refused_when_the_model_is_built() -> None:
    settings = parse_settings("image-rnn", {"colours": "__class__", "channels": [4]})
    assert refusal(lambda: architecture("image-rnn").build(settings)) == (
        "colour map '__class__' is not known"
    )


def test_settings_come_back_from_json_as_they_were() -> None:
    for known in ARCHITECTURES.values():
        defaults = known.settings()
        assert parse_settings(known.name, {}) == defaults
    assert parse_settings("crnn", {"channels": [1, 2], "dropout": 0, "cell": "gru"}) == CrnnSettings(
        "gru", channels=(1, 2), dropout=0.0
    )


@pytest.mark.parametrize("source", ["no-such-bundle", "", "/no/such/folder", "../bundle", "http://x/y"])
def test_a_bundle_that_is_nowhere_is_not_found_by_its_name(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(
        DataError, match=r"is neither a folder nor a shipped bundle|no bundle\.json"
    ) as caught:
        open_bundle(source)
    assert caught.value.stage is Stage.BUNDLE
    assert source in caught.value.message


def test_a_bundle_is_opened_by_its_folder(folder: Path, small_bundle: Bundle) -> None:
    assert open_bundle(str(folder)).key == small_bundle.key
    shipped = [path.name for path in SHIPPED.iterdir() if (path / INDEX).is_file()]
    for name in shipped:
        assert open_bundle(name).folder == SHIPPED / name
