"""The requester takes an excerpt back; it also ends by itself, a set time after the consult closed."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consults.queries import consult_for
from teleconsult.consults.triage import cancel_consult
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Forbidden, Invalid, NotFound, Refused
from teleconsult.excerpts.models import Excerpt
from teleconsult.excerpts.queries import excerpt_for
from teleconsult.excerpts.revoking import let_expire, revoke_excerpt
from tests import consult_steps
from tests.people import Cast

REASON = "The wrong file was chosen."


async def test_no_specialist_reads_it_any_more(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions, cast.rural) as session:
        await revoke_excerpt(session, cast.rural, consult_id=consult.id, reason=f" {REASON} ")
    async with transaction(sessions, cast.specialist) as session:
        with pytest.raises(Refused):
            await excerpt_for(session, cast.specialist, consult.id)
        assert await shared(session, cast.specialist) == 0
        assert await consult_for(session, cast.specialist, consult.id), "the consult goes on"
    async with transaction(sessions, cast.rural) as session:
        excerpt = await excerpt_for(session, cast.rural, consult.id)
        assert (excerpt.revoke_reason, excerpt.revoked_by_id) == (REASON, cast.rural.role_id)
    async with transaction(sessions) as session:
        event = await session.scalar(select(AuditEvent).where(AuditEvent.action == "excerpt-revoked"))
        assert event is not None
        assert (event.entity_id, event.patient_id) == (consult.id, cast.patient.id)


@pytest.mark.parametrize(
    ("who", "error"),
    [
        ("specialist", Forbidden),
        ("coordinator", Forbidden),
        ("colleague", NotFound),
        ("nurse", NotFound),
        ("stranger", NotFound),
        ("admin", NotFound),
    ],
)
async def test_nobody_but_the_requester(cast: Cast, sessions: Sessions, who: str, error: type[Exception]) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    actor = getattr(cast, who)
    async with transaction(sessions, actor) as session:
        with pytest.raises(error):
            await revoke_excerpt(session, actor, consult_id=consult.id, reason=REASON)


async def test_it_needs_a_reason_and_is_done_once(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions, cast.rural) as session:
        with pytest.raises(Invalid):
            await revoke_excerpt(session, cast.rural, consult_id=consult.id, reason=" ")
        await revoke_excerpt(session, cast.rural, consult_id=consult.id, reason=REASON)
        with pytest.raises(Refused):
            await revoke_excerpt(session, cast.rural, consult_id=consult.id, reason=REASON)


async def test_a_draft_and_a_cancelled_consult_share_nothing(cast: Cast, sessions: Sessions) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    cancelled = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions, cast.rural) as session:
        await cancel_consult(session, cast.rural, consult_id=cancelled.id, reason="Better")
    async with transaction(sessions, cast.rural) as session:
        for consult in (draft, cancelled):
            with pytest.raises(Refused):
                await revoke_excerpt(session, cast.rural, consult_id=consult.id, reason=REASON)


async def test_a_closed_consult_shares_for_a_while(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions) as session:
        await let_expire(session, consult_id=consult.id, after=timedelta(days=30))
        excerpt = await session.scalar(select(Excerpt).execution_options(populate_existing=True))
        assert excerpt is not None
        assert excerpt.expires_at is not None
        assert abs(excerpt.expires_at - now() - timedelta(days=30)) < timedelta(minutes=1)
        assert await shared(session, cast.specialist) == 1
        await let_expire(session, consult_id=consult.id, after=timedelta(0))
        assert await shared(session, cast.specialist) == 0
        with pytest.raises(Refused):
            await excerpt_for(session, cast.specialist, consult.id)


async def shared(session: AsyncSession, actor: Actor) -> int:
    """How many excerpts are shared with the actor."""
    count = select(func.count()).select_from(Excerpt).where(rows.shared_excerpts(actor))
    return (await session.scalars(count)).one()
