"""To another service, and with one specialist in mind."""

import uuid

import pytest
from sqlalchemy import func, select, text

from teleconsult.accounts.actor import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.consults.answering import accept_consult
from teleconsult.consults.models import TaskStatus
from teleconsult.consults.queries import consult_for
from teleconsult.consults.redirecting import assign_consult, redirect_consult, specialists_of_house
from teleconsult.consults.states import ConsultState, Part, part_of, state_of
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import HealthcareService, RoleCode, Specialty
from teleconsult.errors import Forbidden, Invalid, NotFound, Refused
from teleconsult.messages.queries import own_notices
from teleconsult.settings import Settings
from tests import consult_steps
from tests.mailbox import body, mails
from tests.news_steps import send
from tests.people import Cast, another_neurologist, another_person

REASON = "This is a fracture, not a stroke."


@pytest.mark.parametrize("who", ["coordinator", "specialist"])
async def test_the_other_service_has_it_and_the_first_task_keeps_the_reason(
    cast: Cast, sessions: Sessions, who: str
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    actor: Actor = getattr(cast, who)
    async with transaction(sessions, actor) as session:
        sent = await redirect_consult(
            session, actor, consult_id=consult.id, service_id=cast.trauma.id, reason=f" {REASON} "
        )
        assert (state_of(sent), sent.service_id) == (ConsultState.REDIRECTED, cast.trauma.id)
        assert [(task.status, task.status_reason) for task in sent.tasks] == [
            (TaskStatus.REJECTED, REASON),
            (TaskStatus.REQUESTED, ""),
        ]
    async with transaction(sessions, cast.oncall) as session:
        found = await consult_for(session, cast.oncall, consult.id)
        assert (found.number, found.question) == (consult.number, consult.question), "nothing was asked anew"
        assert part_of(found, cast.oncall) is Part.CANDIDATE
        await accept_consult(session, cast.oncall, consult_id=consult.id)
    async with transaction(sessions, cast.specialist) as session:
        with pytest.raises(NotFound):
            await consult_for(session, cast.specialist, consult.id)
    async with transaction(sessions) as session:
        audited = select(func.count()).where(AuditEvent.action == "consult-redirected")
        assert await session.scalar(audited.where(AuditEvent.entity_id == consult.id)) == 1


async def test_another_establishment_has_it_and_this_one_no_longer(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions) as session:
        there = HealthcareService(organization_id=cast.organizations["provincial"].id, specialty=Specialty.NEUROLOGY)
        session.add(there)
        nearer = await another_person(session, cast, "provincial", RoleCode.COORDINATOR)
    async with transaction(sessions, cast.coordinator) as session:
        await redirect_consult(session, cast.coordinator, consult_id=consult.id, service_id=there.id, reason="Nearer")
        with pytest.raises(NotFound):
            await consult_for(session, cast.coordinator, consult.id)
    async with transaction(sessions, nearer) as session:
        assert state_of(await consult_for(session, nearer, consult.id)) is ConsultState.REDIRECTED


@pytest.mark.parametrize("who", ["coordinator", "specialist"])
async def test_who_had_accepted_is_told_that_it_is_no_longer_theirs(
    cast: Cast, sessions: Sessions, settings: Settings, who: str
) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions) as session:
        await session.execute(text("delete from procrastinate_jobs"))
    actor: Actor = getattr(cast, who)
    async with transaction(sessions, actor) as session:
        await redirect_consult(session, actor, consult_id=consult.id, service_id=cast.trauma.id, reason=REASON)
    await send(settings, sessions)
    got = [mail for mail in await mails(settings, sessions) if mail["To"] == cast.emails["specialist"]]
    if who == "specialist":
        assert got == [], "their own act"
        return
    [mail] = got
    assert mail["Subject"] == f"Consult no. {consult.number}: it went to another service, it is no longer yours"
    assert "/notices" in body(mail)
    assert str(consult.id) not in body(mail)
    async with transaction(sessions, cast.specialist) as session:
        assert len(await own_notices(session, cast.specialist)) == 1, "though the consult is no longer theirs to see"


async def test_who_may_not_redirect_and_where_to(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        for nobody, refusal in ((cast.rural, Forbidden), (cast.oncall, NotFound), (cast.stranger, NotFound)):
            with pytest.raises(refusal):
                await redirect_consult(session, nobody, consult_id=consult.id, service_id=cast.trauma.id, reason=REASON)
        for service, reason in (
            (None, REASON),
            (uuid.uuid4(), REASON),
            (cast.neurology.id, REASON),
            (cast.trauma.id, " "),
        ):
            with pytest.raises(Invalid):
                await redirect_consult(
                    session, cast.coordinator, consult_id=consult.id, service_id=service, reason=reason
                )
    booked = await consult_steps.booked(cast, sessions)
    async with transaction(sessions) as session:
        with pytest.raises(Refused):
            await redirect_consult(
                session, cast.coordinator, consult_id=booked.id, service_id=cast.trauma.id, reason=REASON
            )


async def test_one_is_thought_of_and_another_may_accept(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        second = await another_neurologist(session, cast)
    for _ in range(2):
        async with transaction(sessions, cast.coordinator) as session:
            await assign_consult(session, cast.coordinator, consult_id=consult.id, role_id=cast.specialist.role_id)
    async with transaction(sessions) as session:
        found = await consult_for(session, cast.specialist, consult.id)
        assert found.task
        assert found.task.assigned_role_id == cast.specialist.role_id
        assert part_of(found, cast.specialist) is Part.CANDIDATE
        audited = select(func.count()).where(AuditEvent.action == "consult-assigned")
        assert await session.scalar(audited) == 1
    async with transaction(sessions, second) as session:
        await accept_consult(session, second, consult_id=consult.id)
    async with transaction(sessions, cast.coordinator) as session:
        with pytest.raises(Refused):
            await assign_consult(session, cast.coordinator, consult_id=consult.id, role_id=None)


async def test_who_cannot_be_thought_of(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        for role_id in (cast.oncall.role_id, cast.rural.role_id, uuid.uuid4()):
            with pytest.raises(Invalid):
                await assign_consult(session, cast.coordinator, consult_id=consult.id, role_id=role_id)
        for nobody, refusal in ((cast.specialist, Forbidden), (cast.rural, Forbidden), (cast.stranger, NotFound)):
            with pytest.raises(refusal):
                await assign_consult(session, nobody, consult_id=consult.id, role_id=cast.specialist.role_id)
        house = await specialists_of_house(session, cast.coordinator)
        assert {role.id for role in house} == {cast.specialist.role_id, cast.oncall.role_id}
