"""Giving and ending roles."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from teleconsult.accounts import Actor
from teleconsult.accounts.models import WebSession
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import PractitionerRole, RoleCode, Specialty
from teleconsult.directory.roles import add_role, end_role
from teleconsult.errors import Conflict, Forbidden, Invalid, NotFound, Refused, StepUpNeeded
from tests.people import Cast
from tests.teleconsult.directory.steps import audited, reload


async def open_session_of(sessions: Sessions, actor: Actor) -> WebSession:
    """A browser signed in as that person."""
    moment = now()
    async with transaction(sessions) as session:
        kept = WebSession(
            token_hash=str(actor.role_id).encode(),
            account_id=actor.account_id,
            practitioner_role_id=actor.role_id,
            created_at=moment,
            last_seen_at=moment,
            expires_at=moment + timedelta(hours=1),
            factor_at=moment,
        )
        session.add(kept)
    return kept


async def test_a_role_is_given(sessions: Sessions, cast: Cast, admin: Actor) -> None:
    assert cast.specialist.practitioner_id
    async with transaction(sessions, admin) as session:
        role = await add_role(
            session, admin, practitioner_id=cast.specialist.practitioner_id, code=RoleCode.COORDINATOR, specialty=None
        )
    assert (role.organization_id, role.ended_at) == (admin.organization_id, None)
    (event,) = await audited(sessions, "role-added")
    assert event.detail["code"] == "coordinator"
    with pytest.raises(Conflict):
        async with transaction(sessions, admin) as session:
            await add_role(
                session,
                admin,
                practitioner_id=cast.specialist.practitioner_id,
                code=RoleCode.COORDINATOR,
                specialty=None,
            )


async def test_an_ended_role_ends_its_sessions_and_can_begin_again(
    sessions: Sessions, cast: Cast, admin: Actor
) -> None:
    assert cast.oncall.role_id
    assert cast.oncall.practitioner_id
    kept = await open_session_of(sessions, cast.oncall)
    other = await open_session_of(sessions, cast.specialist)
    async with transaction(sessions, admin) as session:
        await end_role(session, admin, role_id=cast.oncall.role_id)
    assert (await reload(sessions, WebSession, kept.id)).ended_at
    assert not (await reload(sessions, WebSession, other.id)).ended_at
    with pytest.raises(Refused):
        async with transaction(sessions, admin) as session:
            await end_role(session, admin, role_id=cast.oncall.role_id)
    async with transaction(sessions, admin) as session:
        again = await add_role(
            session,
            admin,
            practitioner_id=cast.oncall.practitioner_id,
            code=RoleCode.SPECIALIST,
            specialty=Specialty.NEUROLOGY,
        )
    assert (again.id, again.ended_at, again.specialty) == (cast.oncall.role_id, None, Specialty.NEUROLOGY)
    assert len(await audited(sessions, "role-ended")) == 1


async def test_other_establishments_people_and_roles_are_not_there(
    sessions: Sessions, cast: Cast, admin_elsewhere: Actor
) -> None:
    assert cast.oncall.role_id
    assert cast.oncall.practitioner_id
    with pytest.raises(NotFound):
        async with transaction(sessions, admin_elsewhere) as session:
            await end_role(session, admin_elsewhere, role_id=cast.oncall.role_id)
    with pytest.raises(NotFound):
        async with transaction(sessions, admin_elsewhere) as session:
            await add_role(
                session,
                admin_elsewhere,
                practitioner_id=cast.oncall.practitioner_id,
                code=RoleCode.NURSE,
                specialty=None,
            )


@pytest.mark.parametrize(("code", "specialty"), [(RoleCode.OPERATOR, None), (RoleCode.SPECIALIST, None)])
async def test_operators_and_specialists_of_nothing_are_not_made(
    sessions: Sessions, cast: Cast, admin: Actor, code: RoleCode, specialty: Specialty | None
) -> None:
    assert cast.coordinator.practitioner_id
    with pytest.raises(Invalid):
        async with transaction(sessions, admin) as session:
            await add_role(
                session, admin, practitioner_id=cast.coordinator.practitioner_id, code=code, specialty=specialty
            )


async def test_nobody_gives_themselves_a_role_or_ends_their_own_administration(
    sessions: Sessions, admin: Actor
) -> None:
    assert admin.role_id
    assert admin.practitioner_id
    with pytest.raises(Forbidden):
        async with transaction(sessions, admin) as session:
            await add_role(
                session,
                admin,
                practitioner_id=admin.practitioner_id,
                code=RoleCode.DOCTOR,
                specialty=Specialty.GENERAL,
            )
    with pytest.raises(Forbidden):
        async with transaction(sessions, admin) as session:
            await end_role(session, admin, role_id=admin.role_id)
    async with transaction(sessions) as session:
        roles = select(PractitionerRole).where(PractitionerRole.practitioner_id == admin.practitioner_id)
        assert [role.ended_at for role in await session.scalars(roles)] == [None]


async def test_an_operator_is_not_an_establishments_to_end(sessions: Sessions, cast: Cast, admin: Actor) -> None:
    assert cast.operator.role_id
    with pytest.raises((Forbidden, NotFound)):
        async with transaction(sessions, admin) as session:
            await end_role(session, admin, role_id=cast.operator.role_id)
    assert not (await reload(sessions, PractitionerRole, cast.operator.role_id)).ended_at


async def test_it_wants_a_fresh_factor_and_an_administrator(sessions: Sessions, cast: Cast) -> None:
    assert cast.oncall.role_id
    for actor, error in ((cast.admin, StepUpNeeded), (cast.coordinator, NotFound), (cast.operator, NotFound)):
        with pytest.raises(error):
            async with transaction(sessions, actor) as session:
                await end_role(session, actor, role_id=cast.oncall.role_id)
