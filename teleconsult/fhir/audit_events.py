"""FHIR R4 AuditEvent of an entry of the audit log (http://hl7.org/fhir/R4/auditevent.html), as IHE BALP 1.1 shapes it.

A profile of IHE Basic Audit Log Patterns is named where the entry has all that it asks for. Reading, creating,
updating, deleting and searching follow the RESTful patterns; refusals are security alerts as authorization decisions
are (3:5.7.5.6), proofs of who somebody is are user authentication, broken glass is DICOM's emergency override.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from teleconsult.audit.kinds import GLASS, READS, SEARCHES, WAYS_IN
from teleconsult.audit.models import AuditEvent
from teleconsult.directory.models import PractitionerRole
from teleconsult.exports.asking import PURPOSES, ExportReason

DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"
EVENT_TYPE: Final = "http://terminology.hl7.org/CodeSystem/audit-event-type"
INTERACTION: Final = "http://hl7.org/fhir/restful-interaction"
ENTITY_TYPE: Final = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
OBJECT_ROLE: Final = "http://terminology.hl7.org/CodeSystem/object-role"
PARTICIPATION: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
PARTICIPANT: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
SOURCE_TYPE: Final = "http://terminology.hl7.org/CodeSystem/security-source-type"
ACT_REASON: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
PROFILE: Final = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
AUTHZ: Final = "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType"


def _coding(system: str, code: str, display: str) -> dict[str, str]:
    return {"system": system, "code": code, "display": display}


REST: Final = _coding(EVENT_TYPE, "rest", "Restful Operation")
APPLICATION: Final = _coding(DCM, "110150", "Application")
DESTINATION: Final = _coding(DCM, "110152", "Destination Role ID")
SOURCE: Final = _coding(DCM, "110153", "Source Role ID")
CUSTODIAN: Final = _coding(PARTICIPANT, "custodian", "Custodian")
AUTHOR: Final = _coding(PARTICIPATION, "AUT", "author (originator)")
RECIPIENT: Final = _coding(PARTICIPATION, "IRCP", "information recipient")
ALERT: Final = _coding(DCM, "110113", "Security Alert")
AUTHENTICATION: Final = _coding(DCM, "110114", "User Authentication")
BREAK_THE_GLASS: Final = _coding(ACT_REASON, "BTG", "break the glass")


@dataclass(frozen=True, slots=True)
class Pattern:
    """What an entry is in BALP's words: the event, and who is the source and who the destination of it."""

    type: Mapping[str, str]
    subtype: tuple[Mapping[str, str], ...]
    action: str
    client: Mapping[str, str]
    server: Mapping[str, str]
    user: Mapping[str, str]
    profile: str = ""


def _rest(name: str, code: str, action: str, *parties: Mapping[str, str]) -> Pattern:
    client, server, user = parties
    return Pattern(REST, (_coding(INTERACTION, code, code),), action, client, server, user, name)


READ: Final = _rest("Read", "read", "R", DESTINATION, SOURCE, RECIPIENT)
QUERY: Final = _rest("Query", "search-type", "E", SOURCE, DESTINATION, RECIPIENT)
CREATE: Final = _rest("Create", "create", "C", SOURCE, DESTINATION, AUTHOR)
UPDATE: Final = _rest("Update", "update", "U", SOURCE, DESTINATION, AUTHOR)
DELETE: Final = _rest("Delete", "delete", "D", APPLICATION, CUSTODIAN, AUTHOR)


def _event(type_: Mapping[str, str], *subtype: Mapping[str, str]) -> Pattern:
    return Pattern(type_, subtype, "E", APPLICATION, DESTINATION, RECIPIENT)


EXPORT: Final = Pattern(_coding(DCM, "110106", "Export"), (), "R", DESTINATION, SOURCE, RECIPIENT)
REFUSAL: Final = _event(ALERT, _coding(AUTHZ, "AuthZ-Role", "Authorization Decision using only Roles"))
SIGN_IN: Final = _event(AUTHENTICATION)
OF_ACTION: Final[Mapping[str, Pattern]] = {
    **dict.fromkeys(READS, READ),
    **dict.fromkeys(SEARCHES, QUERY),
    "signed-in": _event(AUTHENTICATION, _coding(DCM, "110122", "Login")),
    "signed-out": _event(AUTHENTICATION, _coding(DCM, "110123", "Logout")),
    **dict.fromkeys(("consult-exported", "file-exported"), EXPORT),
    "glass-broken": _event(ALERT, _coding(DCM, "110127", "Emergency Override Started")),
    "glass-closed": _event(ALERT, _coding(DCM, "110138", "Emergency Override Stopped")),
}
CREATED: Final = frozenset(
    {"registered", "recorded", "drafted", "filed", "stored", "frozen", "added", "sent", "issued", "written", "planned"}
    | {"invited", "enrolled", "opened", "exported", "asked", "checkpointed", "proposed", "drawn"}
)
DELETED: Final = frozenset({"removed", "discarded"})
"""The last word of an act's name says what became of the thing."""
RESOURCES: Final[Mapping[str, str]] = {
    "account": "Person",
    "appointment": "Appointment",
    "care_relation": "CareTeam",
    "composition": "Composition",
    "consent": "Consent",
    "encounter": "Encounter",
    "endpoint": "Endpoint",
    "excerpt": "DocumentManifest",
    "healthcare_service": "HealthcareService",
    "imaging_study": "ImagingStudy",
    "organization": "Organization",
    "patient": "Patient",
    "practitioner": "Practitioner",
    "practitioner_role": "PractitionerRole",
    "service_request": "ServiceRequest",
    "task": "Task",
}
"""Which R4 resource a row is; what is none is named by its id alone."""


def pattern_of(event: AuditEvent) -> Pattern:
    """The pattern an entry follows."""
    is_way_in = event.action.startswith(WAYS_IN) and event.patient_id is None
    if event.outcome != "success":
        return SIGN_IN if is_way_in else REFUSAL
    if event.action in OF_ACTION:
        return OF_ACTION[event.action]
    if is_way_in:
        return SIGN_IN
    word = event.action.rpartition("-")[2]
    return CREATE if word in CREATED else DELETE if word in DELETED else UPDATE


def audit_event(event: AuditEvent, *, server: str, role: PractitionerRole | None = None) -> dict[str, Any]:
    """The resource. `server` is our own FHIR address; `role` is who acted."""
    pattern, is_done = pattern_of(event), event.outcome == "success"
    resource: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": str(event.id),
        "meta": _meta(event, pattern),
        "type": pattern.type,
        "subtype": [*pattern.subtype, _coding(f"{server}/CodeSystem/audit-action", event.action, event.action)],
        "action": pattern.action,
        "recorded": event.recorded_at.isoformat(timespec="milliseconds"),
        "outcome": "0" if is_done else "8",
        "outcomeDesc": None if is_done else "refused",
        "purposeOfEvent": _purposes(event) or None,
        "agent": [*_user(event, pattern, role), *_machines(event, pattern, server)],
        "source": {
            "site": server,
            "observer": {"display": server},
            "type": [_coding(SOURCE_TYPE, "4", "Application Server")],
        },
        "entity": _entities(event, pattern) or None,
    }
    return {name: value for name, value in resource.items() if value is not None}


def is_break_glass(event: AuditEvent) -> bool:
    """Whether the act was allowed by an emergency alone."""
    return event.action in GLASS - {"glass-reviewed"} or event.detail.get("without_relation") is True


def _purposes(event: AuditEvent) -> list[dict[str, Any]]:
    """Why it was done, where the act says so."""
    if is_break_glass(event):
        return [{"coding": [BREAK_THE_GLASS]}]
    reason = str(event.detail.get("reason", ""))
    if pattern_of(event) is not EXPORT or reason not in set(ExportReason):
        return []
    code = PURPOSES.get(ExportReason(reason))
    coding = {"coding": [{"system": ACT_REASON, "code": code}]} if code else {}
    words = event.detail.get("words")
    return [{**coding, "text": str(words or reason)}]


def _meta(event: AuditEvent, pattern: Pattern) -> dict[str, Any] | None:
    has_what = pattern is QUERY or event.entity_id is not None
    has_client = bool(event.address) or event.practitioner_role_id is None
    if not (pattern.profile and has_what and has_client):
        return None
    return {"profile": [f"{PROFILE}{'Patient' if event.patient_id else ''}{pattern.profile}"]}


def _user(event: AuditEvent, pattern: Pattern, role: PractitionerRole | None) -> list[dict[str, Any]]:
    """Who acted: a person in a role, a guest by name, a system by its `client_id`, or nobody known."""
    client_id = event.detail.get("client")
    if event.practitioner_role_id is None and event.account_id is None and client_id is None:
        return []
    who: dict[str, Any] = {"display": event.actor_name}
    if client_id is not None:
        who["identifier"] = {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{client_id}"}
    if event.practitioner_role_id is not None:
        who["reference"] = f"PractitionerRole/{event.practitioner_role_id}"
    agent: dict[str, Any] = {
        "type": {"coding": [pattern.user]},
        "who": who,
        "name": event.actor_name,
        "requestor": True,
    }
    if role is not None:
        agent["role"] = [{"text": role.code.value}]
    if is_break_glass(event):
        agent["purposeOfUse"] = [{"coding": [BREAK_THE_GLASS]}]
    return [agent]


def _machines(event: AuditEvent, pattern: Pattern, server: str) -> list[dict[str, Any]]:
    """The browser or program that asked, and we who answered; our own jobs ask and answer themselves."""
    own = {"address": server, "type": "5"}
    client: dict[str, Any] = {
        "type": {"coding": [pattern.client]},
        "who": {"display": event.address or server},
        "requestor": False,
    }
    if event.address:
        client["network"] = {"address": event.address, "type": "2"}
    elif event.practitioner_role_id is None:
        client["network"] = own
    answering = {"type": {"coding": [pattern.server]}, "who": {"display": server}, "requestor": False}
    return [client, {**answering, "network": own}]


def _entities(event: AuditEvent, pattern: Pattern) -> list[dict[str, Any]]:
    """Whose file, and what of it."""
    entities: list[dict[str, Any]] = []
    if event.patient_id is not None:
        entities.append(
            {
                "what": {"reference": f"Patient/{event.patient_id}"},
                "type": _coding(ENTITY_TYPE, "1", "Person"),
                "role": _coding(OBJECT_ROLE, "1", "Patient"),
            }
        )
    thing: dict[str, Any] = {"type": _coding(ENTITY_TYPE, "2", "System Object")}
    if pattern is QUERY:
        # The words of the question are not kept, only what it named.
        query = urlencode({"act": event.action, **{name: str(value) for name, value in event.detail.items() if value}})
        entities.append(
            {
                **thing,
                "role": _coding(OBJECT_ROLE, "24", "Query"),
                "query": base64.b64encode(query.encode()).decode(),
                "description": query,
            }
        )
    elif event.entity_id is not None:
        entity = {"what": _what(event), **thing, "role": _coding(OBJECT_ROLE, "4", "Domain Resource")}
        if pattern is EXPORT:
            entity["detail"] = [
                {"type": name, "valueString": str(event.detail[name])}
                for name in ("format", "entries", "sha256")
                if name in event.detail
            ]
        entities.append(entity)
    return entities


def _what(event: AuditEvent) -> dict[str, Any]:
    if event.entity_type in RESOURCES:
        return {"reference": f"{RESOURCES[event.entity_type]}/{event.entity_id}"}
    return {
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{event.entity_id}"},
        "display": event.entity_type,
    }
