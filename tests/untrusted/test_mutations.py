"""Hundreds of spoilt bundles: each is refused by name, or is what its bytes say, whole and in bounds."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray

from models.bundle import Bundle
from models.bundle_files import parse_bundle, read_bundle
from models.bundle_index import INDEX
from schemas.errors import DataError, FailureKind, Stage
from tests.untrusted.mutations import spoilt_bytes, spoilt_json

FILE = "tags.safetensors"


Result = TypeVar("Result")


def outcome(work: Callable[[], Result]) -> Result | str:
    """What the work gives, or the message that the bundle is refused with; all else is an error of ours."""
    try:
        return work()
    except DataError as error:
        refused = error
    assert (refused.kind, refused.stage) == (FailureKind.BAD_BUNDLE, Stage.BUNDLE)
    assert len(refused.message) < 1000
    assert refused.message.isprintable()
    return refused.message


def check_says(bundle: Bundle, data: bytes) -> None:
    """Raise for a bundle that is not what its index says, read by another parser."""
    fields = json.loads(data)
    assert (bundle.name, bundle.version) == (fields["name"], fields["version"])
    assert list(bundle.tags) == fields["tags"]
    assert bundle.decisions.scale.tolist() == fields["calibration"]["scale"]
    assert bundle.decisions.bias.tolist() == fields["calibration"]["bias"]
    assert bundle.decisions.threshold.tolist() == fields["thresholds"]["values"]
    assert bundle.files == {name: entry["sha256"] for name, entry in fields["files"].items()}
    for member, said in zip(bundle.members, fields["members"], strict=True):
        assert (member.name, member.architecture, member.weights) == (
            said["name"],
            said["architecture"],
            said["weights"],
        )
        settings = json.loads(json.dumps(asdict(member.settings)))
        assert {name: settings[name] for name in said["settings"]} == said["settings"]
        assert sum(map(math.prod, member.shapes.values())) <= 1 << 27


def test_a_spoilt_index_is_refused_or_says_what_the_bundle_is(whole: Bundle) -> None:
    data = (whole.folder / INDEX).read_bytes()
    fields, found = json.loads(data), Counter[bool]()
    for number in range(600):
        for spoilt in (spoilt_bytes(data, number), spoilt_json(fields, number).encode()):
            result = outcome(lambda: parse_bundle(spoilt, whole.folder, source=INDEX))  # noqa: B023
            found[isinstance(result, str)] += 1
            if isinstance(result, str):
                assert result.startswith(f"{INDEX}: "), number
                continue
            check_says(result, spoilt)
            assert result.sha256 == hashlib.sha256(spoilt).hexdigest()
    # Most are refused, some are other names, thresholds or words: neither is the rule by mistake.
    assert found[True] > 600
    assert found[False] > 60


def test_spoilt_weights_are_never_used_under_the_hash_of_the_whole_ones(whole: Bundle, folder: Path) -> None:
    data = (folder / FILE).read_bytes()
    for number in range(200):
        (folder / FILE).write_bytes(spoilt := spoilt_bytes(data, number))
        result = outcome(lambda: read_bundle(folder))
        assert isinstance(result, str) == (spoilt != data), number
        if isinstance(result, str):
            assert result.startswith(f"{folder / FILE}: "), number


@pytest.mark.parametrize("part", ["header", "anywhere"])
def test_spoilt_weights_under_an_honest_hash_are_refused_or_whole_arrays_of_this_net(
    folder: Path, part: str
) -> None:
    data = (folder / FILE).read_bytes()
    end = 8 + int.from_bytes(data[:8], "little") if part == "header" else len(data)
    fields, found = json.loads((folder / INDEX).read_bytes()), Counter[bool]()
    for number in range(200):
        spoilt = spoilt_bytes(data[:end], number) + data[end:]
        result = outcome(lambda: _arrays(folder, fields, spoilt))  # noqa: B023
        found[isinstance(result, str)] += 1
        if isinstance(result, str):
            assert result.startswith(f"{folder / FILE}: "), number
        else:
            assert all(np.isfinite(array).all() for array in result.values()), number
    assert found[True] > 100
    assert found[False] > 0


def _arrays(folder: Path, fields: dict[str, Any], data: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of the member whose weights these bytes are, of the shapes that its settings have."""
    (folder / FILE).write_bytes(data)
    fields["files"][FILE] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (folder / INDEX).write_text(json.dumps(fields), "utf-8")
    bundle = read_bundle(folder)
    arrays = bundle.weights(bundle.members[1])
    assert {name: array.shape for name, array in arrays.items()} == bundle.members[1].shapes
    return arrays
