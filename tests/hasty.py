"""Rows that are made before anything is measured or killed: what they cost is nobody's figure."""

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

from teleconsult.db import make_engine


def hasty_engine(url: str, *, pool_size: int = 10) -> AsyncEngine:
    """An engine whose commits do not wait for the disk: twenty lead to a draft."""
    engine = make_engine(url, pool_size=pool_size)

    @event.listens_for(engine.sync_engine, "connect")
    def hurry(connection: "object", _entry: ConnectionPoolEntry) -> None:
        with connection.cursor() as cursor:  # type: ignore[attr-defined]  # of whichever driver
            cursor.execute("set synchronous_commit = off")
        connection.commit()  # type: ignore[attr-defined]

    return engine
