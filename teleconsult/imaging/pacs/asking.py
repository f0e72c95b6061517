"""Asking for a study that was found, following it, and giving it up."""

import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult import audit
from teleconsult.access.rows import pacs_fetches, pacs_of_house
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.errors import Invalid, NotFound, Refused
from teleconsult.imaging.actions import consult_to_fill
from teleconsult.imaging.pacs.answers import FoundStudy
from teleconsult.imaging.pacs.awaiting import OPEN
from teleconsult.imaging.pacs.jobs import queue_fetch
from teleconsult.imaging.pacs.models import FetchStatus, Pacs, PacsFetch
from teleconsult.imaging.pacs.searching import numbers_of

MOST_OPEN: Final = 10
"""Studies on their way to one request."""
SHOWN: Final = 50


async def ask_for_study(
    session: AsyncSession,
    actor: Actor,
    *,
    consult_id: uuid.UUID,
    pacs_id: uuid.UUID,
    study: FoundStudy,
    is_confirmed: bool = False,
) -> PacsFetch:
    """Have a study fetched that a search of this request found; `is_confirmed` that it is the patient's, although the
    archive says otherwise. One that is on its way already stays as it is.

    Raises as `consult_to_fill`, NotFound for no archive of the actor's establishment, Invalid on `confirmed`, Refused.
    """
    consult = await consult_to_fill(session, actor, consult_id, lock=True)
    pacs = await session.scalar(
        select(Pacs).where(Pacs.id == pacs_id, pacs_of_house(actor), Pacs.disabled_at.is_(None))
    )
    if pacs is None:
        raise NotFound
    differs = study.differences(consult.patient, numbers=await numbers_of(session, consult.patient))
    if differs and not is_confirmed:
        raise Invalid({"confirmed": "Say first that these are this patient's images."})
    is_open = PacsFetch.service_request_id == consult.id, PacsFetch.status.in_(OPEN)
    known: PacsFetch | None = await session.scalar(
        select(PacsFetch).where(*is_open, PacsFetch.study_instance_uid == study.uid)
    )
    if known is not None:
        return known
    if (await session.scalar(select(func.count()).select_from(PacsFetch).where(*is_open)) or 0) >= MOST_OPEN:
        raise Refused("Ten studies are on their way already. Wait until they are here.")
    fetch = PacsFetch(
        id=uuid.uuid4(),
        organization_id=actor.organization_id,
        pacs_id=pacs.id,
        service_request_id=consult.id,
        requester_role_id=actor.role_id,
        study_instance_uid=study.uid,
        patient_number=study.patient_number,
        birth_date=study.birth_date,
        description=study.description,
        study_date=study.study_date,
        modalities=list(study.modalities),
        expected=study.images,
        created_at=now(),
        changed_at=now(),
    )
    session.add(fetch)
    await session.flush()
    audit.record(
        session,
        actor,
        "pacs-fetch-asked",
        fetch,
        patient_id=consult.patient_id,
        consult=consult.id,
        pacs=pacs.id,
        study_instance_uid=study.uid,
        identity_differs=bool(differs),
    )
    await queue_fetch(session, fetch)
    return fetch


async def cancel_fetch(session: AsyncSession, actor: Actor, *, fetch_id: uuid.UUID) -> PacsFetch:
    """Give it up; what has arrived stays. One that is over stays as it is. Raises NotFound."""
    fetch: PacsFetch | None = await session.scalar(
        select(PacsFetch).where(PacsFetch.id == fetch_id, pacs_fetches(actor)).with_for_update()
    )
    if fetch is None:
        raise NotFound
    if fetch.is_open:
        fetch.status, fetch.changed_at = FetchStatus.CANCELLED, now()
        audit.record(session, actor, "pacs-fetch-cancelled", fetch, consult=fetch.service_request_id)
        await session.flush()
    return fetch


async def fetches_of(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> Sequence[PacsFetch]:
    """What the actor asked for to this request, the latest first."""
    found = await session.scalars(
        select(PacsFetch)
        .where(PacsFetch.service_request_id == consult_id, pacs_fetches(actor))
        .order_by(PacsFetch.created_at.desc(), PacsFetch.id)
        .limit(SHOWN)
        .options(joinedload(PacsFetch.pacs))
    )
    return found.all()
