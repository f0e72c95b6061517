"""The transaction another server is sent: IHE MHD ITI-65, the same each time."""

import json
import os
import subprocess
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from teleconsult.fhir.submissions import Submission, transaction
from teleconsult.notes.content import Relation
from tests import note_steps
from tests.judges import FOLDER, asks_fhir

NOTE = note_steps.content("fr")
SUBMISSION = Submission(uuid.UUID(int=9), "2026-11-21T14:03:30+00:00", {"reference": "Patient/77"}, b"%PDF-1.4 signed")


def by_kind(bundle: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {entry["resource"]["resourceType"]: entry for entry in bundle["entry"]}


def test_each_part_is_made_once_however_often_it_is_sent() -> None:
    assert transaction(NOTE, SUBMISSION) == transaction(NOTE, SUBMISSION)
    entries = by_kind(transaction(NOTE, SUBMISSION))
    assert entries["DocumentReference"]["request"]["ifNoneExist"] == (
        f"identifier=urn:ietf:rfc:3986|urn:oid:{NOTE.document_oid}"
    )
    assert entries["List"]["request"]["ifNoneExist"].endswith(f"urn:uuid:{SUBMISSION.id}")
    for kind in ("Binary", "Provenance"):
        assert entries[kind]["request"] == {"method": "PUT", "url": f"{kind}/{entries[kind]['resource']['id']}"}


def test_it_points_within_itself() -> None:
    entries = by_kind(transaction(NOTE, SUBMISSION))
    document = entries["DocumentReference"]
    assert document["resource"]["content"][0]["attachment"]["url"] == entries["Binary"]["fullUrl"]
    assert entries["List"]["resource"]["entry"] == [{"item": {"reference": document["fullUrl"]}}]
    assert entries["Provenance"]["resource"]["target"] == [{"reference": document["fullUrl"]}]


@pytest.mark.parametrize("related", [None, "DocumentReference/12"])
def test_a_version_names_what_it_replaces(related: str | None) -> None:
    newer = replace(NOTE, relation=Relation.REPLACES, related_oid="2.25.1", version_number=2)
    document = by_kind(transaction(newer, replace(SUBMISSION, related=related)))["DocumentReference"]["resource"]
    (relates,) = document["relatesTo"]
    assert relates["code"] == "replaces"
    if related is None:
        assert relates["target"]["identifier"]["value"] == "urn:oid:2.25.1"
    else:
        assert relates["target"]["reference"] == related


@asks_fhir
def test_others_find_nothing_wrong_with_it(tmp_path: Path) -> None:
    newer = replace(NOTE, relation=Relation.REPLACES, related_oid="2.25.1", version_number=2)
    bundle = transaction(newer, SUBMISSION)
    files = [tmp_path / "bundle.json"]
    files[0].write_text(json.dumps(bundle))
    for kind, entry in by_kind(bundle).items():
        path = tmp_path / f"{kind}.json"
        path.write_text(json.dumps({"id": "1"} | entry["resource"]))
        files.append(path)
    for judge in ("validate_fhir.mjs", "npm_fhir.cjs"):
        judged = subprocess.run(
            ["node", judge, *map(str, files)],
            cwd=FOLDER,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ,
        )
        assert judged.returncode == 0, judged.stdout + judged.stderr
