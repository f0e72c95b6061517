"""A request while it is written: begun from the patient's file, saved as it grows, thrown away or submitted."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, may, rows
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consents.models import ConsentBasis, Incapacity
from teleconsult.consults.models import ConsultMode, RequestPriority, RequestStatus, ServiceRequest
from teleconsult.consults.modes import OFFERED
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, require
from teleconsult.directory.models import HealthcareService, Specialty
from teleconsult.errors import Conflict, Forbidden, Invalid
from teleconsult.excerpts.choosing import suggestion_for
from teleconsult.excerpts.selection import Selection
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
    incapacity: Incapacity | None = None

    @classmethod
    def parse(cls, kept: Mapping[str, Any]) -> Self:
        """What a draft keeps of it."""
        basis, incapacity = kept.get("basis", ConsentBasis.PATIENT), kept.get("incapacity")
        typed = {"basis": ConsentBasis(basis), "incapacity": Incapacity(incapacity) if incapacity else None}
        return cls(**{**kept, **typed})


@dataclass(frozen=True, slots=True)
class Request:
    """All that the form of a request holds."""

    service_id: uuid.UUID | None = None
    priority: RequestPriority = RequestPriority.ROUTINE
    question: str = ""
    entries: tuple[uuid.UUID, ...] = ()
    consent: ConsentAnswer = field(default_factory=ConsentAnswer)
    mode: ConsultMode = ConsultMode.VIDEO


@dataclass(frozen=True, slots=True)
class Shown:
    """Which suggestion the form showed that comes back; `is_wanted` where it shall be taken as it is, once more."""

    specialty: Specialty | None = None
    is_wanted: bool = False


async def start_draft(session: AsyncSession, actor: Actor, *, patient_id: uuid.UUID) -> ServiceRequest:
    """Begin a request for a patient whose file is open to the actor; an untouched draft of theirs is taken up again.

    Chosen is what is usually shared, until somebody chooses.
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
    chosen = await suggestion_for(session, actor, patient_id=patient.id, specialty=None)
    selection = {"selection": Selection().suggesting(None, chosen).to_json()}
    if untouched is not None:
        untouched.draft = selection
        return untouched
    moment = now()
    draft = ServiceRequest(
        id=uuid.uuid4(),
        patient_id=patient.id,
        requester_role_id=actor.role_id,
        requester_organization_id=actor.organization_id,
        authored_on=moment,
        updated_at=moment,
        draft=selection,
    )
    session.add(draft)
    audit.record(session, actor, "consult-drafted", draft, patient_id=patient.id)
    await session.flush()
    return draft


async def save_draft(
    session: AsyncSession,
    actor: Actor,
    *,
    consult_id: uuid.UUID,
    version: int | None,
    request: Request,
    shown: Shown | None = None,
) -> ServiceRequest:
    """Keep what the form holds, complete or not; `version` counts up with every save.

    Where another service was chosen, its suggestion takes the place of the one that was `shown`, and what was ticked
    or unticked by hand stays so. None: the entries are as they are.
    Raises NotFound, Refused once submitted, Conflict when another tab saved since `version` (None: save anyway),
    Invalid where the words are too many.
    """
    draft = await consult_for(session, actor, consult_id, lock=True)
    require(draft, actor, Verb.SAVE)
    if version is not None and version != draft.version:
        raise Conflict("This request was changed in another tab.")
    before = selection_in(draft)
    await apply_request(session, draft, request)
    if shown is not None:
        await _suggest(session, actor, draft, before.ticked(request.entries, shown=shown.specialty), shown)
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
    if request.mode not in OFFERED:
        raise Invalid({"mode": "Choose from the list."})
    if len(request.entries) > MOST_ENTRIES:
        raise Invalid({"entries": "Choose at most 300 entries."})
    if request.service_id is not None and not await _is_offered(session, request.service_id):
        raise Invalid({"service": "Choose one of the services in the list."})
    draft.service_id = request.service_id
    draft.priority = request.priority
    draft.mode = request.mode
    draft.question = request.question
    draft.draft = {
        "entries": [str(entry) for entry in dict.fromkeys(request.entries)],
        "consent": asdict(request.consent),
    }


def request_in(draft: ServiceRequest) -> Request | None:
    """What the draft holds, as it was saved last; None for a draft nobody has touched."""
    if "entries" not in draft.draft:
        return None
    return Request(
        service_id=draft.service_id,
        priority=draft.priority,
        mode=draft.mode,
        question=draft.question,
        entries=tuple(uuid.UUID(entry) for entry in draft.draft.get("entries", ())),
        consent=ConsentAnswer.parse(draft.draft.get("consent", {})),
    )


def entries_in(draft: ServiceRequest) -> tuple[uuid.UUID, ...]:
    """The entries it shares as it stands: those that were saved, or what is suggested while nobody has touched it."""
    held = request_in(draft)
    return held.entries if held else tuple(selection_in(draft).chosen)


def selection_in(draft: ServiceRequest) -> Selection:
    """What was suggested for the draft and what was done by hand; empty where nothing was suggested."""
    kept = draft.draft.get("selection")
    return Selection.from_json(kept) if kept else Selection()


async def _suggest(
    session: AsyncSession, actor: Actor, draft: ServiceRequest, selection: Selection, shown: Shown
) -> None:
    service = await session.get(HealthcareService, draft.service_id) if draft.service_id else None
    specialty = service.specialty if service else None
    if shown.is_wanted:
        selection = selection.as_suggested()
    if shown.is_wanted or specialty is not selection.specialty:
        usual = await suggestion_for(session, actor, patient_id=draft.patient_id, specialty=specialty)
        selection = selection.suggesting(specialty, usual)
    by_hand = [str(entry) for entry in selection.added]
    suggested = [str(entry) for entry in selection.chosen - selection.added]
    draft.draft = {
        **draft.draft,
        "entries": [*sorted(by_hand), *sorted(suggested)][:MOST_ENTRIES],
        "selection": selection.to_json(),
    }


async def _is_offered(session: AsyncSession, service_id: uuid.UUID) -> bool:
    service = await session.get(HealthcareService, service_id)
    return service is not None and service.active
