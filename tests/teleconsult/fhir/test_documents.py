"""A FHIR document: its narrative is XHTML whatever it holds, and nothing comes twice."""

from datetime import UTC, datetime

from lxml import etree

from teleconsult.documents.printout import Item, Part, Value
from teleconsult.fhir.documents import Document, Section, document_bundle, narrative

PATIENT = {"resourceType": "Patient", "id": "1"}
ROLE = {"resourceType": "PractitionerRole", "id": "2"}
HOUSE = {"resourceType": "Organization", "id": "3"}
ENTRY = {"resourceType": "Condition", "id": "4", "subject": {"reference": "Patient/1"}}


def test_a_narrative_is_well_formed_whatever_was_written() -> None:
    hostile = "<script>x</script> & \x0b\x00 \ud800 “fin”"
    item = Item(
        hostile, hostile, hostile, (hostile,), ((hostile, hostile),), (Value(hostile, hostile),), hostile, hostile
    )
    div = narrative(Part(hostile, (hostile,), ((hostile, hostile),), f"{hostile}\n\n{hostile}", (item,)))["div"]
    found = etree.fromstring(div)
    tags = {element.tag.rpartition("}")[2] for element in found.iter()}
    assert tags <= {"div", "p", "ul", "li", "b", "table", "tr", "td"}


def test_an_empty_part_still_says_something() -> None:
    assert "<p>Allergies</p>" in narrative(Part("Allergies"))["div"]
    assert "<p>None known</p>" in narrative(Part("Allergies", empty="None known"))["div"]


def test_each_resource_comes_once_and_the_composition_first() -> None:
    document = Document(
        id="9",
        at=datetime(2026, 11, 22, tzinfo=UTC),
        language="en",
        title="File",
        subject=PATIENT,
        author=ROLE,
        custodian=HOUSE,
        sections=[Section(Part("Problems"), [ENTRY, ENTRY]), Section(Part("Current problems"), [ENTRY])],
        others=[HOUSE, PATIENT],
    )
    bundle = document_bundle(document, server="https://clinic.example/fhir")
    addresses = [entry["fullUrl"].removeprefix("https://clinic.example/fhir/") for entry in bundle["entry"]]
    assert addresses == ["Composition/9", "Patient/1", "PractitionerRole/2", "Organization/3", "Condition/4"]
    sections = bundle["entry"][0]["resource"]["section"]
    assert [section["entry"] for section in sections] == [[{"reference": "Condition/4"}]] * 2
