"""Where one is signed in: one's own browsers alone, and ending them."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from teleconsult.accounts import actor_for_cookie
from teleconsult.accounts.models import WebSession
from teleconsult.accounts.own_sessions import end_other_sessions, end_own_session, own_sessions
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import NotFound
from teleconsult.settings import Settings
from tests.passkey_steps import fresh, signed_in
from tests.people import Cast


async def test_the_list_holds_ones_own_open_sessions(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    here, there = await fresh(sessions, settings, cast.rural), await fresh(sessions, settings, cast.rural)
    idle, over = await fresh(sessions, settings, cast.rural), await fresh(sessions, settings, cast.rural)
    await fresh(sessions, settings, cast.colleague)
    async with transaction(sessions) as session:
        (await session.get_one(WebSession, idle.session_id)).last_seen_at -= timedelta(
            minutes=settings.session_idle_minutes
        )
        (await session.get_one(WebSession, over.session_id)).expires_at = now()
    async with transaction(sessions, here) as session:
        listed = await own_sessions(session, settings, here)
    assert [kept.id for kept in listed] == [there.session_id, here.session_id]
    assert listed[0].role.organization.name == cast.rural.organization_name


async def test_one_is_ended(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    here, there = await fresh(sessions, settings, cast.rural), await signed_in(sessions, settings, cast.rural)
    assert there.actor.session_id
    async with transaction(sessions, here) as session:
        await end_own_session(session, here, session_id=there.actor.session_id)
    async with transaction(sessions) as session:
        assert await actor_for_cookie(session, settings, there.token) is None
        event = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "session-ended"))).one()
    assert (event.account_id, event.detail["ended"]) == (here.account_id, str(there.actor.session_id))
    with pytest.raises(NotFound):
        async with transaction(sessions, here) as session:
            await end_own_session(session, here, session_id=there.actor.session_id)


async def test_anothers_is_not_there(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    here, other = await fresh(sessions, settings, cast.rural), await signed_in(sessions, settings, cast.colleague)
    assert other.actor.session_id
    with pytest.raises(NotFound):
        async with transaction(sessions, here) as session:
            await end_own_session(session, here, session_id=other.actor.session_id)
    async with transaction(sessions) as session:
        assert await actor_for_cookie(session, settings, other.token) is not None


async def test_all_others_are_ended_and_this_one_stays(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    here = await signed_in(sessions, settings, cast.rural)
    others = [await signed_in(sessions, settings, cast.rural) for _ in range(2)]
    stranger = await signed_in(sessions, settings, cast.colleague)
    async with transaction(sessions, here.actor) as session:
        assert await end_other_sessions(session, here.actor) == 2
        assert await end_other_sessions(session, here.actor) == 0
    async with transaction(sessions) as session:
        for entry in others:
            assert await actor_for_cookie(session, settings, entry.token) is None
        for entry in (here, stranger):
            assert await actor_for_cookie(session, settings, entry.token) is not None
        ended = await session.scalars(select(AuditEvent.detail).where(AuditEvent.action == "other-sessions-ended"))
        assert [detail["sessions"] for detail in ended] == [2]
