"""The FHIR R4 door: AuditEvent, for those who watch over an establishment and the programs they send."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from aiohttp import web
from multidict import MultiMapping

from teleconsult.audit import record
from teleconsult.audit.models import AuditEvent
from teleconsult.audit.queries import Asked, Cursor, event, events, roles_of
from teleconsult.exact import write_exact
from teleconsult.fhir.audit_events import audit_event
from teleconsult.fhir.bundles import searchset
from teleconsult.fhir.outcomes import BadSearch
from teleconsult.fhir.searching import Period, both, id_of, period_of
from web.api.fhir_address import ROOT, naming_of, server_of
from web.forms.numbers import read_number
from web.requests import actor_of, db, id_in

FHIR_JSON: Final = "application/fhir+json"
COUNT: Final = 50
MOST: Final = 200
KNOWN: Final = frozenset({"patient", "date", "agent", "_count", "_format", "before"})


async def search_audit_events(request: web.Request) -> web.StreamResponse:
    """`GET /fhir/AuditEvent`: by patient, date and agent, latest first, a page at a time (R4 §3.1.1)."""
    session, actor, count = db(request), actor_of(request), _count(request.query)
    asked = read_search(request.query)
    found = await events(session, actor, asked=asked, before=_before(request.query), limit=count)
    record(session, actor, "audit-read", patient_id=asked.patient_id, by=actor.token_id and "token")
    following = _address(request, before=str(Cursor.of(found[-1]))) if len(found) == count else None
    resources = await _resources(request, found)
    return answer(searchset(resources, server=server_of(request), own=_address(request), following=following))


async def read_audit_event(request: web.Request) -> web.StreamResponse:
    """`GET /fhir/AuditEvent/{id}`: one entry; 404 for what is none of the establishment's."""
    session, actor = db(request), actor_of(request)
    found = await event(session, actor, event_id=id_in(request))
    record(session, actor, "audit-read", found, patient_id=found.patient_id)
    (resource,) = await _resources(request, [found])
    return answer(resource)


def answer(resource: dict[str, Any], *, status: int = 200) -> web.Response:
    """A resource on the wire (R4 §3.1.0.1.9)."""
    response = web.Response(
        body=write_exact(resource), status=status, content_type=FHIR_JSON, headers={"Cache-Control": "no-store"}
    )
    response.charset = "utf-8"
    return response


def read_search(query: MultiMapping[str]) -> Asked:
    """What a search asks for. Raises BadSearch for a parameter that is not known or cannot be read.

    Leaving it out, as FHIR allows, would answer more than was meant.
    """
    unknown = set(query) - KNOWN
    if unknown:
        raise BadSearch(dict.fromkeys(sorted(unknown), "This parameter is not supported."))
    asked = Asked()
    for name in ("patient", "agent"):
        values = query.getall(name, [])
        if len(values) > 1:
            raise BadSearch({name: "Give this parameter once."})
        try:
            asked = _narrowed(asked, name, values[0]) if values else asked
        except ValueError as error:
            raise BadSearch({name: "Give a reference, as in Patient/ and an id."}) from error
    period: Period = (None, None)
    try:
        for value in query.getall("date", []):
            period = both(period, period_of(value))
    except (ValueError, OverflowError) as error:
        raise BadSearch({"date": "Give a date, with eq, ge, gt, le, lt, sa or eb before it or nothing."}) from error
    return replace(asked, since=period[0], until=period[1])


def _narrowed(asked: Asked, name: str, value: str) -> Asked:
    if name == "patient":
        return replace(asked, patient_id=id_of(value, "Patient")[1])
    kind, id_ = id_of(value, "PractitionerRole", "Practitioner")
    return replace(asked, role_id=id_) if kind == "PractitionerRole" else replace(asked, practitioner_id=id_)


def _count(query: MultiMapping[str]) -> int:
    count = read_number(query.get("_count", str(COUNT)), digits=9)
    if not count:
        raise BadSearch({"_count": "Give a number from 1."})
    return min(count, MOST)


def _before(query: MultiMapping[str]) -> Cursor | None:
    try:
        return Cursor.parse(query["before"]) if "before" in query else None
    except (ValueError, OverflowError) as error:
        raise BadSearch({"before": "Follow the links of a Bundle as they are."}) from error


async def _resources(request: web.Request, found: Sequence[AuditEvent]) -> list[dict[str, Any]]:
    """The entries as they go out, each with the role of who acted."""
    roles = await roles_of(db(request), {one.practitioner_role_id for one in found if one.practitioner_role_id})
    return [
        audit_event(
            one,
            server=naming_of(request),
            role=roles.get(one.practitioner_role_id) if one.practitioner_role_id else None,
        )
        for one in found
    ]


def _address(request: web.Request, **changed: str) -> str:
    query = request.rel_url.query.copy()
    query.update(changed)
    return f"{server_of(request).removesuffix(ROOT)}{request.rel_url.with_query(query)}"
