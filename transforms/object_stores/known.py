"""Which store a URI is of, and the listing of one: its pages, each tried again as long as it may help."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from schemas.errors import DataError, FailureKind, Stage
from transforms.object_stores.amazon import AmazonStore
from transforms.object_stores.beam import BeamStore
from transforms.object_stores.google_cloud.store import GoogleStore
from transforms.object_stores.retries import Purpose, persistently
from transforms.object_stores.store import ObjectStore, StoredObject

# Requests under way at once where there are many, such as removals.
_AT_ONCE = 8
_STORES: Mapping[str, Callable[[], ObjectStore]] = {"gs": GoogleStore, "s3": AmazonStore}


def store_of(uri: str) -> ObjectStore:
    """The store of a URI that is not local."""
    return _store(uri.partition("://")[0].lower())


def forget_stores() -> None:
    """Connect anew from now on, by what the environment and Beam's options say then."""
    _store.cache_clear()


@functools.cache
def _store(scheme: str) -> ObjectStore:
    return _STORES.get(scheme, BeamStore)()


def list_objects(prefix_uri: str, *, stage: Stage) -> Iterator[tuple[str, StoredObject]]:
    """URIs that begin like this with the state of their objects, in order of name, a page at a time.

    Raises DataError: what the store says of the bucket, storage after the last try at a page.
    """
    store, token = store_of(prefix_uri), None
    while True:
        ask = partial(store.page, prefix_uri, token)
        page = persistently(ask, purpose=Purpose.READ, stage=stage, uri=prefix_uri)
        yield from page.objects
        token = page.next_token
        if token is None:
            return


def rename_object(uri: str, target_uri: str) -> None:
    """Give an object another name, over what has it; one that has been renamed before is left so.

    A store that answers with a fault may have done what was asked. Copying again gives the same bytes; and
    where the object is gone and its target there, both were done by a try of which nothing was heard.
    """
    store = store_of(uri)

    def copy() -> None:
        try:
            store.copy(uri, target_uri)
        except DataError as error:
            if error.kind is not FailureKind.NOT_FOUND:
                raise
            store.describe(target_uri)

    persistently(copy, purpose=Purpose.WRITE, stage=Stage.OUTPUT, uri=target_uri)
    _remove(uri)


def remove_objects(prefix_uri: str) -> None:
    """Remove all objects whose URI begins like this; DataError(storage) after the last try at one."""
    found = [uri for uri, _ in list_objects(prefix_uri, stage=Stage.OUTPUT)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(_remove, found))


def _remove(uri: str) -> None:
    try:
        remove = partial(store_of(uri).delete, uri)
        persistently(remove, purpose=Purpose.WRITE, stage=Stage.OUTPUT, uri=uri)
    except DataError as error:
        if error.kind is not FailureKind.NOT_FOUND:  # removed by a try of which nothing was heard
            raise
