"""What somebody does who has the app's user and its database password, and wants nothing to be left."""

import os
import time
from contextlib import suppress
from pathlib import Path

import psycopg
from psycopg import sql

from teleconsult.accounts.actor import SYSTEM

TABLES = """
select format('%I.%I', schemaname, tablename), array(select attname::text from pg_attribute
  where attrelid = format('%I.%I', schemaname, tablename)::regclass and attnum > 0 and not attisdropped)
from pg_tables where schemaname not in ('pg_catalog', 'information_schema') order by 1
"""


def destroy(folder: Path, url: str, seconds: float) -> str:
    """Files first, then every row, until nothing more gives way or the time is over; how much, in words."""
    end = time.monotonic() + seconds
    files = _files(folder, end)
    rows, refused = _rows(url, end)
    return f"{files} files, {rows} rows, {refused} statements refused"


def _files(folder: Path, end: float) -> int:
    gone = 0
    for place, folders, files in os.walk(folder, topdown=False):
        for name in files:
            path = Path(place) / name
            with suppress(OSError):
                with path.open("r+b") as file:
                    size = min(path.stat().st_size, 1 << 20)
                    file.write(os.urandom(size))
                    file.truncate(size)
                path = path.rename(path.with_name(f"{name[:200]}.locked"))
                path.unlink()
                gone += 1
            if time.monotonic() > end:
                return gone
        for name in folders:
            with suppress(OSError):
                (Path(place) / name).rmdir()
    return gone


def _rows(url: str, end: float) -> tuple[int, int]:
    """As the app, with all that the app may see; again and again, since what is referred to goes last."""
    gone = refused = 0
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute("set statement_timeout = '5s'")
        connection.execute("select set_config('teleconsult.acting', %s, false)", [SYSTEM.acting])
        tables = connection.execute(TABLES).fetchall()

        def tried(statement: str) -> int:
            nonlocal refused
            try:
                return max(connection.execute(statement.encode()).rowcount, 0)
            except psycopg.Error:
                refused += 1
                return 0

        name = sql.Identifier(connection.info.dbname).as_string(connection)
        for statement in (
            f"drop database {name}", "drop schema public cascade", "drop owned by current_user cascade",
            "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()",
            "alter system set fsync = off", "set session_replication_role = replica", "drop role teleconsult_owner",
            "select pg_drop_replication_slot(slot_name) from pg_replication_slots", "reset role",
            "copy (select '') to program 'true'", "select pg_switch_wal()",
        ):  # fmt: skip
            tried(statement)
        is_first = True
        while time.monotonic() < end:
            before = gone
            for table, columns in tables:
                if is_first:
                    for statement in (
                        "truncate {} cascade",
                        "drop table {} cascade",
                        "alter table {} disable trigger all",
                    ):
                        tried(statement.format(table))
                gone += tried(f"delete from {table}")
                for column in columns if is_first else ():
                    quoted = sql.Identifier(column).as_string(connection)
                    gone += tried(f"update {table} set {quoted} = default") or tried(
                        f"update {table} set {quoted} = null"
                    )
                if time.monotonic() > end:
                    break
            is_first = False
            if gone == before:
                break
    return gone, refused
