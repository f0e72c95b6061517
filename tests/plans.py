"""How PostgreSQL goes about a question."""

import re

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.db import driver_connection


async def plan_of(session: AsyncSession, statement: str) -> str:
    """The plan that a connection keeps of it, for all values; the statement is as SQLAlchemy hands it to the driver."""
    places = dict[str, int]()

    def place(named: re.Match[str]) -> str:
        return f"${places.setdefault(named[1], len(places) + 1)}"

    numbered = re.sub(r"%\((\w+)\)s", place, statement).replace("%%", "%")
    driver = await driver_connection(session)
    lines = await driver.execute(f"explain (generic_plan) {numbered}".encode(), prepare=False)
    return "\n".join(line for (line,) in await lines.fetchall())
