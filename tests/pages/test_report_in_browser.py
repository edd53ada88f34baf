"""The report in a browser: its numbers are those of the tables, and it loads and runs nothing else."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.cli import main
from pipelines.reporting.plane import CELLS
from pipelines.tables import open_tables
from schemas.errors import FailureKind
from tests.pages.browser import PLANE_IS_THERE, Browser
from tests.pages.made_tables import failed, write_made, write_many

_ROWS = """((caption) => {
    const [table] = [...document.querySelectorAll('table')].filter(t => t.caption.textContent === caption);
    return [...table.tBodies[0].rows].map(row => [...row.cells].map(cell => cell.textContent));
})"""
_TILES = """Object.fromEntries([...document.querySelectorAll('.tiles div')].map(
    tile => [...tile.children].map(child => child.textContent)))"""
_POINTS = "(({x, y, marker}) => ({x, y, colours: marker.color}))(document.querySelector('.plane').data[0])"
_FIND = """(() => {
    const find = document.getElementById('find');
    find.value = 'TITLE 7';
    find.dispatchEvent(new Event('input'));
})()"""


def rows_of(browser: Browser, caption: str) -> list[list[str]]:
    """Texts of the cells of the table with this caption."""
    found: list[list[str]] = browser.ask(f"{_ROWS}({json.dumps(caption)})")
    return found


def counts_of(browser: Browser, caption: str) -> dict[str, int]:
    """A table of names and counts."""
    return {name: int(count.replace(",", "")) for name, count, *_ in rows_of(browser, caption)}


def wide(browser: Browser) -> float:
    """How far the page reaches beyond its window, in pixels."""
    return float(browser.ask("document.documentElement.scrollWidth - innerWidth"))


def test_the_numbers_on_the_page_are_those_of_the_tables(
    browser: Browser, report_page: Path, two_runs: Path
) -> None:
    browser.open(report_page)
    tables = open_tables(str(two_runs)).connection

    def counted(sql: str) -> dict[str, int]:
        return dict(tables.sql(sql).fetchall())

    assert counts_of(browser, "The catalogue after it") == counted(
        "SELECT status, count(*) FROM tracks GROUP BY ALL"
    )
    tagged = counted("SELECT tag, count(*) FILTER (tagged) FROM mood_tags WHERE length(tag) < 9 GROUP BY ALL")
    rates = {row[0]: int(row[2]) for row in rows_of(browser, "Tag rates")}
    assert {tag: rates[tag] for tag in tagged} == tagged == {"calm": 2, "happy": 7, "sad": 0}
    assert counts_of(browser, "Tracks by quadrant") == counted(
        "SELECT quadrant, count(*) FROM emotion_curves GROUP BY ALL"
    )
    kinds = {kind: int(count) for kind, _, count in rows_of(browser, "Failures by kind")}
    assert kinds == counted("SELECT kind, count(*) FROM failures GROUP BY ALL")


def test_the_account_is_that_of_the_run_and_adds_up(browser: Browser, report_page: Path) -> None:
    browser.open(report_page)
    tiles = browser.ask(_TILES)
    assert {name: int(count) for name, count in tiles.items() if count != "0"} == {
        "read": 2,
        "tagged": 1,
        "failed": 1,
        "gone": 1,
    }
    assert rows_of(browser, "What became of the inputs")[-1] == ["together", "2", "as many as were read"]
    assert [row[:1] + row[2:] for row in rows_of(browser, "Seconds by stage")] == [
        ["models", "50.0", "120"],
        ["decode", "30.0", "200"],
        ["together", "80.0", "75"],
    ]


def test_the_drift_is_that_of_the_run_before(browser: Browser, report_page: Path) -> None:
    browser.open(report_page)
    assert rows_of(browser, "What moved") == [
        ["new", "0"],
        ["gone", "1"],
        ["changed", "1"],
        ["newly failed", "1"],
        ["no longer failed", "0"],
    ]
    assert "7.69% of 26 decisions" in browser.ask("document.querySelector('main').textContent")
    before = {row[0]: row[3] for row in rows_of(browser, "Tag rates")}
    assert before["happy"] == "90.9%"


def test_the_plane_and_the_curves_are_drawn_from_the_tables(
    browser: Browser, report_page: Path, two_runs: Path
) -> None:
    browser.open(report_page)
    assert browser.ask(PLANE_IS_THERE)
    points = browser.ask(_POINTS)
    rows = open_tables(str(two_runs)).query("SELECT * FROM emotion_curves ORDER BY track_id")
    assert points["colours"] == rows["colour"].tolist()
    assert points["x"] == pytest.approx(rows["valence_mean"].tolist(), abs=1e-4)
    assert points["y"] == pytest.approx(rows["arousal_mean"].tolist(), abs=1e-4)
    drawn = browser.ask("document.querySelectorAll('.plane .points path').length")
    assert drawn == len(rows)
    heads = browser.ask("[...document.querySelectorAll('h3')].map(h => h.textContent)")
    assert any(head.startswith("Title 1 most pleasant") for head in heads)


def test_nothing_is_loaded_and_nothing_is_complained_of(browser: Browser, report_page: Path) -> None:
    browser.open(report_page)
    for place in range(20):
        browser.ask(f"scrollTo(0, {place} * 800)")
        time.sleep(0.02)
    browser.ask("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.ask(PLANE_IS_THERE)
    assert [url for url in browser.requests if not url.startswith("data:")] == [report_page.as_uri()]
    assert browser.problems == []


def test_the_policy_of_the_page_forbids_the_network_and_other_scripts(
    browser: Browser, report_page: Path
) -> None:
    browser.open(report_page)
    asked = browser.ask("fetch('https://example.org/x').then(() => 'came', () => 'refused')")
    assert asked == "refused"
    browser.ask("""(() => {
        const script = document.createElement('script');
        script.textContent = 'window.ran = 1';
        document.body.append(script);
        const image = document.createElement('img');
        image.src = 'https://example.org/x.png';
        document.body.append(image);
        document.body.insertAdjacentHTML('beforeend', '<p onclick="window.ran = 1" id="x">x</p>');
        document.getElementById('x').click();
    })()""")
    assert browser.ask("window.ran") is None
    browser.ask("new Promise(done => setTimeout(done, 200))")
    assert not [url for url in browser.requests if "example.org" in url]
    assert len([problem for problem in browser.problems if "Content Security Policy" in problem]) >= 3


def test_no_button_sends_figures_anywhere(browser: Browser, report_page: Path) -> None:
    browser.open(report_page)
    assert browser.ask(PLANE_IS_THERE)
    titles = browser.ask("[...document.querySelectorAll('.modebar-btn')].map(b => b.dataset.title)")
    assert titles
    assert not [title for title in titles if "hare" in title or "loud" in title or "lotly" in title]
    links = browser.ask("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
    assert [link for link in links if not (link or "#").startswith("#")] == []


def test_hostile_words_are_words(browser: Browser, report_page: Path) -> None:
    browser.open(report_page)
    browser.ask("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.ask(PLANE_IS_THERE)
    assert browser.ask("document.querySelectorAll('main img, main script, main iframe').length") == 0
    text = browser.ask("document.body.textContent")
    assert text.count("</script><script>alert(1)</script>") > 5
    # The label of a hovered point has them as words, too.
    browser.ask("Plotly.Fx.hover(document.querySelector('.plane'), [{curveNumber: 0, pointNumber: 0}])")
    label = browser.ask("document.querySelector('.hoverlayer').textContent")
    assert "<script>alert(1)" in label
    assert browser.problems == []


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_does_not_scroll_sideways(browser: Browser, report_page: Path, dark: bool) -> None:
    browser.open(report_page, width=360, height=740, dark=dark)
    browser.ask("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.ask(PLANE_IS_THERE)
    assert wide(browser) <= 0


def test_the_theme_follows_the_system_and_the_switch(browser: Browser, report_page: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    browser.open(report_page)
    light = browser.ask(ground)
    browser.open(report_page, dark=True)
    dark = browser.ask(ground)
    assert light != dark
    assert browser.ask(PLANE_IS_THERE)
    ink = "document.querySelector('.plane').layout.font.color"
    on_dark = browser.ask(ink)
    browser.ask("document.getElementById('theme').click()")
    assert browser.ask(ground) == light
    assert browser.ask(ink) != on_dark
    assert browser.ask("document.getElementById('theme').textContent") == "Dark theme"


def test_the_keyboard_skips_to_the_content_and_sees_where_it_is(browser: Browser, report_page: Path) -> None:
    browser.open(report_page)
    browser.press("Tab", 9)
    assert browser.ask("document.activeElement.className") == "skip"
    assert browser.ask("getComputedStyle(document.activeElement).left") == "16px"
    browser.press("Tab", 9)
    assert browser.ask("document.activeElement.id") == "theme"
    assert browser.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_every_plot_has_words_a_caption_and_a_table(browser: Browser, report_page: Path) -> None:
    browser.open(report_page)
    lacking = browser.ask("""[...document.querySelectorAll('.plot')].filter(plot =>
        !plot.getAttribute('aria-label') || !plot.closest('figure').querySelector('figcaption') ||
        !plot.closest('section').querySelector('table')).length""")
    assert lacking == 0
    assert browser.ask("[...document.querySelectorAll('table')].filter(t => !t.caption).length") == 0
    assert browser.ask("document.querySelectorAll('h1').length") == 1


def test_tracks_are_found_by_a_part_of_their_name(browser: Browser, report_page: Path) -> None:
    browser.open(report_page)
    browser.ask("document.getElementById('finder').closest('details').open = true")
    browser.ask("new Promise(done => setTimeout(done, 50))")
    assert browser.ask("document.getElementById('found').rows.length") == 9
    browser.ask(_FIND)
    cells = browser.ask(
        "[...document.getElementById('found').rows].map(row => [...row.cells].map(cell => cell.textContent))"
    )
    assert [row[0] for row in cells] == ["Title 7"]
    assert cells[0][4] == "t7"
    assert cells[0][1:3] == ["+0.20", "-0.05"]


def test_twenty_thousand_tracks_load_in_three_seconds_as_a_density(browser: Browser, tmp_path: Path) -> None:
    means = write_many(tmp_path / "moods", 20_000)
    page = tmp_path / "report.html"
    assert main(["report", str(tmp_path / "moods"), "--output", str(page)]) == 0
    assert page.stat().st_size < 7_000_000
    # Others use the machine, too: one of some tries.
    assert any(_load(browser, page) < 3.0 for _ in range(5))
    heat = browser.ask("(({z, text}) => ({z, text}))(document.querySelector('.plane').data[0])")
    counts = np.array([[int((cell or "0").replace(",", "")) for cell in row] for row in heat["text"]])
    edges = np.linspace(-1.0, 1.0, CELLS + 1)
    expected, *_ = np.histogram2d(means[:, 1].astype(float), means[:, 0].astype(float), bins=[edges, edges])
    assert counts.sum() == 20_000
    assert np.abs(counts - expected).sum() <= 4  # of means on the edge of a cell
    assert browser.problems == []


def _load(browser: Browser, page: Path) -> float:
    begin = time.monotonic()
    browser.open(page)
    assert browser.ask(PLANE_IS_THERE)
    return time.monotonic() - begin


@pytest.mark.parametrize(
    "tracks", [[], [failed("a", FailureKind.CORRUPT, "bad")]], ids=["no track", "one that failed"]
)
def test_a_run_without_results_has_a_page_that_says_so(
    tracks: list[Any], browser: Browser, tmp_path: Path
) -> None:
    write_made(tmp_path / "moods", 1, tracks)
    page = tmp_path / "report.html"
    assert main(["report", str(tmp_path / "moods"), "--output", str(page)]) == 0
    browser.open(page)
    assert browser.problems == []
    text = browser.ask("document.querySelector('main').textContent")
    assert "There are no curves." in text
    assert "There is no run before" in text
