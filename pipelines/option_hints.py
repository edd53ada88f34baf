"""A parser whose complaints say which option may have been meant by one that it does not have."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known option that a mistyped one is likely to be, if any is near."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)


class HintingParser(argparse.ArgumentParser):
    """For one command: `--outptu x` leaves --output missing, and the complaint says what was near it."""

    _given: Sequence[str] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As the parent does, with the arguments kept for `error`."""
        self._given = args or ()
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """End with the message and, for each unknown option, the nearest that there is."""
        names = [argument.partition("=")[0] for argument in self._given if argument.startswith("--")]
        known = self._option_string_actions
        near = [(name, nearest(name, known)) for name in names if name not in known]
        hints = [f"; {name}: did you mean {match}?" for name, match in near if match]
        super().error(message + "".join(hints))
