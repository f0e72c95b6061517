"""Whose number it is: a code is sent to it by SMS, and typed once. Before that nothing else is sent to it.

A slip of the finger would tell a stranger of consults, by number and day after day. The code is drawn by the job that
sends it; a hash is kept (`accounts.one_time`).
"""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from procrastinate import JobContext
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts import one_time
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.models import OneTimeSecret, SecretPurpose
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid
from teleconsult.jobs import app, defer
from teleconsult.messages import sms
from teleconsult.messages.jobs import RETRY
from teleconsult.messages.message import Message, Unreachable
from teleconsult.messages.models import NoticeChoice
from teleconsult.messages.wording import language
from teleconsult.settings import Settings

MOST_CODES: Final = 5
WITHIN: Final = timedelta(hours=1)
PURPOSE: Final = SecretPurpose.PHONE_CODE
_WORDS: Final[Mapping[str, str]] = {
    "fr": "Téléconsult : votre code est %s. Saisissez-le sur la page d’où il vient.",
    "en": "Teleconsult: your code is %s. Type it on the page it was sent from.",
    "vi": "Teleconsult: mã của bạn là %s. Hãy nhập mã vào trang đã gửi.",
}


async def owe_code(session: AsyncSession, actor: Actor) -> None:
    """Owe the actor's number a code; the one before is worth nothing. Raises Invalid on `phone` after five an hour."""
    assert actor.account_id is not None, "who has a number has an account"
    turn = func.hashtextextended(f"phone code {actor.account_id}", 0)  # of two at once the second counts the first
    await session.execute(select(func.pg_advisory_xact_lock(turn)))
    asked = select(func.count()).where(
        OneTimeSecret.account_id == actor.account_id,
        OneTimeSecret.purpose == PURPOSE,
        OneTimeSecret.created_at > now() - WITHIN,
    )
    if (await session.scalar(asked) or 0) >= MOST_CODES:
        raise Invalid({"phone": "Five codes were sent within an hour. Try again later."})
    await one_time.spend_all(session, actor.account_id, PURPOSE)
    kept = await one_time.keep(session, PURPOSE, account_id=actor.account_id)
    await defer(session, text_code, secret_id=str(kept.id), locale=actor.locale)


@app.task(name="text_code", pass_context=True, retry=RETRY)
async def text_code(context: JobContext, secret_id: str, locale: str) -> None:
    """Draw the code and send it to the number as it is now; nothing where the code is spent, or too late."""
    sessions: Sessions = context.additional_context["sessions"]
    settings: Settings = context.additional_context["settings"]
    async with transaction(sessions, SYSTEM) as session:
        kept = await session.get(OneTimeSecret, uuid.UUID(secret_id), with_for_update=True)
        if kept is None or kept.used_at is not None or kept.expires_at <= now():
            return
        phone = await session.scalar(select(NoticeChoice.phone).where(NoticeChoice.account_id == kept.account_id))
        if not phone:
            return
        words = _WORDS[language(locale)] % one_time.draw_code(settings, kept)
    page = f"{settings.base_url}/account/notices"
    try:
        await sms.send(settings, Message(words, words, page, tag="code", seconds=1800), to=phone)
    except Unreachable:
        return  # it is seen on the page: no code came


async def confirm_number(session: AsyncSession, settings: Settings, actor: Actor, *, code: str) -> bool:
    """Take the code that was sent: from then on the number is used. False for a wrong one; five wrong ones spend it."""
    kept = await session.scalar(
        select(OneTimeSecret)
        .where(
            OneTimeSecret.account_id == actor.account_id,
            OneTimeSecret.purpose == PURPOSE,
            OneTimeSecret.used_at.is_(None),
            OneTimeSecret.expires_at > now(),
            OneTimeSecret.wrong_tries < one_time.MOST_WRONG,
        )
        .order_by(OneTimeSecret.created_at.desc())
        .limit(1)
        .with_for_update()
    )
    if kept is None:
        return False
    if not one_time.is_code(settings, kept, code):
        kept.wrong_tries += 1
        await session.flush()
        return False
    kept.used_at = now()
    await session.execute(
        update(NoticeChoice)
        .where(NoticeChoice.account_id == actor.account_id)
        .values(phone_confirmed_at=now(), phone_failures=0)
    )
    audit.record(session, actor, "number-confirmed")
    await session.flush()
    return True
