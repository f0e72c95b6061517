"""What the pages say about a consult: what happens next, and what has happened."""

from collections.abc import Mapping
from typing import Final

from teleconsult.accounts import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.consults.models import ConsultMode, ServiceRequest
from teleconsult.consults.states import WAITING, ConsultState, Part, part_of, state_of
from web.i18n import LazyString, gettext
from web.i18n import lazy_gettext as _

_FOR_EVERYONE: Final[Mapping[ConsultState, LazyString]] = {
    ConsultState.DRAFT: _("Finish the request and submit it."),
    ConsultState.SUBMITTED: _("The coordinator has not opened the request yet."),
    ConsultState.EMERGENCY: _("Emergency: those on duty are being called."),
    ConsultState.TRIAGE: _("The coordinator is arranging a time; a specialist may accept at any moment."),
    ConsultState.AWAITING_INFO: _("More information is wanted. The referring doctor has to answer."),
    ConsultState.DECLINED: _("A specialist declined. The coordinator is looking for another way."),
    ConsultState.REDIRECTED: _("The request went on to another service, which has to answer it."),
    ConsultState.ACCEPTED: _("A specialist has accepted. The coordinator books the time next."),
    ConsultState.ADVISING: _("The specialist is writing the answer. No session is needed."),
    ConsultState.SCHEDULED: _("The time is booked. The room is open: who comes early waits there."),
    ConsultState.ARRIVED: _("Someone is in the waiting room."),
    ConsultState.IN_SESSION: _("The session is under way."),
    ConsultState.UNSIGNED: _("The session is over. The specialist has to sign the note."),
    ConsultState.SIGNED: _("The note is signed and on its way into the patient's file."),
    ConsultState.DELIVERED: _("The note is in the patient's file. The referring doctor has to acknowledge it."),
    ConsultState.ACKNOWLEDGED: _("The note has been acknowledged. Nothing is left to do."),
    ConsultState.RETRACTED: _("The note was retracted."),
    ConsultState.NO_SHOW: _("The session did not take place. A new time is needed."),
    ConsultState.CANCELLED: _("This consult was cancelled."),
}
_PROPOSE_OR_WAIT: Final = _("Propose a time. A specialist of the service may accept before or after.")
_READ_AND_ANSWER: Final = _("Read the question and the excerpt, then accept or decline.")
_FOR_PART: Final[Mapping[Part, Mapping[ConsultState, LazyString]]] = {
    Part.REQUESTER: {
        ConsultState.AWAITING_INFO: _(
            "The other side needs to know more from you. Answer below, and the consult goes on."
        ),
        ConsultState.ADVISING: _("The specialist is writing the answer. You can write to each other below."),
        ConsultState.SCHEDULED: _("Your time is booked. Join the session here; if you are early, you wait inside."),
        ConsultState.ARRIVED: _("The room is open. Join the session."),
        ConsultState.IN_SESSION: _("The session is under way. You can join again at any moment."),
        ConsultState.UNSIGNED: _("The session is over. The note will come here once the specialist has signed it."),
        ConsultState.DELIVERED: _("The signed note is in the patient's file. Read it and acknowledge it."),
        ConsultState.ACKNOWLEDGED: _("The note has been acknowledged. Once you know, say below what became of it."),
    },
    Part.COORDINATOR: {
        ConsultState.NO_SHOW: _("The session did not take place. Propose another time."),
        ConsultState.SUBMITTED: _PROPOSE_OR_WAIT,
        ConsultState.TRIAGE: _PROPOSE_OR_WAIT,
        ConsultState.DECLINED: _("A specialist declined. Find another time, redirect it, or cancel with a reason."),
        ConsultState.REDIRECTED: _PROPOSE_OR_WAIT,
    },
    Part.CANDIDATE: dict.fromkeys(
        (ConsultState.SUBMITTED, ConsultState.TRIAGE, ConsultState.DECLINED, ConsultState.REDIRECTED),
        _READ_AND_ANSWER,
    ),
    Part.OWNER: {
        ConsultState.ADVISING: _("Write your answer and sign it. If you need to know more, ask below."),
        ConsultState.ACCEPTED: _("You have accepted. The coordinator books the time next."),
        ConsultState.SCHEDULED: _("Join the session here; the note can be begun at any moment."),
        ConsultState.ARRIVED: _("You are expected. Join the session."),
        ConsultState.IN_SESSION: _("The session is under way. Write the note while you talk."),
        ConsultState.UNSIGNED: _("Finish the note and sign it."),
        ConsultState.DELIVERED: _("The note is delivered. The referring doctor has to acknowledge it."),
    },
}
WAITING_FOR_WRITING: Final = (ConsultState.SUBMITTED, ConsultState.TRIAGE, ConsultState.REDIRECTED)
_IN_WRITING: Final = _("An answer in writing is wanted. A specialist of the service has to accept.")
_BOOK: Final = _("A specialist has accepted. Book the proposed time.")
_PROPOSE: Final = _("A specialist has accepted. Propose a time, then book it.")

_ACTS: Final[Mapping[str, LazyString]] = {
    "consult-submitted": _("%(who)s submitted the request"),
    "emergency-raised": _("%(who)s pressed the emergency button"),
    "emergency-answered": _("%(who)s answered the emergency"),
    "emergency-seen-to": _("%(who)s sees to the emergency as coordinator"),
    "emergency-handed-back": _("%(who)s had somebody else called"),
    "emergency-unanswered": _("Nobody was left to call for the emergency"),
    "emergency-decided": _("%(who)s noted the decision"),
    "emergency-necessity-noted": _("%(who)s noted why nobody could be asked for consent"),
    "transfer-requested": _("%(who)s asked for a transfer"),
    "transfer-noted": _("%(who)s noted how the transfer goes"),
    "consult-received": _("%(who)s opened the request"),
    "time-proposed": _("%(who)s proposed a time"),
    "information-wanted": _("%(who)s asked for more information"),
    "information-given": _("%(who)s gave the information"),
    "consult-assigned": _("%(who)s thought of a specialist"),
    "consult-redirected": _("%(who)s sent the request to another service"),
    "mode-changed": _("%(who)s changed how it is answered"),
    "consult-escalated": _("%(who)s called those on duty: it became an emergency"),
    "consult-accepted": _("%(who)s accepted"),
    "consult-declined": _("%(who)s declined"),
    "consult-booked": _("%(who)s booked the time"),
    "case-listed": _("%(who)s put it on the list of a team meeting"),
    "case-called": _("%(who)s had the team meeting discuss it"),
    "case-discussed": _("%(who)s ended its discussion by the team meeting"),
    "case-postponed": _("%(who)s postponed it to another team meeting"),
    "case-removed": _("%(who)s took it off the list of the team meeting"),
    "time-moved": _("%(who)s moved the session to another time"),
    "time-cancelled": _("%(who)s cancelled the time"),
    "consult-cancelled": _("%(who)s cancelled the consult"),
    "writing-asked": _("%(who)s asked for an answer in writing"),
    "excerpt-added": _("%(who)s shared more of the file"),
    "excerpt-revoked": _("%(who)s stopped sharing the excerpt"),
    "consent-confirmed": _("%(who)s noted that the consent is confirmed"),
    "consent-withdrawn": _("%(who)s noted that the consent is withdrawn"),
    "encounter-started": _("The session began"),
    "encounter-ended": _("The session ended"),
    "session-missed": _("The booked session did not take place"),
    "note-signed": _("%(who)s signed the note"),
    "note-co-signed": _("%(who)s signed the conclusion too"),
    "note-retracted": _("%(who)s withdrew a signed note"),
    "note-delivered": _("The note was written into the patient's file"),
    "note-acknowledged": _("%(who)s acknowledged the note"),
    "follow-up-recorded": _("%(who)s said what became of it"),
}


_BY_MEETING: Final = {
    **dict.fromkeys((*WAITING, ConsultState.ACCEPTED), _("The coordinator puts it on the list of a team meeting.")),
    ConsultState.SCHEDULED: _(
        "It is on the list of a team meeting. The referring doctor may wait in the room; the meeting comes there."
    ),
    ConsultState.ARRIVED: _("The referring doctor waits in the room. The meeting comes there when it is their turn."),
    ConsultState.IN_SESSION: _("The team meeting discusses it now."),
    ConsultState.UNSIGNED: _("The team meeting has discussed it. Its conclusion is still to be signed."),
}


def next_step(consult: ServiceRequest, actor: Actor, *, is_followed_up: bool = False) -> str:
    """One sentence: what happens next, as the actor needs to know it."""
    part, state = part_of(consult, actor), state_of(consult)
    if is_followed_up and state is ConsultState.ACKNOWLEDGED:
        return str(_FOR_EVERYONE[state])
    if consult.mode is ConsultMode.ADVICE and part is not Part.CANDIDATE and state in WAITING_FOR_WRITING:
        return str(_IN_WRITING)
    if consult.mode is ConsultMode.MEETING and (said := _BY_MEETING.get(state)):
        return str(said)
    if part is Part.COORDINATOR and state is ConsultState.ACCEPTED:
        return str(_BOOK if consult.appointment else _PROPOSE)
    return str(_FOR_PART.get(part, {}).get(state) or _FOR_EVERYONE[state])


def act_in_words(event: AuditEvent) -> str:
    """An act of a consult's history as a sentence."""
    return gettext(_ACTS[event.action].message, who=event.actor_name)
