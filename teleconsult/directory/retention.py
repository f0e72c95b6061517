"""How long an establishment keeps what it need not keep: its rules, what they would let go, and the letting go.

Files, images, frozen excerpts, signed notes and the audit log are no subjects: nothing here can name them.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.access.rows import rules_of_house
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.models import WebSession
from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.clock import now
from teleconsult.consults.models import RequestStatus, ServiceRequest
from teleconsult.db import act_as
from teleconsult.directory.models import PractitionerRole, RetentionRule, RetentionSubject
from teleconsult.encounters.jobs import forget_files
from teleconsult.encounters.models import ChatMessage, Encounter, EncounterStatus
from teleconsult.errors import Invalid
from teleconsult.imaging.models import ImagingStudy

S = RetentionSubject
FEWEST_DAYS: Final[Mapping[RetentionSubject, int]] = {S.ENDED_SESSIONS: 7, S.DISCARDED_DRAFTS: 30, S.CHAT: 30}
"""Nothing goes sooner, whatever a rule says; for drafts and chats the database checks it again."""
MOST_DAYS: Final = 3650
USUAL_DAYS: Final = (30, 90, 365, 1095)
"""What is offered; any other number can be typed."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A subject, its rule if the establishment has one, and what this and other rules would erase now."""

    subject: RetentionSubject
    rule: RetentionRule | None
    fewest_days: int
    due: Mapping[int, int]
    """How many things, by the days of a rule: those usually chosen and the one in force."""


async def standings(session: AsyncSession, actor: Actor) -> list[Standing]:
    """Every subject with its rule and what rules would let go tonight. Raises NotFound."""
    require(actor, Permission.ADMINISTRATION)
    rules = {rule.subject: rule for rule in await _rules(session, actor)}
    found = []
    for subject, fewest in FEWEST_DAYS.items():
        rule = rules.get(subject)
        choices = sorted({fewest, *USUAL_DAYS, *([rule.keep_days] if rule else [])})
        due = {days: await preview(session, actor, subject=subject, keep_days=days) for days in choices}
        found.append(Standing(subject, rule, fewest, due))
    return found


async def preview(session: AsyncSession, actor: Actor, *, subject: RetentionSubject, keep_days: int) -> int:
    """How many things would go now under such a rule. Raises NotFound, Invalid below the least number of days."""
    require(actor, Permission.ADMINISTRATION)
    _check(subject, keep_days)
    assert actor.organization_id is not None, "the permission is an establishment's"
    await act_as(session, SYSTEM)  # only a number comes back: an administrator may read none of what is counted
    try:
        return await _count(session, subject, actor.organization_id, now() - timedelta(days=keep_days))
    finally:
        await act_as(session, actor)


async def set_rule(
    session: AsyncSession, actor: Actor, *, subject: RetentionSubject, keep_days: int | None
) -> RetentionRule | None:
    """Keep such things for so many days, from tonight on; None keeps them for good.

    Raises StepUpNeeded, NotFound, Invalid below the least number of days or above ten years.
    """
    require(actor, Permission.ADMINISTRATION)
    if keep_days is not None:
        _check(subject, keep_days)
    require_fresh(actor)
    assert actor.organization_id is not None, "the permission is an establishment's"
    rule = next((rule for rule in await _rules(session, actor, lock=True) if rule.subject is subject), None)
    if keep_days is None:
        if rule is not None:
            await session.delete(rule)
            audit.record(session, actor, "retention-rule-removed", rule, subject=subject.value)
        await session.flush()
        return None
    if rule is None:
        rule = RetentionRule(id=uuid.uuid4(), organization_id=actor.organization_id, subject=subject)
        session.add(rule)
    rule.keep_days, rule.updated_at = keep_days, now()
    audit.record(session, actor, "retention-rule-set", rule, subject=subject.value, days=keep_days)
    await session.flush()
    return rule


async def run_rule(session: AsyncSession, rule_id: uuid.UUID) -> int:
    """Erase what one rule lets go, as the system; the number of things. A rule removed meanwhile does nothing."""
    rule = await session.get(RetentionRule, rule_id, with_for_update=True)
    if rule is None:
        return 0
    moment = now()
    keep_days = max(rule.keep_days, FEWEST_DAYS[rule.subject])
    erased = await _ERASE[rule.subject](session, rule.organization_id, moment - timedelta(days=keep_days))
    rule.last_run_at, rule.last_erased = moment, erased
    if erased:
        audit.record(
            session,
            SYSTEM,
            "retention-run",
            rule,
            subject=rule.subject.value,
            erased=erased,
            establishment=rule.organization_id,
        )
    await session.flush()
    return erased


async def _rules(session: AsyncSession, actor: Actor, *, lock: bool = False) -> Sequence[RetentionRule]:
    found = select(RetentionRule).where(rules_of_house(actor))
    return (await session.scalars(found.with_for_update() if lock else found)).all()


def _check(subject: RetentionSubject, keep_days: int) -> None:
    if not FEWEST_DAYS[subject] <= keep_days <= MOST_DAYS:
        raise Invalid(
            {"keep_days": "Give a number of days from %(fewest)s to %(most)s."},
            fewest=FEWEST_DAYS[subject],
            most=MOST_DAYS,
        )


def _sessions_over(organization_id: uuid.UUID, before: datetime) -> ColumnElement[bool]:
    roles = select(PractitionerRole.id).where(PractitionerRole.organization_id == organization_id)
    ended = func.coalesce(WebSession.ended_at, WebSession.expires_at)
    return and_(WebSession.practitioner_role_id.in_(roles), ended < before)


def _chats_over(organization_id: uuid.UUID, before: datetime) -> ColumnElement[bool]:
    return and_(
        ServiceRequest.requester_organization_id == organization_id,
        Encounter.status.in_((EncounterStatus.FINISHED, EncounterStatus.CANCELLED)),
        func.coalesce(Encounter.ended_at, ChatMessage.sent_at) < before,
    )


async def _count(session: AsyncSession, subject: RetentionSubject, organization_id: uuid.UUID, before: datetime) -> int:
    match subject:
        case S.ENDED_SESSIONS:
            which = select(func.count(WebSession.id)).where(_sessions_over(organization_id, before))
        case S.DISCARDED_DRAFTS:
            which = select(func.count(ServiceRequest.id)).where(
                ServiceRequest.requester_organization_id == organization_id,
                ServiceRequest.status == RequestStatus.REVOKED,
                ServiceRequest.submitted_at.is_(None),
                ServiceRequest.updated_at < before,
                ~select(ImagingStudy.id).where(ImagingStudy.service_request_id == ServiceRequest.id).exists(),
            )
        case S.CHAT:
            which = (
                select(func.count(ChatMessage.id))
                .join(Encounter, Encounter.id == ChatMessage.encounter_id)
                .join(ServiceRequest, ServiceRequest.id == Encounter.service_request_id)
                .where(_chats_over(organization_id, before))
            )
    return await session.scalar(which) or 0


async def _erase_sessions(session: AsyncSession, organization_id: uuid.UUID, before: datetime) -> int:
    gone = await session.scalars(
        delete(WebSession).where(_sessions_over(organization_id, before)).returning(WebSession.id)
    )
    return len(gone.all())


def _by_the_owner(function: str) -> Callable[[AsyncSession, uuid.UUID, datetime], Awaitable[int]]:
    """The app's role may not delete these: a function of the database does, and checks for itself."""
    call = text(f"select {function}(:establishment, :older_than)")

    async def erase(session: AsyncSession, organization_id: uuid.UUID, before: datetime) -> int:
        answer = await session.scalar(call, {"establishment": organization_id, "older_than": before})
        return int(answer or 0)

    return erase


_erase_lines: Final = _by_the_owner("erase_chat")


async def _erase_chats(session: AsyncSession, organization_id: uuid.UUID, before: datetime) -> int:
    """The lines, and once they are gone for good the files they carried."""
    found = await session.execute(
        select(ChatMessage.file_key, ChatMessage.preview_key)
        .join(Encounter, Encounter.id == ChatMessage.encounter_id)
        .join(ServiceRequest, ServiceRequest.id == Encounter.service_request_id)
        .where(_chats_over(organization_id, before), ChatMessage.file_key.is_not(None))
    )
    await forget_files(session, [key for row in found for key in row if key is not None])
    return await _erase_lines(session, organization_id, before)


_ERASE: Final[Mapping[RetentionSubject, Callable[[AsyncSession, uuid.UUID, datetime], Awaitable[int]]]] = {
    S.ENDED_SESSIONS: _erase_sessions,
    S.DISCARDED_DRAFTS: _by_the_owner("erase_discarded_drafts"),
    S.CHAT: _erase_chats,
}
