"""Connections to PostgreSQL: libpq's own settings, certificates checked, faults sorted."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from schemas.errors import DataError, FailureKind, OutputError, Stage
from transforms.object_stores.retries import Purpose, TemporaryFaultError, persistently

if TYPE_CHECKING:
    import psycopg

# A server that is restarted is away for a minute or two: see the pauses of `persistently`.
ATTEMPTS = 12
_CONNECT_S = 10
_LOCAL = ("localhost", "127.0.0.1", "::1")
# libpq from this version on knows "system", the certificates of the machine.
_SYSTEM_CERTIFICATES = 160_000
# Classes of SQLSTATE, and states, after which the same transaction can succeed: connection exceptions,
# rollbacks by conflict, an administrator's shutdown, resources that are used up, locks.
_PASSING = ("08", "40", "57P", "53", "55P03")
# Those that are of the values in the batch: data, constraints, limits of the program.
_OF_VALUES = ("22", "23", "54")

# What libpq says of a try to connect that no other would better.
_FINAL = (
    *("authentication failed", "no password", "does not exist", "pg_hba.conf", "certificate"),
    *("does not support SSL", "could not translate host name", "failed to resolve host"),
)

Result = TypeVar("Result")


class BadValuesError(Exception):
    """The server refuses the values of a batch."""


@dataclass(frozen=True, slots=True)
class Database:
    """Where a database is; no password is in it: ~/.pgpass, PGPASSFILE or PGPASSWORD have that."""

    conninfo: str


def check_database(url: str, *, ca: str | None) -> Database:
    """A database from a URL or "name=value" settings of libpq; its certificate is checked, unless it is here.

    Raises DataError(bad_input) for what libpq does not read, for a password in it, and without psycopg.
    """
    try:
        from psycopg import ProgrammingError, pq
        from psycopg.conninfo import conninfo_to_dict, make_conninfo
    except ImportError as error:
        raise _refusal("--to postgres needs psycopg: pip install 'moodscribe[postgres]'") from error
    try:
        settings: dict[str, Any] = conninfo_to_dict(url)
    except ProgrammingError as error:
        raise _refusal(f"--url: {str(error).strip()}") from error
    if settings.get("password"):
        raise _refusal(
            "--url: no password in it, everybody on this machine could read it; it comes from PGPASSWORD, "
            "PGPASSFILE or ~/.pgpass"
        )
    host = str(settings.get("host") or os.environ.get("PGHOST", ""))
    far = bool(host) and not host.startswith("/") and host not in _LOCAL
    if ca:
        settings["sslrootcert"] = ca
    if (far or ca) and "sslmode" not in settings and "PGSSLMODE" not in os.environ:
        settings["sslmode"] = "verify-full"
        if pq.version() >= _SYSTEM_CERTIFICATES and "PGSSLROOTCERT" not in os.environ:
            settings.setdefault("sslrootcert", "system")
    settings.setdefault("application_name", "moodscribe")
    settings.setdefault("connect_timeout", _CONNECT_S)
    return Database(make_conninfo(**settings))


class Session:
    """A connection that is made when it is needed, and made anew after a fault."""

    def __init__(self, database: Database, *, attempts: int = ATTEMPTS, begin: tuple[str, ...] = ()) -> None:
        self._database = database
        self._attempts = attempts
        self._begin = begin
        self._connection: psycopg.Connection[Any] | None = None

    def transaction(self, action: Callable[[psycopg.Cursor[Any]], Result]) -> Result:
        """Result of an action in a transaction, tried again as a whole while another try may help.

        Raises BadValuesError, and OutputError where the server is away for long or refuses the action.
        """
        try:
            return persistently(
                lambda: self._once(action),
                purpose=Purpose.WRITE,
                stage=Stage.OUTPUT,
                uri="PostgreSQL",
                attempts=self._attempts,
            )
        except DataError as error:
            raise OutputError(error.message) from error

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _once(self, action: Callable[[psycopg.Cursor[Any]], Result]) -> Result:
        import psycopg

        try:
            connection = self._open()
            with connection.transaction(), connection.cursor() as cursor:
                return action(cursor)
        except psycopg.Error as error:
            state = error.sqlstate or ""
            if not state and _is_lost(error):
                self.close()
            reason = str(error).strip().replace("\n", "; ") or type(error).__name__
            # One without a state is of this side: a text that the server could not have.
            if state.startswith(_OF_VALUES) or (not state and isinstance(error, psycopg.DataError)):
                raise BadValuesError(f"{state}: {reason}") from error
            if state.startswith(_PASSING) or (not state and _is_lost(error) and not _is_final(reason)):
                raise TemporaryFaultError(reason) from error
            raise OutputError(f"PostgreSQL: {reason}") from error

    def _open(self) -> psycopg.Connection[Any]:
        import psycopg

        if self._connection is None or self._connection.closed:
            connection = psycopg.connect(self._database.conninfo, autocommit=True)
            for statement in self._begin:
                connection.execute(statement.encode())
            self._connection = connection
        return self._connection


def _is_lost(error: psycopg.Error) -> bool:
    import psycopg

    return isinstance(error, psycopg.OperationalError)


def _is_final(reason: str) -> bool:
    """Whether no other try to connect would help: a wrong password, database, host or certificate."""
    return any(words in reason for words in _FINAL)


def _refusal(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.OUTPUT, message)
