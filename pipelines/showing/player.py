"""Where a page's player takes its sound from: the file beside the page, or the page itself."""

from __future__ import annotations

import base64
import mimetypes
import os
from dataclasses import dataclass
from urllib.parse import quote

from schemas.errors import DataError, FailureKind, Stage
from transforms.storage import is_local, local_path, read_bytes

MOST_EMBEDDED = 96 << 20


@dataclass(frozen=True, slots=True)
class Player:
    """An URL of the sound, and what the page's policy has to allow for it."""

    source: str
    policy: str


def embedded(audio_uri: str) -> Player:
    """The file as part of the page. Raises DataError: what `read_bytes` raises, above 96 MiB too_large."""
    try:
        data = read_bytes(audio_uri, max_bytes=MOST_EMBEDDED)
    except DataError as error:
        raise DataError(error.kind, Stage.OUTPUT, f"--embed: {audio_uri}: {error.message}") from error
    kind = mimetypes.guess_type(audio_uri)[0] or "audio/mpeg"
    return Player(f"data:{kind};base64,{base64.b64encode(data).decode()}", "data:")


def beside(audio_uri: str, page_uri: str) -> Player:
    """The local file by its way from the folder of a local page.

    Raises DataError(not_found) where it is not there, bad_input where one of the two is not on this machine.
    """
    if not (is_local(audio_uri) and is_local(page_uri)):
        message = "a page in an object store, or of a file in one, has a player with --embed only"
        raise DataError(FailureKind.BAD_INPUT, Stage.OUTPUT, message)
    path = local_path(audio_uri).absolute()
    if not path.is_file():
        raise DataError(FailureKind.NOT_FOUND, Stage.OUTPUT, f"{path} is not there any more")
    way = os.path.relpath(path.resolve(), local_path(page_uri).absolute().parent.resolve())
    # A name such as a:b would be taken for a scheme without ./ before it.
    return Player(quote(f"./{way}"), "'self' file:")
