"""A report as one self-contained HTML page: no script, nothing loaded, readable on light and dark grounds."""

from __future__ import annotations

import base64
from html import escape
from importlib.metadata import version

from models.evaluation.pages.report import Cell, Picture, Report, ReportTable, shown

_STYLE = """\
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.warning { border-left: 4px solid #c77700; padding: .4rem .8rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #8884; text-align: right; }
th:first-child, td:first-child { text-align: left; }
figure { margin: 0; } img { max-width: 100%; height: auto; } figcaption { font-size: .9rem; opacity: .8; }
footer { margin-top: 3rem; font-size: .85rem; opacity: .7; }
"""


def html_page(report: Report) -> str:
    """The page's text, in UTF-8."""
    parts = [
        f"<h1>{escape(report.title)}</h1>",
        f"<p>{escape(report.summary)}</p>",
        *(f'<p class="warning" role="note">{escape(warning)}</p>' for warning in report.warnings),
    ]
    # The first table holds the figures; the long ones come after the pictures.
    parts += [_table(table) for table in report.tables[:1]]
    parts += [_picture(picture) for picture in report.pictures]
    parts += [_table(table) for table in report.tables[1:]]
    parts.append(f"<footer>Moodscribe {escape(version('moodscribe'))}</footer>")
    head = (
        '<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(report.title)}</title>\n<style>\n{_STYLE}</style>"
    )
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n{body}\n</body>\n</html>\n'


def _table(table: ReportTable) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.columns)
    rows = "\n".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in table.rows)
    return (
        f'<h2>{escape(table.title)}</h2>\n<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table></div>"
    )


def _cell(cell: Cell) -> str:
    return f"<td>{escape(shown(cell))}</td>"


def _picture(picture: Picture) -> str:
    # As an image of its own: ids inside one drawing cannot meet those of another.
    data = base64.b64encode(picture.svg.encode()).decode()
    return (
        f"<h2>{escape(picture.title)}</h2>\n<figure>\n"
        f'<img alt="{escape(picture.title)}" src="data:image/svg+xml;base64,{data}">\n'
        f"<figcaption>{escape(picture.caption)}</figcaption>\n</figure>"
    )
