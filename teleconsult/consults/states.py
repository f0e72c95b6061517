"""Where a consult stands, read off its rows, and who may do what from there.

state          who acts     ServiceRequest  Task                      Appointment  Encounter    note
draft          requester    draft           –                         –            –            –
submitted      coordinator  active          requested                 – / prop.    –            –
triage         coordinator  active          received                  – / prop.    –            –
awaiting-info  requester    on-hold         on-hold, `awaiting-info`  –            –            –
declined       coordinator  active          rejected, then requested  – / prop.    –            –
redirected     coordinator  active          the same, other service   – / prop.    –            –
accepted       coordinator  active          accepted                  – / pending  –            –
scheduled      both sides   active          accepted                  booked       planned      –
arrived        both sides   active          accepted                  arrived      arrived      –
in-session     both sides   active          in-progress               arrived      in-progress  – / preliminary
unsigned       specialist   active          in-progress, `unsigned`   fulfilled    in-progress  – / preliminary
signed         the system   active          in-progress               fulfilled    finished     final
delivered      requester    active          completed, output = note  fulfilled    finished     final
acknowledged   –            completed       completed                 fulfilled    finished     final, amended
retracted      –            completed       completed                 fulfilled    finished     entered-in-error
no-show        coordinator  active          on-hold                   noshow       cancelled    –
cancelled      –            revoked         cancelled                 cancelled    cancelled    –

An appointment is `proposed` until a specialist has accepted, `pending` from then until it is booked.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

from teleconsult import access
from teleconsult.access import Permission
from teleconsult.accounts.actor import Actor
from teleconsult.consults.models import UNSIGNED, RequestStatus, ServiceRequest, Task, TaskStatus
from teleconsult.directory.models import RoleCode
from teleconsult.errors import Forbidden, Refused
from teleconsult.notes.models import CompositionStatus
from teleconsult.scheduling.models import AppointmentStatus


class ConsultState(StrEnum):
    """Our words for where a consult stands, in the order it usually goes through them."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    TRIAGE = "triage"
    AWAITING_INFO = "awaiting-info"
    DECLINED = "declined"
    REDIRECTED = "redirected"
    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    ARRIVED = "arrived"
    IN_SESSION = "in-session"
    UNSIGNED = "unsigned"
    SIGNED = "signed"
    DELIVERED = "delivered"
    ACKNOWLEDGED = "acknowledged"
    RETRACTED = "retracted"
    NO_SHOW = "no-show"
    CANCELLED = "cancelled"


_BY_REQUEST: Final = {
    RequestStatus.DRAFT: ConsultState.DRAFT,
    RequestStatus.ON_HOLD: ConsultState.AWAITING_INFO,
    RequestStatus.REVOKED: ConsultState.CANCELLED,
    RequestStatus.COMPLETED: ConsultState.ACKNOWLEDGED,
    RequestStatus.ENTERED_IN_ERROR: ConsultState.RETRACTED,
}
_BY_APPOINTMENT: Final = {
    AppointmentStatus.BOOKED: ConsultState.SCHEDULED,
    AppointmentStatus.ARRIVED: ConsultState.ARRIVED,
    AppointmentStatus.FULFILLED: ConsultState.UNSIGNED,
}


def state_of(consult: ServiceRequest) -> ConsultState:
    """The state the rows say, by the table above. Needs tasks, task, appointment and notes loaded."""
    signed = {note.status for note in consult.notes} - {CompositionStatus.PRELIMINARY}
    if signed == {CompositionStatus.ENTERED_IN_ERROR}:
        return ConsultState.RETRACTED
    if consult.status is not RequestStatus.ACTIVE:
        return _BY_REQUEST[consult.status]
    if consult.task is None:
        return ConsultState.DECLINED
    if consult.task.status is TaskStatus.COMPLETED:
        return ConsultState.DELIVERED
    return ConsultState.SIGNED if signed else _while_answered(consult, consult.task)


def _while_answered(consult: ServiceRequest, task: Task) -> ConsultState:
    match task.status:
        case TaskStatus.REQUESTED:
            return _while_waiting(consult, task)
        case TaskStatus.RECEIVED:
            return ConsultState.TRIAGE
        case TaskStatus.ON_HOLD:
            return ConsultState.NO_SHOW
        case TaskStatus.IN_PROGRESS:
            return ConsultState.UNSIGNED if task.business_status == UNSIGNED else ConsultState.IN_SESSION
        case _ if consult.appointment is not None:
            return _BY_APPOINTMENT.get(consult.appointment.status, ConsultState.ACCEPTED)
        case _:
            return ConsultState.ACCEPTED


def _while_waiting(consult: ServiceRequest, task: Task) -> ConsultState:
    rejected = [past for past in consult.tasks if past.status is TaskStatus.REJECTED]
    if not rejected:
        return ConsultState.SUBMITTED
    return ConsultState.DECLINED if rejected[-1].service_id == task.service_id else ConsultState.REDIRECTED


class Part(StrEnum):
    """What someone who may see a consult is to it."""

    REQUESTER = "requester"
    COLLEAGUE = "colleague"
    COORDINATOR = "coordinator"
    CANDIDATE = "candidate"
    """A specialist of the service, while nobody has accepted."""
    OWNER = "owner"
    """The specialist who accepted."""


def part_of(consult: ServiceRequest, actor: Actor) -> Part:
    """What the actor, who may see the consult, is to it."""
    if consult.requester_role_id == actor.role_id:
        return Part.REQUESTER
    if any(task.owner_role_id == actor.role_id and task.status is not TaskStatus.REJECTED for task in consult.tasks):
        return Part.OWNER
    if actor.role is RoleCode.COORDINATOR:
        return Part.COORDINATOR
    return Part.CANDIDATE if actor.role is RoleCode.SPECIALIST else Part.COLLEAGUE


class Verb(StrEnum):
    """What people do to a consult."""

    SAVE = "save"
    SUBMIT = "submit"
    ADD_IMAGES = "add-images"
    ADD_ENTRIES = "add-entries"
    """Share more of the file, as a new version of the excerpt."""
    RECEIVE = "receive"
    ACCEPT = "accept"
    DECLINE = "decline"
    PROPOSE_TIME = "propose-time"
    BOOK = "book"
    MARK_MISSED = "mark-missed"
    """Nobody came, or one side alone."""
    CANCEL = "cancel"
    JOIN = "join"
    ASK_FOR_WRITING = "ask-for-writing"
    """Have it answered in a note, where the call cannot be held."""
    WRITE_NOTE = "write-note"
    ACKNOWLEDGE = "acknowledge"
    REVOKE_EXCERPT = "revoke-excerpt"
    WITHDRAW_CONSENT = "withdraw-consent"
    CONFIRM_CONSENT = "confirm-consent"
    SEE_READINGS = "see-readings"
    """Who looked at what was shared, and when."""


WAITING: Final = (ConsultState.SUBMITTED, ConsultState.TRIAGE, ConsultState.DECLINED, ConsultState.REDIRECTED)
"""Nobody has accepted yet."""
WITH_SESSION: Final = (ConsultState.SCHEDULED, ConsultState.ARRIVED, ConsultState.IN_SESSION)
"""A time is booked and the session not over: both sides are shown the way into the room."""
BEFORE_SESSION: Final = (*WAITING, ConsultState.ACCEPTED, ConsultState.SCHEDULED, ConsultState.ARRIVED)
_ENDED: Final = (
    ConsultState.SIGNED,
    ConsultState.DELIVERED,
    ConsultState.ACKNOWLEDGED,
    ConsultState.RETRACTED,
    ConsultState.CANCELLED,
)
_SHARING: Final = tuple(s for s in ConsultState if s not in (ConsultState.DRAFT, ConsultState.CANCELLED))
_OPEN: Final = tuple(s for s in ConsultState if s not in (ConsultState.DRAFT, *_ENDED))
_ROWS: Final[tuple[tuple[Verb, tuple[Part, ...], tuple[ConsultState, ...]], ...]] = (
    (Verb.SAVE, (Part.REQUESTER,), (ConsultState.DRAFT,)),
    (Verb.SUBMIT, (Part.REQUESTER,), (ConsultState.DRAFT,)),
    (Verb.ADD_IMAGES, (Part.REQUESTER,), (ConsultState.DRAFT, *_OPEN)),
    (Verb.ADD_ENTRIES, (Part.REQUESTER, Part.COLLEAGUE), _OPEN),
    (Verb.RECEIVE, (Part.COORDINATOR,), (ConsultState.SUBMITTED, ConsultState.DECLINED, ConsultState.REDIRECTED)),
    (Verb.ACCEPT, (Part.CANDIDATE,), WAITING),
    (Verb.DECLINE, (Part.CANDIDATE,), WAITING),
    (Verb.DECLINE, (Part.OWNER,), (ConsultState.ACCEPTED, ConsultState.NO_SHOW)),
    (Verb.PROPOSE_TIME, (Part.COORDINATOR,), (*WAITING, ConsultState.ACCEPTED, ConsultState.NO_SHOW)),
    (Verb.BOOK, (Part.COORDINATOR,), (ConsultState.ACCEPTED,)),
    (Verb.MARK_MISSED, (Part.COORDINATOR,), (ConsultState.SCHEDULED, ConsultState.ARRIVED)),
    (Verb.CANCEL, (Part.REQUESTER, Part.COORDINATOR), (*BEFORE_SESSION, ConsultState.NO_SHOW)),
    (Verb.JOIN, (Part.REQUESTER, Part.OWNER), WITH_SESSION),
    (Verb.ASK_FOR_WRITING, (Part.REQUESTER, Part.OWNER), (*WITH_SESSION, ConsultState.UNSIGNED)),
    (
        Verb.WRITE_NOTE,
        (Part.OWNER,),
        (ConsultState.ACCEPTED, *WITH_SESSION, ConsultState.UNSIGNED, ConsultState.NO_SHOW),
    ),
    (Verb.ACKNOWLEDGE, (Part.REQUESTER,), (ConsultState.DELIVERED,)),
    (Verb.REVOKE_EXCERPT, (Part.REQUESTER,), _SHARING),
    (Verb.WITHDRAW_CONSENT, (Part.REQUESTER, Part.COLLEAGUE), _SHARING),
    (Verb.CONFIRM_CONSENT, (Part.REQUESTER, Part.COLLEAGUE), _SHARING),
    (Verb.SEE_READINGS, (Part.REQUESTER, Part.COLLEAGUE), (*_SHARING, ConsultState.CANCELLED)),
)

ALLOWED: Final[Mapping[tuple[ConsultState, Verb], frozenset[Part]]] = {
    (state, verb): frozenset(part for v, parts, states in _ROWS if v is verb and state in states for part in parts)
    for verb in Verb
    for state in ConsultState
}
"""Who may do what from which state. Empty: nobody."""
NEEDS: Final[Mapping[Verb, Permission]] = {
    **dict.fromkeys((Verb.SAVE, Verb.SUBMIT, Verb.ADD_ENTRIES, Verb.ACKNOWLEDGE), Permission.CONSULT_REQUEST),
    Verb.ADD_IMAGES: Permission.IMAGES_ADD,
    **dict.fromkeys((Verb.RECEIVE, Verb.PROPOSE_TIME, Verb.BOOK, Verb.MARK_MISSED), Permission.CONSULT_TRIAGE),
    **dict.fromkeys((Verb.ACCEPT, Verb.DECLINE), Permission.CONSULT_ANSWER),
    **dict.fromkeys(
        (Verb.REVOKE_EXCERPT, Verb.WITHDRAW_CONSENT, Verb.CONFIRM_CONSENT, Verb.SEE_READINGS),
        Permission.EXCERPT_REVOKE,
    ),
    Verb.CANCEL: Permission.CONSULT_CANCEL,
    **dict.fromkeys((Verb.JOIN, Verb.ASK_FOR_WRITING), Permission.SESSION_JOIN),
    Verb.WRITE_NOTE: Permission.NOTE_WRITE,
}
"""The kind of act each of them is: what a role has no part in, no state allows."""

_REFUSALS: Final[Mapping[Verb, Callable[[], Refused]]] = {
    Verb.SAVE: lambda: Refused("This request has been submitted: it can no longer be changed."),
    Verb.SUBMIT: lambda: Refused("This request has already been submitted."),
    Verb.ADD_IMAGES: lambda: Refused("This consult has ended. Images can no longer be added."),
    Verb.ADD_ENTRIES: lambda: Refused("This consult has ended: nothing more of the file can be shared with it."),
    Verb.RECEIVE: lambda: Refused("This consult is already in triage."),
    Verb.ACCEPT: lambda: Refused("This consult has already been accepted, or it is closed."),
    Verb.DECLINE: lambda: Refused("This consult can no longer be declined."),
    Verb.PROPOSE_TIME: lambda: Refused("The time of this consult is booked, or the consult is closed."),
    Verb.BOOK: lambda: Refused("A time can be booked once a specialist has accepted, and only once."),
    Verb.MARK_MISSED: lambda: Refused("The session of this consult has begun, or no time is booked."),
    Verb.CANCEL: lambda: Refused("This consult can no longer be cancelled."),
    Verb.JOIN: lambda: Refused("The room of this consult is closed."),
    Verb.ASK_FOR_WRITING: lambda: Refused("There is no session that could be answered in writing instead."),
    Verb.WRITE_NOTE: lambda: Refused("The note of this consult cannot be written now."),
    Verb.ACKNOWLEDGE: lambda: Refused("This note has not been delivered yet, or it is already acknowledged."),
    Verb.REVOKE_EXCERPT: lambda: Refused("This excerpt is not shared any more."),
    Verb.WITHDRAW_CONSENT: lambda: Refused("This consult shares nothing any more."),
    Verb.CONFIRM_CONSENT: lambda: Refused("This consult shares nothing any more."),
    Verb.SEE_READINGS: lambda: Refused("Nothing was shared with this consult yet."),
}


def may(consult: ServiceRequest, actor: Actor, verb: Verb) -> bool:
    """Whether the actor may do this now."""
    return access.may(actor, NEEDS[verb]) and part_of(consult, actor) in ALLOWED[state_of(consult), verb]


def require(consult: ServiceRequest, actor: Actor, verb: Verb) -> None:
    """Raise Forbidden when it is never this person's to do, Refused when the state does not allow it."""
    if may(consult, actor, verb):
        return
    part = part_of(consult, actor)
    if not access.may(actor, NEEDS[verb]) or not any(part in ALLOWED[state, verb] for state in ConsultState):
        raise Forbidden("This is for someone else to do.")
    raise _REFUSALS[verb]()
