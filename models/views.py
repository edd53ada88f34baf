"""What of a track one call of a model sees: chunks of seconds, rows for curves, or a summary of the whole."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.clock import CHUNK_S, MINIMUM_S


@dataclass(frozen=True, slots=True)
class ChunkView:
    """Chunks of `length_s` seconds, one prediction each; a track below `minimum_s` is too short.

    The model takes the rows of its front end that begin inside the chunk, at most `rows`, and how many of
    them count: inputs `values` [batch, rows, ...] and `valid` [batch] int32.
    """

    rows: int
    length_s: float = CHUNK_S
    minimum_s: float = MINIMUM_S


@dataclass(frozen=True, slots=True)
class StepView:
    """Stretches of rows of a front end, each giving values at 2 Hz for its own `hop` rows.

        | lead rows before | hop rows of its own | the rest after |        rows together

    The model takes `values` [batch, rows, ...] and `inside` [batch, rows] bool, true inside the track, and
    gives [batch, its steps, targets]; `steps` of them, from `first_step` on, are of the hop's own rows (0: as
    many as the hop has rows). `rows` 0 is the whole track in one call, one step a row. An encoder's rows are
    the same wherever its stretches start, so long as their own rows start at a multiple of `grid` rows of the
    track; `hop` is such a multiple.
    """

    rows: int
    hop: int
    lead: int = 0
    steps: int = 0
    first_step: int = 0
    grid: int = 1


@dataclass(frozen=True, slots=True)
class SummaryView:
    """Mean and standard deviation over the rows of the track, or of the chunk of `length_s` seconds in its
    middle with centre coverage: one prediction a track. A track below `minimum_s` is too short.

    The model takes `values` [batch, 2, values] float32 and of how many rows they are: `valid` [batch] int32.
    """

    length_s: float = CHUNK_S
    minimum_s: float = MINIMUM_S


RowView = ChunkView | StepView
View = RowView | SummaryView
