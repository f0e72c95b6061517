"""A note as FHIR R4: what must be there, and nothing a reader could run."""

import base64
import dataclasses
import json
import subprocess
import uuid
from pathlib import Path
from xml.etree import ElementTree

from teleconsult.fhir.note_documents import SignedPdf
from teleconsult.fhir.notes import composition, document_reference
from teleconsult.notes.content import SECTIONS
from tests import note_steps
from tests.judges import FOLDER, asks_fhir

PDF = SignedPdf(b"\1" * 32, b"\2" * 20, 30_000)
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


def test_every_section_has_its_code_and_its_title() -> None:
    said = note_steps.content("fr", dict.fromkeys(SECTIONS, "Quelque chose"))
    sections = composition(said)["section"]
    assert [section["title"] for section in sections] == [
        *("Constatations", "Avis", "Conduite à tenir", "Médicaments", "Suivi"),
    ]
    codes = [section["code"]["coding"][0]["code"] for section in sections]
    assert codes == ["59776-5", "51848-0", "18776-5", "10160-0", "69730-0"]


def test_the_narrative_is_well_formed_and_holds_text_only() -> None:
    div = ElementTree.fromstring(composition(NOTE)["section"][0]["text"]["div"])
    assert {element.tag.rpartition("}")[2] for element in div.iter()} == {"div", "p", "br"}
    assert "".join(div.itertext()) == "a < b & cd<script>x</script>"


def test_the_document_points_to_the_signed_pdf() -> None:
    resource = document_reference(NOTE, pdf=PDF)
    assert resource["masterIdentifier"]["value"] == f"urn:oid:2.25.{uuid.UUID(NOTE.id).int}"
    assert resource["content"][0]["attachment"]["contentType"] == "application/pdf"
    assert resource["content"][0]["attachment"]["url"] == f"Binary/{NOTE.id}"
    attachment = resource["content"][0]["attachment"]
    assert (attachment["size"], attachment["hash"]) == (30_000, base64.b64encode(PDF.sha1).decode())
    assert attachment["extension"][0]["valueString"] == PDF.sha256.hex()
    assert (resource["status"], resource["docStatus"]) == ("current", "final")


IMAGED = dataclasses.replace(NOTE, key_images=(note_steps.key_image(), note_steps.key_image(13, reports=())))


def test_it_names_the_images_it_rests_on_and_the_report_of_what_was_measured() -> None:
    resource = composition(IMAGED)
    (study,) = resource["contained"]
    assert study["identifier"] == [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.840.1"}]
    listed = {
        (series["uid"], series["modality"]["code"]): [instance["uid"] for instance in series["instance"]]
        for series in study["series"]
    }
    assert listed == {
        ("1.2.840.1.1", "CT"): ["1.2.840.1.1.12", "1.2.840.1.1.13"],
        ("1.2.840.1.9", "SR"): ["1.2.840.1.9.1"],
    }
    pictures = resource["section"][-1]
    assert pictures["entry"] == [{"reference": f"#{study['id']}", "type": "ImagingStudy"}]
    words = "".join(ElementTree.fromstring(pictures["text"]["div"]).itertext())
    assert "Axial < 5 mm · image 12" in words
    assert "Longueur" in words
    pointer = document_reference(IMAGED, pdf=PDF)
    assert pictures["entry"][0] in pointer["context"]["related"]
    assert pointer["contained"] == resource["contained"]


def test_of_images_that_say_too_little_there_are_words_only() -> None:
    old = note_steps.key_image(sop_class_uid="", modality="", marks=(), reports=(), measurements=("Length · 20.0 mm",))
    resource = composition(dataclasses.replace(NOTE, key_images=(old,)))
    assert "contained" not in resource
    assert "entry" not in resource["section"][-1]
    assert "Length · 20.0 mm" in resource["section"][-1]["text"]["div"]


@asks_fhir
def test_others_find_nothing_wrong_with_it(tmp_path: Path) -> None:
    files = []
    for resource in (composition(IMAGED), document_reference(IMAGED, pdf=PDF)):
        path = tmp_path / f"{resource['resourceType']}.json"
        path.write_text(json.dumps(resource | {"id": "1"}))
        files.append(str(path))
    for judge in ("validate_fhir.mjs", "npm_fhir.cjs"):
        judged = subprocess.run(["node", judge, *files], cwd=FOLDER, capture_output=True, text=True, check=False)
        assert judged.returncode == 0, judged.stdout + judged.stderr
