"""A signed note as a CDA R2 document of level 1: a header machines read, and the signed PDF as its body.

The header is in the order of the schema (HL7 CDA R2, POCD_MT000040) and says what ANS CI-SIS demands of a French one
(volet Structuration minimale; TLM-CR). It is made of the note's frozen content and nothing else, so the same note
gives the same bytes at any time; only the PDF, which grows by evidence, differs.
"""

import base64
from collections.abc import Iterator
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from lxml import etree
from lxml.builder import ElementMaker

from teleconsult.cda.header import NAMESPACE, Identifier
from teleconsult.cda.naming import (
    Establishment,
    establishment_number,
    is_qualified,
    oid_of,
    patient_numbers,
    practitioner_number,
    specialty_of,
    works_at,
)
from teleconsult.cda.profiles import FRANCE, NORMAL, RESTRICTED, VIRTUAL, Coded, Country
from teleconsult.documents.words import NOTE_WORDS
from teleconsult.notes.content import Clinician, NoteContent, PatientIdentity, Relation

E: Final = ElementMaker(namespace=NAMESPACE, nsmap={None: NAMESPACE})
TYPE_ID: Final = {"root": "2.16.840.1.113883.1.3", "extension": "POCD_HD000040"}
GENDERS: Final = {"male": "M", "female": "F", "other": "UN"}
GENDER_SYSTEM: Final = "2.16.840.1.113883.5.1"
RELATIONS: Final = {Relation.REPLACES: "RPLC", Relation.APPENDS: "APND"}
UNASKED: Final = {"nullFlavor": "NASK"}
UNKNOWN: Final = {"nullFlavor": "UNK"}


def consult_note_document(
    content: NoteContent, *, pdf: bytes, custodian: Establishment | None = None, country: Country = FRANCE
) -> bytes:
    """The document in UTF-8, with the bytes of `pdf` inside. Kept by the author's establishment unless told."""
    keeper = custodian or works_at(content.author)
    parts = [*_about(content, country), _patient(content, country), *_people(content, country, keeper)]
    parts += [*_what_was_done(content, country), *_related(content), _context(content, country, keeper), _body(pdf)]
    written: bytes = etree.tostring(E.ClinicalDocument(*parts), xml_declaration=True, encoding="UTF-8")
    return written


def document_number(content: NoteContent) -> str:
    """The OID of this version of the note, everywhere the same."""
    return content.document_oid


def confidentiality(content: NoteContent) -> Coded:
    """Normal, or restricted where somebody of those it is about must not see it (HL7 v3 Confidentiality)."""
    return RESTRICTED if content.invisible_to_patient or content.invisible_to_guardians else NORMAL


def moment(content: NoteContent, at: datetime) -> str:
    """A moment in the zone the note is printed in, with its offset (CDA R2 data types, TS)."""
    return f"{at.astimezone(ZoneInfo(content.zone)):%Y%m%d%H%M%S%z}"


def _about(content: NoteContent, country: Country) -> Iterator[etree._Element]:
    """Which document this is, of what kind, in which version."""
    if country.realm:
        yield E.realmCode(code=country.realm)
    yield E.typeId(TYPE_ID)
    yield from (E.templateId(root=template) for template in country.templates)
    yield E.id(root=document_number(content))
    yield _code("code", country.note_type)
    yield E.title(NOTE_WORDS[content.language].title)
    yield E.effectiveTime(value=moment(content, content.written_at))
    yield _code("confidentialityCode", confidentiality(content))
    yield E.languageCode(code=country.languages[content.language])
    yield E.setId(root=oid_of(content.set_id or content.id))
    yield E.versionNumber(value=str(content.version_number))


def _patient(content: NoteContent, country: Country) -> etree._Element:
    """For whom. Who nobody knows has the name they are called by here, and no birth date rather than a guess."""
    patient = content.patient
    told = E.patient(E.name(*_patient_name(patient)), {"classCode": "PSN"})
    gender = GENDERS.get(patient.gender)
    told.append(
        E.administrativeGenderCode(code=gender, codeSystem=GENDER_SYSTEM)
        if gender
        else E.administrativeGenderCode(UNKNOWN)
    )
    told.append(E.birthTime(value=f"{patient.birth_date:%Y%m%d}") if patient.birth_date else E.birthTime(UNKNOWN))
    if patient.birth_place and any(is_qualified(content, system) for system in country.national_ids):
        told.append(E.birthplace(E.place(E.addr(E.county(patient.birth_place)))))
    numbers = [_number("id", number) for number in patient_numbers(content, country)]
    return E.recordTarget(E.patientRole(*numbers, E.addr(UNASKED), E.telecom(UNASKED), told))


def _patient_name(patient: PatientIdentity) -> Iterator[etree._Element]:
    if patient.is_temporary or not patient.family:
        yield E.family(patient.name, qualifier="CL")
        return
    yield E.family(patient.family.upper(), qualifier="BR")
    if patient.given:
        yield E.given(patient.given)
        yield E.given(patient.given.split()[0], qualifier="BR")
    if patient.used_name:
        yield E.family(patient.used_name.upper(), qualifier="CL")


def _people(content: NoteContent, country: Country, keeper: Establishment) -> Iterator[etree._Element]:
    """Who wrote it, who keeps it, who asked for it, and who answers for it by their signature."""
    at = {"value": moment(content, content.written_at)}
    yield E.author(E.time(at), _worker("assignedAuthor", content.author, country, keeper))
    kept = E.representedCustodianOrganization(*_establishment(keeper, country), E.telecom(UNASKED), E.addr(UNASKED))
    yield E.custodian(E.assignedCustodian(kept))
    requester = content.requester
    yield E.informationRecipient(
        E.intendedRecipient(
            _number("id", practitioner_number(requester, country)),
            E.addr(UNASKED),
            E.telecom(UNASKED),
            E.informationRecipient(_name(requester)),
            E.receivedOrganization(*_establishment(works_at(requester), country)),
        )
    )
    yield E.legalAuthenticator(
        E.time(at), E.signatureCode(code="S"), _worker("assignedEntity", content.author, country, keeper)
    )


def _what_was_done(content: NoteContent, country: Country) -> Iterator[etree._Element]:
    """The request that is answered, and the act: a session, or advice in writing."""
    yield E.inFulfillmentOf(E.order(E.id(root=oid_of(content.consult_id))))
    in_session = country.session_acts.get(content.author.specialty, country.session_act)
    act = in_session if content.session_started_at else country.written_act
    event = E.serviceEvent({"classCode": "ACT"})
    if act:
        event.append(_code("code", act))
    event.append(E.effectiveTime(*_span(content)))
    doer = _worker("assignedEntity", content.author, country, works_at(content.author))
    event.append(E.performer(doer, typeCode="PRF"))
    yield E.documentationOf(event)


def _related(content: NoteContent) -> Iterator[etree._Element]:
    """The version this one stands in for, or the document it adds to."""
    if content.relation:
        parent = E.parentDocument(E.id(root=content.related_oid))
        yield E.relatedDocument(parent, typeCode=RELATIONS[content.relation])


def _context(content: NoteContent, country: Country, keeper: Establishment) -> etree._Element:
    encounter = E.encompassingEncounter()
    if content.encounter_id:
        encounter.append(E.id(root=oid_of(content.encounter_id)))
    encounter.extend([_code("code", VIRTUAL), E.effectiveTime(*_span(content))])
    place = E.healthCareFacility(_number("id", establishment_number(keeper, country)))
    if country.facility:
        place.append(_code("code", country.facility))
    place.append(E.location(E.name(keeper.name)))
    encounter.append(E.location(place))
    return E.componentOf(encounter)


def _body(pdf: bytes) -> etree._Element:
    text = E.text(base64.b64encode(pdf).decode(), mediaType="application/pdf", representation="B64")
    return E.component(E.nonXMLBody(text))


def _span(content: NoteContent) -> Iterator[etree._Element]:
    """From the session's beginning to its end; advice in writing was given at one moment."""
    yield E.low(value=moment(content, content.session_started_at or content.written_at))
    if content.session_started_at and content.session_ended_at:
        yield E.high(value=moment(content, content.session_ended_at))


def _worker(tag: str, who: Clinician, country: Country, keeper: Establishment) -> etree._Element:
    """A doctor at work: their number, profession, name and establishment."""
    worker = E(tag, _number("id", practitioner_number(who, country)))
    if specialty := specialty_of(who, country):
        worker.append(_code("code", specialty))
    worker.extend([E.addr(UNASKED), E.telecom(UNASKED), E.assignedPerson(_name(who))])
    place = E.representedOrganization(*_establishment(keeper, country))
    if country.setting:
        place.append(_code("standardIndustryClassCode", country.setting))
    worker.append(place)
    return worker


def _establishment(keeper: Establishment, country: Country) -> Iterator[etree._Element]:
    yield _number("id", establishment_number(keeper, country))
    yield E.name(keeper.name)


def _name(who: Clinician) -> etree._Element:
    """By its parts; a note of earlier days has the printed name alone."""
    if not who.family:
        return E.name(E.family(who.name))
    parts = (("prefix", who.prefix), ("given", who.given), ("family", who.family))
    return E.name(*(E(tag, text) for tag, text in parts if text))


def _number(tag: str, number: Identifier) -> etree._Element:
    extension = {"extension": number.extension} if number.extension else {}
    return E(tag, {"root": number.root, **extension})


def _code(tag: str, concept: Coded) -> etree._Element:
    told = {"code": concept.code, "displayName": concept.display, "codeSystem": concept.system}
    return E(tag, told | ({"codeSystemName": concept.system_name} if concept.system_name else {}))
