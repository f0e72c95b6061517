"""Files of the national directory, in the shapes in which it is published."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

EXTENSION = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-mailbox-mss-metadata"
EMAIL_TYPE = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-contact-point-email-type"
COLUMNS = (
    *("Type de BAL", "Adresse BAL", "Type Identifiant PP", "Identifiant PP", "Identification nationale PP"),
    *("Type identifiant structure", "Identification Structure", "Service de rattachement", "Civilité d'exercice"),
    *("Nom d'exercice", "Prénom d'exercice", "Catégorie profession", "Libellé de catégorie profession"),
    *("Code Profession", "Libellé Profession", "Code savoir-faire", "Libellé savoir-faire", "Dématérialisation"),
    *("Raison Sociale structure BAL", "Enseigne commerciale structure BAL", "L2COMPLEMENTLOCALISATION structure BAL"),
    *("L3COMPLEMENTDISTRIBUTION structure BAL", "L4NUMEROVOIE structure BAL"),
    *("L4COMPLEMENTNUMEROVOIE structure BAL", "NL4TYPEVOIE structure BAL", "L4LIBELLEVOIE structure BAL"),
    *("L5LIEUDITMENTION structure BAL", "L6LIGNEACHEMINEMENT structure BAL", "Code postal structure BAL"),
    *("Département structure BAL", "Pays structure BAL"),
)
RPPS, FINESS = "10003456789", "540002698"


def telecom(address: str, kind: str = "PER", *, red: bool = False, marked: bool = True) -> dict[str, Any]:
    """A mailbox as the directory has it; not `marked`: an e-mail that does not say what it is."""
    mark = {"url": EMAIL_TYPE, "valueCoding": {"code": "MSSANTE"}}
    parts = [
        {"url": "type", "valueCodeableConcept": {"coding": [{"code": kind}]}},
        {"url": "service", "valueString": "NEUROLOGIE"},
        {"url": "listeRouge", "valueBoolean": red},
    ]
    extensions = [mark] if marked else []
    return {
        "extension": [*extensions, {"url": EXTENSION, "extension": parts}],
        "system": "email",
        "value": address,
    }


def practitioner(number: str = RPPS, *telecoms: dict[str, Any], family: str = "DUPONT") -> dict[str, Any]:
    return {
        "resourceType": "Practitioner",
        "id": f"p-{number}",
        "active": True,
        "identifier": [{"system": "urn:oid:1.2.250.1.71.4.2.1", "value": f"8{number}"}],
        "name": [{"family": family, "given": ["JEAN-MARIE"], "prefix": ["DR"]}],
        "telecom": [{"system": "phone", "value": "0383153030"}, *telecoms],
    }


def organization(number: str = FINESS, *telecoms: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "Organization",
        "id": f"o-{number}",
        "active": True,
        "identifier": [
            {"system": "urn:oid:1.2.250.1.71.4.2.2", "value": f"1{number}"},
            {"system": "https://finess.esante.gouv.fr", "value": number},
        ],
        "name": "CHRU NANCY - HOPITAUX DE BRABOIS",
        "telecom": list(telecoms),
        "address": [{"city": "VANDOEUVRE LES NANCY"}],
    }


def role(number: str = RPPS, place: str = FINESS, *telecoms: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "PractitionerRole",
        "id": f"r-{number}-{place}",
        "active": True,
        "practitioner": {"reference": f"Practitioner/p-{number}"},
        "organization": {"reference": f"https://gateway.api.esante.gouv.fr/fhir/v2/Organization/o-{place}"},
        "code": [{"coding": [{"display": "Médecin"}]}],
        "telecom": list(telecoms),
    }


def bundle(resources: Iterable[Mapping[str, Any]]) -> bytes:
    entries = [{"fullUrl": f"urn:x:{one['id']}", "resource": one} for one in resources]
    return json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": entries}, indent=1).encode()


def ndjson(resources: Iterable[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in resources).encode()


def line(**said: str) -> str:
    """A line of the extract; each keyword names a column by how it begins, without blanks."""
    names = {name.lower().replace(" ", "").replace("'", ""): place for place, name in enumerate(COLUMNS)}
    fields = [""] * len(COLUMNS)
    for key, value in said.items():
        fields[names[key]] = value
    return "|".join(fields)


def person_line(address: str, number: str = f"8{RPPS}", *, family: str = "DUPONT", place: str = f"1{FINESS}") -> str:
    return line(
        typedebal="PER",
        adressebal=address,
        identificationnationalepp=number,
        identificationstructure=place,
        civilitédexercice="DOCTEUR",
        nomdexercice=family,
        prénomdexercice="JEAN-MARIE",
        libelléprofession="Médecin",
        raisonsocialestructurebal="CHRU NANCY",
    )


def extract(*lines: str) -> bytes:
    return ("\n".join(["|".join(COLUMNS), *lines]) + "\n").encode()


def written(folder: Path, content: bytes) -> Path:
    path = folder / "file"
    path.write_bytes(content)
    return path
