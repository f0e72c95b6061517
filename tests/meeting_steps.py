"""Team meetings brought to a state, for tests that begin there. Each step commits in a transaction of its own."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta

from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.models import ConsultMode, RequestStatus, ServiceRequest, Task, TaskStatus
from teleconsult.consults.modes import change_mode
from teleconsult.db import Base, Sessions, transaction
from teleconsult.encounters.actions import arrive_encounter
from teleconsult.encounters.models import Encounter, EncounterParticipant
from teleconsult.meetings.listing import put_on_list, take_off
from teleconsult.meetings.models import CaseStatus, Meeting, MeetingCase, MeetingMember
from teleconsult.meetings.planning import Plan, plan_meeting
from teleconsult.meetings.queries import whole_meeting
from teleconsult.meetings.running import call_case, next_case
from teleconsult.notes.co_signers import ask_to_co_sign
from teleconsult.notes.drafting import open_note, save_draft
from teleconsult.notes.models import Composition
from teleconsult.notes.signing import Signing
from teleconsult.scheduling.hours_models import AppointmentParticipant
from teleconsult.scheduling.models import Appointment, AppointmentStatus
from tests import consult_steps, note_steps
from tests.people import Cast


def plan(cast: Cast, *, starts_at: datetime | None = None, **changes: object) -> Plan:
    """Neurology's meeting in half an hour: the neurologist leads, the trauma surgeon sits in; both have to be there."""
    assert cast.specialist.role_id is not None
    assert cast.oncall.role_id is not None
    made = Plan(
        title="Stroke board",
        starts_at=starts_at or now().replace(second=0, microsecond=0) + timedelta(minutes=30),
        minutes=60,
        chair=cast.specialist.role_id,
        members=(cast.specialist.role_id, cast.oncall.role_id),
        place="Room B 214",
        quorum_members=2,
        quorum_specialties=("trauma",),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


async def planned(cast: Cast, sessions: Sessions, of: Plan | None = None) -> Meeting:
    """Planned by the coordinator."""
    async with transaction(sessions, cast.coordinator) as session:
        [meeting] = await plan_meeting(session, cast.coordinator, service_id=cast.neurology.id, plan=of or plan(cast))
    return meeting


async def for_a_meeting(cast: Cast, sessions: Sessions, *, accepted: bool = False) -> ServiceRequest:
    """A consult of the rural doctor's that is to be discussed by a team."""
    steps = consult_steps.accepted if accepted else consult_steps.submitted
    consult = await steps(cast, sessions)
    async with transaction(sessions, cast.rural) as session:
        return await change_mode(session, cast.rural, consult_id=consult.id, mode=ConsultMode.MEETING)


async def listed(
    cast: Cast, sessions: Sessions, meeting_id: uuid.UUID, consult: ServiceRequest | None = None, minutes: int = 10
) -> MeetingCase:
    """Put on the list by the coordinator."""
    consult = consult or await for_a_meeting(cast, sessions)
    async with transaction(sessions, cast.coordinator) as session:
        return await put_on_list(
            session, cast.coordinator, meeting_id=meeting_id, consult_id=consult.id, minutes=minutes
        )


async def many_listed(cast: Cast, sessions: Sessions, meeting_id: uuid.UUID, *, after: int, count: int) -> None:
    """So many more cases of a minute each, behind as many: as rows, for what is about how many there are."""
    moment, requests, turns, rooms, rest = now(), list[Base](), list[Base](), list[Base](), list[Base]()
    async with transaction(sessions) as session:
        meeting = await whole_meeting(session, meeting_id)
        begins = meeting.appointment.starts_at
        for place in range(after, after + count):
            asked = ServiceRequest(
                id=uuid.uuid4(),
                patient_id=cast.patient.id,
                requester_role_id=cast.rural.role_id,
                requester_organization_id=cast.rural.organization_id,
                service_id=cast.neurology.id,
                status=RequestStatus.ACTIVE,
                mode=ConsultMode.MEETING,
                question="Surgery?",
                authored_on=moment,
                updated_at=moment,
                submitted_at=moment,
            )
            turn = Appointment(
                id=uuid.uuid4(),
                service_request_id=asked.id,
                specialist_role_id=cast.specialist.role_id,
                starts_at=begins + timedelta(minutes=place),
                ends_at=begins + timedelta(minutes=place + 1),
                status=AppointmentStatus.BOOKED,
                created_by_id=cast.coordinator.role_id,
                created_at=moment,
                booked_at=moment,
            )
            room = Encounter(id=uuid.uuid4(), service_request_id=asked.id, appointment_id=turn.id)
            requests.append(asked)
            turns.append(turn)
            rooms.append(room)
            rest += [
                Task(
                    service_request_id=asked.id,
                    service_id=cast.neurology.id,
                    status=TaskStatus.ACCEPTED,
                    owner_role_id=cast.specialist.role_id,
                    created_at=moment,
                    modified_at=moment,
                ),
                AppointmentParticipant(appointment_id=turn.id, practitioner_role_id=cast.rural.role_id),
                MeetingCase(
                    meeting_id=meeting_id,
                    service_request_id=asked.id,
                    appointment_id=turn.id,
                    position=place + 1,
                    minutes=1,
                    is_for_chair=True,
                    created_at=moment,
                ),
            ]
            rest += [
                EncounterParticipant(encounter_id=room.id, practitioner_role_id=person.role_id, is_member=is_member)
                for person, is_member in ((cast.rural, False), (cast.specialist, False), (cast.oncall, True))
            ]
        for rows in (requests, turns, rooms, rest):
            session.add_all(rows)
            await session.flush()


async def called(cast: Cast, sessions: Sessions, case: MeetingCase, *there: Actor) -> None:
    """Called by the chair; those named have entered its room."""
    async with transaction(sessions, cast.specialist) as session:
        await call_case(session, cast.specialist, meeting_id=case.meeting_id, case_id=case.id)
    for person in there:
        async with transaction(sessions, person) as session:
            await arrive_encounter(session, person, consult_id=case.service_request_id)


async def concluded(cast: Cast, signing: Signing, of: Plan | None = None) -> Composition:
    """A case that both members discussed, its conclusion signed by the chair."""
    sessions = signing.sessions
    meeting = await planned(cast, sessions, of)
    case = await listed(cast, sessions, meeting.id)
    await called(cast, sessions, case, cast.specialist, cast.oncall)
    async with transaction(sessions, cast.specialist) as session:
        await next_case(session, cast.specialist, meeting_id=meeting.id, after=case.id)
        note = await open_note(session, cast.specialist, consult_id=case.service_request_id)
    async with transaction(sessions, cast.specialist) as session:
        note = await save_draft(
            session, cast.specialist, note_id=note.id, version=note.version, sections={"opinion": "Operate."}
        )
    return await note_steps.sign(signing, cast.specialist, note)


async def asked_to_co_sign(cast: Cast, signing: Signing, of: Plan | None = None) -> Composition:
    """The same; the other member is asked to sign it too."""
    note = await concluded(cast, signing, of)
    assert cast.oncall.role_id is not None
    async with transaction(signing.sessions, cast.specialist) as session:
        await ask_to_co_sign(session, cast.specialist, note_id=note.id, role_ids=[cast.oncall.role_id])
    return note


async def taken_off(cast: Cast, sessions: Sessions, meeting_id: uuid.UUID) -> MeetingCase:
    """Put on the list, and taken off again by the coordinator."""
    case = await listed(cast, sessions, meeting_id)
    async with transaction(sessions, cast.coordinator) as session:
        return await take_off(session, cast.coordinator, meeting_id=meeting_id, case_id=case.id, reason="By mistake.")


def rows_of_a_meeting(cast: Cast, consult_id: uuid.UUID, turn_id: uuid.UUID) -> list[Base]:
    """A meeting of the neurologist alone; the consult was on its list, and is no longer. For tests of walls."""
    moment, time_id, meeting_id = now(), uuid.uuid4(), uuid.uuid4()
    assert cast.coordinator.role_id is not None
    assert cast.specialist.role_id is not None
    return [
        Appointment(
            id=time_id,
            starts_at=moment + timedelta(days=3),
            ends_at=moment + timedelta(days=3, hours=1),
            created_by_id=cast.coordinator.role_id,
            created_at=moment,
        ),
        Meeting(
            id=meeting_id,
            service_id=cast.neurology.id,
            organization_id=cast.neurology.organization_id,
            appointment_id=time_id,
            title="Stroke board",
            chair_role_id=cast.specialist.role_id,
            quorum_members=1,
            created_by_id=cast.coordinator.role_id,
            created_at=moment,
        ),
        MeetingMember(meeting_id=meeting_id, practitioner_role_id=cast.specialist.role_id),
        MeetingCase(
            meeting_id=meeting_id,
            service_request_id=consult_id,
            appointment_id=turn_id,
            position=1,
            minutes=10,
            status=CaseStatus.REMOVED,
            created_at=moment,
        ),
    ]
