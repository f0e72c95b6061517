"""The button: one press, everything open."""

import uuid
from dataclasses import replace

import pytest
from sqlalchemy import func, select, text

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consents.models import Consent, ConsentBasis
from teleconsult.consults.models import ConsultMode, RequestPriority, ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.db import Sessions, transaction
from teleconsult.emergencies.deciding import call_off
from teleconsult.emergencies.queries import running
from teleconsult.emergencies.raising import Call, Unknown, raise_emergency
from teleconsult.encounters.models import EncounterStatus
from teleconsult.encounters.queries import encounter_for
from teleconsult.errors import Invalid, NotFound
from teleconsult.excerpts.models import ExcerptItem
from teleconsult.patients.models import AdministrativeGender, Patient
from teleconsult.records.vitals import observation
from teleconsult.records.writing import Written
from tests.emergency_steps import WHAT, a_call, pages, pressed, raised
from tests.people import Cast


async def test_the_room_is_open_and_who_is_on_duty_is_rung(cast: Cast, sessions: Sessions) -> None:
    emergency = await raised(cast, sessions)
    async with transaction(sessions, cast.rural) as session:
        consult = await consult_for(session, cast.rural, emergency.service_request_id)
        assert state_of(consult) is ConsultState.EMERGENCY
        assert (consult.priority, consult.mode) == (RequestPriority.STAT, ConsultMode.EMERGENCY)
        live = await encounter_for(session, cast.rural, consult.id)
        assert live.encounter.status is EncounterStatus.IN_PROGRESS and live.is_open
        consent = (await session.scalars(select(Consent).where(Consent.service_request_id == consult.id))).one()
        assert (consent.basis, consent.given_by) == (ConsentBasis.NECESSITY, WHAT)
    (page,) = await pages(sessions, emergency)
    assert page.practitioner_role_id == cast.oncall.role_id and page.service_id == cast.trauma.id
    assert emergency.next_at is not None and 25 < (emergency.next_at - now()).total_seconds() <= 30


async def test_a_patient_nobody_knows_is_registered_by_the_way(cast: Cast, sessions: Sessions) -> None:
    call = a_call(cast, patient=Unknown(AdministrativeGender.MALE, estimated_age=40))
    emergency = await raised(cast, sessions, call)
    async with transaction(sessions, cast.oncall) as session:
        consult = await consult_for(session, cast.oncall, emergency.service_request_id)
        assert consult.patient.is_temporary and consult.patient.gender is AdministrativeGender.MALE


async def test_a_colleagues_patient_is_treated_from_now_on(cast: Cast, sessions: Sessions) -> None:
    async with transaction(sessions, cast.colleague) as session:
        emergency = await raise_emergency(session, cast.colleague, call=a_call(cast))
        assert (await consult_for(session, cast.colleague, emergency.service_request_id)).patient_id == cast.patient.id


async def test_vital_signs_are_in_the_file_and_shown(cast: Cast, sessions: Sessions) -> None:
    moment = now()
    resource = observation("heart-rate", {"heart-rate": 130}, name="Heart rate", names={}, at=moment)  # type: ignore[arg-type]  # a code
    call = Call(uuid.uuid4(), cast.patient.id, WHAT, cast.trauma.id, (Written(resource, "Heart rate", moment),))
    await raised(cast, sessions, call)
    async with transaction(sessions, cast.oncall) as session:
        assert [item.title for item in await session.scalars(select(ExcerptItem))] == ["Heart rate"]


async def test_pressed_twice_is_one_emergency(cast: Cast, sessions: Sessions) -> None:
    call = a_call(cast, patient=Unknown())
    first, second = await raised(cast, sessions, call), await pressed(cast, sessions, call)
    assert first.id == second.id and len(await pages(sessions, first)) == 1
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(ServiceRequest)) == 1
        assert await session.scalar(select(func.count()).where(Patient.is_temporary)) == 1


async def test_anothers_key_says_nothing(cast: Cast, sessions: Sessions) -> None:
    call = a_call(cast, patient=Unknown())
    first = await raised(cast, sessions, call)
    async with transaction(sessions, cast.colleague) as session:
        second = await raise_emergency(session, cast.colleague, call=call)
    assert first.id != second.id and first.service_request_id != second.service_request_id


@pytest.mark.parametrize("who", ["nurse", "coordinator", "oncall", "admin", "secretary"])
async def test_only_who_refers_may(cast: Cast, sessions: Sessions, who: str) -> None:
    actor = getattr(cast, who)
    with pytest.raises(NotFound):
        async with transaction(sessions, actor) as session:
            await raise_emergency(session, actor, call=a_call(cast))


async def test_a_strangers_patient_is_not_there(cast: Cast, sessions: Sessions) -> None:
    with pytest.raises(NotFound):
        await pressed(cast, sessions, a_call(cast, patient=cast.strangers_patient.id))


@pytest.mark.parametrize(
    ("what", "has_service", "field"), [(" ", True, "what"), ("x" * 301, True, "what"), ("Bleeds", False, "service")]
)
async def test_what_is_missing_is_said_beside_its_field(
    cast: Cast, sessions: Sessions, what: str, has_service: bool, field: str
) -> None:
    call = Call(uuid.uuid4(), cast.patient.id, what, cast.trauma.id if has_service else uuid.uuid4())
    with pytest.raises(Invalid) as error:
        await pressed(cast, sessions, call)
    assert list(error.value.fields) == [field]


async def test_who_may_see_it_sees_it_running(cast: Cast, sessions: Sessions) -> None:
    emergency = await raised(cast, sessions)
    for who in ("rural", "coordinator", "oncall"):
        actor = getattr(cast, who)
        async with transaction(sessions, actor) as session:
            assert [one.emergency.id for one in await running(session, actor)] == [emergency.id], who
    for who in ("stranger", "specialist", "colleague", "nurse_elsewhere"):
        actor = getattr(cast, who)
        async with transaction(sessions, actor) as session:
            assert await running(session, actor) == [], who


async def test_it_is_audited_and_its_page_is_owed(cast: Cast, sessions: Sessions) -> None:
    await raised(cast, sessions)
    async with transaction(sessions) as session:
        acts = set(await session.scalars(select(AuditEvent.action)))
        assert {"emergency-raised", "emergency-paged", "consent-recorded"} <= acts
        owed = text("select count(*) from procrastinate_jobs where task_name = 'page_in_turn' and status = 'todo'")
        assert await session.scalar(owed) == 1


async def test_the_same_form_after_it_was_called_off_asks_anew(cast: Cast, sessions: Sessions) -> None:
    call = a_call(cast)
    first = await raised(cast, sessions, call)
    async with transaction(sessions, cast.rural) as session:
        await call_off(session, cast.rural, consult_id=first.service_request_id, reason="The wrong service.")
    again = await pressed(cast, sessions, call)
    assert again.id != first.id and len(await pages(sessions, again)) == 1
    assert (await pressed(cast, sessions, call)).id == again.id


async def test_the_same_form_with_another_patient_asks_for_them(cast: Cast, sessions: Sessions) -> None:
    call = a_call(cast)
    first = await raised(cast, sessions, call)
    assert (await pressed(cast, sessions, replace(call, patient=Unknown()))).id != first.id
