"""A note as FHIR R4: what must be there, and nothing a reader could run."""

from xml.etree import ElementTree

from teleconsult.fhir.notes import composition, document_reference
from tests import note_steps

NOTE = note_steps.content("fr", {"findings": "", "opinion": "a < b & c\nd\n\n<script>x</script>", "plan": "Repos"})


def test_the_composition_has_its_sections_and_who_attests() -> None:
    resource = composition(NOTE)
    assert [section["title"] for section in resource["section"]] == ["Avis", "Conduite à tenir"]
    assert resource["attester"] == [
        {"mode": "legal", "time": "2026-11-21T14:03:22+00:00", "party": resource["author"][0]}
    ]
    assert resource["identifier"]["value"] == f"urn:uuid:{NOTE.id}"
    assert resource["subject"]["reference"] == f"Patient/{NOTE.patient.id}"
    assert resource["encounter"]["reference"] == f"Encounter/{NOTE.encounter_id}"


def test_the_narrative_is_well_formed_and_holds_text_only() -> None:
    div = ElementTree.fromstring(composition(NOTE)["section"][0]["text"]["div"])
    assert {element.tag.rpartition("}")[2] for element in div.iter()} == {"div", "p", "br"}
    assert "".join(div.itertext()) == "a < b & cd<script>x</script>"


def test_the_document_points_to_the_signed_pdf() -> None:
    resource = document_reference(NOTE, size=30_000)
    assert resource["masterIdentifier"]["value"] == f"urn:uuid:{NOTE.id}"
    assert resource["content"][0]["attachment"]["contentType"] == "application/pdf"
    assert resource["content"][0]["attachment"]["url"] == f"Binary/{NOTE.id}"
    assert (resource["status"], resource["docStatus"]) == ("current", "final")
