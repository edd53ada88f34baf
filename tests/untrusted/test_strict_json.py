"""Strict JSON: what Python's parser lets through is refused, and messages stay short."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.bundle_files import read_bundle
from models.bundle_index import INDEX
from models.checks.strict_json import cut, parse_json, shown
from tests.refusal import refusal


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"a": 1, "b": 2, "a": 1}', "'a' is there twice"),
        (b'[{"a": {"x": 1, "x": 1}}]', "'x' is there twice"),
        (b'{"a": 1, "\\u0061": 2}', "'a' is there twice"),
        (b"[NaN]", "NaN is no number of JSON"),
        (b"[-Infinity]", "-Infinity is no number of JSON"),
        (b"[1e999]", "the number 1e999 is too large"),
        (b"[-1e400]", "the number -1e400 is too large"),
        (b"[" + b"9" * 5000 + b"]", "Exceeds the limit"),
        (b"[" * 17 + b"]" * 17, "nested more than 16 deep"),
        (b'{"a":' * 17 + b"1" + b"}" * 17, "nested more than 16 deep"),
        (b"[" * 500_000, "nested more than 16 deep"),
        (b'{"a":' * 200_000, "nested more than 16 deep"),
        (b"\xef\xbb\xbf{}", "BOM"),
        ("{}".encode("utf-16"), "invalid start byte"),
        (b'["\xed\xa0\x80"]', "invalid continuation byte"),
        (b"[1] [2]", "Extra data"),
        (b"['a']", "Expecting value"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
def test_json_that_can_be_read_in_two_ways_or_without_end_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_json(data)
    assert message in str(caught.value)


@pytest.mark.parametrize("value", [None, 0, -1.5, "text", [], {}, {"a": [1, {"b": 2.5e-300}]}])
def test_other_json_is_what_it_says(value: object) -> None:
    assert parse_json(json.dumps(value).encode()) == value
    deepest = b"[" * 15 + b"1" + b"]" * 15
    assert parse_json(deepest) == json.loads(deepest)


def test_a_repeated_key_in_an_index_is_refused_though_its_values_are_equal(folder: Path) -> None:
    text = (folder / INDEX).read_text("utf-8")
    (folder / INDEX).write_text(text.replace('"terms": "none"', '"terms": "none", "terms": "none"'), "utf-8")
    assert refusal(lambda: read_bundle(folder)) == f"{folder / INDEX}: not JSON: 'terms' is there twice"


@pytest.mark.parametrize("field", ["format", "name", "terms", "fusion", "tags", "members", "quality"])
@pytest.mark.parametrize("value", ["x" * 900_000, [["\x1b[31m"] * 9] * 9999, {"k" * 900_000: 1}], ids=type)
def test_a_message_about_a_long_value_is_short_and_one_line(folder: Path, field: str, value: object) -> None:
    fields = json.loads((folder / INDEX).read_text("utf-8"))
    fields[field] = value
    (folder / INDEX).write_text(json.dumps(fields), "utf-8")
    if field == "terms" and isinstance(value, str):
        assert read_bundle(folder).terms == value
        return
    message = refusal(lambda: read_bundle(folder))
    assert len(message) < len(str(folder)) + 600
    assert message.isprintable()


def test_long_values_are_shown_by_their_ends() -> None:
    assert shown("x") == "'x'"
    assert cut("a" * 500) == "a" * 500
    assert cut("a" * 400 + "b" * 400, most=8) == "aaaa...bb"
