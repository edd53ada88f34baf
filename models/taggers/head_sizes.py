"""Sizes of the taggers' head, known without the nets' library: what models.taggers.head builds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.checks.sizes import Sizes

if TYPE_CHECKING:
    from models.taggers.head import HeadSettings


def add_recurrent_head(sizes: Sizes, inputs: int, settings: HeadSettings, *, rows: int) -> Sizes:
    """The sizes of a tagger whose head takes `rows` of `inputs` values."""
    values = inputs
    for index in range(2):
        values = sizes.recurrent(f"rnn{index}", settings.cell, (values, settings.units), places=rows)
        sizes.normalisation(f"rnn{index}_norm", values)
    sizes.normalisation("dense_norm", sizes.dense("dense", values, settings.dense))
    sizes.dense("scores", settings.dense, settings.tags)
    return sizes
