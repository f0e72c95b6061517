"""When news leaves the house: after a while in which the person may look by themselves, and several pieces at once."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from procrastinate import JobContext
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import RoleCode
from teleconsult.jobs import app, defer, defer_once
from teleconsult.messages.audience import Person, heard, person_in
from teleconsult.messages.choices import choice_of, is_phone_good
from teleconsult.messages.delivering import deliver_news
from teleconsult.messages.jobs import RETRY
from teleconsult.messages.models import Channel, Notice, NoticeChoice, PushDevice
from teleconsult.messages.occasions import OCCASIONS, Occasion, Topic

LOOK_FIRST: Final = timedelta(minutes=1)
"""Who is at the screen has seen it by then, and is not sent it."""
APART: Final = timedelta(minutes=10)
"""Between two sendings to the same person, whatever happens in between; what cannot wait goes at once."""
OLD_NEWS: Final = timedelta(days=2)
"""What could not be sent for so long stays on screen."""
QUIET: Final = frozenset(name for name, occasion in OCCASIONS.items() if occasion.is_quiet)
URGENT: Final = frozenset(name for name, occasion in OCCASIONS.items() if occasion.topic is Topic.URGENT)
AT_ONCE: Final = 200
"""People looked at in one minute, who has waited longest first."""


async def owe_sending(session: AsyncSession, role_id: uuid.UUID, *, at_once: bool = False) -> None:
    """Owe a person the sending of what they have not read by then.

    At once means a job of its own, whatever waits already: a worker may take what waits before this act commits, and
    would not see it. A job that finds nothing left to send does nothing.
    """
    if at_once:
        await defer(session, send_news, role_id=str(role_id))
        return
    wait = LOOK_FIRST
    last = await session.scalar(
        select(func.max(Notice.sent_at)).where(Notice.practitioner_role_id == role_id, Notice.occasion.not_in(QUIET))
    )
    if last is not None:
        wait = max(wait, last + APART - now())
    await defer_once(session, send_news, lock=f"news:{role_id}", after=wait, role_id=str(role_id))


@app.periodic(cron="* * * * *")
@app.task(name="send_left_over", queueing_lock="send_left_over", pass_context=True)
async def send_left_over(context: JobContext, timestamp: int) -> None:
    """Every minute."""
    del timestamp
    async with transaction(context.additional_context["sessions"], SYSTEM) as session:
        await owe_left_over(session)


async def owe_left_over(session: AsyncSession) -> None:
    """Owe the sending of what should be gone by now, unless a job for it waits: one may have been taken too soon."""
    left = await session.execute(
        select(Notice.practitioner_role_id, func.bool_or(Notice.occasion.in_(URGENT)))
        .where(Notice.sent_at.is_(None), Notice.happened_at < now() - LOOK_FIRST)
        .group_by(Notice.practitioner_role_id)
        .order_by(func.min(Notice.happened_at))
        .limit(AT_ONCE)
    )
    for role_id, is_urgent in left.all():
        lock = f"news-at-once:{role_id}" if is_urgent else f"news:{role_id}"
        await defer_once(session, send_news, lock=lock, role_id=str(role_id))


@app.task(name="send_news", pass_context=True, retry=RETRY)
async def send_news(context: JobContext, role_id: str) -> None:
    """Hand what a person has not read yet to their channels, each piece once."""
    sessions: Sessions = context.additional_context["sessions"]
    async with transaction(sessions, SYSTEM) as session:
        person = await person_in(session, uuid.UUID(role_id))
        waiting = await _take(session, uuid.UUID(role_id), now())
        if person is None:
            return
        choice = await choice_of(session, person.account.id)
        worth = await heard(session, person, [notice for notice in waiting if _is_worth(choice, notice)])
        urgent = [notice for notice in worth if notice.occasion in URGENT]
        usual = [notice for notice in worth if notice not in urgent]
        await _hand_over(session, person, choice.channels, choice, usual)
        await _hand_over(session, person, Channel, choice, urgent)


async def _hand_over(
    session: AsyncSession, person: Person, channels: Iterable[str], choice: NoticeChoice, notices: Sequence[Notice]
) -> None:
    """Owe one message of these by each of the channels that there is a way by."""
    if not notices:
        return
    values = {"role_id": str(person.role.id), "notice_ids": [str(notice.id) for notice in notices]}
    is_urgent = all(notice.occasion in URGENT for notice in notices)
    mailed = [str(notice.id) for notice in notices if _is_mailed(person, OCCASIONS[notice.occasion])]
    if Channel.EMAIL in channels and mailed:
        await defer(session, deliver_news, channel=Channel.EMAIL.value, **values | {"notice_ids": mailed})
    if Channel.SMS in channels and is_phone_good(choice, is_urgent=is_urgent):
        await defer(session, deliver_news, channel=Channel.SMS.value, **values)
    if Channel.PUSH in channels:
        devices = await session.scalars(
            select(PushDevice.id).where(PushDevice.account_id == person.account.id).order_by(PushDevice.created_at)
        )
        for device_id in devices:
            await defer(session, deliver_news, channel=Channel.PUSH.value, device_id=str(device_id), **values)


def _is_mailed(person: Person, occasion: Occasion) -> bool:
    """Not what is over when a mail is read, nor what the person's calendar is told by a mail of its own."""
    in_session = person.role.code is not RoleCode.COORDINATOR
    return occasion.is_mailed and not (occasion.by_calendar and in_session)


async def _take(session: AsyncSession, role_id: uuid.UUID, moment: datetime) -> list[Notice]:
    """What waits to be sent, ours alone until the transaction ends, and then sent or left to the screen for good."""
    waiting = list(
        await session.scalars(
            select(Notice)
            .where(Notice.practitioner_role_id == role_id, Notice.sent_at.is_(None))
            .order_by(Notice.happened_at)
            .with_for_update()
        )
    )
    for notice in waiting:
        notice.sent_at = moment
    return [notice for notice in waiting if notice.happened_at > moment - OLD_NEWS]


def _is_worth(choice: NoticeChoice, notice: Notice) -> bool:
    """Not looked at yet, wished for, about a session still to come."""
    topic = OCCASIONS[notice.occasion].topic if notice.occasion in OCCASIONS else None
    is_wished = topic is Topic.URGENT or topic in choice.topics
    is_over = topic is Topic.REMINDERS and notice.starts_at is not None and notice.starts_at < now()
    return notice.read_at is None and is_wished and not is_over
