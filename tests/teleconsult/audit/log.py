"""A log to look at: how a test asks whether it is whole, and how a superuser gets past the walls."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from teleconsult.accounts.actor import SYSTEM
from teleconsult.audit.verifying import Verdict, verify
from teleconsult.db import Sessions, act_as
from teleconsult.embedded import DatabaseUrls

NOWHERE = Path("/nonexistent")


async def verdict_of(sessions: Sessions, folder: Path = NOWHERE) -> Verdict:
    """What a check of the whole log says, with the checkpoints of `folder`."""
    async with sessions() as session:
        await act_as(session, SYSTEM)
        return await verify(session, folder)


@contextmanager
def past_the_walls(superuser_url: str, database: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    """A superuser's connection on this test's database, with every trigger off."""
    name = psycopg.conninfo.conninfo_to_dict(database.app)["dbname"]
    url = psycopg.conninfo.make_conninfo(superuser_url, dbname=name)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("set time zone 'UTC'")
        yield connection
