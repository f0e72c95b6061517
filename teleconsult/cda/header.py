"""The header of a CDA R2 document (HL7 CDA R2 §4.2; ANS CI-SIS, Volet structuration minimale; C-CDA 2.1 §1.1)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Final, TypeVar

from lxml import etree

from teleconsult.cda.parsing import UNREADABLE
from teleconsult.errors import Invalid
from teleconsult.hl7_times import day_of, moment_of
from teleconsult.patients.models import AdministrativeGender

T = TypeVar("T")
NAMESPACE: Final = "urn:hl7-org:v3"
_NS: Final = {"c": NAMESPACE}
_GENDERS: Final = {
    "M": AdministrativeGender.MALE,
    "F": AdministrativeGender.FEMALE,
    "UN": AdministrativeGender.OTHER,
    "U": AdministrativeGender.UNKNOWN,
}
LONGEST: Final = 300


@dataclass(frozen=True, slots=True)
class Identifier:
    """An II: the authority's OID and the number it gave."""

    root: str
    extension: str


@dataclass(frozen=True, slots=True)
class Header:
    """For whom, by whom, what and when. Empty where the document does not say."""

    id: Identifier
    title: str
    code: str
    code_system: str
    effective_at: datetime
    patient_ids: tuple[Identifier, ...]
    family: str
    given: str
    birth_date: date | None
    gender: AdministrativeGender
    author: str
    author_organization: str
    custodian: str
    language: str


def header_of(root: etree._Element) -> Header:
    """Read it. Raises Invalid on field `file` for what is no ClinicalDocument, or names neither time nor patient."""
    if root.tag != f"{{{NAMESPACE}}}ClinicalDocument":
        raise Invalid({"file": UNREADABLE})
    role = _first(root, "c:recordTarget/c:patientRole")
    effective_at = _told(partial(moment_of, zone=UTC), _attribute(root, "c:effectiveTime", "value"))
    if role is None or effective_at is None:
        raise Invalid({"file": "This document does not say for whom or when it was written."})
    patient = _first(role, "c:patient")
    family, given = _name(patient)
    author = _first(root, "c:author/c:assignedAuthor")
    code = _first(root, "c:code")
    return Header(
        id=_identifier(_first(root, "c:id")),
        title=_text(_first(root, "c:title")) or (_short(code.get("displayName")) if code is not None else ""),
        code=_short(code.get("code")) if code is not None else "",
        code_system=_short(code.get("codeSystem")) if code is not None else "",
        effective_at=effective_at,
        patient_ids=tuple(_identifier(found) for found in role.findall("c:id", _NS)[:20]),
        family=family,
        given=given,
        birth_date=_told(day_of, _attribute(patient, "c:birthTime", "value")),
        gender=_GENDERS.get(_attribute(patient, "c:administrativeGenderCode", "code"), AdministrativeGender.UNKNOWN),
        author=_full_name(_first(author, "c:assignedPerson/c:name")),
        author_organization=_text(_first(author, "c:representedOrganization/c:name")),
        custodian=_text(_first(root, "c:custodian/c:assignedCustodian/c:representedCustodianOrganization/c:name")),
        language=_attribute(root, "c:languageCode", "code"),
    )


def _told(read: Callable[[str], T | None], value: str) -> T | None:
    """What the value says; what it cannot be is left out."""
    try:
        return read(value)
    except ValueError:
        return None


def _first(element: etree._Element | None, path: str) -> etree._Element | None:
    return element.find(path, _NS) if element is not None else None


def _attribute(element: etree._Element | None, path: str, name: str) -> str:
    found = _first(element, path)
    return _short(found.get(name)) if found is not None else ""


def _identifier(element: etree._Element | None) -> Identifier:
    if element is None:
        return Identifier("", "")
    return Identifier(_short(element.get("root")), _short(element.get("extension")))


def _name(patient: etree._Element | None) -> tuple[str, str]:
    """Family and given name of the patient: those of birth where they are marked so (qualifier BR), else the first."""
    name = _first(patient, "c:name")
    return (_at_birth(name, "family"), _at_birth(name, "given")) if name is not None else ("", "")


def _at_birth(name: etree._Element, part: str) -> str:
    found = name.findall(f"c:{part}", _NS)
    birth = next((each for each in found if "BR" in (each.get("qualifier") or "").split()), None)
    return _text(birth if birth is not None else next(iter(found), None))


def _full_name(name: etree._Element | None) -> str:
    if name is None:
        return ""
    parts = (name.findall(f"c:{part}", _NS) for part in ("prefix", "given", "family"))
    return " ".join(text for found in parts for part in found if (text := _text(part)))[:LONGEST] or _text(name)


def _text(element: etree._Element | None) -> str:
    return _short(" ".join("".join(element.itertext()).split())) if element is not None else ""


def _short(value: str | None) -> str:
    return (value or "").strip()[:LONGEST]
