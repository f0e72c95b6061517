"""How a person wishes to be reached: by which channels, of what, and how long before a session.

Mails about one's own way in (a code, a changed password) are no choice: they always go.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import phonenumbers
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.errors import Invalid
from teleconsult.messages.models import Channel, NoticeChoice
from teleconsult.messages.numbers import owe_code
from teleconsult.messages.occasions import Topic

CHOSEN_TOPICS: Final = tuple(topic for topic in Topic if topic is not Topic.URGENT)
"""What can be left out; what is urgent cannot."""
REMINDERS: Final = (24 * 60, 60, 10)
"""Minutes before a session: the day before, an hour, ten minutes."""
MOST_REFUSALS: Final = 3
"""After so many in a row a number is not tried any more, until it is saved anew."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the form says."""

    channels: frozenset[Channel]
    topics: frozenset[Topic]
    reminders: frozenset[int]
    phone: str


async def choice_of(session: AsyncSession, account_id: uuid.UUID) -> NoticeChoice:
    """What a person chose, or what holds for who has not: by e-mail, of everything. Not added to the session then."""
    kept = await session.scalar(select(NoticeChoice).where(NoticeChoice.account_id == account_id))
    return kept or NoticeChoice(
        account_id=account_id,
        channels=[Channel.EMAIL.value],
        topics=[topic.value for topic in CHOSEN_TOPICS],
        reminders=list(REMINDERS),
        phone="",
        phone_failures=0,
    )


async def own_choice(session: AsyncSession, actor: Actor) -> NoticeChoice:
    """The actor's. Belongs to an account: a system or a guest has none."""
    assert actor.account_id is not None, "the route needs an account"
    return await choice_of(session, actor.account_id)


async def choose(session: AsyncSession, actor: Actor, *, wishes: Wishes) -> NoticeChoice:
    """Keep what the actor wishes.

    Raises Invalid for a number that is none, a message by SMS without a number, and a time we do not remind at.
    """
    choice = await own_choice(session, actor)
    phone = read_phone(wishes.phone)
    if Channel.SMS in wishes.channels and not phone:
        raise Invalid({"phone": "Write the number that messages go to."})
    if not wishes.reminders <= set(REMINDERS) or Topic.URGENT in wishes.topics:
        raise Invalid({"reminders": "Choose from the list."})
    choice.channels = _in_order(wishes.channels, Channel)
    choice.topics = _in_order(wishes.topics, Topic)
    choice.reminders = sorted(wishes.reminders, reverse=True)
    if phone != choice.phone:
        choice.phone_confirmed_at = choice.phone_taken_at = choice.phone_refused_at = None
    choice.phone, choice.phone_failures, choice.updated_at = phone, 0, now()
    session.add(choice)
    audit.record(session, actor, "notices-chosen", channels=" ".join(choice.channels))
    await session.flush()
    if phone and choice.phone_confirmed_at is None:
        await owe_code(session, actor)
    return choice


def read_phone(typed: str) -> str:
    """A number with its country's code as the world dials it (E.164), nothing for nothing. Raises Invalid."""
    if not typed.strip():
        return ""
    wrong = Invalid({"phone": "This is no telephone number. Begin with + and the country’s code."})
    try:
        number = phonenumbers.parse(typed[:40])
    except phonenumbers.NumberParseException as error:
        raise wrong from error
    if not phonenumbers.is_valid_number(number):
        raise wrong
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def is_phone_good(choice: NoticeChoice, *, is_urgent: bool = False) -> bool:
    """It is the person's, and has not refused one message after the other; what is urgent is tried all the same."""
    is_theirs = bool(choice.phone) and choice.phone_confirmed_at is not None
    return is_theirs and (is_urgent or choice.phone_failures < MOST_REFUSALS)


async def note_sms(session: AsyncSession, account_id: uuid.UUID, phone: str, *, arrived: bool) -> None:
    """Remember whether the number took a message, unless it is another one by now. The system's own note.

    A gateway that refuses everybody says nothing of a number: one refusal after another counts only where it took a
    message for somebody else in between.
    """
    kept = await session.scalar(
        select(NoticeChoice).where(NoticeChoice.account_id == account_id, NoticeChoice.phone == phone).with_for_update()
    )
    if kept is None:
        return
    if arrived:
        kept.phone_failures, kept.phone_taken_at, kept.phone_refused_at = 0, now(), None
        return
    if kept.phone_refused_at is None or await _took_other_messages(session, kept, since=kept.phone_refused_at):
        kept.phone_failures, kept.phone_refused_at = kept.phone_failures + 1, now()


async def _took_other_messages(session: AsyncSession, kept: NoticeChoice, *, since: datetime) -> bool:
    taken = exists().where(NoticeChoice.id != kept.id, NoticeChoice.phone_taken_at > since)
    return bool(await session.scalar(select(taken)))


def _in_order(chosen: Collection[Channel | Topic], order: type[Channel] | type[Topic]) -> list[str]:
    return [code.value for code in order if code in chosen]
