"""What METADATA.XML says of one note: a submission set of one document entry, as ebXML (IHE ITI TF-3 §4.2)."""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from lxml import etree
from lxml.builder import ElementMaker

from teleconsult.cda.consult_note import GENDERS, confidentiality, document_number
from teleconsult.cda.header import Identifier
from teleconsult.cda.naming import (
    Establishment,
    establishment_number,
    oid_of,
    patient_numbers,
    practitioner_number,
    qualified_number,
    specialty_of,
)
from teleconsult.cda.profiles import PDF_IN_CDA, Coded, Country
from teleconsult.documents.words import NOTE_WORDS
from teleconsult.notes.content import Clinician, NoteContent, Relation

RIM: Final = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"
LCM: Final = "urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"
_R: Final = ElementMaker(namespace=RIM, nsmap={None: RIM, "lcm": LCM})
_L: Final = ElementMaker(namespace=LCM, nsmap={None: RIM, "lcm": LCM})
XML_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"

SET, DOCUMENT = "SubmissionSet01", "Document01"
STABLE_DOCUMENT: Final = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
REGISTRY_PACKAGE: Final = "urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:RegistryPackage"
ASSOCIATION: Final = "urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:Association"
CLASSIFICATION: Final = "urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:Classification"
EXTERNAL_IDENTIFIER: Final = "urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:ExternalIdentifier"
HAS_MEMBER: Final = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
IS_SUBMISSION_SET: Final = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
RELATIONS: Final = {
    Relation.REPLACES: "urn:ihe:iti:2007:AssociationType:RPLC",
    Relation.APPENDS: "urn:ihe:iti:2007:AssociationType:APND",
}

AUTHOR: Final = "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d"
CLASS_CODE: Final = "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a"
TYPE_CODE: Final = "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983"
FORMAT_CODE: Final = "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d"
CONFIDENTIALITY_CODE: Final = "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f"
FACILITY_CODE: Final = "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1"
SETTING_CODE: Final = "urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead"
SET_AUTHOR: Final = "urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d"
CONTENT_TYPE_CODE: Final = "urn:uuid:aa543740-bdda-424e-8c96-df4873be8500"
PATIENT_ID: Final = "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427"
UNIQUE_ID: Final = "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"
SET_PATIENT_ID: Final = "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446"
SET_SOURCE_ID: Final = "urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832"
SET_UNIQUE_ID: Final = "urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8"

_UNCODED: Final = Coded("unspecified", "Unspecified", "1.3.6.1.4.1.21367.100.1")
"""Where a country names no value set for a code that must be there."""


def patient_id(content: NoteContent, country: Country) -> str:
    """Whom it is about, as CX (ITI TF-3 table 4.2.3.1.7-2): a qualified national number, else that of the file."""
    kind = "NH" if qualified_number(content, country) else "PI"
    return f"{_cx(patient_numbers(content, country)[0])}^{kind}"


def metadata(content: NoteContent, *, document: bytes, name: str, keeper: Establishment, country: Country) -> bytes:
    """METADATA.XML for the CDA `document` that lies beside it under `name`."""
    listed = [_set(content, keeper, country), _entry(content, document, name, keeper, country), _membership()]
    if content.relation:
        listed.append(_relation(content))
    request = _L.SubmitObjectsRequest(_R.RegistryObjectList(*listed))
    written: bytes = etree.tostring(request, xml_declaration=True, encoding="UTF-8")
    return written


def set_number(content: NoteContent) -> str:
    """The submission set's OID: one of its own for each version of a note, and always the same."""
    return oid_of(str(uuid.uuid5(uuid.NAMESPACE_OID, document_number(content))))


def _set(content: NoteContent, keeper: Establishment, country: Country) -> etree._Element:
    classifications = [
        _author(SET_AUTHOR, SET, content.author, keeper, country),
        _classified(CONTENT_TYPE_CODE, SET, country.note_type),
        _R.Classification(
            id=_local("set"), objectType=CLASSIFICATION, classifiedObject=SET, classificationNode=IS_SUBMISSION_SET
        ),
    ]
    identifiers = [
        _identified(SET_PATIENT_ID, SET, patient_id(content, country), "XDSSubmissionSet.patientId"),
        _identified(SET_SOURCE_ID, SET, oid_of(keeper.id), "XDSSubmissionSet.sourceId"),
        _identified(SET_UNIQUE_ID, SET, set_number(content), "XDSSubmissionSet.uniqueId"),
    ]
    return _R.RegistryPackage(
        _slot("submissionTime", [_utc(content.written_at)]),
        _named("Name", NOTE_WORDS[content.language].title, content.language),
        *classifications,
        *identifiers,
        id=SET,
        objectType=REGISTRY_PACKAGE,
    )


def _entry(content: NoteContent, document: bytes, name: str, keeper: Establishment, country: Country) -> etree._Element:
    numbers = patient_numbers(content, country)
    local = next((number for number in numbers if number.extension == content.patient.local_number), numbers[0])
    began, ended = content.session_started_at or content.written_at, content.session_ended_at or content.written_at
    slots = {
        "creationTime": [_utc(content.written_at)],
        "hash": [hashlib.sha1(document).hexdigest()],  # noqa: S324  (ITI TF-3 §4.2.3.2.10 has no other)
        "languageCode": [country.languages[content.language]],
        "legalAuthenticator": [_xcn(content.author, country)],
        "serviceStartTime": [_utc(began)],
        "serviceStopTime": [_utc(ended)],
        "size": [str(len(document))],
        "sourcePatientId": [f"{_cx(local)}^PI"],
        "sourcePatientInfo": _patient(content),
        "URI": [name],
    }
    classifications = [
        _author(AUTHOR, DOCUMENT, content.author, keeper, country),
        _classified(CLASS_CODE, DOCUMENT, country.class_code),
        _classified(CONFIDENTIALITY_CODE, DOCUMENT, confidentiality(content)),
        *(_classified(CONFIDENTIALITY_CODE, DOCUMENT, code, code.code) for code in _hidden_from(content, country)),
        _classified(FORMAT_CODE, DOCUMENT, PDF_IN_CDA),
        _classified(FACILITY_CODE, DOCUMENT, country.facility or _UNCODED),
        _classified(SETTING_CODE, DOCUMENT, country.setting or _UNCODED),
        _classified(TYPE_CODE, DOCUMENT, country.note_type),
    ]
    return _R.ExtrinsicObject(
        *(_slot(slot, values) for slot, values in slots.items()),
        _named("Name", NOTE_WORDS[content.language].title, content.language),
        *classifications,
        _identified(PATIENT_ID, DOCUMENT, patient_id(content, country), "XDSDocumentEntry.patientId"),
        _identified(UNIQUE_ID, DOCUMENT, document_number(content), "XDSDocumentEntry.uniqueId"),
        id=DOCUMENT,
        objectType=STABLE_DOCUMENT,
        mimeType="text/xml",
    )


def _membership() -> etree._Element:
    return _R.Association(
        _slot("SubmissionSetStatus", ["Original"]),
        id="association01",
        objectType=ASSOCIATION,
        associationType=HAS_MEMBER,
        sourceObject=SET,
        targetObject=DOCUMENT,
    )


def _relation(content: NoteContent) -> etree._Element:
    """To the version before, by its own number: the receiver's registry knows it by no other."""
    return _R.Association(
        id="association02",
        objectType=ASSOCIATION,
        associationType=RELATIONS[content.relation],
        sourceObject=DOCUMENT,
        targetObject=f"urn:oid:{content.related_oid}",
    )


def _author(scheme: str, of: str, who: Clinician, keeper: Establishment, country: Country) -> etree._Element:
    number = establishment_number(keeper, country)
    kind = "IDNST" if number.extension else ""
    slots = {
        "authorInstitution": [
            f"{_hl7(keeper.name)}^^^^^&{number.root}&ISO^{kind}^^^{number.extension}"
            if number.extension
            else f"{_hl7(keeper.name)}^^^^^^^^^{number.root}"
        ],
        "authorPerson": [_xcn(who, country)],
    }
    if specialty := specialty_of(who, country):
        slots["authorSpecialty"] = [f"{specialty.code}^{_hl7(specialty.display)}^{specialty.system}"]
    return _R.Classification(
        *(_slot(name, values) for name, values in slots.items()),
        id=_local(scheme, of),
        objectType=CLASSIFICATION,
        classificationScheme=scheme,
        classifiedObject=of,
        nodeRepresentation="",
    )


def _hidden_from(content: NoteContent, country: Country) -> list[Coded]:
    """Whom the document must not be shown to, besides its confidentiality (ITI TF-3 §4.2.3.2.5: several codes)."""
    marks = (
        country.hidden_from_patient if content.invisible_to_patient else None,
        country.hidden_from_guardians if content.invisible_to_guardians else None,
    )
    return [mark for mark in marks if mark is not None]


def _classified(scheme: str, of: str, concept: Coded, *which: str) -> etree._Element:
    return _R.Classification(
        _slot("codingScheme", [concept.system]),
        _named("Name", concept.display),
        id=_local(scheme, of, *which),
        objectType=CLASSIFICATION,
        classificationScheme=scheme,
        classifiedObject=of,
        nodeRepresentation=concept.code,
    )


def _identified(scheme: str, of: str, value: str, name: str) -> etree._Element:
    return _R.ExternalIdentifier(
        _named("Name", name),
        id=_local(scheme, of),
        objectType=EXTERNAL_IDENTIFIER,
        registryObject=of,
        identificationScheme=scheme,
        value=value,
    )


def _patient(content: NoteContent) -> Sequence[str]:
    """PID-5, PID-7 and PID-8 (ITI TF-3 table 4.2.3.1.7-2, sourcePatientInfo)."""
    patient = content.patient
    names = f"{_hl7(patient.family.upper())}^{_hl7(patient.given)}" if patient.family else f"{_hl7(patient.name)}^"
    told = [f"PID-5|{names}^^^^^{'D' if patient.is_temporary or not patient.family else 'L'}"]
    if patient.birth_date:
        told.append(f"PID-7|{patient.birth_date:%Y%m%d}")
    if gender := GENDERS.get(patient.gender):
        told.append(f"PID-8|{'O' if gender == 'UN' else gender}")
    return told


def _xcn(who: Clinician, country: Country) -> str:
    """A doctor as XCN."""
    number = practitioner_number(who, country)
    family = who.family or who.name
    if not number.extension:
        return f"{number.root}^{_hl7(family)}^{_hl7(who.given)}"
    return f"{number.extension}^{_hl7(family)}^{_hl7(who.given)}^^^^^^&{number.root}&ISO^D^^^IDNPS"


def _cx(number: Identifier) -> str:
    return f"{_hl7(number.extension)}^^^&{number.root}&ISO"


def _hl7(text: str) -> str:
    """Without what separates parts in HL7 v2."""
    return "".join(" " if letter in "|^~\\&" else letter for letter in text)


def _utc(at: datetime) -> str:
    """As the metadata has every time (ITI TF-3 table 4.2.3.1.7-2, DTM)."""
    return f"{at.astimezone(UTC):%Y%m%d%H%M%S}"


def _slot(name: str, values: Iterable[str]) -> etree._Element:
    return _R.Slot(_R.ValueList(*(_R.Value(value) for value in values)), name=name)


def _named(tag: str, text: str, language: str = "") -> etree._Element:
    told = {"value": text, **({XML_LANG: language} if language else {})}
    return _R(tag, _R.LocalizedString(told))


def _local(*of: str) -> str:
    """An id within the file."""
    return f"id-{uuid.uuid5(uuid.NAMESPACE_OID, '/'.join(of))}"
