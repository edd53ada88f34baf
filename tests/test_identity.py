"""Hashes of a bundle: each changes with what it stands for, and with nothing else."""

from __future__ import annotations

import hashlib
import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.bundle import Bundle
from models.bundle_files import read_bundle
from models.bundle_source import open_bundle
from tests.array_bundles import reindex, write_array_bundle

Edit = Callable[[dict[str, Any]], Any]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_array_bundle(tmp_path_factory.mktemp("identity") / "bundle")


@pytest.fixture
def folder(whole: Bundle, tmp_path: Path) -> Path:
    """A copy of the bundle, to be changed."""
    return Path(shutil.copytree(whole.folder, tmp_path / "bundle"))


def hashes(bundle: Bundle) -> dict[str, str]:
    """All hashes of a bundle, those of inputs by their member."""
    inputs = {member.name: bundle.input_hash(member) for member in bundle.members}
    return {"model": bundle.model_hash, "decision": bundle.decision_hash, **inputs}


def changed(before: Bundle, after: Bundle) -> set[str]:
    """Names of the hashes that are not the same."""
    old, new = hashes(before), hashes(after)
    return {name for name in old if old[name] != new[name]}


def put(*path: Any, value: Any) -> Edit:
    def edit(fields: Any) -> None:
        for name in path[:-1]:
            fields = fields[name]
        fields[path[-1]] = value

    return edit


def rename_members(fields: dict[str, Any]) -> None:
    for member in fields["members"]:
        member["name"] += "-2"
        if "encoder" in member:
            member["encoder"] += "-2"


HEADS = {"tags", "affect"}


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (put("name", value="other"), set()),
        (put("version", value="2"), set()),
        (put("terms", value="other"), set()),
        (put("card", value="other.md"), set()),
        (put("calibration", "provenance", value="other"), set()),
        (put("thresholds", "provenance", value="other"), set()),
        (put("quality", "provenance", value="other"), set()),
        (put("thresholds", "values", 1, value=0.6), {"decision"}),
        (put("thresholds", "values", 1, value=math.nextafter(0.5, 1)), {"decision"}),
        (put("calibration", "scale", 0, value=2.6), {"decision"}),
        (put("calibration", "bias", 3, value=-0.1), {"decision"}),
        (put("quality", "grades", 0, value="B"), {"decision"}),
        (put("quality", "off", value=[]), {"decision"}),
        (put("quality", "opposites", value=[]), {"decision"}),
        (put("tags", 0, value="quiet"), {"model"}),
        (put("tags", value=["dark", "calm", "happy", "sad"]), {"model"}),
        (put("members", 0, "settings", "rows", value=30), {"model", *HEADS}),
        (put("members", 1, "settings", "dropout", value=0.25), {"model"}),
        (put("members", 3, "front_end_settings", value={"a": 1}), {"model", "dilated"}),
        (put("members", 0, "front_end_settings", value={"a": 1}), {"model", "mobile", *HEADS}),
    ],
)
def test_a_changed_index_changes_the_hashes_of_what_depends_on_it(
    whole: Bundle, folder: Path, edit: Edit, expected: set[str]
) -> None:
    assert changed(whole, reindex(folder, edit)) == expected


@pytest.mark.parametrize(
    ("member", "expected"),
    [("mobile", {"model", *HEADS}), ("tags", {"model"}), ("dilated", {"model"})],
)
def test_one_other_weight_changes_the_model_and_what_is_made_of_its_rows(
    whole: Bundle, folder: Path, member: str, expected: set[str]
) -> None:
    path = folder / f"{member}.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert changed(whole, reindex(folder)) == expected


def test_another_card_or_picture_changes_no_hash(whole: Bundle, folder: Path) -> None:
    (folder / "card.md").write_text("Other words.\n")
    (folder / "curve.png").write_bytes(b"png")
    assert changed(whole, reindex(folder)) == set()


def test_other_names_of_members_and_files_change_no_hash(whole: Bundle, folder: Path) -> None:
    def edit(fields: dict[str, Any]) -> None:
        rename_members(fields)
        fields["members"][1]["weights"] = "renamed.safetensors"

    (folder / "tags.safetensors").rename(folder / "renamed.safetensors")
    renamed = reindex(folder, edit)
    assert (renamed.model_hash, renamed.decision_hash) == (whole.model_hash, whole.decision_hash)
    assert [*map(renamed.input_hash, renamed.members)] == [*map(whole.input_hash, whole.members)]


def test_settings_that_are_left_to_their_defaults_are_those_defaults(whole: Bundle, folder: Path) -> None:
    def edit(fields: dict[str, Any]) -> None:
        assert fields["members"][3]["settings"].pop("dropout") == 0.3

    assert changed(whole, reindex(folder, edit)) == set()


def test_a_run_that_decides_all_tags_has_another_decision_hash(whole: Bundle) -> None:
    every = whole.deciding(all_tags=True)
    assert changed(whole, every) == {"decision"}
    assert changed(whole, every.deciding(all_tags=False)) == set()


def test_members_of_one_input_have_one_input_hash(whole: Bundle) -> None:
    found = hashes(whole)
    assert found["tags"] == found["affect"]
    assert len({found["tags"], found["mobile"], found["dilated"]}) == 3


def test_hashes_are_sixteen_digits_and_do_not_depend_on_the_folder(whole: Bundle, folder: Path) -> None:
    assert all(re.fullmatch("[0-9a-f]{16}", value) for value in hashes(whole).values())
    assert hashes(read_bundle(folder)) == hashes(whole)


def test_the_bundle_keeps_the_hash_of_every_file(whole: Bundle) -> None:
    for name, sha256 in whole.files.items():
        assert hashlib.sha256((whole.folder / name).read_bytes()).hexdigest() == sha256
    assert set(whole.files) == {path.name for path in whole.folder.iterdir()} - {"bundle.json"}


def test_the_default_bundle_has_hashes_too() -> None:
    assert len(set(hashes(open_bundle("default")).values())) == 4
