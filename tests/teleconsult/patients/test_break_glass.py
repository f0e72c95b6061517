"""Opening a file without a care relation: for whom, how long, to read only, and never unseen."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.accounts.stepping_up import FRESH_FOR
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consults.drafting import start_draft
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import RoleCode
from teleconsult.errors import Invalid, NotFound, StepUpNeeded
from teleconsult.patients.breaking_glass import break_glass, end_opening, opening_about, openings_of
from teleconsult.patients.care import end_care_relation, open_care_relation, open_file
from teleconsult.patients.models import BreakGlass
from teleconsult.patients.queries import file_of, patient_for
from teleconsult.patients.registering import Identity
from teleconsult.patients.resolving import correct_identity
from tests import consult_steps
from tests.file_steps import timeline
from tests.glass_steps import REASON, by_number, fresh, opened
from tests.people import Cast


async def test_the_file_opens_to_be_read_for_an_hour(cast: Cast, sessions: Sessions) -> None:
    await consult_steps.entry(cast, sessions)
    opening = await opened(cast, sessions)
    assert opening.expires_at - opening.started_at == timedelta(hours=1)
    assert opening.organization_id == cast.patient.organization_id
    async with transaction(sessions, cast.specialist) as session:
        file = await open_file(session, cast.specialist, patient_id=cast.patient.id)
        assert file.is_read_only
        assert file.patient_ids == [cast.patient.id, cast.patient_elsewhere.id]
        page = await timeline(session, cast.specialist, cast.patient.id)
        assert [entry.title for entry in page.entries] == ["Headache"]
        about = await opening_about(session, cast.specialist, cast.patient_elsewhere.id)
        assert about is not None
        assert about.id == opening.id
    async with transaction(sessions) as session:
        actions = await session.scalars(select(AuditEvent.action).where(AuditEvent.patient_id == cast.patient.id))
        assert {"glass-broken", "file-opened"} <= set(actions)
        jobs = await session.scalar(
            text("select count(*) from procrastinate_jobs where task_name = 'tell_privacy_officers'")
        )
        assert jobs == 1


async def test_the_hour_passes(cast: Cast, sessions: Sessions) -> None:
    await opened(cast, sessions)
    async with transaction(sessions) as session:
        await session.execute(update(BreakGlass).values(expires_at=now() - timedelta(seconds=1)))
    await assert_closed(cast.specialist, cast, sessions)


async def test_it_is_ended_before(cast: Cast, sessions: Sessions) -> None:
    opening = await opened(cast, sessions)
    async with transaction(sessions, cast.specialist) as session:
        await end_opening(session, cast.specialist, opening_id=opening.id)
    await assert_closed(cast.specialist, cast, sessions)
    async with transaction(sessions, cast.specialist) as session:
        with pytest.raises(NotFound):
            await end_opening(session, cast.specialist, opening_id=opening.id)
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).where(AuditEvent.action == "glass-closed")) == 1


async def test_it_opens_for_nobody_else(cast: Cast, sessions: Sessions) -> None:
    opening = await opened(cast, sessions)
    for actor in (cast.oncall, cast.nurse, cast.stranger, cast.coordinator):
        async with transaction(sessions, actor) as session:
            assert not await openings_of(session, actor)
            with pytest.raises(NotFound):
                await end_opening(session, actor, opening_id=opening.id)
    await assert_closed(cast.oncall, cast, sessions)


@pytest.mark.parametrize("who", ["specialist", "oncall", "nurse"])
async def test_doctors_nurses_and_specialists_may(cast: Cast, sessions: Sessions, who: str) -> None:
    patient = cast.patient_elsewhere
    await opened(cast, sessions, actor=getattr(cast, who), patient=patient)
    async with transaction(sessions, getattr(cast, who)) as session:
        assert (await file_of(session, getattr(cast, who), patient.id)).is_read_only


@pytest.mark.parametrize("who", ["stranger", "nurse_elsewhere", "coordinator", "secretary", "admin", "privacy"])
async def test_nobody_outside_the_network_and_nobody_who_treats_nobody(
    cast: Cast, sessions: Sessions, who: str
) -> None:
    with pytest.raises(NotFound):
        await opened(cast, sessions, actor=getattr(cast, who))


async def test_ones_own_house_has_the_ordinary_door(cast: Cast, sessions: Sessions) -> None:
    with pytest.raises(NotFound):
        await opened(cast, sessions, actor=cast.nurse)
    with pytest.raises(NotFound):
        await opened(cast, sessions, patient=cast.strangers_patient)


async def test_who_one_is_was_proved_a_moment_ago(cast: Cast, sessions: Sessions) -> None:
    for actor in (cast.specialist, fresh(cast.specialist, ago=FRESH_FOR + timedelta(seconds=1))):
        async with transaction(sessions, actor) as session:
            with pytest.raises(StepUpNeeded):
                await break_glass(
                    session,
                    actor,
                    patient_id=cast.patient.id,
                    search=by_number(cast.patient),
                    kind="danger",
                    reason=REASON,
                )


@pytest.mark.parametrize(
    ("kind", "reason", "fields"),
    [("curiosity", REASON, {"kind"}), ("danger", "  short  ", {"reason"}), ("", "x" * 1001, {"kind", "reason"})],
)
async def test_it_needs_a_reason(cast: Cast, sessions: Sessions, kind: str, reason: str, fields: set[str]) -> None:
    actor = fresh(cast.specialist)
    async with transaction(sessions, actor) as session:
        with pytest.raises(Invalid) as caught:
            await break_glass(
                session, actor, patient_id=cast.patient.id, search=by_number(cast.patient), kind=kind, reason=reason
            )
        assert set(caught.value.fields) == fields


async def test_a_patient_whom_the_search_does_not_name(cast: Cast, sessions: Sessions) -> None:
    actor = fresh(cast.specialist)
    async with transaction(sessions, actor) as session:
        for patient_id, search in (
            (uuid.uuid4(), by_number(cast.patient)),
            (cast.patient.id, by_number(cast.patient_elsewhere)),
            (cast.patient.id, replace(by_number(cast.patient), local_number="X")),
        ):
            with pytest.raises(NotFound):
                await break_glass(session, actor, patient_id=patient_id, search=search, kind="danger", reason=REASON)


async def test_twice_is_once(cast: Cast, sessions: Sessions) -> None:
    first, second = await opened(cast, sessions), await opened(cast, sessions)
    assert first.id == second.id
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count(BreakGlass.id))) == 1


async def test_nothing_is_written_into_it(cast: Cast, sessions: Sessions) -> None:
    await opened(cast, sessions)
    identity = Identity(family="Autre", given="Rose", gender=cast.patient.gender)
    writes: dict[str, Callable[[AsyncSession, Actor], Awaitable[object]]] = {
        "relation": lambda session, actor: open_care_relation(
            session, actor, patient_id=cast.patient.id, reason="emergency"
        ),
        "end": lambda session, actor: end_care_relation(session, actor, patient_id=cast.patient.id),
        "identity": lambda session, actor: correct_identity(
            session, actor, patient_id=cast.patient.id, identity=identity
        ),
        "house": lambda session, actor: patient_for(session, actor, cast.patient.id),
    }
    for write in writes.values():
        async with transaction(sessions, cast.specialist) as session:
            with pytest.raises(NotFound):
                await write(session, cast.specialist)
    doctor = replace(cast.specialist, role=RoleCode.DOCTOR)
    async with transaction(sessions, doctor) as session:
        with pytest.raises(NotFound):
            await start_draft(session, doctor, patient_id=cast.patient.id)


async def assert_closed(actor: Actor, cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions, actor) as session:
        with pytest.raises(NotFound):
            await file_of(session, actor, cast.patient.id)
        assert await opening_about(session, actor, cast.patient.id) is None
