"""Which systems may send: set by the establishment's administrators alone."""

import uuid
from pathlib import Path

import pytest
from sqlalchemy import select

from teleconsult.accounts.actor import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Conflict, Invalid, NotFound
from teleconsult.hl7v2.models import Hl7Sender
from teleconsult.hl7v2.senders import add_sender, mark_seen, messages_to_look_at, senders_here, switch_sender
from tests.people import Cast
from tests.teleconsult.hl7v2.conftest import Send
from tests.teleconsult.hl7v2.messages import result
from tests.teleconsult.hl7v2.test_listener import make_authority


async def add(sessions: Sessions, actor: Actor, **changes: str) -> Hl7Sender:
    async with transaction(sessions, actor) as session:
        return await add_sender(session, actor, **({"name": " Lab ", "facility": "CHU"} | changes))


async def test_it_is_added_once_turned_off_and_on(cast: Cast, sessions: Sessions, tmp_path: Path) -> None:
    make_authority(tmp_path)
    sender = await add(sessions, cast.admin, certificate=(tmp_path / "ca.pem").read_text())
    assert (sender.name, sender.organization_id) == ("Lab", cast.admin.organization_id)
    assert len(sender.certificate_sha256 or b"") == 32
    with pytest.raises(Conflict):
        await add(sessions, cast.admin, certificate=(tmp_path / "ca.pem").read_text())
    for is_on in (False, False, True):
        async with transaction(sessions, cast.admin) as session:
            await switch_sender(session, cast.admin, sender_id=sender.id, is_on=is_on)
            (known,) = await senders_here(session, cast.admin)
            assert (known.disabled_at is None) is is_on
    async with transaction(sessions) as session:
        actions = (await session.scalars(select(AuditEvent.action).order_by(AuditEvent.recorded_at))).all()
    assert actions == ["hl7-sender-added", "hl7-sender-disabled", "hl7-sender-enabled"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 101),
        ("facility", ""),
        ("facility", "A^B"),
        ("certificate", "mine"),
        ("certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
    ],
)
async def test_what_is_wrong_is_said(cast: Cast, sessions: Sessions, field: str, value: str) -> None:
    with pytest.raises(Invalid) as caught:
        await add(sessions, cast.admin, **{field: value})
    assert set(caught.value.fields) == {field}


@pytest.mark.parametrize("who", ["rural", "coordinator", "secretary", "privacy", "operator"])
async def test_nobody_else_may(cast: Cast, sessions: Sessions, who: str) -> None:
    with pytest.raises(NotFound):
        await add(sessions, getattr(cast, who))


async def test_another_establishments_are_not_there(
    cast: Cast, sessions: Sessions, sender: Hl7Sender, send: Send
) -> None:
    """The fixture's sender is the rural centre's; the cast's administrator is the tertiary hospital's."""
    await send(result())
    async with transaction(sessions, cast.admin) as session:
        assert not await senders_here(session, cast.admin)
        assert not await messages_to_look_at(session, cast.admin)
        for act in (
            switch_sender(session, cast.admin, sender_id=sender.id, is_on=False),
            mark_seen(session, cast.admin, message_id=uuid.uuid4()),
        ):
            with pytest.raises(NotFound):
                await act
