"""The live room of a consult: the page around the call. The call itself travels over the socket."""

import uuid
from typing import Final

from aiohttp import web

from signaling.verdicts import opening_of
from teleconsult.accounts import SYSTEM
from teleconsult.consults.models import ConsultMode, ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, may
from teleconsult.db import transaction
from teleconsult.encounters.guests import guests_of
from teleconsult.encounters.join_tokens import issue_join_token
from teleconsult.encounters.models import GuestKind
from teleconsult.encounters.queries import LiveSession, encounter_for
from teleconsult.errors import Refused
from teleconsult.imaging.models import ImagingStudy
from teleconsult.imaging.queries import studies_of_consult
from teleconsult.meetings.models import CaseStatus, Meeting, MeetingCase
from teleconsult.meetings.queries import standing_case
from teleconsult.meetings.sitting import known_as
from web.rendering import render
from web.requests import actor_of, db, frame_of, id_in, own_transactions, sealer_of, sessions_of, to_page
from web.views.emergencies import CARD, DECIDED, emergency_context, room_card, waiting_room
from web.views.excerpts import excerpt_context
from web.words import label, options

EXCERPT: Final = "shown-excerpt"
STUDIES: Final = "shown-studies"
"""The frames of the room that look again while the call goes on."""


async def show(request: web.Request) -> web.StreamResponse:
    """The room, from the booking until the note is signed, for the two who take part in it."""
    session, actor, consult_id = db(request), actor_of(request), id_in(request)
    live = await encounter_for(session, actor, consult_id)
    if live.task.owner_role_id is None:
        consult = await consult_for(session, actor, consult_id)
        return await waiting_room(request, consult, telephones=_telephones(consult, is_requester=True))
    guests = await guests_of(session, actor, consult_id)
    consult = await consult_for(session, actor, consult_id)
    if not live.is_open:
        return render(request, "rooms/closed.html.jinja", status=Refused.status, consult=consult)
    frame = frame_of(request)
    studies = [card.study for card in await studies_of_consult(session, actor, consult)]
    if frame in (STUDIES, CARD, DECIDED):
        return await _part(request, consult, studies)
    if not frame and (case := await _meeting_called(request, consult)) is not None:
        return to_page(request, "meetings.room", id=case.meeting_id)
    shown = await excerpt_context(request, consult_id, again=frame == EXCERPT)
    if frame == EXCERPT:
        return render(request, "rooms/_excerpt.html.jinja", consult=consult, **shown)
    return render(
        request,
        "rooms/show.html.jinja",
        consult=consult,
        consult_id=consult.id,
        live=live,
        other=live.counterpart.name,
        main=await _main(request, live),
        awaits_meeting=consult.mode is ConsultMode.MEETING,
        opening=await opening_of(session, live.mine.participant.id),
        is_guest=False,
        guests=guests,
        kinds=options(GuestKind),
        studies=studies,
        may={verb.value: may(consult, actor, verb) for verb in Verb},
        refused=(),
        **await emergency_context(request, consult),
        may_write=may(consult, actor, Verb.WRITE_NOTE),
        may_ask_for_writing=live.encounter.ended_at is None and may(consult, actor, Verb.ASK_FOR_WRITING),
        telephones=_telephones(consult, is_requester=live.mine.part == "requester"),
        **shown,
    )


async def _part(request: web.Request, consult: ServiceRequest, studies: list[ImagingStudy]) -> web.StreamResponse:
    """One of the frames that need no more than that."""
    if frame_of(request) == STUDIES:
        return render(request, "rooms/_studies.html.jinja", consult=consult, studies=studies)
    return await room_card(request, consult)


async def _meeting_called(request: web.Request, consult: ServiceRequest) -> MeetingCase | None:
    """Its place on a meeting's list, where that is discussing it now and the reader sits in that."""
    if consult.mode is not ConsultMode.MEETING:
        return None
    case = await standing_case(db(request), consult.id)
    if case is None or case.status is not CaseStatus.CALLED:
        return None
    meeting: Meeting | None = case.meeting  # its walls hide it from who asked
    if meeting is None or not meeting.is_open:
        return None
    sits = any(one.practitioner_role_id == actor_of(request).role_id for one in meeting.members)
    return case if sits else None


async def _main(request: web.Request, live: LiveSession) -> uuid.UUID:
    """Who has the large picture: the other side, as they are known in the call."""
    seat = live.counterpart.participant.id
    if live.request.mode is not ConsultMode.MEETING:
        return seat
    async with transaction(sessions_of(request), SYSTEM) as session:
        return await known_as(session, seat)


def _telephones(consult: ServiceRequest, *, is_requester: bool) -> list[tuple[str, str]]:
    """Names and numbers by which the other side is reached when nothing else works."""
    if not is_requester:
        house = consult.requester_organization
        return [(house.name, house.phone)] if house.phone else []
    if (service := consult.service) is None:
        return []
    named = (f"{label(service.specialty)}, {service.organization.name}", service.phone)
    return [pair for pair in (named, (service.organization.name, service.organization.phone)) if pair[1]]


@own_transactions
async def join_token(request: web.Request) -> web.StreamResponse:
    """A short-lived token that opens one socket into this room (`auth: {"token": …}`)."""
    async with transaction(sessions_of(request), actor_of(request)) as session:
        token, expires = await issue_join_token(
            session, sealer_of(request), actor_of(request), consult_id=id_in(request)
        )
    return web.json_response(
        {"token": token, "expires": expires.isoformat()}, status=201, headers={"Cache-Control": "no-store"}
    )
