"""An entry of the log as FHIR R4, in the shape IHE BALP 1.1.4 gives it; others' validators accept every one."""

import base64
import json
import subprocess
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from teleconsult.audit.models import AuditEvent
from teleconsult.directory.models import Organization, OrganizationKind, PractitionerRole, RoleCode
from teleconsult.fhir.audit_events import PROFILE, audit_event
from teleconsult.fhir.bundles import searchset
from teleconsult.fhir.outcomes import operation_outcome
from tests import judges
from web.audit_words import ACTS

SERVER = "https://tele.example.test/fhir"
PATIENT, THING = uuid.UUID(int=1), uuid.UUID(int=2)
DCM, REST = "http://dicom.nema.org/resources/ontology/DCM", "http://hl7.org/fhir/restful-interaction"


def event(action: str, **more: Any) -> AuditEvent:
    """One by a doctor at a browser, about a patient unless `more` says otherwise."""
    return AuditEvent(
        **{
            "id": uuid.uuid5(THING, action),
            "recorded_at": datetime(2026, 11, 22, 5, 0, 0, 123456, tzinfo=UTC),
            "action": action,
            "outcome": "success",
            "account_id": uuid.UUID(int=3),
            "practitioner_role_id": uuid.UUID(int=4),
            "organization_id": uuid.UUID(int=5),
            "actor_name": "Dr Hélène Tremblay",
            "address": "192.0.2.7",
            "entity_type": "composition",
            "entity_id": THING,
            "patient_id": PATIENT,
            "detail": {},
            **more,
        }
    )


def slices(resource: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """Agents or entities by the code of their type, as BALP slices them."""
    found = {}
    for one in resource[name]:
        coding = one["type"]["coding"][0] if name == "agent" else one["type"]
        found[coding["code"]] = one
    return found


# BALP 1.1.4: the profile's code, action, and the DICOM or HL7 codes of client, server and user.
PATTERNS = [
    ("note-read", "PatientRead", "read", "R", ("110152", "110153", "IRCP")),
    ("patient-sought-elsewhere", "PatientQuery", "search-type", "E", ("110153", "110152", "IRCP")),
    ("note-drafted", "PatientCreate", "create", "C", ("110153", "110152", "AUT")),
    ("note-signed", "PatientUpdate", "update", "U", ("110153", "110152", "AUT")),
    ("study-removed", "PatientDelete", "delete", "D", ("110150", "custodian", "AUT")),
]


@pytest.mark.parametrize(("action", "profile", "interaction", "code", "parties"), PATTERNS)
def test_restful_patterns(
    action: str, profile: str, interaction: str, code: str, parties: tuple[str, str, str]
) -> None:
    resource = audit_event(event(action), server=SERVER)
    assert resource["meta"]["profile"] == [PROFILE + profile]
    assert (resource["type"]["code"], resource["action"], resource["outcome"]) == ("rest", code, "0")
    assert {"system": REST, "code": interaction, "display": interaction} in resource["subtype"]
    client, server, user = (slices(resource, "agent")[party] for party in parties)
    assert client["network"] == {"address": "192.0.2.7", "type": "2"}
    assert server["network"] == {"address": SERVER, "type": "5"}
    assert "network" not in user
    assert (user["requestor"], client["requestor"], server["requestor"]) == (True, False, False)
    assert user["who"]["reference"] == f"PractitionerRole/{uuid.UUID(int=4)}"
    entities = slices(resource, "entity")
    assert entities["1"]["what"]["reference"] == f"Patient/{PATIENT}"
    assert entities["1"]["role"]["code"] == "1"
    if profile == "PatientQuery":
        assert entities["2"]["role"]["code"] == "24"
        assert base64.b64decode(entities["2"]["query"]).startswith(b"act=patient-sought")
        assert "what" not in entities["2"]
    else:
        assert entities["2"]["role"]["code"] == "4"
        assert entities["2"]["what"]["reference"] == f"Composition/{THING}"


def test_without_a_patient_the_plain_profile_is_named() -> None:
    resource = audit_event(event("endpoint-added", patient_id=None, entity_type="endpoint"), server=SERVER)
    assert resource["meta"]["profile"] == [f"{PROFILE}Create"]
    assert set(slices(resource, "entity")) == {"2"}


def test_what_a_profile_asks_for_and_the_entry_has_not_names_none() -> None:
    assert "meta" not in audit_event(event("note-read", address=""), server=SERVER)
    assert "meta" not in audit_event(event("note-read", entity_id=None), server=SERVER)


def test_a_refusal_is_an_authorization_decision() -> None:
    resource = audit_event(event("access-denied", outcome="denied"), server=SERVER)
    assert resource["type"] == {"system": DCM, "code": "110113", "display": "Security Alert"}
    assert resource["subtype"][0]["code"] == "AuthZ-Role"
    assert (resource["outcome"], "meta" in resource) == ("8", False)


def test_signing_in_is_user_authentication() -> None:
    done = audit_event(event("signed-in", patient_id=None, entity_id=None), server=SERVER)
    failed = audit_event(
        event("sign-in-failed", outcome="denied", account_id=None, practitioner_role_id=None, patient_id=None),
        server=SERVER,
    )
    assert [one["type"]["code"] for one in (done, failed)] == ["110114", "110114"]
    assert done["subtype"][0]["code"] == "110122"
    assert [one["outcome"] for one in (done, failed)] == ["0", "8"]
    assert not any(agent["requestor"] for agent in failed["agent"]), "nobody is known to have asked"


def test_broken_glass_says_what_for() -> None:
    broken = audit_event(event("glass-broken"), server=SERVER)
    assert (broken["type"]["code"], broken["subtype"][0]["code"]) == ("110113", "110127")
    read = audit_event(event("file-opened", detail={"without_relation": True}), server=SERVER)
    for resource in (broken, read):
        purpose = slices(resource, "agent")["IRCP"]["purposeOfUse"][0]["coding"][0]
        assert purpose["code"] == "BTG"
    plain = audit_event(event("file-opened"), server=SERVER)
    assert "purposeOfUse" not in slices(plain, "agent")["IRCP"]


def test_the_role_in_force_is_said() -> None:
    role = PractitionerRole(code=RoleCode.NURSE)
    role.organization = Organization(name="X", kind=OrganizationKind.CLINIC)
    assert slices(audit_event(event("note-read"), server=SERVER, role=role), "agent")["IRCP"]["role"] == [
        {"text": "nurse"}
    ]


def test_the_systems_own_acts_have_no_user() -> None:
    resource = audit_event(
        event(
            "audit-checkpointed",
            **dict.fromkeys(("account_id", "practitioner_role_id", "patient_id", "entity_id")),
            address="",
            entity_type="",
            actor_name="system",
        ),
        server=SERVER,
    )
    assert len(resource["agent"]) == 2
    assert {agent["network"]["address"] for agent in resource["agent"]} == {SERVER}


@judges.asks_fhir
def test_other_peoples_validators_accept_every_act(tmp_path: Path) -> None:
    found = [audit_event(event(action), server=SERVER) for action in ACTS]
    found += [audit_event(event(action, patient_id=None, entity_id=None), server=SERVER) for action in ACTS]
    found += [audit_event(event("access-denied", outcome="denied", detail={"path": "/x"}), server=SERVER)]
    for number, resource in enumerate(found):
        resource["id"] = str(number)
    bundle = searchset(found, server=SERVER, own=f"{SERVER}/AuditEvent", following=f"{SERVER}/AuditEvent?before=x")
    for name, resource in (("found", bundle), ("none", searchset([], server=SERVER, own=SERVER))):
        (tmp_path / f"{name}.json").write_text(json.dumps(resource), encoding="utf-8")
    outcome = operation_outcome(400, "What is wrong", fields={"date": "Give a date."})
    (tmp_path / "outcome.json").write_text(json.dumps(outcome), encoding="utf-8")
    for judge in ("validate_fhir.mjs", "npm_fhir.cjs"):
        for file in tmp_path.glob("*.json"):
            verdict = subprocess.run(
                ["node", judge, str(file)], cwd=judges.FOLDER, capture_output=True, text=True, check=False
            )
            assert verdict.returncode == 0, verdict.stdout


def test_an_export_says_why_and_what_left() -> None:
    detail = {"format": "pdf", "reason": "patient", "words": "For her sister", "entries": 3, "sha256": "ab"}
    resource = audit_event(event("file-exported", detail=detail), server=SERVER)
    assert (resource["type"]["code"], resource["action"]) == ("110106", "R")
    (purpose,) = resource["purposeOfEvent"]
    assert (purpose["coding"][0]["code"], purpose["text"]) == ("PATRQT", "For her sister")
    entity = slices(resource, "entity")["2"]
    assert {one["type"]: one["valueString"] for one in entity["detail"]} == {
        "format": "pdf",
        "entries": "3",
        "sha256": "ab",
    }
    other = audit_event(event("consult-exported", detail={"reason": "other", "words": "A study"}), server=SERVER)
    assert other["purposeOfEvent"] == [{"text": "A study"}]
