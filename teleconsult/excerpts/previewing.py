"""What the specialist will see of a request, before it is sent: made as it will be frozen, and not kept."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.consults.drafting import entries_in
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.states import Verb, require
from teleconsult.excerpts.freezing import entries_to_freeze, frozen_copy, studies_to_share
from teleconsult.excerpts.models import Excerpt
from teleconsult.imaging.models import ImagingStudy


@dataclass(frozen=True, slots=True)
class Preview:
    """An excerpt that no table holds, and the studies it would share."""

    excerpt: Excerpt
    studies: Sequence[ImagingStudy]


async def preview_excerpt(session: AsyncSession, actor: Actor, *, draft: ServiceRequest) -> Preview:
    """The excerpt as it would be frozen now, of a draft that was looked up through the actor; its patient is loaded.

    Raises Forbidden for anybody but who writes it, Refused once it was submitted, Invalid on `entries` when one of
    them is no longer in the file.
    """
    require(draft, actor, Verb.SAVE)
    chosen = await entries_to_freeze(session, actor, patient_id=draft.patient_id, entries=entries_in(draft))
    studies = await studies_to_share(session, consult_id=draft.id, patient_id=draft.patient_id, entries=chosen)
    return Preview(frozen_copy(consult_id=draft.id, patient=draft.patient, entries=chosen), studies)
