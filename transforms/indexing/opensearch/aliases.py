"""Indices behind an alias: a full load goes into a new one, which takes the alias at its end, in one call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.errors import DataError, FailureKind, OutputError, Stage
from transforms.indexing.layout import Layout
from transforms.indexing.opensearch.client import Client, RefusedError
from transforms.indexing.opensearch.mapping import index_body, mapping_hash

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,199}")
_META = "moodscribe"
# How OpenSearch says that it does not know of vectors that are searched.
_NO_PLUGIN = ("index.knn", "knn_vector")


@dataclass(frozen=True, slots=True)
class Behind:
    """The index behind an alias; `state` is the newest run that it has rows of, `mapping` a hash.

    Both are empty for an index that is not of this project's making.
    """

    index: str
    state: str
    mapping: str


def check_name(name: str) -> str:
    """A name for the alias; DataError(bad_input) for one that an index cannot have."""
    if not _NAME.fullmatch(name):
        raise _refusal(f"--index {name!r}: lower-case letters, digits, - and _, at most 200 of them")
    return name


def behind(client: Client, alias: str) -> Behind | None:
    """The index behind an alias, None where there is none.

    Raises DataError(bad_input) for a name that is an index itself, or an alias of several.
    """
    try:
        found = client.ask("GET", [alias])
    except RefusedError as error:
        if error.status == 404:
            return None
        raise OutputError(f"{alias}: {error}") from error
    if len(found) != 1:
        raise _refusal(f"--index {alias}: an alias of {', '.join(sorted(found))}; it has to be of one index")
    [(index, said)] = found.items()
    if alias not in said.get("aliases", {}):
        raise _refusal(f"--index {alias}: is an index, not an alias; take another name")
    return _behind(index, said)


def state_of(client: Client, index: str) -> str:
    """The newest run that an index has rows of; OutputError where it is not there, or not what it was."""
    try:
        found = client.ask("GET", [index])
    except RefusedError as error:
        raise OutputError(f"{index}: {error}") from error
    return _behind(index, found.get(index, {})).state


def _behind(index: str, said: Mapping[str, Any]) -> Behind:
    meta = said.get("mappings", {}).get("_meta", {}).get(_META, {})
    return Behind(index, meta.get("state", ""), meta.get("mapping", ""))


def create(client: Client, index: str, layout: Layout, *, state: str, sizes: Mapping[str, int]) -> bool:
    """Make an index for a load, not refreshed while it is loaded; whether its vectors can be searched.

    `sizes` are number_of_shards and number_of_replicas. Raises OutputError where the server refuses it.
    """
    for nearest in (True, False):
        body = index_body(layout, nearest=nearest)
        body["settings"] |= {"index.refresh_interval": "-1", **sizes}
        body["mappings"]["_meta"] = _meta(layout, state)
        try:
            client.ask("PUT", [index], body)
        except RefusedError as error:
            if nearest and any(word in error.reason for word in _NO_PLUGIN):
                continue
            if "resource_already_exists" not in error.reason:  # made by a try whose answer did not come
                raise OutputError(f"{index}: {error}") from error
        return nearest
    raise AssertionError("unreachable: without the plugin's words the mapping has none of them")


def mark(client: Client, index: str, layout: Layout, *, state: str) -> None:
    """Write into an index which state it gets."""
    _ask(client, "PUT", [index, "_mapping"], {"_meta": _meta(layout, state)})


def finish(client: Client, index: str) -> None:
    """Make what has been loaded visible, and the index refresh itself as others do."""
    _ask(client, "PUT", [index, "_settings"], {"index": {"refresh_interval": None}})
    _ask(client, "POST", [index, "_refresh"], None)


def switch(client: Client, alias: str, *, old: Behind | None, new: str) -> None:
    """Give the alias to the new index in one call, which fails if the old one does not have it any more."""
    actions: list[dict[str, Any]] = [{"add": {"index": new, "alias": alias}}]
    if old is not None:
        actions.insert(0, {"remove": {"index": old.index, "alias": alias, "must_exist": True}})
    try:
        client.ask("POST", ["_aliases"], {"actions": actions})
    except RefusedError as error:
        now = behind(client, alias)
        if now is None or now.index != new:  # else a try whose answer did not come has done it
            has = f"{alias} is of {now.index} now" if now else f"there is no {alias} now"
            raise OutputError(f"the alias was not switched to {new}: {has}: {error}") from error


def drop(client: Client, index: str) -> None:
    """Delete an index, if it is there."""
    try:
        client.ask("DELETE", [index])
    except RefusedError as error:
        if error.status != 404:
            raise OutputError(f"{index}: {error}") from error


def _meta(layout: Layout, state: str) -> dict[str, Any]:
    return {_META: {"state": state, "mapping": mapping_hash(layout), "tags": list(layout.tags)}}


def _ask(client: Client, method: str, path: list[str], body: Any) -> None:
    try:
        client.ask(method, path, body)
    except RefusedError as error:
        raise OutputError(f"{path[0]}: {error}") from error


def _refusal(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.OUTPUT, message)
