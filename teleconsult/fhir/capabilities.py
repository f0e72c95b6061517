"""The CapabilityStatement, from the door's own tables (http://hl7.org/fhir/R4/capabilitystatement.html)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from teleconsult.fhir.door import GRAMMARS, OFFERS, Interaction
from teleconsult.fhir.questions import Grammar

OPERATIONS: Final = {
    Interaction.EVERYTHING: ("everything", "http://hl7.org/fhir/OperationDefinition/Patient-everything"),
    Interaction.MATCH: ("match", "http://hl7.org/fhir/OperationDefinition/Patient-match"),
}
OAUTH: Final = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
SERVICES: Final = "http://terminology.hl7.org/CodeSystem/restful-security-service"
AUDIT: Final = Grammar(parameters={"patient": "reference", "date": "date", "agent": "reference"})
"""The audit log, which stands apart (`web/api/fhir.py`): it refuses what it does not know."""


def capability_statement(*, server: str, token_url: str, version: str, moment: datetime) -> dict[str, Any]:
    """What this server does, for whoever asks. `moment` is since when it does, `token_url` where systems get tokens."""
    resources = [
        _resource(kind, {interaction.value for interaction in offers}, GRAMMARS[kind])
        for kind, offers in sorted(OFFERS.items())
    ]
    audit = _resource("AuditEvent", {Interaction.READ.value, Interaction.SEARCH.value}, AUDIT)
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": moment.isoformat(timespec="seconds"),
        "kind": "instance",
        "software": {"name": "Teleconsult", "version": version},
        "implementation": {"description": "Patients and their files", "url": server},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [
            {
                "mode": "server",
                "security": _security(token_url),
                "resource": [audit, *resources],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }


def _security(token_url: str) -> dict[str, Any]:
    """How one comes in; for systems as SMART App Launch 2.2 says it."""
    return {
        "extension": [{"url": OAUTH, "extension": [{"url": "token", "valueUri": token_url}]}],
        "cors": False,
        "service": [{"coding": [{"system": SERVICES, "code": "SMART-on-FHIR"}]}],
        "description": "A bearer token that acts in one role, for purposes (RFC 6750), or that a system of an"
        " establishment was granted (SMART Backend Services). What it may not know of is not there.",
    }


def _resource(kind: str, offered: set[str], grammar: Grammar) -> dict[str, Any]:
    is_updated = Interaction.UPDATE.value in offered
    lists: Mapping[str, list[dict[str, str]] | list[str]] = {
        "searchInclude": sorted(grammar.includes),
        "searchRevInclude": sorted(grammar.revincludes),
        "searchParam": [
            {"name": name, "type": kind_of}
            for name, kind_of in sorted(grammar.parameters.items())
            if ":" not in name and "." not in name
        ],
        "operation": [
            {"name": name, "definition": definition}
            for interaction, (name, definition) in OPERATIONS.items()
            if interaction.value in offered
        ],
    }
    return {
        "type": kind,
        "interaction": [{"code": code} for code in sorted(offered) if not code.startswith("$")],
        "versioning": "versioned" if kind != "AuditEvent" else "no-version",
        "readHistory": Interaction.VREAD.value in offered,
        "updateCreate": False,
        "conditionalCreate": is_updated,
        "conditionalRead": "not-match" if kind != "AuditEvent" else "not-supported",
        "conditionalUpdate": is_updated,
        "conditionalDelete": "not-supported",
        **{name: values for name, values in lists.items() if values},
    }
