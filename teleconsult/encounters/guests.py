"""Guests of one session: a patient, a family doctor, an interpreter. Invited by a link that one device keeps.

A link is good once: the first browser that opens it keeps it. Only hashes are kept here.
"""

import hashlib
import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import and_, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.one_time import new_token, token_hash
from teleconsult.audit import record
from teleconsult.clock import now
from teleconsult.directory.models import Practitioner, PractitionerRole
from teleconsult.encounters.guest_room import session_goes_on
from teleconsult.encounters.models import Encounter, EncounterParticipant, GuestKind, GuestPass
from teleconsult.encounters.queries import LiveSession, encounter_for, pass_stands
from teleconsult.errors import Invalid, NotFound, Refused
from teleconsult.events import tell
from teleconsult.scheduling.models import Appointment

AFTER_BOOKED_TIME: Final = timedelta(hours=24)
MOST: Final = 4
"""Guests of one session at a time: everyone sends to everyone, and a phone in the country sends to six at most."""
LONGEST_NAME: Final = 80
COOKIE: Final = re.compile(r"(?P<pass>[0-9a-f]{32})\.(?P<device>[\w-]{43})", re.ASCII)
USED_ELSEWHERE: Final = "This link was already used on another device. Ask who invited you for a new one."


class GuestState(StrEnum):
    """How far a guest has come."""

    INVITED = "invited"
    OPENED = "opened"
    WAITING = "waiting"
    IN_ROOM = "in-room"
    LEFT = "left"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Guest:
    """A pass as those who may invite see it."""

    kept: GuestPass
    state: GuestState
    since: datetime | None
    """When they first came to the door."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a link says to who opens it: nothing of the consult."""

    kept: GuestPass
    inviter: str
    inviter_seat: uuid.UUID
    """The participant id of who invited: whose picture a guest sees large."""
    consult_id: uuid.UUID


async def invite_guest(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, kind: GuestKind, name: str
) -> tuple[GuestPass, str]:
    """A pass for one guest, good until the session ends or a day after the booked time, and its link's token.

    Raises NotFound for who takes no part in the session, Refused once its room is closed or is full, Invalid without
    a name.
    """
    live = await encounter_for(session, actor, consult_id, lock=True)
    if not live.is_open:
        raise Refused("The room of this consult is closed.")
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise Invalid({"name": "Write the name the others will see, in 80 characters at most."})
    await require_place(session, live.encounter.id)
    token = new_token()
    kept = GuestPass(
        id=uuid.uuid4(),
        encounter_id=live.encounter.id,
        patient_id=live.patient_id,
        kind=kind,
        name=name,
        token_hash=token_hash(token),
        created_by_id=actor.role_id,
        created_at=now(),
        expires_at=max(live.appointment.starts_at, now()) + AFTER_BOOKED_TIME,
    )
    session.add(kept)
    await session.flush()
    session.add(EncounterParticipant(encounter_id=live.encounter.id, guest_pass_id=kept.id))
    await _note(session, actor, "guest-invited", kept, live)
    return kept, token


async def require_place(session: AsyncSession, encounter_id: uuid.UUID) -> None:
    """Raise Refused where as many are expected in a session as find room in it."""
    expected = select(func.count()).where(
        GuestPass.encounter_id == encounter_id, GuestPass.revoked_at.is_(None), GuestPass.expires_at > now()
    )
    if (await session.scalar(expected) or 0) >= MOST:
        raise Refused("No more than four guests can be invited to one session. Withdraw a link first.")


async def guests_of(session: AsyncSession, actor: Actor, consult_id: uuid.UUID) -> list[Guest]:
    """Everyone who was invited, oldest first. Raises NotFound for who takes no part in the session."""
    live = await encounter_for(session, actor, consult_id)
    found = await session.execute(
        select(GuestPass, EncounterParticipant)
        .join(EncounterParticipant, EncounterParticipant.guest_pass_id == GuestPass.id)
        .where(GuestPass.encounter_id == live.encounter.id)
        .order_by(GuestPass.created_at, GuestPass.id)
        .execution_options(populate_existing=True)
    )
    return [Guest(kept, _state(kept, participant), participant.arrived_at) for kept, participant in found]


async def admit_guest(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, pass_id: uuid.UUID) -> None:
    """Let a guest in who waits at the door; twice is as good as once.

    Raises NotFound, and Refused where the link was never opened, was withdrawn or has run out.
    """
    live, kept = await _pass_of(session, actor, consult_id, pass_id)
    if kept.opened_at is None or kept.revoked_at is not None or kept.expires_at <= now():
        raise Refused("This guest cannot be let in: the link was not opened, was withdrawn or has run out.")
    if kept.admitted_at is None:
        kept.admitted_at = now()
        await _note(session, actor, "guest-admitted", kept, live)


async def revoke_guest(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, pass_id: uuid.UUID) -> None:
    """Take a link back: it opens nothing any more, and a guest who is in the room goes out. Raises NotFound."""
    live, kept = await _pass_of(session, actor, consult_id, pass_id)
    if kept.revoked_at is None:
        kept.revoked_at = now()
        await _note(session, actor, "guest-revoked", kept, live)


async def invitation_behind(session: AsyncSession, token: str) -> Invitation | None:
    """Whom a link invites, and who did; None once it is over, withdrawn, or never was."""
    return await _invitation(session, token_hash(token))


async def was_sent(session: AsyncSession, token: str) -> bool:
    """Whether such a link was ever made: who comes by one that is over is not guessing."""
    return bool(await session.scalar(select(exists().where(GuestPass.token_hash == token_hash(token)))))


async def open_pass(session: AsyncSession, invitation: Invitation, *, cookie: str) -> str:
    """Bind the pass to the device this cookie is on, or was just given to: its new value.

    A device keeps one secret for all the links it opens, so that a second one does not shut the first. Raises Refused
    when another device was first.
    """
    kept = invitation.kept
    _last_pass, device = _read(cookie)
    device = device or new_token()
    if kept.browser_hash != _device_hash(device, kept.id):
        opened = await session.scalar(
            update(GuestPass)
            .where(GuestPass.id == kept.id, GuestPass.browser_hash.is_(None), GuestPass.revoked_at.is_(None))
            .values(browser_hash=_device_hash(device, kept.id), opened_at=now())
            .returning(GuestPass.id)
        )
        if opened is None:
            raise Refused(USED_ELSEWHERE)
        record(session, _actor(kept), "guest-opened", kept, patient_id=kept.patient_id, consult=invitation.consult_id)
        await tell(session, "GuestChanged", consult=invitation.consult_id)
    return f"{kept.id.hex}.{device}"


def may_open(invitation: Invitation, *, cookie: str) -> bool:
    """Whether nobody has opened the link yet, or this device has."""
    _last_pass, device = _read(cookie)
    kept = invitation.kept
    return kept.browser_hash is None or kept.browser_hash == _device_hash(device, kept.id)


async def actor_for_device(session: AsyncSession, cookie: str) -> tuple[Actor, Invitation] | None:
    """The guest whose device this is, by the link it opened last.

    None once the session has ended, the pass run out or been withdrawn.
    """
    pass_id, device = _read(cookie)
    if pass_id is None:
        return None
    link = await session.scalar(
        select(GuestPass.token_hash).where(
            GuestPass.id == pass_id, GuestPass.browser_hash == _device_hash(device, pass_id), pass_stands()
        )
    )
    invitation = await _invitation(session, link) if link is not None else None
    return (_actor(invitation.kept), invitation) if invitation else None


async def _invitation(session: AsyncSession, link: bytes) -> Invitation | None:
    found = (
        await session.execute(
            select(GuestPass, Practitioner, EncounterParticipant.id, Encounter.service_request_id)
            .join(PractitionerRole, PractitionerRole.id == GuestPass.created_by_id)
            .join(Practitioner, Practitioner.id == PractitionerRole.practitioner_id)
            .join(Encounter, Encounter.id == GuestPass.encounter_id)
            .join(
                EncounterParticipant,
                and_(
                    EncounterParticipant.encounter_id == Encounter.id,
                    EncounterParticipant.practitioner_role_id == GuestPass.created_by_id,
                ),
            )
            .join(Appointment, Appointment.id == Encounter.appointment_id)
            .where(
                GuestPass.token_hash == link,
                GuestPass.revoked_at.is_(None),
                GuestPass.expires_at > now(),
                session_goes_on(),
                rows.is_permitted(Encounter.service_request_id),
            )
            .execution_options(populate_existing=True)
        )
    ).one_or_none()
    if found is None:
        return None
    kept, practitioner, inviter_seat, consult_id = found
    return Invitation(kept, practitioner.name, inviter_seat, consult_id)


async def _pass_of(
    session: AsyncSession, actor: Actor, consult_id: uuid.UUID, pass_id: uuid.UUID
) -> tuple[LiveSession, GuestPass]:
    live = await encounter_for(session, actor, consult_id, lock=True)
    kept = await session.get(GuestPass, pass_id, populate_existing=True)
    if kept is None or kept.encounter_id != live.encounter.id:
        raise NotFound
    return live, kept


async def _note(session: AsyncSession, actor: Actor, action: str, kept: GuestPass, live: LiveSession) -> None:
    record(session, actor, action, kept, patient_id=kept.patient_id, consult=live.consult_id, kind=kept.kind)
    await tell(session, "GuestChanged", consult=live.consult_id, guest=kept.id)
    await session.flush()


def _state(kept: GuestPass, participant: EncounterParticipant) -> GuestState:
    is_there = participant.arrived_at is not None and participant.left_at is None
    if kept.revoked_at is not None:
        return GuestState.REVOKED
    if kept.expires_at <= now():
        return GuestState.EXPIRED
    if kept.opened_at is None:
        return GuestState.INVITED
    if kept.admitted_at is None:
        return GuestState.WAITING if is_there else GuestState.OPENED
    if is_there:
        return GuestState.IN_ROOM
    return GuestState.LEFT if participant.left_at is not None else GuestState.OPENED


def _actor(kept: GuestPass) -> Actor:
    return Actor(None, None, None, None, None, kept.name, guest_pass_id=kept.id)


def _read(cookie: str) -> tuple[uuid.UUID | None, str]:
    """The pass opened last on this device, and the device's secret."""
    found = COOKIE.fullmatch(cookie)
    return (uuid.UUID(found["pass"]), found["device"]) if found else (None, "")


def _device_hash(device: str, pass_id: uuid.UUID) -> bytes:
    return hashlib.sha256(f"{device}:{pass_id}".encode()).digest()
