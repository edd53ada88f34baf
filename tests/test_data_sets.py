"""Labelled data sets: loaders over made-up folders, refusals, splits, SPECs; and the real sets if there."""

from __future__ import annotations

import json
import shutil
import struct
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from models.training.data.form import (
    AntonymPair,
    DataSet,
    LabelledTrack,
    antonym_targets,
    join_vectors,
    tag_matrix,
)
from models.training.data.midi.reader import read_midi
from models.training.data.midi.render import Renderer, render
from models.training.data.sets.curves import read_curves
from models.training.data.sets.deam import DeamOptions, read_deam
from models.training.data.sets.emotify import EMOTIONS, PAIRS, read_emotify
from models.training.data.sets.mediaeval2015 import read_mediaeval2015
from models.training.data.sets.vgmidi import bar_curve, read_vgmidi
from models.training.data.spec import describe_sources, open_data
from models.training.data.splits import by_quadrant, divide, folds, hold_out, modulo_folds, official
from models.training.teaching.jamendo import read_tagged
from schemas.errors import DataError, FailureKind
from schemas.scales import from_half_range, from_nine_points, to_half_range, to_nine_points


def _write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"sound")
    return folder


# --- scales


def test_scales_convert_there_and_back() -> None:
    ratings = np.array([1.0, 5.0, 9.0])
    assert from_nine_points(ratings).tolist() == [-1.0, 0.0, 1.0]
    assert to_nine_points(from_nine_points(ratings)).tolist() == ratings.tolist()
    assert from_half_range(-0.5) == -1.0
    assert to_half_range(from_half_range(0.25)) == 0.25


# --- MTG-Jamendo

_HEAD = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS"


def _row(number: int, *tags: str) -> str:
    return (
        f"track_{number:07d}\tartist_{number // 2}\talbum_1\t{number % 100:02d}/{number}.mp3\t10.0\t"
        + "\t".join(tags)
    )


def _jamendo(root: Path, form: str = "split0_{}.tsv") -> Path:
    _write(
        root / form.format("train"),
        _HEAD,
        _row(7, "mood/theme---sad", "mood/theme---calm"),
        _row(3, "mood/theme---calm"),
    )
    _write(root / form.format("validation"), _HEAD, _row(12, "mood/theme---calm", "genre---rock"))
    _write(root / form.format("test"), _HEAD, _row(20, "mood/theme---epic"))
    return root


def test_jamendo_keeps_the_order_of_its_lists_and_has_alphabetical_columns(tmp_path: Path) -> None:
    data = open_data(f"jamendo={_jamendo(tmp_path)}")
    assert [track.track_id for track in data.tracks] == [
        "track_0000007",
        "track_0000003",
        "track_0000012",
        "track_0000020",
    ]
    assert data.tags == ("calm", "epic", "sad")
    assert tag_matrix(data.tracks, data.tags).tolist() == [[1, 0, 1], [1, 0, 0], [1, 0, 0], [0, 1, 0]]
    assert {split: len(tracks) for split, tracks in official(data).items()} == {
        "train": 2,
        "validation": 1,
        "test": 1,
    }


def test_jamendo_reads_any_split_of_the_official_layout(tmp_path: Path) -> None:
    root = _jamendo(tmp_path, "data/splits/split-3/autotagging_top50tags-{}.tsv")
    data = open_data(f"jamendo={root},split=3,subset=top50tags")
    assert data.tags == ("genre---rock", "mood/theme---calm", "mood/theme---epic", "mood/theme---sad")


def test_jamendo_finds_whole_files_and_small_copies(tmp_path: Path) -> None:
    root = _jamendo(tmp_path / "lists")
    audio = _touch(tmp_path / "audio", "07/7.mp3", "03/3.low.mp3", "12/12.mp3")
    with pytest.raises(
        DataError, match=r"1 of 4 tracks have no audio in .*, such as track_0000020; partial=yes"
    ):
        open_data(f"jamendo={root},audio={audio}")
    data = open_data(f"jamendo={root},audio={audio},partial=yes")
    assert [Path(track.audio).name for track in data.tracks] == ["7.mp3", "3.low.mp3", "12.mp3"]
    assert data.notes == ("1 of 4 tracks left out: no audio",)


def test_jamendo_joins_vectors_by_the_number_of_the_track(tmp_path: Path) -> None:
    root = _jamendo(tmp_path)
    np.savez(root / "embeddings_f16.npz", ids=np.array([3, 7], np.int32), X=np.eye(2, 4, dtype=np.float16))
    data = open_data(f"jamendo={root}")
    assert data.vectors is not None
    known, inputs = join_vectors(data.tracks, data.vectors)
    assert [track.track_id for track in known] == ["track_0000007", "track_0000003"]
    assert inputs.tolist() == [[0, 1, 0, 0], [1, 0, 0, 0]]
    assert "embeddings_f16.npz: 2 tracks have no vector" in data.notes


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"ids": np.array([1, 2])}, "no array 'X'; it has ids"),
        (
            {"ids": np.array([1]), "X": np.zeros((2, 3), np.float32)},
            r"X \(2, 3\) float32 is no vector for each",
        ),
        ({"ids": np.array([1, 2]), "X": np.array([[0.0], [np.nan]])}, "the vector of 2 is not finite"),
        ({"ids": np.array([1]), "X": np.array([{}])}, "not a readable .npz file"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(
    arrays: dict[str, np.ndarray], message: str, tmp_path: Path
) -> None:
    root = _jamendo(tmp_path)
    np.savez(root / "other.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=message):
        open_data(f"jamendo={root},vectors=other.npz")


# --- emoMusic, DEAM, MediaEval 2015


_PARTS = ("development", "evaluation")


def _curves(root: Path, names: Sequence[str], rows: Sequence[str]) -> None:
    for name in names:
        _write(root / name, "song_id,sample_15000ms,sample_15500ms,sample_16000ms", *rows)


def _emomusic(root: Path, songs: int = 12) -> Path:
    rng = np.random.default_rng(5)
    info = [
        f'{n},"\t{n}.mp3","Artist {n // 2}\t","\tTitle","0","1","\tRock\t","{_PARTS[n % 4 == 0]}"'
        for n in range(1, songs + 1)
    ]
    _write(
        root / "songs_info.csv",
        '"song_id","file_name","Artist","Song title","start","end","Genre","Mediaeval 2013 set"',
        *info,
    )
    ratings = rng.uniform(1.0, 9.0, (songs, 2)).round(1)
    _write(
        root / "static_annotations.csv",
        "song_id,mean_arousal,std_arousal,mean_valence,std_valence",
        *(f"{n},{arousal},1,{valence},1" for n, (valence, arousal) in enumerate(ratings, start=1)),
    )
    _curves(root, ["arousal_cont_average.csv"], [f"{n},0.5,0.25,0.125" for n in range(1, songs + 1)])
    _curves(root, ["valence_cont_average.csv"], [f"{n},-0.5,-0.25,-0.125" for n in range(1, songs + 1)])
    return root


def _deam(root: Path, emomusic: Path, *, swapped: bool) -> Path:
    rows = [line.split(",") for line in (emomusic / "static_annotations.csv").read_text().splitlines()[1:]]
    order = (1, 3) if swapped else (3, 1)
    lines = [f"{row[0]},{row[order[0]]},1,{row[order[1]]},1" for row in rows]
    _write(
        root / "static_annotations_averaged_songs_1_2000.csv",
        "song_id, valence_mean, valence_std, arousal_mean, arousal_std",
        *lines,
    )
    _write(
        root / "static_annotations_averaged_songs_2000_2058.csv",
        "song_id, valence_mean, arousal_mean",
        "2001,3.0,7.0",
    )
    return root


def test_emomusic_has_ratings_and_curves_in_the_unit_range_and_the_official_split(tmp_path: Path) -> None:
    data = open_data(f"emomusic={_emomusic(tmp_path)}")
    first = data.tracks[0]
    assert (first.track_id, first.group, first.stratum, first.split) == ("1", "artist 0", "Rock", "train")
    assert Counter(track.split for track in data.tracks) == {"train": 9, "test": 3}
    assert first.static is not None
    assert all(-1.0 <= value <= 1.0 for value in first.static)
    assert first.curve is not None
    assert (first.curve.start_s, first.curve.step_s) == (15.0, 0.5)
    assert first.curve.values.tolist() == [[-0.5, 0.5], [-0.25, 0.25], [-0.125, 0.125]]
    assert first.curve.values.dtype == np.float32


def test_deams_swapped_columns_are_said_and_mended_only_on_request(tmp_path: Path) -> None:
    emomusic = _emomusic(tmp_path / "emomusic")
    deam = _deam(tmp_path / "deam", emomusic, swapped=True)
    right = {track.track_id: track.static for track in open_data(f"emomusic={emomusic}").tracks}
    unchecked, checked, mended = (
        open_data(f"deam={deam}{more}")
        for more in ("", f",emomusic={emomusic}", f",emomusic={emomusic},mend_swap=yes")
    )
    assert "swap not checked" in unchecked.notes[0]
    assert "SWAPPED, left as they are" in checked.notes[0]
    assert "crossed 1.0000 / 1.0000" in checked.notes[0]
    assert checked.tracks == unchecked.tracks
    assert {track.track_id: track.static for track in mended.tracks[:-1]} == right
    assert "mended on request" in mended.notes[0]
    assert [data.tracks[-1].static for data in (checked, mended)] == [(-0.5, 0.5)] * 2


def test_deam_that_is_in_order_is_left_alone(tmp_path: Path) -> None:
    emomusic = _emomusic(tmp_path / "emomusic")
    deam = _deam(tmp_path / "deam", emomusic, swapped=False)
    options = DeamOptions(emomusic=emomusic, mend_swap=True)
    data = read_deam(deam, options=options)
    assert data.notes[0].startswith("valence and arousal are not swapped")
    assert data.tracks == read_deam(deam).tracks


def test_mending_without_a_reference_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="mend_swap needs emomusic=FOLDER"):
        open_data(f"deam={tmp_path},mend_swap=yes")


def test_curves_end_where_their_cells_do(tmp_path: Path) -> None:
    _curves(tmp_path, ["arousal.csv", "valence.csv"], ["10,0.5,0.25,0.125", "2001,0.5,-1,", "9,1,0,"])
    data = read_mediaeval2015(tmp_path)
    assert [track.track_id for track in data.tracks] == ["9", "10", "2001"]
    assert [track.split for track in data.tracks] == ["train", "train", "test"]
    assert [len(track.curve.values) for track in data.tracks if track.curve] == [2, 3, 2]
    kept = read_mediaeval2015(tmp_path, songs=_write(tmp_path / "songs.txt", "10", "9"))
    assert [track.track_id for track in kept.tracks] == ["9", "10"]


def test_curves_of_different_length_are_cut_and_counted(tmp_path: Path) -> None:
    _curves(tmp_path, ["arousal.csv"], ["1,0.5,0.25,", "2,0,0,0"])
    _curves(tmp_path, ["valence.csv"], ["1,0.5,0.25,0.1", "2,0,0,0"])
    curves, notes = read_curves(tmp_path / "arousal.csv", tmp_path / "valence.csv")
    assert [len(curve.values) for curve in curves.values()] == [2, 3]
    assert notes[0].startswith("1 songs have valence and arousal of different lengths")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["1,0.5,,0.1"], r"song 1, sample_15500ms: '' is not a number from -1 to 1"),
        (["1,0.5,1.5,0.1"], "'1.5' is not a number"),
        (["1,0.5,nan,0.1"], "'nan' is not a number"),
        (["1,,,"], "song 1: 0 values, 3 columns"),
        (["1,0,0,0", "1,0,0,0"], "song '1' is there twice"),
        ([], "has no rows"),
    ],
)
def test_a_curve_with_a_fault_is_refused_by_song_and_column(
    rows: list[str], message: str, tmp_path: Path
) -> None:
    _curves(tmp_path, ["arousal.csv", "valence.csv"], rows)
    with pytest.raises(DataError, match=message):
        open_data(f"mediaeval2015={tmp_path}")


# --- 4Q and Emotify


def _moods4q(root: Path, *rows: str) -> Path:
    head = "track_id,artist,title,quadrant,valence,arousal,rated_words,moods,genres"
    _write(
        root / "tracks.csv",
        head,
        *(rows or ("A1,Some  One,T,Q3,-0.3,-0.2,2,Sad; Calm,Folk", "B2,Other,T,Q1,0.5,0.1,1,Happy,Pop")),
    )
    return root


def test_4q_has_mood_words_quadrants_and_artists(tmp_path: Path) -> None:
    root = _moods4q(tmp_path)
    _touch(root / "audio", "A1.opus", "B2.opus")
    data = open_data(f"moods4q={root}")
    assert data.tags == ("Calm", "Happy", "Sad")
    first = data.tracks[0]
    assert (first.group, first.tags, first.static, first.stratum) == (
        "some one",
        ("Sad", "Calm"),
        (-0.3, -0.2),
        "Q3",
    )
    assert by_quadrant(first) == "Q3"
    assert Path(first.audio).name == "A1.opus"
    assert "derived" in data.notes[0]


def _emotify(root: Path, *shares: tuple[float, float]) -> Path:
    rows = [
        f"t{n},rock,20,"
        + ",".join(str({"joyful_activation": joy, "sadness": sad}.get(name, 0.1)) for name in EMOTIONS)
        for n, (joy, sad) in enumerate(shares)
    ]
    _write(root / "tracks.csv", "track_id,genre,raters," + ",".join(EMOTIONS), *rows)
    return root


def test_soft_targets_are_shares_of_those_who_felt_either_side(tmp_path: Path) -> None:
    data = read_emotify(_emotify(tmp_path, (0.7, 0.3), (0.0, 0.0), (0.1, 0.0)))
    known, targets = antonym_targets(data.tracks, PAIRS[0])
    assert [track.track_id for track in known] == ["t0", "t2"]
    assert np.allclose(targets, [[0.7, 0.3], [1.0, 0.0]])
    assert (
        data.notes[0] == "joy-sad: 2 of 3 tracks; 1 left out, for no rater felt joyful_activation or sadness"
    )


def test_antonym_pairs_are_data(tmp_path: Path) -> None:
    root = _emotify(tmp_path, (0.5, 0.5))
    data = open_data(f"emotify={root},pairs=strong-soft:power/tenderness+joy-sad:joyful_activation/sadness")
    assert data.pairs == (AntonymPair("strong-soft", "power", "tenderness"), PAIRS[0])
    with pytest.raises(DataError, match="pair x: 'joy' is not one of amazement"):
        open_data(f"emotify={root},pairs=x:joy/sadness")
    with pytest.raises(DataError, match="pair 'joy-sad' is not NAME:FIRST/SECOND"):
        open_data(f"emotify={root},pairs=joy-sad")


# --- VGMIDI


def _midi(*events: bytes, division: int = 96, kind: int = 0, cut: int = 0) -> bytes:
    track = b"".join(events)
    data = (
        b"MThd" + struct.pack(">IHHh", 6, kind, 1, division) + b"MTrk" + struct.pack(">I", len(track)) + track
    )
    return data[: len(data) - cut]


def _tempo(delta: bytes, microseconds: int) -> bytes:
    return delta + b"\xff\x51\x03" + microseconds.to_bytes(3, "big")


# Two quarters at 120, then a bar and a half at 60; the second note uses running status.
_TWO_TEMPI = (
    b"\x00\xff\x58\x04\x03\x02\x18\x08",  # 3/4, which the bars do not follow
    b"\x00\xc0\x00",
    b"\x00\x90\x3c\x40",
    b"\x81\x40\x3c\x00",  # 192 ticks later
    b"\x00\xf0\x02\x01\xf7",
    _tempo(b"\x00", 1_000_000),
    b"\x00\x90\x40\x40",
    b"\x84\x40\x80\x40\x00",  # 576 ticks later
    b"\x60\xff\x2f\x00",
)


def test_midi_times_follow_the_tempo_map() -> None:
    times = read_midi(_midi(*_TWO_TEMPI), "two.mid")
    assert times.tempi == ((0, 500_000), (192, 1_000_000))
    assert (times.last_note_tick, times.end_tick) == (768, 864)
    assert times.seconds(np.array([0, 96, 192, 288, 768])).tolist() == [0.0, 0.5, 1.0, 2.0, 7.0]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"RIFF0000", "begins with b'RIFF'"),
        (_midi(*_TWO_TEMPI, cut=6), "cut off"),
        (_midi(b"\x00\x90\x3c"), None),
        (_midi(b"\x00\x3c\x40"), "status 0x00"),
        (_midi(b"\xff\xff\xff\xff\x00"), "more than four bytes"),
        (_midi(_tempo(b"\x00", 0)), "tempo '000000'"),
        (_midi(*_TWO_TEMPI, division=-7680), "division -7680"),
        (_midi(*_TWO_TEMPI, kind=2), "format 2"),
        (b"", "begins with b''"),
    ],
)
def test_a_broken_midi_file_is_refused_by_name_or_read_to_its_end(data: bytes, message: str | None) -> None:
    if message is None:
        assert read_midi(data, "odd.mid").last_note_tick == 0
        return
    with pytest.raises(DataError, match=f"odd.mid .*{message}"):
        read_midi(data, "odd.mid")


def test_a_step_has_the_rating_of_the_bar_at_its_centre() -> None:
    times = read_midi(_midi(*_TWO_TEMPI), "two.mid")
    ratings = np.array([[0.1, 0.2], [0.3, 0.4]], np.float32)
    curve = bar_curve(ratings, times, name="two.mid")
    # Bars of four quarters begin at 0 s and at 3 s; the last note ends at 7 s.
    assert (curve.start_s, curve.step_s, len(curve.values)) == (0.0, 0.5, 14)
    assert (curve.values == ratings[[0] * 6 + [1] * 8]).all()
    with pytest.raises(DataError, match=r"two.mid: 9 bars are rated, the piece has 2 to 3"):
        bar_curve(np.zeros((9, 2), np.float32), times, name="two.mid")


def _vgmidi(root: Path) -> Path:
    (root / "midi").mkdir(parents=True)
    for name in ("Game A_PC_One.mid", "unrated.mid"):
        (root / "midi" / name).write_bytes(_midi(*_TWO_TEMPI))
    piece = {"duration": 7, "measures": 2, "n": 30, "valence": [0.1, 0.3], "arousal": [0.2, 0.4]}
    (root / "va_per_measure.json").write_text(json.dumps({"Game A_PC_One.mid": piece}))
    head = "id,series,console,game,piece,midi,valence,arousal"
    _write(root / "vgmidi_labelled.csv", head, "1,A,PC,Game A,One,labelled/phrases/Game A_PC_One_0.mid,1,1")
    return root


def test_vgmidi_without_sound_has_its_curves(tmp_path: Path) -> None:
    data = open_data(f"vgmidi={_vgmidi(tmp_path)}")
    (track,) = data.tracks
    assert (track.track_id, track.group, track.audio) == ("Game A_PC_One", "PC Game A", "")
    assert track.static == pytest.approx(((0.1 * 6 + 0.3 * 8) / 14, (0.2 * 6 + 0.4 * 8) / 14))
    assert data.notes == ("no folder of audio: labels only", "1 MIDI files have no ratings and are left out")


def _program(folder: Path, body: str) -> Renderer:
    """A stand-in for FluidSynth that runs `body` with the output's path in `out`."""
    path = folder / "synth"
    path.write_text(
        f"#!{sys.executable}\nimport sys, time\nout = sys.argv[sys.argv.index('-F') + 1]\n{body}\n"
    )
    path.chmod(0o755)
    (folder / "font.sf2").write_bytes(b"font")
    return Renderer(program=str(path), font=folder / "font.sf2", limit_s=5.0)


def test_rendering_goes_on_where_it_ended(tmp_path: Path) -> None:
    root = _vgmidi(tmp_path / "set")
    renderer = _program(
        tmp_path,
        "open(out, 'wb').write(b'RIFF' * 20); print(sys.argv[-1], file=open(sys.argv[0] + '.log', 'a'))",
    )
    for _ in range(2):
        data = read_vgmidi(root, work=tmp_path / "work", renderer=renderer)
    assert Path(data.tracks[0].audio).is_file()
    assert Path(data.tracks[0].audio).parent.name.startswith("font-")
    assert len((tmp_path / "synth.log").read_text().splitlines()) == 1


@pytest.mark.skipif(not shutil.which("fluidsynth"), reason="FluidSynth is not installed")
def test_fluidsynth_renders_a_piece_for_as_long_as_its_notes_last(tmp_path: Path) -> None:
    (tmp_path / "two.mid").write_bytes(_midi(*_TWO_TEMPI))
    folder = render([tmp_path / "two.mid"], tmp_path / "work")
    sound = soundfile.info(folder / "two.wav")
    assert sound.samplerate == 44_100
    assert 7.0 <= sound.duration <= 15.0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("sys.exit('no voice')", "could not be rendered, exit status 1: 'no voice'"),
        ("pass", "could not be rendered, exit status 0"),
        ("time.sleep(9)", "was not rendered within 0.2 s"),
    ],
)
def test_a_file_that_cannot_be_rendered_is_named_and_leaves_nothing(
    body: str, message: str, tmp_path: Path
) -> None:
    made = _program(tmp_path, body)
    limit = 0.2 if "sleep" in body else 20.0
    renderer = Renderer(program=made.program, font=made.font, limit_s=limit)
    with pytest.raises(DataError, match=f"one.mid {message}"):
        render([tmp_path / "one.mid"], tmp_path / "work", renderer)
    assert not [path for path in (tmp_path / "work").rglob("*") if path.is_file()]


def test_what_to_install_is_said_where_a_program_or_a_font_is_missing(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"program no-such-synth .* apt-get install fluidsynth fluid-soundfont-gm"
    ):
        render([], tmp_path, Renderer(program="no-such-synth"))
    with pytest.raises(DataError, match=r"no General MIDI sound font in .*gone.sf2; install it"):
        render([], tmp_path, Renderer(program=sys.executable, font=tmp_path / "gone.sf2"))


# --- half-there folders


@pytest.mark.parametrize(
    ("name", "lost", "kind"),
    [
        ("emomusic", "songs_info.csv", FailureKind.NOT_FOUND),
        ("emomusic", "static_annotations.csv", FailureKind.NOT_FOUND),
        ("emomusic", "valence_cont_average.csv", FailureKind.NOT_FOUND),
        ("jamendo", "split0_test.tsv", FailureKind.NOT_FOUND),
        ("moods4q", "tracks.csv", FailureKind.NOT_FOUND),
        ("emotify", "tracks.csv", FailureKind.NOT_FOUND),
        ("vgmidi", "va_per_measure.json", FailureKind.NOT_FOUND),
        ("vgmidi", "vgmidi_labelled.csv", FailureKind.NOT_FOUND),
        ("vgmidi", "midi/Game A_PC_One.mid", FailureKind.NOT_FOUND),
        ("deam", "static_annotations_averaged_songs_2000_2058.csv", FailureKind.NOT_FOUND),
        ("mediaeval2015", "valence.csv", FailureKind.NOT_FOUND),
    ],
)
def test_a_folder_half_there_is_refused_by_the_file_it_lacks(
    name: str, lost: str, kind: FailureKind, tmp_path: Path
) -> None:
    root = tmp_path / name
    if name == "deam":
        _deam(root, _emomusic(tmp_path / "other"), swapped=False)
    elif name == "mediaeval2015":
        _curves(root, ["arousal.csv", "valence.csv"], ["1,0,0,0"])
    elif name == "emotify":
        _emotify(root, (0.5, 0.5))
    else:
        makers: dict[str, Callable[[Path], Path]] = {
            "emomusic": _emomusic,
            "jamendo": _jamendo,
            "moods4q": _moods4q,
            "vgmidi": _vgmidi,
        }
        makers[name](root)
    open_data(f"{name}={root}")
    (root / lost).unlink()
    with pytest.raises(DataError, match=lost) as caught:
        open_data(f"{name}={root}")
    assert caught.value.kind is kind


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["A,X,T,Q5,0,0,1,Sad,Pop"], "tracks.csv, track A: quadrant 'Q5' is not one of"),
        (["A,X,T,Q1,2,0,1,Sad,Pop"], "track A, column valence: '2' is not a number from -1 to 1"),
        (["A,X,T,Q1,0,,1,Sad,Pop"], "column arousal: ''"),
        (["A,X,T,Q1,0,0,1,Sad,Pop"] * 2, "track_id 'A' is there twice"),
        (["A,X,T"], "row 2: 3 cells, 8 are needed"),
    ],
)
def test_a_row_with_a_fault_is_refused_by_file_track_and_value(
    rows: list[str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        open_data(f"moods4q={_moods4q(tmp_path, *rows)}")


def test_a_missing_column_and_a_song_in_one_table_only_are_named(tmp_path: Path) -> None:
    root = _emomusic(tmp_path)
    table = root / "static_annotations.csv"
    text = table.read_text()
    table.write_text(text.replace("mean_valence", "valence"))
    with pytest.raises(
        DataError, match=r"static_annotations.csv has no column 'mean_valence'; it has song_id"
    ):
        open_data(f"emomusic={root}")
    table.write_text("\n".join(text.splitlines()[:-1]))
    with pytest.raises(
        DataError, match=r"static_annotations.csv lacks 1 of the 12 songs of songs_info.csv, such as 12"
    ):
        open_data(f"emomusic={root}")


def test_audio_that_is_half_there_is_refused(tmp_path: Path) -> None:
    root = _moods4q(tmp_path)
    _touch(root / "audio", "A1.opus")
    with pytest.raises(DataError, match=r"1 of 2 tracks have no audio in .*, such as B2; partial=yes"):
        open_data(f"moods4q={root}")
    assert len(open_data(f"moods4q={root},partial=yes").tracks) == 1
    with pytest.raises(DataError, match="2 of 2 tracks have no audio"):
        open_data(f"moods4q={root},audio={_touch(tmp_path / 'none', 'x.wav')},partial=yes")
    with pytest.raises(DataError, match=r"audio folder .*gone does not exist"):
        open_data(f"moods4q={root},audio={tmp_path / 'gone'}")


# --- SPECs


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("jamndo=x", "data set 'jamndo' is not known; did you mean jamendo?"),
        ("zzz=x", "data set 'zzz' is not known; there are jamendo, emomusic, deam"),
        ("deam", "'deam' does not say where deam is; write deam=FOLDER"),
        ("deam=", "does not say where"),
        ("deam=x,mendswap=yes", "deam has no key 'mendswap'; did you mean mend_swap?"),
        ("deam=x,mend_swap", "'mend_swap' is not key=value"),
        ("deam=x,vectors=no,vectors=no", "vectors is given twice"),
        ("deam=x,vectors=maybe", "vectors=maybe is not yes or no"),
        ("jamendo=x,split=one", "split=one is not a whole number"),
        (
            "jamendo=x,split=7",
            "split 7 of subset 'moodtheme' is not known; there are splits 0 to 4 of moodtheme",
        ),
        ("jamendo=x,subset=mood", "subset 'mood' is not known"),
        ("vgmidi=x,font=y", "give work=FOLDER too"),
        ("moods4q=/no/such/folder", "data folder /no/such/folder does not exist"),
        ("mediaeval2015=/no/such/folder", "data folder /no/such/folder does not exist"),
    ],
)
def test_a_spec_that_does_not_fit_is_refused_with_what_would(spec: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        open_data(spec)
    assert message in caught.value.message


def test_help_names_every_set_and_key() -> None:
    text = describe_sources()
    for word in (
        "jamendo",
        "emomusic",
        "deam",
        "mediaeval2015",
        "moods4q",
        "emotify",
        "vgmidi",
        "mend_swap=",
        "pairs=",
    ):
        assert word in text


# --- splits


def _made_up(count: int, *, groups: int) -> list[LabelledTrack]:
    return [LabelledTrack(f"t{n:03d}", group=f"g{n % groups}", stratum=f"s{n % 3}") for n in range(count)]


def test_folds_keep_groups_whole_and_strata_even_under_a_seed() -> None:
    tracks = _made_up(300, groups=60)
    places = folds(tracks, 5, 1)
    assert all(len({places[k] for k, t in enumerate(tracks) if t.group == f"g{g}"}) == 1 for g in range(60))
    assert sorted(Counter(places.tolist()).values()) == [60] * 5
    for fold in range(5):
        strata = Counter(t.stratum for t, place in zip(tracks, places, strict=True) if place == fold)
        assert all(15 <= strata[name] <= 25 for name in ("s0", "s1", "s2"))
    backwards = folds(tracks[::-1], 5, 1)[::-1]
    assert (places == backwards).all()
    assert (places != folds(tracks, 5, 2)).any()


def test_strata_of_few_tracks_do_not_pile_up_in_one_fold() -> None:
    tracks = [LabelledTrack(f"t{n}", group=f"g{n}", stratum=f"s{n}") for n in range(100)]
    assert sorted(Counter(folds(tracks, 5, 0).tolist()).values()) == [20] * 5
    assert len(divide(tracks, seed=0)["train"]) == 80


def test_folds_by_index_are_modulo() -> None:
    assert modulo_folds(_made_up(24, groups=24)).tolist() == [*range(11), *range(11), 0, 1]


def test_a_validation_part_has_its_exact_share_of_every_stratum_where_groups_may_part() -> None:
    tracks = _made_up(90, groups=9)
    parts = hold_out(tracks, 0.2, seed=3, whole_groups=False)
    assert Counter(t.stratum for t in parts["validation"]) == {"s0": 6, "s1": 6, "s2": 6}
    assert {t.split for t in parts["train"]} == {"train"}
    again = hold_out(tracks[::-1], 0.2, seed=3, whole_groups=False)
    assert {t.track_id for t in parts["validation"]} == {t.track_id for t in again["validation"]}
    whole = hold_out(tracks, 0.2, seed=3)
    assert not {t.group for t in whole["train"]} & {t.group for t in whole["validation"]}


def test_splits_that_cannot_be_are_refused() -> None:
    tracks = _made_up(6, groups=2)
    for make, message in (
        (lambda: folds(tracks, 3, 0), "2 groups cannot make 3 folds"),
        (lambda: modulo_folds(tracks, 7), "6 tracks cannot make 7 folds"),
        (lambda: hold_out(tracks, 1.0, seed=0), "validation share 1"),
        (lambda: official(DataSet("x", "", tuple(tracks))), "x has no official split"),
    ):
        with pytest.raises(DataError, match=message):
            make()


# --- the real sets


def test_real_jamendo_has_its_tracks_tags_and_artists_apart(shared_data: Path) -> None:
    data = open_data(f"jamendo={shared_data / 'jamendo'}")
    parts = official(data)
    assert [len(parts[split]) for split in ("train", "validation", "test")] == [9949, 3802, 4231]
    assert len(data.tags) == 56
    artists = {split: {track.group for track in tracks} for split, tracks in parts.items()}
    assert not artists["train"] & artists["test"]
    assert "embeddings_f16.npz: 278 tracks have no vector" in data.notes
    tags, tagged = read_tagged(shared_data / "jamendo")
    assert data.vectors is not None
    known, inputs = join_vectors(parts["test"], data.vectors)
    assert tags == data.tags
    assert (tagged["test"].inputs == inputs).all()
    assert (tagged["test"].labels == tag_matrix(known, data.tags)).all()


def test_real_emomusic_and_the_swap_of_deam(shared_data: Path) -> None:
    emomusic = open_data(f"emomusic={shared_data / 'emomusic'},vectors=convnet160")
    assert Counter(track.split for track in emomusic.tracks) == {"train": 619, "test": 125}
    assert {track.curve.values.shape for track in emomusic.tracks if track.curve} == {(61, 2)}
    parts = hold_out(official(emomusic)["train"], 0.2, seed=0, whole_groups=False)
    assert [len(parts[name]) for name in ("train", "validation")] == [495, 124]
    deam = open_data(f"deam={shared_data / 'deam'},emomusic={shared_data / 'emomusic'},vectors=yes")
    assert len(deam.tracks) == 1802
    assert "744 songs shared with emoMusic" in deam.notes[0]
    assert "crossed 0.9998 / 0.9999" in deam.notes[0]
    assert deam.vectors is not None
    assert deam.vectors.values.shape == (1802, 130)


def test_real_4q_emotify_and_vgmidi_have_their_counts(shared_data: Path) -> None:
    moods, emotify, vgmidi = (open_data(f"{n}={shared_data / n}") for n in ("moods4q", "emotify", "vgmidi"))
    assert [len(data.tracks) for data in (moods, emotify, vgmidi)] == [640, 297, 200]
    assert all(Path(track.audio).is_file() for track in (*moods.tracks, *emotify.tracks))
    assert all(by_quadrant(track) for track in moods.tracks)
    assert "joy-sad: 295 of 297 tracks" in emotify.notes[0]
    assert all(track.curve is not None and len(track.curve.values) >= 30 for track in vgmidi.tracks)
