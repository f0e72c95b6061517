"""The work list of pairs that numbers and traits say different things about, and what is decided of them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Uuid, column, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult import audit
from teleconsult.access import Permission, may, require, rows
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.stepping_up import require_fresh
from teleconsult.clock import now
from teleconsult.directory.models import PractitionerRole
from teleconsult.errors import Invalid, NotFound, Refused
from teleconsult.patients.identities import KnownIdentity
from teleconsult.patients.linking import add_link, check_reason
from teleconsult.patients.links import CaseDecision, IdentityCase, LinkBasis
from teleconsult.patients.merging import add_merge

MOST_SHOWN: Final = 100
_COLUMNS: Final = (column("id", Uuid), column("patient", JSONB), column("other", JSONB))


@dataclass(frozen=True, slots=True)
class Comparison:
    """A pair, and both identities: as they are, or as they were when it was decided."""

    case: IdentityCase
    patient: KnownIdentity
    other: KnownIdentity

    @property
    def is_of_one_house(self) -> bool:
        """Registered twice here, rather than once at each of two establishments."""
        return self.patient.organization_id == self.other.organization_id


async def comparisons(session: AsyncSession, actor: Actor, *, decided: bool = False) -> list[Comparison]:
    """The pairs the actor's establishment has to compare, the oldest first; or those decided, the latest first.

    At most 100; who was linked meanwhile waits no more. Raises NotFound for who decides nothing.
    """
    require(actor, Permission.IDENTITY_DECIDE)
    found = await session.scalars(
        select(IdentityCase)
        .where(rows.identity_cases(actor), IdentityCase.decision.is_not(None) if decided else _OPEN)
        .order_by(IdentityCase.decided_at.desc() if decided else IdentityCase.found_at, IdentityCase.id)
        .limit(MOST_SHOWN)
        .options(_WITH_DECIDER)
    )
    pairs = await _with_identities(session, found.all())
    return [pair for pair in pairs if decided or pair.patient.person_id != pair.other.person_id]


async def waiting_count(session: AsyncSession, actor: Actor) -> int:
    """How many pairs `comparisons` would show, in one query: at most 100. 0 for who decides nothing."""
    if not may(actor, Permission.IDENTITY_DECIDE):
        return 0
    oldest = (
        select(IdentityCase.id)
        .where(rows.identity_cases(actor), _OPEN)
        .order_by(IdentityCase.found_at)
        .limit(MOST_SHOWN)
        .scalar_subquery()
    )
    pairs = func.compared_identities(func.array(oldest)).table_valued(*_COLUMNS)
    person = "person_id"
    differ = pairs.c.patient[person].astext != pairs.c.other[person].astext
    return await session.scalar(select(func.count()).select_from(pairs).where(differ)) or 0


async def comparison_for(session: AsyncSession, actor: Actor, case_id: uuid.UUID) -> Comparison:
    """One pair; its look is kept. Raises NotFound for another establishment's and for who decides nothing."""
    case = await _case(session, actor, case_id)
    [found] = await _with_identities(session, [case])
    audit.record(session, actor, "identities-compared", case, patient_id=case.patient_id)
    if found.other.organization_id != case.organization_id:
        audit.record(session, actor, "identities-compared", case, patient_id=case.other_id)
    return found


async def decide_case(
    session: AsyncSession,
    actor: Actor,
    *,
    case_id: uuid.UUID,
    decision: str,
    note: str,
    kept_id: uuid.UUID | None = None,
) -> IdentityCase:
    """Say that the two are one person, or two people who are not asked about again.

    One person registered twice at the establishment is merged: `kept_id` says which one stays. Raises StepUpNeeded
    for that, NotFound as `comparison_for` does, Invalid on `decision`, `kept_id` or `reason`, Refused the second time.
    """
    case = await _case(session, actor, case_id)
    if decision not in set(CaseDecision):
        raise Invalid({"decision": "Say whether it is one person."})
    check_reason(note)
    await session.refresh(case, with_for_update={"of": IdentityCase})
    if case.decision is not None:
        raise Refused("This was decided already.")
    [pair] = await _with_identities(session, [case])
    if decision == CaseDecision.SAME_PERSON:
        await _join(session, actor, pair, note, kept_id)
    case.decision, case.note = CaseDecision(decision), note.strip()
    case.decided_at, case.decided_by_id = now(), actor.role_id
    audit.record(session, actor, "identities-decided", case, patient_id=case.patient_id, decision=decision)
    await session.flush()
    await session.refresh(case, ["identities"])
    return case


async def _join(session: AsyncSession, actor: Actor, pair: Comparison, note: str, kept_id: uuid.UUID | None) -> None:
    ids = (pair.case.patient_id, pair.case.other_id)
    if not pair.is_of_one_house:
        await add_link(
            session,
            actor,
            patient_id=ids[0],
            other_id=ids[1],
            basis=LinkBasis.DECISION,
            evidence=pair.case.evidence,
            reason=note,
        )
        return
    require_fresh(actor)
    if kept_id not in ids:
        raise Invalid({"kept_id": "Choose which of the two stays."})
    merged_id = ids[0] if kept_id == ids[1] else ids[1]
    await add_merge(session, actor, merged_id=merged_id, kept_id=kept_id, reason=note)


async def _case(session: AsyncSession, actor: Actor, case_id: uuid.UUID) -> IdentityCase:
    require(actor, Permission.IDENTITY_DECIDE)
    case = await session.scalar(
        select(IdentityCase).where(IdentityCase.id == case_id, rows.identity_cases(actor)).options(_WITH_DECIDER)
    )
    if case is None:
        raise NotFound
    return case


async def _with_identities(session: AsyncSession, cases: Sequence[IdentityCase]) -> list[Comparison]:
    asked = func.compared_identities([case.id for case in cases]).table_valued(*_COLUMNS)
    today = {row["id"]: row for row in (await session.execute(select(asked))).mappings()}
    found = []
    for case in cases:
        told = case.identities if case.decision is not None else today[case.id]
        found.append(Comparison(case, KnownIdentity.read(told["patient"]), KnownIdentity.read(told["other"])))
    return found


_OPEN: Final = IdentityCase.decision.is_(None)
_WITH_DECIDER: Final = joinedload(IdentityCase.decided_by).joinedload(PractitionerRole.practitioner)
