"""A sender of the rural health centre, on this machine."""

from collections.abc import Awaitable, Callable

import pytest

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.hl7v2.models import Hl7Sender
from teleconsult.hl7v2.receiving import Connection, receive
from tests.people import Cast

Send = Callable[..., Awaitable[str]]


@pytest.fixture
async def sender(cast: Cast, sessions: Sessions) -> Hl7Sender:
    async with transaction(sessions) as session:
        kept = Hl7Sender(
            organization_id=cast.patient.organization_id, name="Laboratory", facility="HOSP", created_at=now()
        )
        session.add(kept)
    return kept


@pytest.fixture
def send(sender: Hl7Sender, sessions: Sessions) -> Send:
    """`await send(content)`: the answer, as text."""

    async def _send(content: bytes, certificate: bytes | None = None) -> str:
        return (await receive(sessions, Connection(certificate), content)).decode()

    return _send
