"""One self-contained page: its policy lets it load nothing and run no script but those it came with."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from pipelines.pages.escaping import html_text, script_json


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows: `sections` are pairs of a heading and HTML, `figures` Plotly figures by name.

    `data` is what its scripts read besides; `scripts` are names of scripts in this package, run after the
    common one; `media` is where a player may take its sound from, as a source of the policy.
    """

    title: str
    lead: str
    sections: Sequence[tuple[str, str]]
    figures: Mapping[str, Any]
    data: Mapping[str, Any]
    scripts: Sequence[str] = ()
    media: str | None = None


def render(page: Page) -> str:
    """The page's text, in UTF-8."""
    scripts = [_plotly(), *(_file(name) for name in ("page.js", *page.scripts))]
    links = "".join(
        f'<li><a href="#part-{place}">{html_text(heading)}</a></li>'
        for place, (heading, _) in enumerate(page.sections)
    )
    sections = "\n".join(
        f'<section id="part-{place}" aria-labelledby="head-{place}">\n<h2 id="head-{place}">'
        f"{html_text(heading)}</h2>\n{body}\n</section>"
        for place, (heading, body) in enumerate(page.sections)
    )
    data = script_json({"figures": page.figures, **page.data})
    run = "\n".join(f"<script>{script}</script>" for script in scripts)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(scripts, page.media)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{html_text(page.title)}</title>
<link rel="icon" href="data:,">
<style>
{_file("page.css")}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>
<h1>{html_text(page.title)}</h1>
<button type="button" id="theme" hidden>Dark</button>
{page.lead}
<nav aria-label="Parts of this page"><ul>{links}</ul></nav>
</header>
<noscript><p class="note">The plots need JavaScript; the tables do not.</p></noscript>
<main id="main" tabindex="-1">
{sections}
</main>
<footer>Moodscribe {html_text(version("moodscribe"))}. This page loads nothing from anywhere.
Plots by Plotly.js (MIT License).</footer>
<script type="application/json" id="data">{data}</script>
{run}
</body>
</html>
"""


def plot(name: str, label: str, caption: str, *, kind: str = "plot") -> str:
    """The place of a figure: what it shows in words, and a caption; `kind` are its classes."""
    return (
        f'<figure><div class="{kind}" data-figure="{html_text(name)}" role="img" '
        f'aria-label="{html_text(label)}"></div>\n<figcaption>{html_text(caption)}</figcaption></figure>'
    )


def details(summary: str, body: str) -> str:
    """What is shown when it is asked for."""
    return f"<details><summary>{html_text(summary)}</summary>\n{body}\n</details>"


def _policy(scripts: Sequence[str], media: str | None) -> str:
    """A page may run these scripts and no other, and load nothing but pictures and sound inside it."""
    hashes = " ".join(f"'sha256-{_hash(script)}'" for script in scripts)
    rules = [
        "default-src 'none'",
        f"script-src {hashes}",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    if media:
        rules.append(f"media-src {media}")
    return "; ".join(rules)


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    source: str = get_plotlyjs()
    return source.replace("\r\n", "\n")


def _file(name: str) -> str:
    return (files("pipelines.pages") / name).read_text("utf-8")
