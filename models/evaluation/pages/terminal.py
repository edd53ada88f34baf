"""A report on the terminal: warnings first, then its tables."""

from __future__ import annotations

import sys

from models.evaluation.pages.report import Report, shown

_LONGEST = 60


def print_report(report: Report) -> None:
    """Print the summary, the warnings and the tables; of a table longer than 60 rows the first 60."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    # Off a terminal there is no width to fit: lines are as long as they need to be.
    console = Console(width=None if sys.stdout.isatty() else 400, highlight=False)
    console.print(f"{report.title}: {report.summary}", markup=False)
    for warning in report.warnings:
        console.print(f"! {warning}", markup=False)
    for table in report.tables:
        drawn = Table(box=None, pad_edge=False)
        for place, name in enumerate(table.columns):
            drawn.add_column(name, justify="right" if place else "left")
        for row in table.rows[:_LONGEST]:
            drawn.add_row(*(escape(shown(cell)) for cell in row))
        console.print(f"\n{table.title}", markup=False)
        console.print(drawn)
        if len(table.rows) > _LONGEST:
            console.print(
                f"... {len(table.rows) - _LONGEST:,} more; --json and --page have them all", markup=False
            )
