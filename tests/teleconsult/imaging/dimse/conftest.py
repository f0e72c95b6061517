"""A scanner of the rural health centre on this machine, and the door it sends to."""

from collections.abc import AsyncIterator

import pytest

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.dimse.committing import Desk
from teleconsult.imaging.dimse.listener import Door
from teleconsult.imaging.dimse.models import DicomPeer
from teleconsult.imaging.dimse.recognising import Hall
from teleconsult.imaging.receiving import Receiver
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.objects import Objects, open_store
from teleconsult.settings import Settings
from tests.people import Cast
from tests.teleconsult.imaging.dimse.scanner import HOST, Scanner


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    readers = Sandbox(workers=1)
    yield readers
    await readers.close()


@pytest.fixture
async def peer(cast: Cast, sessions: Sessions) -> DicomPeer:
    async with transaction(sessions) as session:
        kept = DicomPeer(
            organization_id=cast.rural.organization_id,
            name="Scanner 1",
            ae_title="CT1",
            network=f"{HOST}/32",
            created_at=now(),
        )
        session.add(kept)
    return kept


@pytest.fixture
def hall(settings: Settings, sessions: Sessions, sandbox: Sandbox) -> Hall:
    objects = Objects(open_store(None, settings.data))
    receiver = Receiver(sessions=sessions, objects=objects, sandbox=sandbox, file_limit=4 * 1024 * 1024)
    desk = Desk(sessions, objects, sandbox, "TELECONSULT")
    return Hall(sessions, receiver, desk, ae_title="TELECONSULT", data=settings.data, file_limit=4 * 1024 * 1024)


@pytest.fixture
async def scanner(hall: Hall) -> AsyncIterator[Scanner]:
    """Something that speaks to the open door; who it says it is, and whether it is known, is the test's."""
    async with Door(hall).opened(HOST, 0, None) as server:
        yield Scanner(server.sockets[0].getsockname()[1])
