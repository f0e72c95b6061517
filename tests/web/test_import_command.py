"""`teleconsult import`: file by file, with progress, and a report of what was refused."""

import json
from pathlib import Path

import pytest

from tests.people import Cast
from tests.teleconsult.fhir.test_importing import bundle, resources
from web.__main__ import main

HOUSE = "Centre de santé de l’Anse"


@pytest.fixture
def folder(command_environment: None, cast: Cast, tmp_path: Path) -> Path:
    """An installation that has the cast, and a folder with one good file and one that is none."""
    files = tmp_path / "files"
    files.mkdir()
    (files / "a.json").write_bytes(bundle(resources()))
    (files / "b.json").write_text("{")
    return files


def test_what_was_filed_and_what_was_refused_is_told(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.jsonl"
    assert main(["import", str(folder), "--establishment", HOUSE, "--report", str(report)]) == 1
    said = capsys.readouterr().out
    assert "2 of 2: 2 entries, 1 refused" in said
    assert "Patients registered: 1; entries filed: 2; known before: 0." in said
    assert "Refused: b.json, Bundle: The file is no JSON." in said
    assert json.loads(report.read_text()) == {
        "file": "b.json",
        "entry": 0,
        "kind": "Bundle",
        "why": "The file is no JSON.",
    }
    (folder / "b.json").unlink()
    assert main(["import", str(folder), "--establishment", HOUSE]) == 0
    assert "entries filed: 0; known before: 2." in capsys.readouterr().out


def test_it_says_what_is_missing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(folder / "none"), "--establishment", HOUSE]) == 2
    assert main(["import", str(folder), "--establishment", "Nowhere"]) == 2
    said = capsys.readouterr().err
    assert "There is no folder" in said
    assert "There is no establishment Nowhere." in said
