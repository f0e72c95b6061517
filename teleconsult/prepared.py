"""What the driver keeps of statements it has prepared: plans that took longer to make than to follow."""

from collections.abc import Sequence
from typing import Final

from psycopg._preparing import Key, Prepare, PrepareManager
from psycopg._queries import PostgresQuery
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

_OF_SAVEPOINTS: Final = (b"SAVEPOINT", b"RELEASE", b"ROLLBACK")
_STALE: Final = (b"0A000", b"26000")
"""What is asked has other columns than when it was prepared; or is prepared no more."""


class Prepared(PrepareManager):
    """Keeps them when a transaction is rolled back, where psycopg throws all of them away.

    It does so for the sake of tables that the transaction made, and the app makes none. What was refused, or not found,
    is rolled back all the time: anybody who asks for a page that is not there would have a connection plan anew.

    All are thrown away, at the next roll back, after a statement that failed as it was prepared, since it lies on the
    server under a name that nobody knows; and after one whose table another version of the program has changed.
    Savepoints have names of their own, and are not prepared.
    """

    def __init__(self) -> None:
        super().__init__()
        self._has_failed = False

    def get(self, query: PostgresQuery, prepare: bool | None = None) -> tuple[Prepare, bytes]:
        """As the driver's: whether to prepare it, and under which name."""
        if query.query.startswith(_OF_SAVEPOINTS):
            return Prepare.NO, b""
        return super().get(query, prepare)

    def maybe_add_to_cache(self, query: PostgresQuery, prep: Prepare, name: bytes) -> Key | None:
        """As the driver's, which looks at an answer only if it gets a key here: at each."""
        if prep is not Prepare.NO:
            super().maybe_add_to_cache(query, prep, name)
        return self.key(query)

    def validate(self, key: Key, prep: Prepare, name: bytes, results: Sequence[PGresult]) -> None:
        """As the driver's: what was answered."""
        if prep is Prepare.SHOULD:
            self._has_failed |= not self._check_results(results)
            super().validate(key, prep, name, results)
        elif prep is Prepare.YES:
            self._has_failed |= any(_is_stale(result) for result in results)
        elif (results[-1].command_status or b"").startswith(b"ROLLBACK"):
            self.clear()

    def clear(self) -> bool:
        """As the driver's, which calls it at each roll back: whether there is something to throw away."""
        if not self._has_failed:
            return False
        self._has_failed = False
        self._names.clear()
        self._to_flush.clear()
        self._to_flush.append(None)
        return True


def _is_stale(result: PGresult) -> bool:
    return result.status == ExecStatus.FATAL_ERROR and result.error_field(DiagnosticField.SQLSTATE) in _STALE


def keep_prepared(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Have a new connection of an engine prepare what it is asked at once, and keep it."""
    driver = connection.driver_connection
    driver._prepared = Prepared()
    driver.prepare_threshold = 0
