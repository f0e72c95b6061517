"""The privacy officer's judgement of each file that was opened without a care relation."""

import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult import audit
from teleconsult.access import Permission, require, rows
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.directory.models import PractitionerRole
from teleconsult.errors import Invalid, NotFound, Refused
from teleconsult.events import tell
from teleconsult.patients.models import BreakGlass

MOST_SHOWN: Final = 200
LONGEST: Final = 1000


async def openings_to_review(session: AsyncSession, actor: Actor) -> Sequence[BreakGlass]:
    """The openings of the establishment's files: first those to judge, the oldest first, then the latest judged.

    At most 200; patient, who opened it and who judged are loaded. Raises NotFound for who watches over nothing.
    """
    require(actor, Permission.AUDIT_READ)
    people = (BreakGlass.role, BreakGlass.reviewer)
    found = await session.scalars(
        select(BreakGlass)
        .where(rows.openings_to_review(actor))
        .order_by(
            BreakGlass.reviewed_at.is_not(None),
            BreakGlass.reviewed_at.desc().nulls_first(),
            BreakGlass.started_at,
        )
        .limit(MOST_SHOWN)
        .options(
            joinedload(BreakGlass.patient),
            *(joinedload(person).joinedload(PractitionerRole.practitioner) for person in people),
            joinedload(BreakGlass.role).joinedload(PractitionerRole.organization),
        )
    )
    return found.all()


async def review_opening(
    session: AsyncSession, actor: Actor, *, opening_id: uuid.UUID, is_justified: bool, note: str
) -> BreakGlass:
    """Say whether it was justified, once; what was not needs a note.

    Raises NotFound for another establishment's, Refused the second time, Invalid on `note`.
    """
    require(actor, Permission.AUDIT_READ)
    opening = await session.scalar(
        select(BreakGlass).where(BreakGlass.id == opening_id, rows.openings_to_review(actor)).with_for_update()
    )
    if opening is None:
        raise NotFound
    if opening.reviewed_at is not None:
        raise Refused("This opening was reviewed already.")
    if len(note) > LONGEST or (not is_justified and not note.strip()):
        raise Invalid({"note": "Say why it was not justified, in at most 1,000 characters."})
    opening.reviewed_at, opening.reviewed_by_id = now(), actor.role_id
    opening.is_justified, opening.review = is_justified, note.strip()
    audit.record(session, actor, "glass-reviewed", opening, patient_id=opening.patient_id, is_justified=is_justified)
    await session.flush()
    await tell(session, "GlassReviewed", opening=opening.id, organization=opening.organization_id)
    return opening
