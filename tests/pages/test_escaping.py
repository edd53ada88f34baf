"""Words of others do nothing on a page, in its scripts, in its plots or on a terminal."""

from __future__ import annotations

import json

import pytest

from pipelines.pages.escaping import LONGEST_PLOT_TEXT, html_text, plot_text, script_json, visible
from pipelines.pages.tables import Bar, Cell, Swatch, table
from tests.pages.made_tables import HOSTILE


def test_json_in_a_script_is_the_same_values_without_a_letter_that_could_end_it() -> None:
    text = script_json({HOSTILE: [HOSTILE, 1.5, None]})
    assert json.loads(text) == {HOSTILE: [HOSTILE, 1.5, None]}
    assert not set("<>&\u2028\u2029") & set(text)


def test_a_number_that_json_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        script_json({"mean": float("nan")})


def test_html_text_has_no_tag_no_entity_of_its_own_and_no_quote() -> None:
    text = html_text(HOSTILE + "\"'")
    assert not set("<>\"'\u2028\u202e\x1b") & set(text)
    assert "&lt;/script&gt;" in text
    assert "&amp;amp;" in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Blue\nHour\t2\r", "Blue Hour 2 "),
        ("\x1b[31mred\x07\x9b", "\ufffd[31mred\ufffd\ufffd"),
        ("abc\u202etxt", "abc\ufffdtxt"),
        ("Fête d'été 夜 🎷", "Fête d'été 夜 🎷"),
    ],
)
def test_controls_and_direction_marks_become_visible_and_letters_stay(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_plot_is_given_no_tags_and_no_more_than_it_can_show() -> None:
    assert plot_text("<b>R&B</b>") == "&lt;b&gt;R&amp;B&lt;/b&gt;"
    long = plot_text("begin" + "x" * 500 + "end")
    assert long.startswith("begin")
    assert long.endswith("end")
    assert len(long) <= LONGEST_PLOT_TEXT + 1


def test_every_cell_of_a_table_is_escaped() -> None:
    cells: list[Cell] = [HOSTILE, HOSTILE, Bar(0.5, HOSTILE), Swatch(HOSTILE, HOSTILE), None, 1234]
    text = table(HOSTILE, [HOSTILE] * len(cells), [cells])
    assert "<script" not in text
    assert "<img" not in text
    assert text.count("=cmd") == 2 + len(cells) + 4
    assert ">1,234<" in text


def test_columns_of_numbers_stand_to_the_right_and_others_do_not() -> None:
    text = table("c", ["name", "number", "signed", "words"], [["1", 5, "+0.25", "x"], ["2", 6, None, "7"]])
    assert text.count('<th scope="col" class="number">') == 2
    assert text.count('<td class="number">') == 4
