"""What an installation that others reach must not be started with, each in a sentence that says what to do.

Production is what people reach by an address that is not this machine’s own, but for a demonstration (`run --demo`).
"""

import os
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg

from teleconsult import local_authority
from teleconsult.audit.checkpoints import folder_of
from teleconsult.audit.signing import PRIVATE
from teleconsult.settings import LOOPBACK, PREFIX, Settings

KNOWN: Final = (
    "changeme",
    "change-me",
    "default",
    "example",
    "password",
    "secret",
    "teleconsult",
    "test",
    "0123456789",
)
"""What a secret that somebody copied from somewhere is made of."""
DISTINCT: Final = 10
"""Characters a random text of 32 has at the least, in any alphabet that is used: hexadecimal has some 14."""
SHARED_LENGTH: Final = 16
CONTAINERS: Final = Path("/run/secrets")
"""Where containers are handed secrets: there is no other user in one who could read them."""
PATIENCE: Final = 30
"""Seconds that the database may take to answer at a start."""

DATABASE: Final = """
select current_setting('fsync') = 'off', current_setting('synchronous_commit') = 'off', rolsuper, rolbypassrls,
  exists (select from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace
    and pg_has_role(current_user, relowner, 'usage'))
from pg_roles where rolname = current_user
"""


def is_production(settings: Settings) -> bool:
    """Whether others than the people at this machine are to use it."""
    return urlsplit(settings.base_url).hostname not in LOOPBACK


def faults(settings: Settings) -> list[str]:
    """Why it must not start; nothing where it may. Asks the database, where its address is known."""
    found = [*_secrets(settings), *_debugging(settings), *_files(settings)]
    return [*found, *_database(settings.database_url)] if settings.database_url else found


def _secrets(settings: Settings) -> Iterator[str]:
    if _is_guessable(settings.secret_key):
        yield (
            "TELECONSULT_SECRET_KEY can be guessed, and with it every stored key opened:"
            " make one with `openssl rand -base64 36`."
        )
    for name, value in (("TURN_SECRET", settings.turn_secret), ("JANUS_SECRET", settings.janus_secret)):
        if value and (len(value) < SHARED_LENGTH or _is_guessable(value)):
            yield (
                f"{PREFIX}{name} is short or can be guessed, and others could use our media servers:"
                " make one with `openssl rand -base64 36`."
            )


def _is_guessable(value: str) -> bool:
    rest = value.lower()
    for word in KNOWN:
        rest = rest.replace(word, "")
    return len(rest) < len(value) / 2 or len(set(value)) < DISTINCT


def _debugging(settings: Settings) -> Iterator[str]:
    if settings.log_level.upper() == "DEBUG":
        yield "TELECONSULT_LOG_LEVEL is DEBUG, and what people write could end in logs: set it to INFO."
    if sys.flags.dev_mode or os.environ.get("PYTHONASYNCIODEBUG"):
        yield "Python runs in its development mode and tells much: unset PYTHONDEVMODE and PYTHONASYNCIODEBUG."


def _files(settings: Settings) -> Iterator[str]:
    own = [
        settings.data / "secret-key",
        settings.tls_key,
        settings.data / local_authority.FOLDER / local_authority.KEY,
        settings.secure_mail_key,
        folder_of(settings) / PRIVATE,
        *(Path(path) for path in _secret_files()),
    ]
    for path in dict.fromkeys(path for path in own if path is not None):
        if path.parent != CONTAINERS and _is_open_to_all(path):
            yield f"Everybody on this machine can read {path}, which is secret: `chmod 600 {path}`."


def _secret_files() -> Iterator[str]:
    """Whatever is handed over in a file is handed over in one because it is secret."""
    for name in Settings.model_fields:
        path = os.environ.get(f"{PREFIX}{name.upper()}_FILE")
        if path:
            yield path


def _is_open_to_all(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def _database(url: str) -> Iterator[str]:
    try:
        no_fsync, no_wait, is_super, bypasses, owns = _told(url)
    except psycopg.Error:
        yield f"The database did not answer within {PATIENCE} seconds, so nobody knows how it keeps what it is given."
        return
    if no_fsync:
        yield "PostgreSQL runs with fsync=off and loses signed notes with the power: set fsync=on."
    if no_wait:
        yield "PostgreSQL runs with synchronous_commit=off and forgets what it answered for: set it to on."
    if is_super or bypasses:
        yield (
            "TELECONSULT_DATABASE_URL names a superuser, for whom no wall of the database stands:"
            " name the app’s own role (deploy/postgres-roles.sh makes it)."
        )
    elif owns:
        yield (
            "TELECONSULT_DATABASE_URL names the owner of the tables, who could change signed notes and the audit log:"
            " name the app’s own role, and keep the owner for TELECONSULT_MIGRATION_DATABASE_URL."
        )


def _told(url: str) -> tuple[bool, bool, bool, bool, bool]:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with psycopg.connect(url, connect_timeout=5) as connection:
                row = connection.execute(DATABASE).fetchone()
                assert row is not None
                return row[0], row[1], row[2], row[3], row[4]
        except psycopg.Error:
            if time.monotonic() >= end:
                raise
            time.sleep(1)
