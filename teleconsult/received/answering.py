"""Telling the sender of a mail what became of it: owed with the decision, sent by a worker, once at the most.

Only to the sender's own address within the mail space, never to a guess. What may have arrived is not sent again: an
answer too few is a question less than an answer too many.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from procrastinate import JobContext, RetryStrategy
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.delivery.models import ARRIVED, DeliveryStatus
from teleconsult.delivery.secure_mail import is_secure_place, post
from teleconsult.delivery.secure_mail_message import Letter
from teleconsult.delivery.states import RETRY_FOR, wait_after
from teleconsult.jobs import app, defer_once
from teleconsult.received.answerable import Unanswered, can_be_named
from teleconsult.received.models import ReceivedMessage
from teleconsult.received.notification import Answer, write_notification
from teleconsult.settings import Settings

AT_ONCE: Final = 50
LOCK: Final = "answer_received"
RETRY: Final = RetryStrategy(max_attempts=5, exponential_wait=3)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _InHand:
    message_id: uuid.UUID
    letter: Letter


async def owe_answer(session: AsyncSession, message: ReceivedMessage) -> None:
    """Owe who asked for it word of the decision that was just taken, in its own transaction. Once."""
    if not message.answer_to or message.answer_failure or message.answered_at is not None:
        return
    message.answer_at = now()
    await session.flush()
    await defer_once(session, answer_received, lock=LOCK)


@app.periodic(cron="* * * * *")
@app.task(name="look_after_answers", queueing_lock="look_after_answers", pass_context=True)
async def look_after_answers(context: JobContext, timestamp: int) -> None:
    """Every minute: answers that were put off, or that no job speaks of any more."""
    del timestamp
    await send_answers(context.additional_context["sessions"], context.additional_context["settings"])


@app.task(name="answer_received", queueing_lock=LOCK, pass_context=True, retry=RETRY)
async def answer_received(context: JobContext) -> None:
    """Those that are owed now."""
    await send_answers(context.additional_context["sessions"], context.additional_context["settings"])


async def send_answers(sessions: Sessions, settings: Settings) -> int:
    """Send what is due; how many went out."""
    sent = 0
    for _turn in range(AT_ONCE):
        async with transaction(sessions, SYSTEM) as session:
            taken = await _take(session, settings)
        if taken is None:
            break
        if isinstance(taken, _InHand):
            sent += await _send(sessions, settings, taken)
    return sent


async def _take(session: AsyncSession, settings: Settings) -> _InHand | Unanswered | None:
    """The next one that is due, in hand from now on; or why it is not sent. None where nothing is due."""
    message = await session.scalar(
        select(ReceivedMessage)
        .where(ReceivedMessage.answer_at <= now())
        .order_by(ReceivedMessage.answer_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if message is None:
        return None
    assert message.decided_at is not None, "it is owed with the decision"
    message.answer_at, message.answer_attempts = None, message.answer_attempts + 1
    if settings.secure_mail_url is None or "@" not in settings.inbox_address:
        return _not(message, Unanswered.NO_WAY_OUT)
    if not is_secure_place(message.answer_to, settings):
        return _not(message, Unanswered.UNSAFE)
    if not can_be_named(message.message_id):
        return _not(message, Unanswered.NAMELESS)
    message.answer_failure = Unanswered.IN_HAND.value
    answer = Answer(
        message_id=message.id,
        ours=settings.inbox_address,
        to=message.answer_to,
        number=message.message_id,
        status=message.status,
        decided_at=message.decided_at,
    )
    return _InHand(message.id, Letter("", message.answer_to, message.id.hex, write_notification(answer), "NEVER"))


async def _send(sessions: Sessions, settings: Settings, taken: _InHand) -> bool:
    try:
        outcome = await post(taken.letter, settings)
        state, reason = outcome.state, outcome.reason
    except Exception as error:
        log.error("received.answer_broke", kind=type(error).__name__)  # noqa: TRY400  (no content)
        state, reason = DeliveryStatus.SENT_UNKNOWN, ""
    async with transaction(sessions, SYSTEM) as session:
        message = await session.get_one(ReceivedMessage, taken.message_id, with_for_update=True)
        if state in ARRIVED:
            message.answered_at, message.answer_failure = now(), ""
        elif state is DeliveryStatus.RETRY_WAIT and message.decided_at and now() < message.decided_at + RETRY_FOR:
            message.answer_failure = Unanswered.TROUBLE.value
            message.answer_at = now() + max(wait_after(message.answer_attempts), timedelta(seconds=1))
        else:
            is_unknown = state is DeliveryStatus.SENT_UNKNOWN
            message.answer_failure = (Unanswered.UNKNOWN if is_unknown else Unanswered.REFUSED).value
        audit.record(
            session,
            SYSTEM,
            "message-answered",
            message,
            patient_id=message.patient_id,
            state=state.value,
            reason=reason,
        )
    return state in ARRIVED


def _not(message: ReceivedMessage, why: Unanswered) -> Unanswered:
    message.answer_failure = why.value
    return why
