"""The database's own history. `migrate` brings it to this version's tables, as the owner's role."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy.exc import OperationalError

if TYPE_CHECKING:
    from alembic.config import Config

ATTEMPTS: Final = 10
PAUSE: Final = 0.5
"""Seconds between two, in which those who waited have their turn."""


def migrate(owner_url: str, *, revision: str = "head") -> None:
    """Run every migration not yet run, in one transaction. Raises what the database raises; nothing is half done."""
    upgrade(alembic_config(owner_url), revision)


def upgrade(config: "Config", revision: str = "head") -> None:
    """The same with these settings. The version before serves meanwhile: where the two wait for each other's tables,
    the database ends one of them; when it was this, it is begun anew.
    """
    from alembic import command  # a server and a worker, which start far more often, have no use for it

    for again in range(ATTEMPTS - 1, -1, -1):
        try:
            return command.upgrade(config, revision)
        except OperationalError as error:
            if not (again and isinstance(error.orig, DeadlockDetected | LockNotAvailable)):
                raise
        time.sleep(PAUSE)
    return None


def alembic_config(owner_url: str) -> "Config":
    """Alembic's settings, for `owner_url` (the role that owns the tables)."""
    from alembic.config import Config  # as above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["url"] = owner_url
    return config
