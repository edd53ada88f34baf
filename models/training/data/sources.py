"""The sets that a SPEC can name: what each is, its keys, and how these become arguments of its loader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from models.training.data.audio import AudioFolder
from models.training.data.form import AntonymPair, DataSet
from models.training.data.midi.render import Renderer
from models.training.data.sets.deam import DeamOptions, read_deam
from models.training.data.sets.emomusic import read_emomusic
from models.training.data.sets.emotify import PAIRS, read_emotify
from models.training.data.sets.jamendo import JamendoOptions, read_jamendo
from models.training.data.sets.mediaeval2015 import read_mediaeval2015
from models.training.data.sets.moods4q import read_moods4q
from models.training.data.sets.own import KEYS, OwnOptions, parse_shares, read_own
from models.training.data.sets.vgmidi import read_vgmidi
from models.training.data.tables import bad_data

_WORDS = {"yes": True, "true": True, "no": False, "false": False}
_AUDIO = {
    "audio": "FOLDER of the tracks' files (default: the set's own folder of audio, where it has one)",
    "partial": "yes to leave out tracks without a file (default no: an error)",
}


@dataclass(frozen=True, slots=True)
class Options:
    """Options of one SPEC as written; a relative path may start from the working folder or from `root`."""

    name: str
    root: Path
    given: Mapping[str, str]

    def path(self, key: str) -> Path | None:
        """A path as given, or below the set's folder where only that exists; None where it is not given."""
        if key not in self.given:
            return None
        path = Path(self.given[key]).expanduser()
        return self.root / path if not path.exists() and (self.root / path).exists() else path

    def flag(self, key: str) -> bool:
        """Yes or no; no where it is not given."""
        text = self.given.get(key, "no")
        if text.lower() not in _WORDS:
            raise bad_data(f"{self.name}: {key}={text} is not yes or no")
        return _WORDS[text.lower()]

    def count(self, key: str, default: int) -> int:
        """A whole number."""
        text = self.given.get(key, str(default))
        if not text.isdecimal():
            raise bad_data(f"{self.name}: {key}={text} is not a whole number")
        return int(text)

    def audio(self) -> AudioFolder:
        """What audio= and partial= say."""
        return AudioFolder(self.path("audio"), self.flag("partial"))


@dataclass(frozen=True, slots=True)
class Source:
    """A set by name: one line about it, its keys with a line each, and how to open it."""

    name: str
    about: str
    keys: Mapping[str, str]
    open: Callable[[Path, Options], DataSet]


def _jamendo(root: Path, options: Options) -> DataSet:
    chosen = JamendoOptions(
        options.count("split", 0), options.given.get("subset", "moodtheme"), options.path("vectors")
    )
    return read_jamendo(root, options=chosen, audio=options.audio())


def _emomusic(root: Path, options: Options) -> DataSet:
    return read_emomusic(root, audio=options.audio(), vectors=options.given.get("vectors", ""))


def _deam(root: Path, options: Options) -> DataSet:
    chosen = DeamOptions(options.path("emomusic"), options.flag("mend_swap"), options.flag("vectors"))
    return read_deam(root, options=chosen, audio=options.audio())


def _mediaeval2015(root: Path, options: Options) -> DataSet:
    return read_mediaeval2015(root, songs=options.path("songs"), audio=options.audio())


def _moods4q(root: Path, options: Options) -> DataSet:
    return read_moods4q(root, audio=options.audio())


def _emotify(root: Path, options: Options) -> DataSet:
    text = options.given.get("pairs")
    pairs = PAIRS if text is None else tuple(map(parse_pair, text.split("+")))
    return read_emotify(root, pairs=pairs, audio=options.audio())


def _vgmidi(root: Path, options: Options) -> DataSet:
    if "font" in options.given and "work" not in options.given:
        raise bad_data("vgmidi: font is for rendering; give work=FOLDER too")
    if "work" in options.given and "audio" in options.given:
        raise bad_data("vgmidi: give work=FOLDER to render or audio=FOLDER that is rendered, not both")
    renderer = Renderer(font=options.path("font"))
    work = Path(options.given["work"]).expanduser() if "work" in options.given else None
    return read_vgmidi(root, work=work, renderer=renderer, audio=options.audio())


def _own(root: Path, options: Options) -> DataSet:
    given, default = options.given, OwnOptions()
    chosen = OwnOptions(
        file=given.get("file", default.file),
        scale=given.get("scale", default.scale),
        labels=given.get("labels", default.labels),
        curves=options.path("curves"),
        min_tracks=options.count("min_tracks", default.min_tracks),
        shares=parse_shares(given["shares"]) if "shares" in given else default.shares,
        seed=options.count("seed", default.seed),
        terms=given.get("terms", default.terms),
    )
    return read_own(root, options=chosen, audio=options.audio())


def parse_pair(text: str) -> AntonymPair:
    """NAME:FIRST/SECOND, such as joy-sad:joyful_activation/sadness."""
    name, _, sides = text.partition(":")
    first, slash, second = sides.partition("/")
    if not (name and first and slash and second):
        raise bad_data(f"pair {text!r} is not NAME:FIRST/SECOND, such as joy-sad:joyful_activation/sadness")
    return AntonymPair(name, first=first, second=second)


SOURCES: Mapping[str, Source] = {
    source.name: source
    for source in (
        Source(
            "jamendo",
            "MTG-Jamendo, tags; the official lists of tracks",
            {
                "split": "0 to 4 (default 0)",
                "subset": "moodtheme, genre, instrument, top50tags or all (default moodtheme)",
                "vectors": "FILE.npz of ids and X (default: embeddings_f16.npz of the folder, if there)",
                "audio": "FOLDER that the lists' paths start from (default: labels only)",
                "partial": _AUDIO["partial"],
            },
            _jamendo,
        ),
        Source(
            "emomusic",
            "emoMusic, static ratings and curves of 744 clips, split 619/125",
            {"vectors": "an array of features.npz, such as convnet160 or mfcc120", **_AUDIO},
            _emomusic,
        ),
        Source(
            "deam",
            "DEAM, static ratings of 1,802 songs, curves where the folder has them",
            {
                "emomusic": "FOLDER of emoMusic, to check whether valence and arousal are swapped",
                "mend_swap": "yes to exchange them where they are (default no: said, not mended)",
                "vectors": "yes to read the means of 130 openSMILE descriptors (default no)",
                **_AUDIO,
            },
            _deam,
        ),
        Source(
            "mediaeval2015",
            "MediaEval 2015, curves; songs from 2001 on are the test set",
            {"songs": "FILE of the ids to keep, one a line (default: all)", **_AUDIO},
            _mediaeval2015,
        ),
        Source("moods4q", "4Q, quadrants, mood words, derived valence and arousal", _AUDIO, _moods4q),
        Source(
            "emotify",
            "Emotify, shares of raters by emotion, for antonym pairs",
            {
                "pairs": "NAME:FIRST/SECOND+... (default joy-sad:joyful_activation/sadness"
                "+calm-tense:calmness/tension)",
                **_AUDIO,
            },
            _emotify,
        ),
        Source(
            "vgmidi",
            "VGMIDI, curves of 200 piano pieces, rendered from MIDI",
            {
                "work": "FOLDER to render into, by FluidSynth; resumed (default: labels only)",
                "font": "FILE.sf2, the sound font (default: Debian's fluid-soundfont-gm)",
                "audio": "FOLDER of rendered pieces, NAME.wav and so on",
                "partial": _AUDIO["partial"],
            },
            _vgmidi,
        ),
        Source(
            "own",
            "your own tracks and labels, in a table of the folder (README: Train, measure and listen)",
            {**KEYS, **_AUDIO},
            _own,
        ),
    )
}
