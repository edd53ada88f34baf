"""A catalogue into OpenSearch: which index gets it, and when searches see it.

alias -> index of the last load    same mapping: what has changed goes there
     '-> new index                 first load, --full, other mapping: all goes there, then it gets the alias
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

from pipelines.indexing.destinations import STANDS, Load, refusal, refuse_others, required
from pipelines.indexing.reports import Account
from pipelines.indexing.sorted_tables import Catalogue
from schemas.errors import OutputError
from schemas.identity import new_run_id
from transforms.indexing.loading import Target
from transforms.indexing.opensearch.aliases import (
    Behind,
    behind,
    check_name,
    create,
    drop,
    finish,
    mark,
    state_of,
    switch,
)
from transforms.indexing.opensearch.bulk import version_of
from transforms.indexing.opensearch.client import Client, Server, check_url
from transforms.indexing.opensearch.loader import Index, Sending
from transforms.indexing.opensearch.mapping import mapping_hash

# Tries at a server that has not answered yet, or that a load has been waiting for long.
_FEW = 4


@dataclass(slots=True)
class SearchIndex:
    """See Destination. `_old` is what the alias was of; `_new` the index of a full load or ""; `_state` the
    newest run that is loaded."""

    server: Server
    alias: str
    sending: Sending
    sizes: dict[str, int]
    full: bool
    delete_old: bool
    max_failure_rate: float
    _old: Behind | None = None
    _new: str = ""
    _state: str = ""

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> SearchIndex:
        """From the command's arguments; DataError(bad_input)."""
        refuse_others(arguments, {"schema": None, "file": None})
        sending = Sending(
            round(arguments.batch_mb * (1 << 20)), arguments.batch_documents, arguments.requests
        )
        return cls(
            server=Server(check_url(required(arguments, "url")), arguments.ca),
            alias=check_name(required(arguments, "index")),
            sending=sending,
            sizes={"number_of_shards": arguments.shards, "number_of_replicas": arguments.replicas},
            full=arguments.full,
            delete_old=arguments.delete_old,
            max_failure_rate=arguments.max_failure_rate,
        )

    def prepare(self, load: Load) -> Target:
        """See Destination."""
        client, catalogue = Client(self.server, attempts=_FEW), load.catalogue
        self._old, self._state = behind(client, self.alias), catalogue.state
        if message := self._newer(self._old):
            raise refusal(message)
        new = self.full or self._old is None or self._old.mapping != mapping_hash(catalogue.layout)
        if new or self._old is None:
            name = self._new = f"{self.alias}-{new_run_id()[:19].replace('T', '-').replace('.', '-').lower()}"
            self._create(client, catalogue)
        else:
            name = self._old.index
            mark(client, name, catalogue.layout, state=catalogue.state)
        client.close()
        sending = Sending(
            self.sending.max_bytes, self.sending.max_actions, max(1, self.sending.requests // load.workers)
        )
        return Index(self.server, name, version_of(catalogue.state), bool(self._new), sending)

    def finish(self, account: Account) -> list[str]:
        """See Destination."""
        client = Client(self.server)
        index = self._new or (self._old.index if self._old else "")
        if (state := state_of(client, index)) != self._state:
            raise OutputError(
                f"{index}: has the state as of run {state or 'nobody knows'} by now: load again"
            )
        if self._new and account.failed > self.max_failure_rate * account.documents:
            share = f"{account.failed:,} of {account.documents:,} documents were refused"
            raise OutputError(f"{share}, above --max-failure-rate {self.max_failure_rate:g}")
        finish(client, index)
        now = behind(client, self.alias)
        if self._new:
            if message := self._newer(now):
                raise OutputError(message)
            switch(client, self.alias, old=now, new=index)
            self._new = ""
            if now is not None and self.delete_old:
                drop(client, now.index)
        elif now is None or now.index != index:
            raise OutputError(f"{self.alias}: is of {now.index if now else 'no index'} by now: load again")
        client.close()
        return [f"in {self.server.url}/{self.alias}, an alias of {index}", *self._left(now, index)]

    def abandon(self) -> str:
        """See Destination."""
        if not self._new:
            return STANDS
        drop(Client(self.server, attempts=_FEW), self._new)
        return f"{self.alias} is as it was, the new index is deleted"

    def _left(self, before: Behind | None, index: str) -> list[str]:
        if before is None or before.index == index:
            return []
        return [f"{'deleted' if self.delete_old else 'kept'}: {before.index}, which had the alias before"]

    def _create(self, client: Client, catalogue: Catalogue) -> None:
        if self._old is not None and not self.full:
            print("moodscribe index: the mapping has changed: all goes into a new index", file=sys.stderr)
        state, layout = catalogue.state, catalogue.layout
        if not create(client, self._new, layout, state=state, sizes=self.sizes):
            message = "no k-NN plugin there: mood_vector is stored, but nothing searches by it"
            print(f"moodscribe index: {message}", file=sys.stderr)

    def _newer(self, there: Behind | None) -> str:
        """Why this load is too old for the alias; "" if it is not."""
        if there is None or there.state <= self._state:
            return ""
        states = f"has the state as of run {there.state}, this output only that of {self._state}"
        return f"{self.alias}: {there.index} {states}"
