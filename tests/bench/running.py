"""The product for a benchmark: a database of its own, the cast in it, one server, one worker."""

import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from migrations import migrate
from teleconsult.access import Purpose
from teleconsult.db import Sessions, make_engine, make_sessions, transaction
from teleconsult.embedded import DatabaseUrls, embedded_postgresql
from tests.browser.site import Site
from tests.people import Cast, bearer_of, make_cast

Fill = Callable[[DatabaseUrls, Cast], None]


@dataclass(frozen=True, slots=True)
class Installation:
    """What runs, and who is in it."""

    site: Site
    cast: Cast
    sessions: Sessions

    async def bearer(self, purpose: Purpose) -> str:
        """The rural doctor's, for an hour."""
        async with transaction(self.sessions) as session:
            return await bearer_of(session, self.cast.rural, purpose)


@asynccontextmanager
async def installation(
    fill: Fill | None = None,
    *,
    host: str = "127.0.0.1",
    inside: tuple[str, ...] = (),
    more: Mapping[str, str] | None = None,
) -> AsyncIterator[Installation]:
    """Ready to be asked; `fill` puts more into the database before the server starts; `host`, `inside` and `more` as
    `Site` has them.
    """
    with tempfile.TemporaryDirectory(prefix="teleconsult-bench-") as folder, embedded_postgresql(Path(folder)) as urls:
        migrate(urls.owner)
        engine = make_engine(urls.app)
        sessions = make_sessions(engine, acting="system")
        async with transaction(sessions) as session:
            cast = await make_cast(session)
        if fill is not None:
            began = time.monotonic()
            fill(urls, cast)
            print(f"filled in {time.monotonic() - began:.0f} s", flush=True)
        site = Site(urls, Path(folder) / "data", host=host, inside=inside, more=more)
        try:
            site.wait_until_ready()
            yield Installation(site, cast, sessions)
        finally:
            site.stop()
            await engine.dispose()
