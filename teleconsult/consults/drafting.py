"""A request while it is written: begun from the patient's file, saved as it grows, thrown away or submitted."""

import uuid
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, may, rows
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consents.models import ConsentBasis
from teleconsult.consults.models import RequestPriority, RequestStatus, ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, require
from teleconsult.directory.models import HealthcareService
from teleconsult.errors import Conflict, Forbidden, Invalid
from teleconsult.patients.queries import treated_patient

LONGEST_QUESTION: Final = 4000
MOST_ENTRIES: Final = 300


@dataclass(frozen=True, slots=True)
class ConsentAnswer:
    """What the form says about consent: nothing is consent before `given` is ticked."""

    given: bool = False
    basis: ConsentBasis = ConsentBasis.PATIENT
    given_by: str = ""
    relationship: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """All that the form of a request holds."""

    service_id: uuid.UUID | None = None
    priority: RequestPriority = RequestPriority.ROUTINE
    question: str = ""
    entries: tuple[uuid.UUID, ...] = ()
    consent: ConsentAnswer = field(default_factory=ConsentAnswer)


async def start_draft(session: AsyncSession, actor: Actor, *, patient_id: uuid.UUID) -> ServiceRequest:
    """Begin a request for a patient whose file is open to the actor; an untouched draft of theirs is taken up again.

    Raises NotFound for another establishment's patient, Forbidden without a care relation and for who refers nobody.
    """
    if not may(actor, Permission.CONSULT_REQUEST) or actor.role_id is None or actor.organization_id is None:
        raise Forbidden("Only a referring doctor can ask for a consult.")
    patient = await treated_patient(session, actor, patient_id)
    turn = func.hashtextextended(f"draft {patient.id} {actor.role_id}", 0)  # who presses twice begins once
    await session.execute(select(func.pg_advisory_xact_lock(turn)))
    untouched = await session.scalar(
        select(ServiceRequest)
        .where(
            ServiceRequest.patient_id == patient.id,
            rows.requests(actor),
            ServiceRequest.status == RequestStatus.DRAFT,
            ServiceRequest.version == 1,
        )
        .limit(1)
    )
    if untouched is not None:
        return untouched
    moment = now()
    draft = ServiceRequest(
        id=uuid.uuid4(),
        patient_id=patient.id,
        requester_role_id=actor.role_id,
        requester_organization_id=actor.organization_id,
        authored_on=moment,
        updated_at=moment,
    )
    session.add(draft)
    audit.record(session, actor, "consult-drafted", draft, patient_id=patient.id)
    await session.flush()
    return draft


async def save_draft(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, version: int | None, request: Request
) -> ServiceRequest:
    """Keep what the form holds, complete or not; `version` counts up with every save.

    Raises NotFound, Refused once submitted, Conflict when another tab saved since `version` (None: save anyway),
    Invalid where the words are too many.
    """
    draft = await consult_for(session, actor, consult_id, lock=True)
    require(draft, actor, Verb.SAVE)
    if version is not None and version != draft.version:
        raise Conflict("This request was changed in another tab. Load the page again.")
    await apply_request(session, draft, request)
    draft.version += 1
    draft.updated_at = now()
    await session.flush()
    return draft


async def discard_draft(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> None:
    """Throw a draft away: it is revoked and nobody finds it again. Raises NotFound, Refused once submitted."""
    draft = await consult_for(session, actor, consult_id, lock=True)
    require(draft, actor, Verb.SAVE)
    draft.status = RequestStatus.REVOKED
    draft.updated_at = now()
    audit.record(session, actor, "consult-draft-discarded", draft, patient_id=draft.patient_id)
    await session.flush()


async def apply_request(session: AsyncSession, draft: ServiceRequest, request: Request) -> None:
    """Write the form's answers into the draft. Raises Invalid for too long a question or an unknown service."""
    if len(request.question) > LONGEST_QUESTION:
        raise Invalid({"question": "Keep the question under 4,000 characters."})
    if len(request.entries) > MOST_ENTRIES:
        raise Invalid({"entries": "Choose at most 300 entries."})
    if request.service_id is not None and not await _is_offered(session, request.service_id):
        raise Invalid({"service": "Choose one of the services in the list."})
    draft.service_id = request.service_id
    draft.priority = request.priority
    draft.question = request.question
    draft.draft = {
        "entries": [str(entry) for entry in dict.fromkeys(request.entries)],
        "consent": asdict(request.consent),
    }


def request_in(draft: ServiceRequest) -> Request | None:
    """What the draft holds, as it was saved last; None for a draft nobody has touched."""
    if not draft.draft:
        return None
    consent: dict[str, Any] = draft.draft.get("consent", {})
    return Request(
        service_id=draft.service_id,
        priority=draft.priority,
        question=draft.question,
        entries=tuple(uuid.UUID(entry) for entry in draft.draft.get("entries", ())),
        consent=ConsentAnswer(**{**consent, "basis": ConsentBasis(consent.get("basis", ConsentBasis.PATIENT))}),
    )


async def _is_offered(session: AsyncSession, service_id: uuid.UUID) -> bool:
    service = await session.get(HealthcareService, service_id)
    return service is not None and service.active
