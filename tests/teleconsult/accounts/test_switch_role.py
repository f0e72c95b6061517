"""Changing role: one's own alone, under a new token, remembered at the next sign-in, and told to the log."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts import Actor, actor_for_cookie
from teleconsult.accounts.models import Account
from teleconsult.accounts.roles import own_roles, switch_role
from teleconsult.accounts.sessions import first_role, require_open_session
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import PractitionerRole, RoleCode
from teleconsult.errors import NotFound, Unauthenticated
from teleconsult.settings import Settings
from tests.passkey_steps import fresh, signed_in
from tests.people import Cast


async def second_role(
    session: AsyncSession, cast: Cast, actor: Actor, *, code: RoleCode = RoleCode.DOCTOR
) -> PractitionerRole:
    """Another role of the actor's, at the provincial hospital, begun after the first."""
    assert actor.practitioner_id
    role = PractitionerRole(
        practitioner_id=actor.practitioner_id, organization_id=cast.organizations["provincial"].id, code=code
    )
    role.started_at = now() + timedelta(seconds=1)
    session.add(role)
    await session.flush()
    return role


async def test_it_goes_on_in_the_other_role_under_a_new_token(
    sessions: Sessions, settings: Settings, cast: Cast
) -> None:
    async with transaction(sessions) as session:
        role = await second_role(session, cast, cast.rural)
    entry = await signed_in(sessions, settings, cast.rural)
    assert entry.actor.role_id == cast.rural.role_id, "the first role is the one to begin in"
    async with transaction(sessions, entry.actor) as session:
        actor, token = await switch_role(session, entry.actor, role_id=role.id)
    assert (actor.role_id, actor.organization_id) == (role.id, role.organization_id)
    async with transaction(sessions) as session:
        assert await actor_for_cookie(session, settings, entry.token) is None
        with pytest.raises(Unauthenticated):
            await require_open_session(session, entry.actor)
        again = await actor_for_cookie(session, settings, token)
        event = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "role-switched"))).one()
    assert again is not None
    assert (again.role_id, again.factor_at) == (role.id, entry.actor.factor_at), "a change of role is no proof"
    assert (event.practitioner_role_id, event.detail["left"]) == (role.id, str(cast.rural.role_id))


async def test_the_next_sign_in_begins_in_the_role_last_in_force(
    sessions: Sessions, settings: Settings, cast: Cast
) -> None:
    async with transaction(sessions) as session:
        role = await second_role(session, cast, cast.rural)
    actor = await fresh(sessions, settings, cast.rural)
    async with transaction(sessions, actor) as session:
        await switch_role(session, actor, role_id=role.id)
    async with transaction(sessions) as session:
        account = await session.get_one(Account, actor.account_id)
        first = await first_role(session, account)
    assert first is not None
    assert first.id == role.id


async def test_anothers_role_or_one_that_is_over_is_not_there(
    sessions: Sessions, settings: Settings, cast: Cast
) -> None:
    async with transaction(sessions) as session:
        over = await second_role(session, cast, cast.rural)
        over.ended_at = now()
    actor = await fresh(sessions, settings, cast.rural)
    assert cast.specialist.role_id
    for role_id in (cast.specialist.role_id, over.id, cast.patient.id):
        with pytest.raises(NotFound):
            async with transaction(sessions, actor) as session:
                await switch_role(session, actor, role_id=role_id)
    async with transaction(sessions) as session:
        await require_open_session(session, actor)
        assert await session.scalar(select(func.count()).where(AuditEvent.action == "role-switched")) == 0


async def test_only_who_has_another_role_is_told_of_it(sessions: Sessions, settings: Settings, cast: Cast) -> None:
    entry = await signed_in(sessions, settings, cast.rural)
    async with transaction(sessions) as session:
        alone = await actor_for_cookie(session, settings, entry.token)
        role = await second_role(session, cast, cast.rural)
        with_two = await actor_for_cookie(session, settings, entry.token)
        await session.execute(update(PractitionerRole).where(PractitionerRole.id == role.id).values(ended_at=now()))
        after = await actor_for_cookie(session, settings, entry.token)
    assert alone is not None
    assert with_two is not None
    assert after is not None
    assert [alone.has_other_roles, with_two.has_other_roles, after.has_other_roles] == [False, True, False]


async def test_the_list_holds_ones_own_that_have_not_ended(db: AsyncSession, cast: Cast) -> None:
    role = await second_role(db, cast, cast.rural)
    assert {own.id for own in await own_roles(db, cast.rural)} == {role.id, cast.rural.role_id}
    role.ended_at = now()
    await db.flush()
    assert {own.id for own in await own_roles(db, cast.rural)} == {cast.rural.role_id}
