"""A migration that is killed at each of twenty points, under traffic, while the old code serves.

`python -m tests.proof.migrations_killed`: the tables stay as they were, the pages answer, and at the end the migration
goes through. It is the next version's, as `next_versions/` has it: tables are added and changed as ours are.
"""

import asyncio
import os
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import psycopg
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event

from migrations import alembic_config, upgrade
from teleconsult.embedded import DatabaseUrls, embedded_postgresql
from tests.proof.figures import Bound, Figure, limit, run
from tests.proof.wild_site import Within, asked, wild_site

POINTS: Final = 20
TIMES: Final = int(limit(3, 20))
SECONDS: Final = 50.0, 3600.0
NEXT: Final = Path(__file__).parent / "next_versions"
PAGES: Final = ("/", "/patients", "/consults/{0}", "/fhir/Patient", "/readyz")
SLOWEST: Final = 15.0
"""Seconds a page may wait for a table that is being changed: as long as for any statement."""
OTHERS: Final = "select 1 from pg_stat_activity where usename = current_user and pid <> pg_backend_pid()"
SHAPE: Final = """
select string_agg(table_name || '.' || column_name || ' ' || data_type, ', ' order by table_name, column_name)
from information_schema.columns where table_schema = 'public'
"""


def next_version(urls: DatabaseUrls) -> Config:
    """Alembic's settings with one migration more than there are."""
    config = alembic_config(urls.owner)
    ours = Path(ScriptDirectory.from_config(config).versions)
    config.set_main_option("version_locations", f"{ours} {NEXT}")
    config.set_main_option("version_path_separator", "space")
    return config


def migrate_and_die(urls: DatabaseUrls, point: int) -> bool:
    """Run it in a process of its own that is killed before its statement of that number; whether there was one."""
    process = os.fork()
    if not process:
        _migrate(urls, point)
    return os.WIFSIGNALED(os.waitpid(process, 0)[1])


def _migrate(urls: DatabaseUrls, point: int) -> None:
    """Never returns."""
    ran = 0

    def before(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        nonlocal ran
        begins = statement.lstrip().lower()
        if begins.startswith("create table next_thing"):
            ran = 0
        if begins.startswith(("select", "show")):
            return
        ran += 1
        if ran == point:
            time.sleep(0.2)  # so that what waits for its locks has come
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", before)
    try:
        upgrade(next_version(urls))
        os._exit(0)
    finally:
        os._exit(1)


class Traffic:
    """People at their pages, all the while."""

    def __init__(self, within: Within) -> None:
        self._within, self.statuses, self.slowest = within, Counter[int](), 0.0

    async def go_on(self) -> None:
        """Until it is cancelled."""
        headers = await self._within.headers(self._within.cast.specialist)
        while True:
            for page in PAGES:
                path = page.format(self._within.ids[0])
                given = {"Authorization": f"Bearer {self._within.bearer}"} if path.startswith("/fhir") else headers
                status, took = await asked(self._within.site.port, f"GET {path}", given)
                self.statuses[status] += 1
                self.slowest = max(self.slowest, took)


async def prove(folder: Path) -> Figure:
    """Kill at each point so many times; then let it through, with the old code still there."""
    figure = Figure("migration killed under traffic, old code serving", POINTS * TIMES, "kills")
    with embedded_postgresql(folder) as urls:
        async with wild_site(urls, folder) as within:
            traffic, bound = Traffic(within), Bound(*SECONDS)
            people = [asyncio.create_task(traffic.go_on()) for _ in range(2)]
            try:
                with psycopg.connect(urls.owner, autocommit=True) as owner:
                    await _kill(urls, owner, figure, bound)
                    await asyncio.to_thread(upgrade, next_version(urls))
                    await asyncio.sleep(2)  # the old code on the new tables
            finally:
                for person in people:
                    person.cancel()
            for status, number in sorted(traffic.statuses.items()):
                if status not in (200, 303):
                    figure.fault(f"{number} answers of {status or 'nothing'}")
            if traffic.slowest > SLOWEST:
                figure.fault(f"a page waited {traffic.slowest:.1f} s")
            for line in within.site.faults()[:5]:
                figure.fault(f"log: {line}")
            figure.found |= {"answers": traffic.statuses.total(), "slowest answer, s": round(traffic.slowest, 1)}
    return figure


async def _kill(urls: DatabaseUrls, owner: "psycopg.Connection[Any]", figure: Figure, bound: Bound) -> None:
    before = owner.execute(SHAPE).fetchone()
    for point in [point for _ in range(TIMES) for point in range(1, POINTS + 1)]:
        if bound.is_over:
            return
        if not await asyncio.to_thread(migrate_and_die, urls, point):
            figure.fault(f"it was not killed at {point}")
        figure.tried += 1
        for _ in range(200):  # its server process hears of its end in its own time
            if not owner.execute(OTHERS).fetchone():
                break
            await asyncio.sleep(0.02)
        if owner.execute(SHAPE).fetchone() != before:
            figure.fault(f"half a migration after {point}")


def main() -> list[Figure]:
    """The figure of one run."""
    with tempfile.TemporaryDirectory(prefix="teleconsult-proof-") as folder:
        return [asyncio.run(prove(Path(folder)))]


if __name__ == "__main__":
    run(main)
