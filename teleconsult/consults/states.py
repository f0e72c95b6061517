"""Where a consult stands, read off its rows, and who may do what from there.

state          who acts     ServiceRequest  Task                      Appointment  Encounter    note
draft          requester    draft           –                         –            –            –
submitted      coordinator  active          requested                 – / prop.    –            –
emergency      specialist   active, `stat`  requested                 arrived      in-progress  –
triage         coordinator  active          received                  – / prop.    –            –
awaiting-info  requester    on-hold         on-hold, `awaiting-info`  –            –            –
declined       coordinator  active          rejected, then requested  – / prop.    –            –
redirected     coordinator  active          the same, other service   – / prop.    –            –
accepted       coordinator  active          accepted                  – / pending  –            –
scheduled      both sides   active          accepted                  booked       planned      –
arrived        both sides   active          accepted                  arrived      arrived      –
advising       specialist   active          in-progress               – / lost     –            – / preliminary
in-session     both sides   active          in-progress               arrived      in-progress  – / preliminary
unsigned       specialist   active          in-progress, `unsigned`   fulfilled    in-progress  – / preliminary
signed         the system   active          in-progress               fulfilled    finished     final
delivered      requester    active          completed, output = note  fulfilled    finished     final
acknowledged   –            completed       completed                 fulfilled    finished     final, amended
retracted      –            completed       completed                 fulfilled    finished     entered-in-error
no-show        coordinator  active          on-hold                   noshow       cancelled    –
cancelled      –            revoked         cancelled                 cancelled    cancelled    –

Asked for in writing (mode `advice`), a consult has no appointment: accepted, it is `advising` until the note is signed.
An appointment is `proposed` until a specialist has accepted, `pending` from then until it is booked.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

from teleconsult import access
from teleconsult.access import Permission
from teleconsult.accounts.actor import Actor
from teleconsult.consults.models import UNSIGNED, ConsultMode, RequestStatus, ServiceRequest, Task, TaskStatus
from teleconsult.consults.verbs import Verb
from teleconsult.directory.models import RoleCode
from teleconsult.errors import Forbidden, Refused
from teleconsult.notes.models import CompositionStatus
from teleconsult.scheduling.models import AppointmentStatus


class ConsultState(StrEnum):
    """Our words for where a consult stands, in the order it usually goes through them."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    EMERGENCY = "emergency"
    """The room is open, those on duty are paged; nobody has answered yet."""
    TRIAGE = "triage"
    AWAITING_INFO = "awaiting-info"
    DECLINED = "declined"
    REDIRECTED = "redirected"
    ACCEPTED = "accepted"
    ADVISING = "advising"
    """Accepted, and answered in writing: there is no session."""
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
            return _while_worked_on(consult, task)
        case _ if consult.appointment is not None:
            return _BY_APPOINTMENT.get(consult.appointment.status, ConsultState.ACCEPTED)
        case _:
            return ConsultState.ACCEPTED


def _while_worked_on(consult: ServiceRequest, task: Task) -> ConsultState:
    if task.business_status == UNSIGNED:
        return ConsultState.UNSIGNED
    return ConsultState.ADVISING if consult.mode is ConsultMode.ADVICE else ConsultState.IN_SESSION


def _while_waiting(consult: ServiceRequest, task: Task) -> ConsultState:
    if consult.mode is ConsultMode.EMERGENCY:
        return ConsultState.EMERGENCY
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
    MEMBER = "member"
    """A specialist of the team meeting that it is put before; who accepted is somebody else."""
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
    if actor.role is not RoleCode.SPECIALIST:
        return Part.COLLEAGUE
    return Part.MEMBER if consult.task is not None and consult.task.owner_role_id is not None else Part.CANDIDATE


WAITING: Final = (ConsultState.SUBMITTED, ConsultState.TRIAGE, ConsultState.DECLINED, ConsultState.REDIRECTED)
"""Nobody has accepted yet."""
WITH_SESSION: Final = (ConsultState.SCHEDULED, ConsultState.ARRIVED, ConsultState.IN_SESSION)
"""A time is booked and the session not over: both sides are shown the way into the room."""
UNHELD: Final = (ConsultState.ACCEPTED, ConsultState.ADVISING, ConsultState.NO_SHOW)
"""Somebody has accepted, and no session is booked."""
_DISCUSSED: Final = (*UNHELD, *WITH_SESSION, ConsultState.UNSIGNED, ConsultState.SIGNED, ConsultState.DELIVERED)
BEFORE_SESSION: Final = (*WAITING, ConsultState.ACCEPTED, ConsultState.SCHEDULED, ConsultState.ARRIVED)
_ENDED: Final = (
    ConsultState.SIGNED,
    ConsultState.DELIVERED,
    ConsultState.ACKNOWLEDGED,
    ConsultState.RETRACTED,
    ConsultState.CANCELLED,
)
_SHARING: Final = tuple(s for s in ConsultState if s not in (ConsultState.DRAFT, ConsultState.CANCELLED))
_UNDER_WAY: Final = (
    ConsultState.EMERGENCY,
    ConsultState.IN_SESSION,
    ConsultState.UNSIGNED,
    ConsultState.SIGNED,
    ConsultState.DELIVERED,
)
_SUBMITTED: Final = tuple(s for s in ConsultState if s is not ConsultState.DRAFT)
_OPEN: Final = tuple(s for s in ConsultState if s not in (ConsultState.DRAFT, *_ENDED))
_ROWS: Final[tuple[tuple[Verb, tuple[Part, ...], tuple[ConsultState, ...]], ...]] = (
    (Verb.SAVE, (Part.REQUESTER,), (ConsultState.DRAFT,)),
    (Verb.SUBMIT, (Part.REQUESTER,), (ConsultState.DRAFT,)),
    (Verb.ADD_IMAGES, (Part.REQUESTER,), (ConsultState.DRAFT, *_OPEN)),
    (Verb.ADD_ENTRIES, (Part.REQUESTER, Part.COLLEAGUE), _OPEN),
    (Verb.RECEIVE, (Part.COORDINATOR,), (ConsultState.SUBMITTED, ConsultState.DECLINED, ConsultState.REDIRECTED)),
    (Verb.ACCEPT, (Part.CANDIDATE,), WAITING),
    (Verb.DECLINE, (Part.CANDIDATE,), WAITING),
    (Verb.DECLINE, (Part.OWNER,), UNHELD),
    (Verb.ASSIGN, (Part.COORDINATOR,), WAITING),
    (Verb.REDIRECT, (Part.COORDINATOR,), (*WAITING, *UNHELD)),
    (Verb.REDIRECT, (Part.CANDIDATE,), WAITING),
    (Verb.REDIRECT, (Part.OWNER,), UNHELD),
    (Verb.ASK_FOR_INFORMATION, (Part.COORDINATOR,), (*WAITING, ConsultState.ACCEPTED, ConsultState.SCHEDULED)),
    (Verb.ASK_FOR_INFORMATION, (Part.CANDIDATE,), WAITING),
    (Verb.ASK_FOR_INFORMATION, (Part.OWNER,), (ConsultState.ACCEPTED, ConsultState.ADVISING, ConsultState.SCHEDULED)),
    (Verb.GIVE_INFORMATION, (Part.REQUESTER,), (ConsultState.AWAITING_INFO,)),
    (Verb.CHANGE_MODE, (Part.REQUESTER, Part.COORDINATOR), (*WAITING, *UNHELD, ConsultState.SCHEDULED)),
    (Verb.CHANGE_MODE, (Part.CANDIDATE,), WAITING),
    (Verb.CHANGE_MODE, (Part.OWNER,), (*UNHELD, ConsultState.SCHEDULED)),
    (
        Verb.ESCALATE,
        (Part.REQUESTER,),
        (*WAITING, ConsultState.AWAITING_INFO, *UNHELD, ConsultState.SCHEDULED, ConsultState.ARRIVED),
    ),
    (Verb.CALM, (Part.REQUESTER,), (ConsultState.EMERGENCY,)),
    (Verb.SEND_MESSAGE, (Part.REQUESTER, Part.OWNER), _DISCUSSED),
    (Verb.ANSWER, (Part.CANDIDATE,), (ConsultState.EMERGENCY,)),
    (Verb.DECIDE, (Part.OWNER,), (ConsultState.IN_SESSION, ConsultState.UNSIGNED)),
    (Verb.TRANSFER, (Part.REQUESTER, Part.OWNER), _UNDER_WAY),
    (Verb.FOLLOW_TRANSFER, (Part.REQUESTER, Part.OWNER), _SUBMITTED),
    (Verb.HAND_BACK, (Part.OWNER,), (ConsultState.IN_SESSION,)),
    (Verb.CALL_OTHERS, (Part.REQUESTER,), (ConsultState.IN_SESSION,)),
    (Verb.PROPOSE_TIME, (Part.COORDINATOR,), (*WAITING, ConsultState.ACCEPTED, ConsultState.NO_SHOW)),
    (Verb.BOOK, (Part.COORDINATOR,), (ConsultState.ACCEPTED,)),
    (Verb.PUT_ON_LIST, (Part.COORDINATOR,), (*WAITING, ConsultState.ACCEPTED)),
    (Verb.MOVE_TIME, (Part.COORDINATOR,), (ConsultState.SCHEDULED,)),
    (Verb.CANCEL_TIME, (Part.REQUESTER, Part.OWNER, Part.COORDINATOR), (ConsultState.SCHEDULED,)),
    (Verb.MARK_MISSED, (Part.COORDINATOR,), (ConsultState.SCHEDULED, ConsultState.ARRIVED)),
    (
        Verb.CANCEL,
        (Part.REQUESTER, Part.COORDINATOR),
        (*BEFORE_SESSION, ConsultState.AWAITING_INFO, ConsultState.ADVISING, ConsultState.NO_SHOW),
    ),
    (Verb.CANCEL, (Part.REQUESTER, Part.COORDINATOR), (ConsultState.EMERGENCY,)),
    (Verb.JOIN, (Part.REQUESTER, Part.OWNER), WITH_SESSION),
    (Verb.JOIN, (Part.REQUESTER,), (ConsultState.EMERGENCY,)),
    (
        Verb.ASK_FOR_WRITING,
        (Part.REQUESTER, Part.OWNER),
        (*WITH_SESSION, ConsultState.ADVISING, ConsultState.UNSIGNED),
    ),
    (
        Verb.WRITE_NOTE,
        (Part.OWNER,),
        (*UNHELD, *WITH_SESSION, ConsultState.UNSIGNED),
    ),
    (
        Verb.FOLLOW_NOTE,
        (Part.OWNER,),
        (ConsultState.SIGNED, ConsultState.DELIVERED, ConsultState.ACKNOWLEDGED),
    ),
    (Verb.ACKNOWLEDGE, (Part.REQUESTER,), (ConsultState.DELIVERED,)),
    (Verb.FOLLOW_UP, (Part.REQUESTER, Part.COLLEAGUE), (ConsultState.ACKNOWLEDGED,)),
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
    **dict.fromkeys(
        (
            *(Verb.SAVE, Verb.SUBMIT, Verb.ADD_ENTRIES, Verb.ESCALATE, Verb.CALM),
            *(Verb.ACKNOWLEDGE, Verb.FOLLOW_UP),
        ),
        Permission.CONSULT_REQUEST,
    ),
    **dict.fromkeys(
        (
            *(Verb.REDIRECT, Verb.ASK_FOR_INFORMATION, Verb.GIVE_INFORMATION, Verb.CHANGE_MODE, Verb.SEND_MESSAGE),
            Verb.CANCEL_TIME,
        ),
        Permission.CONSULT_DISCUSS,
    ),
    Verb.ADD_IMAGES: Permission.IMAGES_ADD,
    **dict.fromkeys(
        (
            *(Verb.RECEIVE, Verb.ASSIGN, Verb.PROPOSE_TIME, Verb.BOOK, Verb.MOVE_TIME, Verb.MARK_MISSED),
            Verb.PUT_ON_LIST,
        ),
        Permission.CONSULT_TRIAGE,
    ),
    **dict.fromkeys((Verb.ACCEPT, Verb.DECLINE, Verb.ANSWER), Permission.CONSULT_ANSWER),
    **dict.fromkeys(
        (Verb.DECIDE, Verb.TRANSFER, Verb.FOLLOW_TRANSFER, Verb.HAND_BACK, Verb.CALL_OTHERS), Permission.SESSION_JOIN
    ),
    **dict.fromkeys(
        (Verb.REVOKE_EXCERPT, Verb.WITHDRAW_CONSENT, Verb.CONFIRM_CONSENT, Verb.SEE_READINGS),
        Permission.EXCERPT_REVOKE,
    ),
    Verb.CANCEL: Permission.CONSULT_CANCEL,
    **dict.fromkeys((Verb.JOIN, Verb.ASK_FOR_WRITING), Permission.SESSION_JOIN),
    **dict.fromkeys((Verb.WRITE_NOTE, Verb.FOLLOW_NOTE), Permission.NOTE_WRITE),
}
"""The kind of act each of them is: what a role has no part in, no state allows."""

_OF_SESSIONS: Final = (Verb.PROPOSE_TIME, Verb.BOOK)
"""What is done for a session to come: not while the answer is wanted in writing."""
_OF_TWO: Final = (*_OF_SESSIONS, Verb.MOVE_TIME, Verb.CANCEL_TIME, Verb.MARK_MISSED, Verb.ASK_FOR_WRITING)
"""What is done about a session of two: the time of a case is its turn on the list of a team meeting."""
_OF_EMERGENCIES: Final = (Verb.HAND_BACK, Verb.CALL_OTHERS)

_REFUSALS: Final[Mapping[Verb, Callable[[], Refused]]] = {
    Verb.SAVE: lambda: Refused("This request has been submitted: it can no longer be changed."),
    Verb.SUBMIT: lambda: Refused("This request has already been submitted."),
    Verb.ADD_IMAGES: lambda: Refused("This consult has ended. Images can no longer be added."),
    Verb.ADD_ENTRIES: lambda: Refused("This consult has ended: nothing more of the file can be shared with it."),
    Verb.RECEIVE: lambda: Refused("This consult is already in triage."),
    Verb.ACCEPT: lambda: Refused("This consult has already been accepted, or it is closed."),
    Verb.DECLINE: lambda: Refused("This consult can no longer be declined."),
    Verb.ANSWER: lambda: Refused("This emergency has been answered already, or it was called off."),
    Verb.DECIDE: lambda: Refused("A decision is noted between the answer and the signed note."),
    Verb.TRANSFER: lambda: Refused("This consult has ended: nobody travels because of it any more."),
    Verb.FOLLOW_TRANSFER: lambda: Refused("Nobody travels because of this consult."),
    Verb.HAND_BACK: lambda: Refused("This session is over, or others are being called already."),
    Verb.CALL_OTHERS: lambda: Refused("This session is over, or others are being called already."),
    Verb.ASSIGN: lambda: Refused("Somebody has accepted this consult already, or it is closed."),
    Verb.REDIRECT: lambda: Refused("This consult can no longer go to another service."),
    Verb.ASK_FOR_INFORMATION: lambda: Refused("Information is wanted already, or this consult is too far for it."),
    Verb.GIVE_INFORMATION: lambda: Refused("No information is wanted (any more)."),
    Verb.CHANGE_MODE: lambda: Refused("How this consult is answered can no longer be changed."),
    Verb.ESCALATE: lambda: Refused("This session has begun, or the consult has ended: raise a new emergency."),
    Verb.CALM: lambda: Refused("Somebody has answered this emergency already, or it was called off."),
    Verb.SEND_MESSAGE: lambda: Refused("Messages can be written once a specialist has accepted, until the end."),
    Verb.PROPOSE_TIME: lambda: Refused("The time of this consult is booked, or the consult is closed."),
    Verb.BOOK: lambda: Refused("A time can be booked once a specialist has accepted, and only once."),
    Verb.PUT_ON_LIST: lambda: Refused("This consult is on the list of a team meeting, or too far for one."),
    Verb.MARK_MISSED: lambda: Refused("The session of this consult has begun, or no time is booked."),
    Verb.CANCEL: lambda: Refused("This consult can no longer be cancelled."),
    Verb.MOVE_TIME: lambda: Refused("Only a booked time can be moved, before the session begins."),
    Verb.CANCEL_TIME: lambda: Refused("Only a booked time can be cancelled, before the session begins."),
    Verb.JOIN: lambda: Refused("The room of this consult is closed."),
    Verb.ASK_FOR_WRITING: lambda: Refused("There is no session that could be answered in writing instead."),
    Verb.WRITE_NOTE: lambda: Refused("The note of this consult cannot be written now."),
    Verb.FOLLOW_NOTE: lambda: Refused("Nothing can follow this note: it is not signed yet, or it was withdrawn."),
    Verb.ACKNOWLEDGE: lambda: Refused("This note has not been delivered yet, or it is already acknowledged."),
    Verb.FOLLOW_UP: lambda: Refused("What became of it is asked once the note is acknowledged."),
    Verb.REVOKE_EXCERPT: lambda: Refused("This excerpt is not shared any more."),
    Verb.WITHDRAW_CONSENT: lambda: Refused("This consult shares nothing any more."),
    Verb.CONFIRM_CONSENT: lambda: Refused("This consult shares nothing any more."),
    Verb.SEE_READINGS: lambda: Refused("Nothing was shared with this consult yet."),
}


def may(consult: ServiceRequest, actor: Actor, verb: Verb) -> bool:
    """Whether the actor may do this now."""
    if verb in _OF_SESSIONS and consult.mode is ConsultMode.ADVICE:
        return False
    if verb in _OF_EMERGENCIES and consult.mode is not ConsultMode.EMERGENCY:
        return False
    if (consult.mode is ConsultMode.MEETING and verb in _OF_TWO) or (
        consult.mode is not ConsultMode.MEETING and verb is Verb.PUT_ON_LIST
    ):
        return False
    if verb is Verb.ASK_FOR_INFORMATION and consult.mode is not ConsultMode.MEETING and _is_scheduled(consult):
        return False  # then both sides meet soon; a case of a meeting should be complete before its turn
    return access.may(actor, NEEDS[verb]) and part_of(consult, actor) in ALLOWED[state_of(consult), verb]


def _is_scheduled(consult: ServiceRequest) -> bool:
    return state_of(consult) is ConsultState.SCHEDULED


def require(consult: ServiceRequest, actor: Actor, verb: Verb) -> None:
    """Raise Forbidden when it is never this person's to do, Refused when the state does not allow it."""
    if may(consult, actor, verb):
        return
    part = part_of(consult, actor)
    if not access.may(actor, NEEDS[verb]) or not any(part in ALLOWED[state, verb] for state in ConsultState):
        raise Forbidden("This is for someone else to do.")
    if verb in _OF_SESSIONS and consult.mode is ConsultMode.ADVICE:
        raise Refused("This consult is answered in writing. Change it to a video session first.")
    if verb in _OF_TWO and consult.mode is ConsultMode.MEETING:
        raise Refused("This consult is discussed by a team meeting: its turn stands on the meeting’s list.")
    if verb is Verb.PUT_ON_LIST and consult.mode is not ConsultMode.MEETING:
        raise Refused("This consult is not for a team meeting. Change how it is answered first.")
    raise _REFUSALS[verb]()


__all__ = [
    "ALLOWED",
    "BEFORE_SESSION",
    "NEEDS",
    "UNHELD",
    "WAITING",
    "WITH_SESSION",
    "ConsultState",
    "Part",
    "Verb",
    "may",
    "part_of",
    "require",
    "state_of",
]
