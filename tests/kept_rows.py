"""What many tests begin with is made once by a worker and put back for each of them: rows, files, and their objects."""

import contextlib
import pickle
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import psycopg
from psycopg.rows import TupleRow

from teleconsult.tables import metadata

TABLES: Final = [*(table.name for table in metadata.sorted_tables), "procrastinate_events", "procrastinate_jobs"]
WRITTEN: Final = """
select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
where attrelid = %s::regclass and attnum > 0 and not attisdropped and attgenerated = ''
"""


Things = TypeVar("Things")


@dataclass(frozen=True)
class _Kept:
    things: bytes
    files: Path | None
    until: float


class KeptRows:
    """The rows of a worker's database: swept, and put back as they once stood."""

    def __init__(self, superuser: psycopg.Connection[TupleRow], folder: Path) -> None:
        """`superuser` goes past the triggers that keep notes and audit; files are kept in `folder`."""
        self._superuser, self._folder = superuser, folder
        self._kept: dict[str, _Kept] = {}
        # few rows: deleting them is ten times faster than truncating, which makes new files
        self._deletes = " ".join(f'delete from "{table}";' for table in TABLES)
        self._define("sweep", self._deletes)

    def sweep(self) -> None:
        """Leave no row."""
        for _attempt in range(30):
            # what a test broke off may still hold its rows
            self._superuser.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
                " and state like 'idle in transaction%' and pid <> pg_backend_pid()"
            )
            with contextlib.suppress(psycopg.errors.LockNotAvailable):
                self._superuser.execute("select pg_temp.sweep()")
                return
        raise AssertionError("the rows of an earlier test are held by something that goes on")

    async def begin(
        self,
        name: str,
        make: Callable[[], Awaitable[Things]],
        *,
        on: str = "cast",
        files: Path | None = None,
        seconds: float = 3600,
    ) -> Things:
        """What `make` makes on the rows begun before under the name `on`, with all rows that then stand and no others
        (and with what is in the folder `files`). It is made anew once older than so many seconds: its times count
        from when it was made.
        """
        kept = self._kept.get(name)
        if kept is None or kept.until < time.monotonic():
            if on:
                self._put_back(on)
            things = await make()
            self._keep(name, things, files, seconds)
            return things
        self._put_back(name)
        if kept.files and files:
            shutil.copytree(kept.files, files, dirs_exist_ok=True)
        put_back: Things = pickle.loads(kept.things)
        return put_back

    def _keep(self, name: str, things: object, files: Path | None, seconds: float) -> None:
        inserts = ""
        for place, table in enumerate(TABLES):
            copy = f"kept_{name}_{place}"
            self._superuser.execute(f'drop table if exists "{copy}"')
            if self._superuser.execute(f'select from "{table}" limit 1').rowcount:
                self._superuser.execute(f'create temp table "{copy}" as table "{table}"')
                (columns,) = self._superuser.execute(WRITTEN, [f'"{table}"']).fetchone() or ("",)
                inserts += f'insert into "{table}" ({columns}) overriding system value select {columns} from "{copy}";'
        self._define(f"put_back_{name}", self._deletes + inserts)
        kept_files = self._folder / name if files else None
        if kept_files and files:
            shutil.rmtree(kept_files, ignore_errors=True)
            shutil.copytree(files, kept_files)
        self._kept[name] = _Kept(pickle.dumps(things), kept_files, time.monotonic() + seconds)

    def _put_back(self, name: str) -> None:
        self._superuser.execute(f"select pg_temp.put_back_{name}()")

    def _define(self, function: str, statements: str) -> None:
        """A function, so that all of it is planned once."""
        self._superuser.execute(
            f"create or replace function pg_temp.{function}() returns void language plpgsql"
            f" as $$begin {statements} end$$"
        )
