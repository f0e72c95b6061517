"""What the metadata says of a note."""

import hashlib
from dataclasses import replace

from lxml import etree

from teleconsult.cda.consult_note import consult_note_document
from teleconsult.cda.naming import Establishment, oid_of, works_at
from teleconsult.cda.parsing import parse_xml
from teleconsult.cda.profiles import FRANCE
from teleconsult.notes.content import NoteContent
from teleconsult.xdm.metadata import metadata, patient_id, set_number
from tests.teleconsult.cda.test_consult_note import INS, PDF, notes, qualified

RIM = {"r": "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"}


def told(note: NoteContent, keeper: Establishment | None = None) -> etree._Element:
    kept = keeper or works_at(note.author)
    document = consult_note_document(note, pdf=PDF, custodian=kept)
    return parse_xml(metadata(note, document=document, name="DOC00001.XML", keeper=kept, country=FRANCE))


def slot(root: etree._Element, name: str) -> list[str]:
    """The values of a slot of the document entry, or of what is classified there."""
    return [value.text for value in root.findall(f".//r:ExtrinsicObject//r:Slot[@name='{name}']//r:Value", RIM)]


def test_it_says_whose_how_large_and_by_whom() -> None:
    note = qualified()
    root = told(note, Establishment(note.id, "CHU ^ & Nord", "750712184"))
    document = consult_note_document(note, pdf=PDF, custodian=Establishment(note.id, "CHU ^ & Nord", "750712184"))
    assert slot(root, "hash") == [hashlib.sha1(document).hexdigest()]
    assert slot(root, "size") == [str(len(document))]
    assert slot(root, "URI") == ["DOC00001.XML"]
    assert slot(root, "creationTime") == ["20261121140322"]
    assert slot(root, "sourcePatientInfo") == ["PID-5|BÉLANGER^Rose Marie^^^^^L", "PID-7|19510314", "PID-8|F"]
    assert slot(root, "authorPerson") == ["810101234567^Nguyễn^Thị Minh^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"]
    assert slot(root, "authorInstitution") == ["CHU     Nord^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1750712184"]


def test_a_qualified_number_is_the_national_one_and_any_other_that_of_the_file() -> None:
    note = qualified()
    assert patient_id(note, FRANCE) == f"{INS}^^^&1.2.250.1.213.1.4.8&ISO^NH"
    own = oid_of(note.requester.organization_id)
    assert patient_id(notes()["plain"], FRANCE) == f"A-77^^^&{own}&ISO^PI"
    assert slot(told(note), "sourcePatientId") == [f"A-77^^^&{own}&ISO^PI"]


def test_a_replacement_names_what_it_replaces_and_is_a_set_of_its_own() -> None:
    note = notes()["replaced"]
    kinds = {one.get("associationType"): one.get("targetObject") for one in told(note).findall(".//r:Association", RIM)}
    assert kinds["urn:ihe:iti:2007:AssociationType:RPLC"] == "urn:oid:2.25.76"
    assert set_number(note) != set_number(replace(note, document_oid="2.25.76"))
    assert len(told(qualified()).findall(".//r:Association", RIM)) == 1
