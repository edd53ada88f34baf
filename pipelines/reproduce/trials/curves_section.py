"""Section `curves` of the results page."""

from __future__ import annotations

from typing import Any

from pipelines.reproduce.results import figure
from pipelines.reproduce.stages import Found, Section, Table
from pipelines.reproduce.trials.affect import courses_table

# RMSE of valence and arousal as the papers print them (facts: Havránek 2021, Coutinho et al. 2015; Yang 2021
# prints MSE, of which these are the roots).
_PAPER = {
    "mean of the training tracks": (".2315", ".2870"),
    "SVR (Havránek's baseline)": (".2153", ".2211"),
    "GRU, parallel, one net": (".2143", ".2179"),
    "GRU, parallel, ensemble of five": (".2080", ".2085"),
    "deep LSTM, FS1, pre-trained": (".372", ".234"),
    "two convolutions": (".301", ".330"),
    "convolutional autoencoder": (".246", ".311"),
}
_AXES = ("valence", "arousal")


def section(found: Found) -> Section:
    """Measures of every system by the same folds, and how they learned."""
    rows = found["rows"]
    first = next(iter(rows.values()))
    return Section(
        "Rated curves: VGMIDI, rendered",
        (
            f"""
{first["songs"]} piano pieces (video game music) rendered by FluidSynth, rated per bar by about 30 people; the
first 60 s of each, {first["steps"]:,} half seconds. Four folds that keep each game whole: every piece is
test once, a fifth of the other games is validation, and every system has the same folds. RMSE, r and CCC are
of each piece, then averaged (deviation over pieces in brackets); "pooled" is over all half seconds. The
curves of most pieces hardly move (their deviation in time is about .06), and agreement on their shape is low
(split-half r about .3): RMSE is mostly about a piece's level, r about its shape alone. A constant has no r.
""",
            _measures(rows),
            """
The papers' RMSE are of other music (emoMusic, DEAM, MediaEval 2015: songs of all genres, rated every half
second), whose audio is not at hand; they say how the systems stand to each other there, not what is to be
expected here.
""",
            _papers(rows),
            """
How the nets learned. Every net has its published size and, but for "improved", its published schedule, with
the epochs capped where the paper has more or does not say: the deep LSTM at 40, autoencoder and two
convolutions at 20 of 100. Losses of the deep LSTM are sums of squares of standardised values, in training of
a batch of 8, in validation of all tracks; the others' are means of squares. "Improved" trains the same net
with Adam and early stopping. FS2's psychoacoustic descriptors take a core as long as a quarter of the music:
one net learns from them, on one of three folds of 48 pieces, to be seen to learn, and is not compared. The
first net of the first fold is shown.
""",
            courses_table(found["courses"]),
        ),
    )


def _measures(rows: dict[str, Any]) -> Table:
    columns = ["system"]
    for axis in _AXES:
        columns += [f"{axis} RMSE", "r", "CCC", "RMSE pooled", "r pooled"]
    return Table(
        tuple(columns),
        tuple((title, *(cell for axis in _AXES for cell in _axis(row[axis]))) for title, row in rows.items()),
    )


def _axis(found: dict[str, Any]) -> list[str]:
    means = [
        f"{figure(found[f'{name}_mean'], 3)} ({figure(found[f'{name}_sd'], 3)})"
        for name in ("rmse", "r", "ccc")
    ]
    if found["r_mean"] is None:
        means[1] = "-"
    return [*means, figure(found["rmse_pooled"], 3), figure(found["r_pooled"], 3)]


def _papers(rows: dict[str, Any]) -> Table:
    return Table(
        ("system", "paper: valence RMSE", "arousal RMSE", "here: valence RMSE", "arousal RMSE"),
        tuple(
            (title, *paper, *(figure(rows[title][axis]["rmse_mean"], 3) for axis in _AXES))
            for title, paper in _PAPER.items()
        ),
    )
