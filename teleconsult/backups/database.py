"""The database's part: a base backup, and the write-ahead log from then on, by PostgreSQL's own programs.

A replication slot keeps the server from throwing away log that was not fetched; `LIMIT` keeps the slot from filling
the disk where nobody fetches any more: then the next run makes a new base.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import psycopg

from teleconsult.backups.segments import SEGMENT, end_of
from teleconsult.embedded import programs

SLOT: Final = "teleconsult_backup"
PATIENCE: Final = 600
"""Seconds that fetching the log may take."""


class DatabaseRefused(Exception):
    """PostgreSQL's own words why it could not be copied."""


def connect(url: str) -> psycopg.Connection:
    """As the role that copies."""
    return psycopg.connect(url, autocommit=True, connect_timeout=5)


def has_slot(connection: psycopg.Connection) -> bool:
    """Whether all log since the last run is still there. A slot that lost some is dropped."""
    row = connection.execute("select wal_status from pg_replication_slots where slot_name = %s", [SLOT]).fetchone()
    if row is not None and row[0] in ("lost", None):
        connection.execute("select pg_drop_replication_slot(%s)", [SLOT])
        return False
    return row is not None


def make_slot(connection: psycopg.Connection) -> None:
    """From now on the log is kept until it was fetched."""
    connection.execute("select pg_create_physical_replication_slot(%s, true)", [SLOT])


def current_segment(connection: psycopg.Connection) -> str:
    """The segment that is being written."""
    (name,) = connection.execute("select pg_walfile_name(pg_current_wal_lsn())").fetchone() or ("",)
    return str(name)


def close_segment(connection: psycopg.Connection) -> str:
    """Begin a new segment: all that was committed until now stands in those up to the one that is returned."""
    (name,) = connection.execute("select pg_walfile_name(pg_switch_wal() - 1)").fetchone() or ("",)
    return str(name)


def forget_until(connection: psycopg.Connection, segment: str) -> None:
    """Allow the server to throw away the log up to the end of a segment that is held elsewhere."""
    connection.execute(
        "select pg_replication_slot_advance(slot_name, %s::pg_lsn) from pg_replication_slots"
        " where slot_name = %s and restart_lsn < %s::pg_lsn",
        [end_of(segment), SLOT, end_of(segment)],
    )


@contextmanager
def base_backup(url: str) -> Iterator[IO[bytes]]:
    """The whole cluster as a tar stream, compressed by gzip, with the log that makes it whole."""
    command = ["pg_basebackup", "-d", url, "-D", "-", "-F", "t", "-X", "fetch", "-c", "fast", "-Z", "client-gzip:1"]
    with (
        subprocess.Popen(  # noqa: S603  (PostgreSQL's own)
            [str(programs() / command[0]), *command[1:], "--no-password"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process
    ):
        assert process.stdout and process.stderr
        try:
            yield process.stdout
        except BaseException:
            process.kill()
            raise
        said = process.stderr.read().decode(errors="replace")
        if process.wait():
            raise DatabaseRefused(said.strip())


def fetch_log(url: str, until: str, spool: Path) -> list[str]:
    """Have all segments up to `until`, whole, in the folder `spool`; their names."""
    spool.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (spool / until).exists():
        _receive(url, until, spool)
    return sorted(path.name for path in spool.iterdir() if SEGMENT.fullmatch(path.name) and path.name <= until)


def _receive(url: str, until: str, spool: Path) -> None:
    high, low = (int(part, 16) for part in end_of(until).split("/"))
    last = (high << 32 | low) - 1
    endpos = f"{last >> 32:X}/{last & 0xFFFF_FFFF:X}"
    done = subprocess.run(  # noqa: S603  (PostgreSQL's own)
        [
            *(str(programs() / "pg_receivewal"), "-d", url, "-D", str(spool), "-S", SLOT),
            *("--endpos", endpos, "--no-loop", "--no-password"),
        ],
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode or not (spool / until).exists():
        raise DatabaseRefused(done.stderr.decode(errors="replace").strip() or f"{until} did not come")
