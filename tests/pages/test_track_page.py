"""The text of a track's page: what it says, and a policy that names its scripts and no others."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.pages.document import render
from pipelines.showing.page import track_page
from pipelines.showing.player import Player, beside, embedded
from schemas.errors import DataError
from tests.pages.made_tables import HOSTILE, Made, shown_track

TRACK = shown_track(Made("0001", title=HOSTILE, uri=f"/music/{HOSTILE}", valence=0.1, arousal=-0.3))


def rows_of(page: str, caption: str) -> list[list[str]]:
    """Texts of the cells of the table with this caption."""
    (table,) = re.findall(rf"<caption>{caption}</caption>(.*?)</table>", page, re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", table.partition("<tbody>")[2], re.DOTALL)
    cells = (re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows)
    return [[re.sub(r"<[^>]*>", "", cell) for cell in row] for row in cells]


def test_the_page_says_what_the_tables_say() -> None:
    page = render(track_page(TRACK, None, None, "No player: it is gone"))
    assert rows_of(page, "Tags by score") == [
        ["happy", "0.700", "0.500", "yes", "0.125", "B"],
        ["sad", "0.600", "0.500", "no: off", "0.125", "D"],
        ["calm", "0.200", "0.500", "no", "0.125", "A"],
    ]
    assert rows_of(page, "Share of the first of two opposites") == [["calm or excited", "75.0%", "0.100"]]
    assert rows_of(page, "Valence and arousal")[0] == ["valence", "+0.10", "-0.10", "+0.30", "+0.30"]
    moments = rows_of(page, "Moment by moment")
    assert len(moments) == 24
    assert moments[0][:3] == ["0:00", "-0.10", "-0.30"]
    assert moments[-1][:3] == ["1:55", "+0.30", "-0.30"]
    assert "No player: it is gone" in page


def test_the_policy_allows_the_scripts_of_the_page_and_nothing_else() -> None:
    page = render(track_page(TRACK, None, None))
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == 3
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    assert rules.pop("script-src") == " ".join(f"'sha256-{digest}'" for digest in digests)
    assert rules == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_hostile_words_are_in_no_tag_and_in_no_script() -> None:
    page = render(track_page(TRACK, None, Player("./a%20b.mp3", "'self' file:"), HOSTILE))
    assert "<script>alert" not in page
    assert "<img" not in page.replace(re.findall(r"<script>(.*?)</script>", page, re.DOTALL)[0], "")
    assert "media-src 'self' file:" in page


def test_a_track_without_results_has_a_page_of_what_is_known() -> None:
    bare = replace(TRACK, curve=None, tags=(), antonyms=(), facts={"failure": "silent: peak of 0"})
    page = render(track_page(bare, None, None))
    assert "It has no curves." in page
    assert ["failure", "silent: peak of 0"] in rows_of(page, "What it is")


def test_the_way_to_the_file_is_that_from_the_page(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    (tmp_path / "pages").mkdir()
    audio = tmp_path / "music" / "a#1?: 50%.wav"
    audio.write_bytes(b"x")
    assert (
        beside(str(audio), str(tmp_path / "pages" / "p.html")).source == "./../music/a%231%3F%3A%2050%25.wav"
    )
    assert beside(str(audio), str(tmp_path / "music" / "p.html")).source == "./a%231%3F%3A%2050%25.wav"
    with pytest.raises(DataError, match="is not there any more"):
        beside(str(tmp_path / "gone.wav"), str(tmp_path / "p.html"))
    with pytest.raises(DataError, match="with --embed only"):
        beside(str(audio), "gs://bucket/p.html")


def test_an_embedded_file_is_its_bytes(tmp_path: Path) -> None:
    audio = tmp_path / "a.flac"
    audio.write_bytes(b"sound")
    player = embedded(str(audio))
    kind, _, data = player.source.partition(";base64,")
    assert kind.startswith("data:audio/")
    assert base64.b64decode(data) == b"sound"
    assert player.policy == "data:"
