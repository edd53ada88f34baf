"""A Dockerfile as its stages and instructions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

_FROM = re.compile(r"(\S+)(?: AS (\w+))?$")


@dataclass
class BuildStage:
    """A stage: what it is made of, its name ("" for none), its instructions as (word, rest)."""

    base: str
    name: str = ""
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        """What stands after every instruction of this word."""
        return [rest for given, rest in self.instructions if given == word]

    def last(self, word: str) -> str | None:
        """What stands after the last of them."""
        return next(iter(self.all(word)[::-1]), None)


@dataclass
class Dockerfile:
    """Arguments before the first stage with their defaults, and the stages."""

    arguments: dict[str, str]
    stages: list[BuildStage]

    def stage(self, name: str) -> BuildStage:
        """The stage of a name."""
        return next(stage for stage in self.stages if stage.name == name)

    def lineage(self, name: str) -> list[BuildStage]:
        """A stage and those that it is made of, the nearest first."""
        lineage = [self.stage(name)]
        while any(stage.name == lineage[-1].base for stage in self.stages):
            lineage.append(self.stage(lineage[-1].base))
        return lineage

    def effective(self, name: str, word: str) -> str | None:
        """The instruction that is in effect at a stage's end, be it a stage's before."""
        given = (stage.last(word) for stage in self.lineage(name))
        return next((rest for rest in given if rest is not None), None)


def read_dockerfile(path: Path) -> Dockerfile:
    """Read one; comments are left out and lines put together."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text("utf-8"), flags=re.MULTILINE)
    read = Dockerfile({}, [])
    for line in text.replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        word, _, rest = line.strip().partition(" ")
        rest = " ".join(rest.split())
        if word == "FROM":
            found = _FROM.match(rest)
            assert found, line
            read.stages.append(BuildStage(found[1], found[2] or ""))
        elif read.stages:
            read.stages[-1].instructions.append((word, rest))
        else:
            assert word == "ARG", line
            name, _, default = rest.partition("=")
            read.arguments[name] = default
    return read
