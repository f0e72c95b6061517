"""A note as a CDA document: what it names, what it withholds, and that the published schema accepts it."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from teleconsult.cda.consult_note import consult_note_document, document_number
from teleconsult.cda.header import Identifier, header_of
from teleconsult.cda.naming import Establishment, oid_of, patient_numbers, qualified_number
from teleconsult.cda.narrative import attached_to
from teleconsult.cda.parsing import parse_xml
from teleconsult.cda.profiles import COUNTRIES, FRANCE, GENERIC
from teleconsult.notes.content import NoteContent, PatientIdentity
from teleconsult.patients.national_ids import NIR, VIETNAM
from tests.judges import asks_cda, judge
from tests.note_steps import content

PDF = b"%PDF-1.4 the signed note"
NS = {"c": "urn:hl7-org:v3"}
INS = "251037511298789"
UNKNOWN = PatientIdentity("0" * 8, "INCONNU Alpha", None, "unknown", "T-3", is_temporary=True)


def qualified() -> NoteContent:
    """Of somebody whose number was checked with the strict traits, by a doctor the national directory knows."""
    note = content()
    return replace(
        note,
        author=replace(note.author, registration_number="10101234567", family="Nguyễn", given="Thị Minh", prefix="Dr"),
        patient=replace(
            note.patient,
            identifiers=((NIR, INS), (VIETNAM, "036151001234"), ("urn:oid:1.2.3", "88")),
            qualified=(NIR,),
            family="Bélanger",
            given="Rose Marie",
            used_name="Roy",
            birth_place="75112",
        ),
    )


def notes() -> dict[str, NoteContent]:
    """One of each kind."""
    note = qualified()
    earlier = {"document_oid": "2.25.77", "version_number": 2, "related_oid": "2.25.76"}
    vietnamese = replace(note.patient, family="Nguyễn", given="Văn Đức", used_name="")
    return {
        "plain": content(),
        "qualified": note,
        "written": replace(note, session_started_at=None, session_ended_at=None, encounter_id=None),
        "replaced": replace(note, relation="replaces", **earlier),
        "added": replace(note, relation="appends", **earlier),
        "unknown": replace(note, patient=UNKNOWN),
        "vietnamese": replace(note, language="vi", patient=vietnamese),
        "english": content("en"),
    }


@asks_cda
@pytest.mark.parametrize("country", COUNTRIES)
def test_the_published_schema_accepts_every_kind_of_note(tmp_path: Path, country: str) -> None:
    files = []
    for name, note in notes().items():
        files.append(tmp_path / f"{name}.xml")
        files[-1].write_bytes(consult_note_document(note, pdf=PDF, country=COUNTRIES[country]))
    assert judge("cda_xsd.py", *files).count(" valid") == len(files)


def test_its_header_says_who_wrote_what_for_whom() -> None:
    note = qualified()
    root = parse_xml(consult_note_document(note, pdf=PDF, custodian=Establishment(note.id, "CHU", "750712184")))
    header = header_of(root)
    assert header.id == Identifier(document_number(note), "")
    assert (header.code, header.language) == ("85208-7", "fr-FR")
    assert header.patient_ids[0] == Identifier("1.2.250.1.213.1.4.8", INS)
    assert (header.family, header.given, header.birth_date) == ("BÉLANGER", "Rose", date(1951, 3, 14))
    assert header.effective_at == note.written_at
    assert root.find("c:effectiveTime", NS).get("value") == "20261121090322-0500"  # as the clock stood there
    for path in ("c:author/c:assignedAuthor", "c:legalAuthenticator/c:assignedEntity"):
        assert dict(root.find(f"{path}/c:id", NS).attrib) == {"root": "1.2.250.1.71.4.2.1", "extension": "810101234567"}
        assert root.find(f"{path}/c:code", NS).get("code") == "G15_10/SM32"
        assert root.find(f"{path}/c:assignedPerson/c:name/c:family", NS).text == "Nguyễn"
    kept = root.find("c:custodian//c:id", NS)
    assert (kept.get("root"), kept.get("extension")) == ("1.2.250.1.71.4.2.2", "1750712184")
    assert root.find("c:informationRecipient//c:receivedOrganization/c:name", NS).text == "Centre de l’Anse"
    assert root.find("c:documentationOf/c:serviceEvent/c:code", NS).get("code") == "TC"
    assert root.find("c:inFulfillmentOf/c:order/c:id", NS).get("root") == "2.25.6"


def test_its_body_is_the_signed_file_byte_for_byte() -> None:
    attached = attached_to(parse_xml(consult_note_document(qualified(), pdf=PDF)))
    assert attached is not None
    assert (attached.media_type, attached.content) == ("application/pdf", PDF)


def test_the_same_note_gives_the_same_bytes() -> None:
    note = qualified()
    assert consult_note_document(note, pdf=PDF) == consult_note_document(
        NoteContent.from_bytes(note.to_bytes()), pdf=PDF
    )


def test_an_unqualified_number_is_never_sent() -> None:
    note = qualified()
    unsure = replace(note, patient=replace(note.patient, qualified=()))
    assert INS.encode() not in consult_note_document(unsure, pdf=PDF)
    assert b"75112" not in consult_note_document(unsure, pdf=PDF)
    assert qualified_number(unsure, FRANCE) is None
    assert patient_numbers(unsure, FRANCE)[0] == Identifier(oid_of(note.requester.organization_id), "A-77")
    assert INS.encode() not in consult_note_document(unsure, pdf=PDF, country=GENERIC)


def test_who_nobody_knows_carries_no_number_of_anybody() -> None:
    note = qualified()
    patient = replace(UNKNOWN, identifiers=((NIR, INS),), qualified=(NIR,))
    root = parse_xml(consult_note_document(replace(note, patient=patient), pdf=PDF))
    header = header_of(root)
    assert [number.extension for number in header.patient_ids] == ["T-3"]
    assert header.birth_date is None
    assert root.find(".//c:patient/c:name/c:family", NS).get("qualifier") == "CL"  # called so, not born so


@pytest.mark.parametrize(("relation", "code"), [("replaces", "RPLC"), ("appends", "APND")])
def test_a_later_version_names_the_one_before(relation: str, code: str) -> None:
    note = replace(qualified(), relation=relation, related_oid="2.25.76", document_oid="2.25.77", version_number=2)
    root = parse_xml(consult_note_document(note, pdf=PDF))
    related = root.find("c:relatedDocument", NS)
    assert related.get("typeCode") == code
    assert related.find("c:parentDocument/c:id", NS).get("root") == "2.25.76"
    assert root.find("c:id", NS).get("root") == "2.25.77"
    assert root.find("c:versionNumber", NS).get("value") == "2"


def test_advice_in_writing_is_another_act_and_was_given_at_one_moment() -> None:
    note = replace(qualified(), session_started_at=None, session_ended_at=None, encounter_id=None)
    event = parse_xml(consult_note_document(note, pdf=PDF)).find("c:documentationOf/c:serviceEvent", NS)
    assert event.find("c:code", NS).get("code") == "TE2"
    assert event.find("c:effectiveTime/c:high", NS) is None


def test_a_doctor_no_directory_knows_is_named_by_their_role_alone() -> None:
    root = parse_xml(consult_note_document(content(), pdf=PDF, country=GENERIC))
    assert root.find("c:realmCode", NS) is None
    number = root.find("c:author//c:id", NS)
    assert dict(number.attrib) == {"root": "2.25.3"}
    assert root.find("c:author//c:name/c:family", NS).text == "Dr Nguyễn Thị Minh"  # no parts in notes of earlier days
