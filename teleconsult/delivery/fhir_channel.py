"""Notes to another's FHIR server: IHE MHD ITI-65, and a change of status where one is taken back."""

import asyncio
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from teleconsult.cda.naming import patient_numbers
from teleconsult.cda.profiles import FRANCE
from teleconsult.delivery.fhir_server import PATCH, FhirServer, Response, Unanswered, fhir_server
from teleconsult.delivery.lines import NoLine
from teleconsult.delivery.models import DeliveryStatus, Purpose
from teleconsult.delivery.parcel import Means, Outcome, Parcel
from teleconsult.delivery.reasons import Reason
from teleconsult.fhir.submissions import Submission, master_identifier, transaction

PASSING: Final = (408, 425, 429)
"""4xx that may pass; every 5xx may."""
NO_PATCH: Final = (404, 405, 406, 415, 501)
WITHDRAWN: Final = "entered-in-error"
_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")
"""R4 §2.24.0.1. A stranger's id is written down, and stands in addresses that are asked."""


class _Stopped(Exception):
    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


class Fhir:
    """List, DocumentReference, Binary and Provenance in one transaction."""

    async def send(self, parcel: Parcel, means: Means) -> Outcome:
        """What the server has already is not sent again."""
        assert parcel.place is not None, "it goes to an Endpoint"
        try:
            async with fhir_server(parcel.place, means) as server:
                if parcel.purpose is Purpose.RETRACTION:
                    return await _take_back(server, parcel)
                return await _provide(server, parcel)
        except NoLine as none:
            return none.outcome
        except _Stopped as stopped:
            return stopped.outcome
        except Unanswered as unanswered:
            return Outcome(DeliveryStatus.SENT_UNKNOWN, reason=unanswered.reason)


async def _provide(server: FhirServer, parcel: Parcel) -> Outcome:
    known = await _document(server, parcel.content.document_oid) if parcel.is_resend else None
    if known is not None:
        return Outcome(DeliveryStatus.DELIVERED, external_id=_name(known), receipt={"answer": "there already"})
    patient = await _patient(server, parcel)
    related = None
    if parcel.content.related_oid:
        found = await _document(server, parcel.content.related_oid)
        related = _name(found) if found is not None else None
    submission = Submission(parcel.delivery_id, parcel.queued_at.isoformat(), patient, parcel.pdf, related)
    bundle = await asyncio.to_thread(transaction, parcel.content, submission)
    response = await server.ask("POST", "", bundle)
    if not response.is_good:
        return _refused(response)
    digest = hashlib.sha256(json.dumps(bundle, sort_keys=True).encode()).digest()
    where = _location(response)
    if where is None:
        return Outcome(DeliveryStatus.SENT_UNKNOWN, reason=Reason.NOT_UNDERSTOOD, payload_sha256=digest)
    return Outcome(
        DeliveryStatus.DELIVERED, external_id=where, receipt={"answer": str(response.status)}, payload_sha256=digest
    )


async def _take_back(server: FhirServer, parcel: Parcel) -> Outcome:
    """The status of the document there; where it cannot be patched (R4 §3.1.0.10), the whole is put back changed."""
    known = await _document(server, parcel.content.document_oid)
    if known is None:
        return Outcome(DeliveryStatus.DELIVERED, receipt={"answer": "never there"})
    name = _name(known)
    if known.get("status") == WITHDRAWN:
        return Outcome(DeliveryStatus.DELIVERED, external_id=name, receipt={"answer": "so already"})
    change = [{"op": "replace", "path": "/status", "value": WITHDRAWN}]
    response = await server.ask("PATCH", f"/{name}", change, content_type=PATCH)
    if response.status in NO_PATCH:
        held = await server.ask("GET", f"/{name}")
        if not held.is_good:
            return _refused(held)
        response = await server.ask("PUT", f"/{name}", {**held.resource, "status": WITHDRAWN}, if_match=held.etag)
    if not response.is_good:
        return _refused(response)
    return Outcome(DeliveryStatus.DELIVERED, external_id=name, receipt={"answer": str(response.status)})


async def _patient(server: FhirServer, parcel: Parcel) -> dict[str, Any]:
    """Who the patient is there, by number and never by traits."""
    for number in patient_numbers(parcel.content, FRANCE):
        response = await server.search("Patient", identifier=f"urn:oid:{number.root}|{number.extension}", _count="2")
        if not response.is_good:
            raise _Stopped(_refused(response))
        found = _of_kind(response, "Patient")
        if len(found) == 1:
            return {"reference": _name(found[0])}
        if found:
            break
    raise _Stopped(Outcome(DeliveryStatus.DEAD, reason=Reason.NO_FILE))


async def _document(server: FhirServer, document_oid: str) -> Mapping[str, Any] | None:
    response = await server.search("DocumentReference", identifier=master_identifier(document_oid))
    if not response.is_good:
        raise _Stopped(_refused(response))
    return next(iter(_of_kind(response, "DocumentReference")), None)


def _of_kind(response: Response, kind: str) -> list[Mapping[str, Any]]:
    resources = [one.get("resource") for one in response.entries()]
    return [
        one
        for one in resources
        if isinstance(one, Mapping) and one.get("resourceType") == kind and _ID.fullmatch(str(one.get("id")))
    ]


def _name(resource: Mapping[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _location(response: Response) -> str | None:
    """Where the server put the document: the second entry of ours, every one of which must have gone well."""
    answers = [one.get("response") for one in response.entries()]
    if len(answers) != 4 or not all(isinstance(one, Mapping) for one in answers):
        return None
    if not all(str(one.get("status", "")).startswith("2") for one in answers if one is not None):
        return None
    second = answers[1]
    assert second is not None
    steps = str(second.get("location", "")).split("/_history/")[0].split("/")
    is_named = len(steps) >= 2 and steps[-2] == "DocumentReference" and _ID.fullmatch(steps[-1])
    return "/".join(steps[-2:]) if is_named else "DocumentReference/?"


def _refused(response: Response) -> Outcome:
    if response.status in (401, 403):
        return Outcome(DeliveryStatus.DEAD, reason=Reason.UNAUTHORIZED, detail=response.said)
    if response.status >= 500 or response.status in PASSING:
        return Outcome(DeliveryStatus.RETRY_WAIT, reason=Reason.TROUBLE, detail=response.said)
    return Outcome(DeliveryStatus.DEAD, reason=Reason.REFUSED, detail=response.said)
