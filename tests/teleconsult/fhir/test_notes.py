"""A note as FHIR R4: what must be there, and nothing a reader could run."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

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


@pytest.mark.skipif("JUDGES_DIR" not in os.environ, reason="JUDGES_DIR names the folder of the outside judges")
@pytest.mark.parametrize("judge", ["validate_fhir.mjs", "npm_fhir.cjs"])
def test_others_find_nothing_wrong(tmp_path: Path, judge: str) -> None:
    if "NODE_PATH" not in os.environ:
        pytest.skip("NODE_PATH names where the judges' npm packages are")
    files = []
    resources: list[dict[str, Any]] = [composition(NOTE), document_reference(NOTE, size=1)]
    for resource in resources:
        path = tmp_path / f"{resource['resourceType']}.json"
        path.write_text(json.dumps(resource | {"id": "1"}))
        files.append(path)
    script = Path(os.environ["JUDGES_DIR"]) / judge
    verdict = subprocess.run(["node", script, *files], capture_output=True, text=True, check=False)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
