"""Beginning a request through the FHIR door: a draft, by the same actions as the pages. A person submits it."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.consults.drafting import Request, Shown, save_draft, start_draft
from teleconsult.consults.models import RequestPriority
from teleconsult.errors import Invalid, NotFound
from teleconsult.fhir.asking import Answered, Asked
from teleconsult.fhir.incoming import check_shape, resource_in
from teleconsult.fhir.outcomes import BadRequest, BadResource, NoSuchPatient
from teleconsult.fhir.request_search import show_request
from teleconsult.fhir.searching import id_of
from teleconsult.records.elements import as_text, dicts, words_of

KIND: Final = "ServiceRequest"
ELEMENTS: Final = {"question": "reasonCode", "service": "performer"}
"""Where the fields of the pages' form stand in the resource."""
FIXED: Final = {
    "status": ("draft", "Send it as a draft: a person records the consent, chooses what is shared, and submits it."),
    "intent": ("order", "Only what is asked for is taken: intent is order."),
}


async def create_request(session: AsyncSession, actor: Actor, asked: Asked) -> Answered:
    """`POST /ServiceRequest` of a draft: subject, `performer` (a HealthcareService), priority and `reasonCode`.

    Raises BadResource naming the element, NoSuchPatient, Forbidden without a care relation and for who refers nobody.
    """
    if asked.if_none_exist:
        raise BadRequest("A request is not created under a condition.")
    content = resource_in(asked)
    if content.get("resourceType") != KIND:
        raise BadResource(KIND, "This address takes another type of resource.", code="structure")
    check_shape(content, KIND)
    for name, (value, message) in FIXED.items():
        if content.get(name) != value:
            raise BadResource(f"{KIND}.{name}", message, code="business-rule")
    if "supportingInfo" in content:
        raise BadResource(f"{KIND}.supportingInfo", "What is shared is chosen by a person.", code="not-supported")
    request = Request(
        service_id=_reference(next(dicts(content.get("performer")), None), "performer", "HealthcareService", asked),
        priority=_priority(content),
        question=words_of(next(dicts(content.get("reasonCode")), None)),
    )
    patient_id = _reference(content.get("subject"), "subject", "Patient", asked)
    if patient_id is None:
        raise BadResource(f"{KIND}.subject", "Say whose it is: a reference to a Patient.", code="required")
    try:
        draft = await start_draft(session, actor, patient_id=patient_id)
        # As on a page of ours: what the service usually needs is suggested, and a person sends it.
        shown = Shown(is_wanted=True)
        await save_draft(session, actor, consult_id=draft.id, version=None, request=request, shown=shown)
    except NotFound as error:
        raise NoSuchPatient(f"{KIND}.subject") from error
    except Invalid as error:
        name, words = next(iter(error.fields.items()))
        raise BadResource(f"{KIND}.{ELEMENTS.get(name, name)}", words) from error
    return await show_request(session, actor, asked, draft.id)


def _priority(content: Mapping[str, Any]) -> RequestPriority:
    try:
        return RequestPriority(content.get("priority", RequestPriority.ROUTINE.value))
    except ValueError as error:
        raise BadResource(f"{KIND}.priority", "This is no priority of FHIR's.", code="code-invalid") from error


def _reference(value: object, element: str, kind: str, asked: Asked) -> uuid.UUID | None:
    """The id that an element names; None where it names none."""
    reference = as_text(value.get("reference")) if isinstance(value, Mapping) else ""
    if not reference:
        return None
    try:
        return id_of(reference.removeprefix(f"{asked.server}/"), kind)[1]
    except ValueError as error:
        raise BadResource(f"{KIND}.{element}", "Give a reference: its type, a slash, and an id.") from error
