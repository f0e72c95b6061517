"""The world of the authorization matrix, and the site with its own filters and without."""

import pytest
from sqlalchemy import true

from teleconsult.access.rows import seam
from teleconsult.db import Sessions
from teleconsult.settings import Settings
from tests.house.world import World, make_world
from tests.kept_rows import KeptRows
from tests.people import Cast


@pytest.fixture
async def world(cast: Cast, sessions: Sessions, settings: Settings, kept_rows: KeptRows) -> World:
    """One of everything."""

    async def made() -> tuple[World, dict[str, str]]:
        return await make_world(cast, sessions, settings), cast.emails

    world, emails = await kept_rows.begin("world", made, files=settings.data, seconds=300)
    cast.emails.update(emails)
    return world


@pytest.fixture(params=["filters-on", "filters-off"])
def filters(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The application as it is; then with every row filter open, so that the database stands alone."""
    if request.param == "filters-off":
        open_filters(monkeypatch)
    return str(request.param)


@pytest.fixture
def no_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    """The site with every row filter open, so that the database stands alone."""
    open_filters(monkeypatch)


def open_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the application's own conditions on rows hold for every row."""
    monkeypatch.setattr(seam, "_wall", lambda _condition: true())
