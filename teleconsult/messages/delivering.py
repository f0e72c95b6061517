"""One message to one address: tried again while the way there fails, never once the address takes nothing any more."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime

import structlog
from procrastinate import JobContext
from sqlalchemy import Delete, Update, delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, joinedload

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.documents.letters import LetterKind, write_letter
from teleconsult.jobs import app
from teleconsult.messages import mail, push, sms
from teleconsult.messages.audience import Person, heard, person_in
from teleconsult.messages.choices import choice_of, is_phone_good, note_sms
from teleconsult.messages.jobs import RETRY
from teleconsult.messages.message import Message, Unreachable
from teleconsult.messages.models import Channel, Notice, PushDevice
from teleconsult.messages.wording import write_message
from teleconsult.scheduling.models import LOST_APPOINTMENTS, Appointment
from teleconsult.settings import Settings

log = structlog.get_logger(__name__)


@app.task(name="deliver_news", pass_context=True, retry=RETRY)
async def deliver_news(
    context: JobContext, channel: str, role_id: str, notice_ids: list[str], device_id: str | None = None
) -> None:
    """Say these by one channel, as far as the person still sees their consults and has not read them meanwhile."""
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    async with transaction(sessions, SYSTEM) as session:
        person = await person_in(session, uuid.UUID(role_id))
        notices = await _unread(session, person, [uuid.UUID(notice_id) for notice_id in notice_ids]) if person else []
        if person is None or not notices:
            return
        message = write_message(
            notices, locale=person.actor.locale, time_zone=person.actor.time_zone, base_url=settings.base_url
        )
    match Channel(channel):
        case Channel.EMAIL:
            await _mail(settings, person, message)
        case Channel.SMS:
            await _text(sessions, settings, person, message)
        case Channel.PUSH:
            await _push(sessions, settings, uuid.UUID(device_id), message)


async def _unread(session: AsyncSession, person: Person, notice_ids: Sequence[uuid.UUID]) -> list[Notice]:
    found = await session.scalars(
        select(Notice)
        .where(Notice.id.in_(notice_ids), Notice.read_at.is_(None))
        .options(joinedload(Notice.consult))
        .order_by(Notice.happened_at)
    )
    moment, told = now(), await heard(session, person, found.all())
    times = await _times(session, {notice.service_request_id for notice in told if notice.starts_at is not None})
    return [notice for notice in told if _is_still_so(notice, times.get(notice.service_request_id), moment)]


async def _times(session: AsyncSession, consults: Collection[uuid.UUID]) -> dict[uuid.UUID, datetime]:
    """When the sessions of these consults are planned for, as it stands now."""
    found = await session.execute(
        select(Appointment.service_request_id, Appointment.starts_at).where(
            Appointment.service_request_id.in_(consults), Appointment.status.not_in(LOST_APPOINTMENTS)
        )
    )
    return {consult_id: starts_at for consult_id, starts_at in found if consult_id is not None}


def _is_still_so(notice: Notice, starts_at: datetime | None, moment: datetime) -> bool:
    """The session it speaks of, if it speaks of one, is still to come and planned for that time."""
    return notice.starts_at is None or (notice.starts_at == starts_at and notice.starts_at > moment)


async def _mail(settings: Settings, person: Person, message: Message) -> None:
    values = {"name": person.account.practitioner.name, "message": message, "choices": f"{settings.base_url}/account"}
    letter = write_letter(LetterKind.NEWS, locale=person.actor.locale, values=values)
    await mail.send(settings, mail.compose(settings, letter, to=person.account.email))


async def _text(sessions: Sessions, settings: Settings, person: Person, message: Message) -> None:
    async with transaction(sessions, SYSTEM) as session:
        choice = await choice_of(session, person.account.id)
    if not is_phone_good(choice, is_urgent=message.is_urgent):
        return
    try:
        await sms.send(settings, message, to=choice.phone)
    except Unreachable:
        log.warning("sms.refused", account=str(person.account.id))
        arrived = False
    else:
        arrived = True
    async with transaction(sessions, SYSTEM) as session:
        await note_sms(session, person.account.id, choice.phone, arrived=arrived)


async def _push(sessions: Sessions, settings: Settings, device_id: uuid.UUID, message: Message) -> None:
    """To a device, unless somebody else has taken it over since: it speaks to who registered it last."""
    later, mine = aliased(PushDevice), PushDevice
    async with transaction(sessions, SYSTEM) as session:
        taken_over = exists().where(later.endpoint == mine.endpoint, later.created_at > mine.created_at)
        device = await session.scalar(select(mine).where(mine.id == device_id, ~taken_over))
    if device is None:
        return
    outcome: Delete | Update = update(PushDevice).values(last_reached_at=now())
    try:
        await push.send(settings, message, to=device)
    except Unreachable:
        log.info("push.device_gone", account=str(device.account_id))
        outcome = delete(PushDevice)
    async with transaction(sessions, SYSTEM) as session:
        await session.execute(outcome.where(PushDevice.id == device.id))
