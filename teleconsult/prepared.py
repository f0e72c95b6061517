"""What the driver keeps of statements it has prepared: plans that took longer to make than to follow."""

from collections.abc import Sequence

from psycopg import AsyncConnection
from psycopg._preparing import Key, Prepare, PrepareManager
from psycopg.pq.abc import PGresult


class Prepared(PrepareManager):
    """Keeps them when a transaction is rolled back, where psycopg throws all of them away.

    It does so for the sake of tables that the transaction made, and the app makes none. What was refused, or not found,
    is rolled back all the time: anybody who asks for a page that is not there would have a connection plan anew.

    A statement that failed when it was prepared lies on the server under a name that nobody knows; after one, all are
    thrown away as ever.
    """

    def __init__(self) -> None:
        super().__init__()
        self._has_failed = False

    def validate(self, key: Key, prep: Prepare, name: bytes, results: Sequence[PGresult]) -> None:
        """As the driver's; it looks at each statement that it has not seen before, once it was answered."""
        self._has_failed |= prep is Prepare.SHOULD and not self._check_results(results)
        super().validate(key, prep, name, results)

    def clear(self) -> bool:
        """As the driver's, which calls it at each roll back; whether there is something to throw away."""
        if not self._has_failed:
            return False
        self._has_failed = False
        return super().clear()


def keep_prepared(connection: AsyncConnection[object]) -> None:
    """Have a new connection prepare what it is asked at once, and keep it."""
    connection._prepared = Prepared()
    connection.prepare_threshold = 0
