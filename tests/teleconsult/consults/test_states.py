"""The table of states: pure, on rows that were never stored."""

import uuid

import pytest

from teleconsult.access.permissions import OF_ROLE
from teleconsult.consults.models import RequestStatus, ServiceRequest, Task, TaskStatus
from teleconsult.consults.states import ALLOWED, NEEDS, ConsultState, Part, Verb, state_of
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.scheduling.models import Appointment, AppointmentStatus

SERVICE = uuid.uuid4()


def consult(
    status: RequestStatus = RequestStatus.ACTIVE,
    task: TaskStatus | None = None,
    appointment: AppointmentStatus | None = None,
    notes: tuple[CompositionStatus, ...] = (),
    rejected_by: uuid.UUID | None = None,
    business_status: str = "",
) -> ServiceRequest:
    """Rows as they would be loaded."""
    request = ServiceRequest(status=status)
    past = [Task(status=TaskStatus.REJECTED, service_id=rejected_by)] if rejected_by else []
    open_task = Task(status=task, service_id=SERVICE, business_status=business_status) if task else None
    request.tasks = [*past, open_task] if open_task else past
    request.__dict__["task"] = open_task
    request.__dict__["appointment"] = Appointment(status=appointment) if appointment else None
    request.__dict__["notes"] = [Composition(status=note) for note in notes]
    return request


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        (consult(RequestStatus.DRAFT), ConsultState.DRAFT),
        (consult(task=TaskStatus.REQUESTED), ConsultState.SUBMITTED),
        (consult(task=TaskStatus.REQUESTED, appointment=AppointmentStatus.PROPOSED), ConsultState.SUBMITTED),
        (consult(task=TaskStatus.RECEIVED), ConsultState.TRIAGE),
        (consult(RequestStatus.ON_HOLD, TaskStatus.ON_HOLD), ConsultState.AWAITING_INFO),
        (consult(task=TaskStatus.REQUESTED, rejected_by=SERVICE), ConsultState.DECLINED),
        (consult(task=TaskStatus.REQUESTED, rejected_by=uuid.uuid4()), ConsultState.REDIRECTED),
        (consult(rejected_by=SERVICE), ConsultState.DECLINED),
        (consult(task=TaskStatus.ACCEPTED), ConsultState.ACCEPTED),
        (consult(task=TaskStatus.ACCEPTED, appointment=AppointmentStatus.PENDING), ConsultState.ACCEPTED),
        (consult(task=TaskStatus.ACCEPTED, appointment=AppointmentStatus.BOOKED), ConsultState.SCHEDULED),
        (consult(task=TaskStatus.ACCEPTED, appointment=AppointmentStatus.ARRIVED), ConsultState.ARRIVED),
        (consult(task=TaskStatus.IN_PROGRESS, appointment=AppointmentStatus.ARRIVED), ConsultState.IN_SESSION),
        (
            consult(task=TaskStatus.IN_PROGRESS, business_status="unsigned", notes=(CompositionStatus.PRELIMINARY,)),
            ConsultState.UNSIGNED,
        ),
        (consult(task=TaskStatus.IN_PROGRESS, notes=(CompositionStatus.FINAL,)), ConsultState.SIGNED),
        (consult(task=TaskStatus.COMPLETED, notes=(CompositionStatus.FINAL,)), ConsultState.DELIVERED),
        (
            consult(RequestStatus.COMPLETED, TaskStatus.COMPLETED, notes=(CompositionStatus.FINAL,)),
            ConsultState.ACKNOWLEDGED,
        ),
        (
            consult(RequestStatus.COMPLETED, TaskStatus.COMPLETED, notes=(CompositionStatus.ENTERED_IN_ERROR,)),
            ConsultState.RETRACTED,
        ),
        (consult(task=TaskStatus.ON_HOLD), ConsultState.NO_SHOW),
        (consult(RequestStatus.REVOKED), ConsultState.CANCELLED),
    ],
)
def test_the_rows_say_the_state(rows: ServiceRequest, state: ConsultState) -> None:
    assert state_of(rows) is state


def test_every_verb_is_somebodys_somewhere() -> None:
    for verb in Verb:
        assert any(ALLOWED[state, verb] for state in ConsultState), verb


def test_once_it_is_over_only_what_was_shared_can_still_be_taken_back() -> None:
    of_sharing = {Verb.REVOKE_EXCERPT, Verb.WITHDRAW_CONSENT, Verb.CONFIRM_CONSENT, Verb.SEE_READINGS}
    for state in (ConsultState.ACKNOWLEDGED, ConsultState.CANCELLED, ConsultState.RETRACTED):
        afterwards = {Verb.FOLLOW_UP, Verb.FOLLOW_TRANSFER, Verb.FOLLOW_NOTE}
        assert {verb for verb in Verb if ALLOWED[state, verb]} - afterwards <= of_sharing, state


def test_every_verb_is_a_kind_of_act_some_role_has_a_part_in() -> None:
    assert set(NEEDS) == set(Verb)
    for permission in NEEDS.values():
        assert any(permission in permissions for permissions in OF_ROLE.values()), permission


def test_only_a_specialist_who_has_not_accepted_may_accept() -> None:
    who = frozenset[Part]().union(*(ALLOWED[state, Verb.ACCEPT] for state in ConsultState))
    assert who == {Part.CANDIDATE}
