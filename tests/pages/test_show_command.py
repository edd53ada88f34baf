"""`moodscribe show`: the track that is meant, a file tagged on the spot, and its page with the player."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from models.bundle import Bundle
from models.ensemble import Ensemble
from pipelines.cli import main
from pipelines.showing.on_the_spot import tag_now
from tests.pages.browser import Browser
from tests.pages.made_tables import Made, write_made
from tests.sounds import music
from transforms.tagging.in_memory import TaggedTrack, load_tagger

SECONDS = 40.0


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a hard name; tables that have it, another one of that name, and one that is gone."""
    folder = tmp_path_factory.mktemp("show")
    audio = folder / "#1 50% <b>&.wav"
    soundfile.write(audio, music(SECONDS, rate_hz=8_000), 8_000)
    write_made(
        folder / "moods",
        1,
        [
            Made(str(audio), title="Blue <b>Hour</b>", uri=str(audio)),
            Made("0002", title="Red Hour", uri=f"/elsewhere/{audio.name}", valence=0.5),
            Made("0003", title="Red Hour, live", uri="/elsewhere/gone.flac"),
        ],
    )
    return folder / "moods"


@pytest.fixture
def audio(tables: Path) -> Path:
    (path,) = tables.parent.glob("*.wav")
    return path


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("0002", "Red Hour"),
        ("gone.flac", "Red Hour, live"),
        ("red hour", "Red Hour"),
        ("LIVE", "Red Hour, live"),
        ("blue", "Blue <b>Hour</b>"),
        ("AUDIO", "Blue <b>Hour</b>"),
    ],
)
def test_a_track_is_found_by_its_id_the_end_of_its_uri_or_its_title(
    name: str, first: str, tables: Path, audio: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", name.replace("AUDIO", str(audio)), "--tables", str(tables)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == first
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("nosuch", "'nosuch': no such file; a track of a catalogue is found with --tables"),
        ("nosuch --tables OUT", "no track 'nosuch' in the tables"),
        ("elsewhere --tables OUT", "'elsewhere' means several tracks: '0002', '0003'"),
        ("0002 --tables OUT/x", "OUT/x: no committed run there"),
        ("0002 --tables OUT --embed", "--embed is for a page: give --html FILE"),
        ("0002 --tables OUT --html OUT", "OUT: is a folder"),
        ("0003 --tables OUT --html OUT.html --embed", "--embed: /elsewhere/gone.flac: no such file"),
        ("HERE/text.mp3 --bundle nosuch", "bundle 'nosuch' is neither a folder nor a shipped bundle"),
    ],
)
def test_what_cannot_be_shown_is_said_in_one_line(
    arguments: str,
    message: str,
    tables: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "text.mp3").write_text("no music")
    filled = [one.replace("OUT", str(tables)).replace("HERE", str(tmp_path)) for one in arguments.split()]
    assert main(["show", *filled]) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith(
        f"moodscribe show: {message}".replace("OUT", str(tables)).replace("HERE", str(tmp_path))
    )
    assert captured.out == ""
    assert not Path(f"{tables}.html").exists()


def test_a_file_tagged_on_the_spot_has_the_rows_of_the_main_job(
    audio: Path, small_bundle: Bundle, small_models: Ensemble
) -> None:
    found = tag_now(str(audio), str(small_bundle.folder))
    expected = load_tagger(small_bundle).tag({"x": audio})["x"]
    assert isinstance(expected, TaggedTrack)
    scores = {tag.tag: tag.score for tag in found.tags}
    assert [scores[tag] for tag in small_bundle.tags] == pytest.approx(expected.scores.tolist())
    assert [tag.rank for tag in found.tags] == list(range(1, len(scores) + 1))
    assert found.curve is not None
    np.testing.assert_array_equal(np.array([found.curve.valence, found.curve.arousal]).T, expected.curve)
    assert found.facts["length"] == "0:40"


def test_why_a_file_cannot_be_tagged_is_said_in_one_line(
    tmp_path: Path, small_bundle: Bundle, small_models: Ensemble, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "text.mp3"
    path.write_text("no music")
    assert main(["show", str(path), "--bundle", str(small_bundle.folder)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"moodscribe show: {path}: no decoder knows this file")


def test_a_file_that_is_in_no_table_is_tagged_and_shown(
    tmp_path: Path,
    tables: Path,
    small_bundle: Bundle,
    small_models: Ensemble,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Of the same name as one in the tables: it is not that one.
    path = tmp_path / "gone.flac"
    soundfile.write(path, music(5.0), 16_000)
    bundle = str(small_bundle.folder)
    assert main(["show", str(path), "--tables", str(tables), "--bundle", bundle]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "gone.flac"
    assert "tagged here and now" in out
    assert small_bundle.tags[0] in out
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("embed", [False, True], ids=["beside", "embedded"])
def test_the_page_plays_the_file_and_its_cursor_goes_along(
    embed: bool, browser: Browser, tables: Path, audio: Path, tmp_path: Path
) -> None:
    folder = tmp_path if embed else tables.parent
    page = folder / "page #1.html"
    arguments = ["show", str(audio), "--tables", str(tables), "--html", str(page)]
    assert main([*arguments, "--embed"] if embed else arguments) == 0
    browser.open(page, height=1200)
    browser.ask(_METADATA)
    player = "document.getElementById('player')"
    assert browser.ask(f"{player}.duration") == pytest.approx(SECONDS, abs=0.1)
    x, y = browser.ask("""(() => {
        const box = document.querySelector('.plot .nsewdrag').getBoundingClientRect();
        return [box.x + box.width / 4, box.y + box.height / 2];
    })()""")
    browser.click(x, y)
    time.sleep(0.3)
    assert browser.ask(f"{player}.currentTime") == pytest.approx(30.0, abs=1.0)  # the tables say two minutes
    assert browser.ask("document.getElementById('reading').textContent").startswith("0:")
    begin = browser.ask(_CURSOR)
    browser.ask(f"{player}.currentTime = 5")
    time.sleep(0.5)
    assert browser.ask("document.getElementById('moment').value") == "5"
    assert browser.ask(_CURSOR) == "1970-01-01 00:00:05" != begin
    outside = [url for url in browser.requests if not url.startswith(("data:", "blob:"))]
    assert set(outside) <= {page.as_uri(), audio.as_uri()} if not embed else {page.as_uri()}
    assert browser.problems == []
    assert browser.ask("document.querySelectorAll('h1 b').length") == 0


_METADATA = """new Promise(done => {
    const player = document.getElementById('player');
    player.readyState >= 1 ? done() : player.addEventListener('loadedmetadata', done);
})"""
_CURSOR = "document.querySelector('.plot').layout.shapes.at(-1).x0.slice(0, 19)"


def test_a_page_of_a_file_that_is_gone_says_so_and_its_slider_still_reads(
    browser: Browser, tables: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    assert main(["show", "0003", "--tables", str(tables), "--html", str(page)]) == 0
    browser.open(page, width=360, height=740)
    assert browser.ask("document.getElementById('player')") is None
    assert "No waveform and no player: no such file" in browser.ask("document.body.textContent")
    browser.ask("""(() => {
        const moment = document.getElementById('moment');
        moment.value = 90;
        moment.dispatchEvent(new Event('input'));
    })()""")
    reading = browser.ask("document.getElementById('reading').textContent")
    assert reading == "1:30  valence +0.20  arousal +0.00"
    assert browser.ask("document.documentElement.scrollWidth") <= 360
    assert browser.problems == []
