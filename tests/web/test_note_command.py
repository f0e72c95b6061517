"""`teleconsult note verify FILE`: says good or why not, by its exit status too, without database or network."""

import asyncio
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select

from teleconsult.accounts.actor import SYSTEM
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.notes.authority import trust_folder
from teleconsult.notes.evidence_faults import Fault
from teleconsult.notes.evidence_models import EvidenceState, Level, NoteEvidence
from tests import note_steps
from tests.people import Cast
from tests.teleconsult.notes.test_bundling import exported
from tests.teleconsult.notes.test_signature import authority, signed
from web.__main__ import main


@pytest.fixture
def note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A signed note beside an installation that trusts its authority, and nothing else of one."""
    monkeypatch.setenv("TELECONSULT_DATA", str(tmp_path))
    monkeypatch.setenv("TELECONSULT_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/nowhere")
    folder = trust_folder(tmp_path)
    folder.mkdir()
    (folder / "root.pem").write_bytes(authority().certificate.public_bytes(Encoding.PEM))
    path = tmp_path / "note.pdf"
    path.write_bytes(signed())
    return path


def test_good(note: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["note", "verify", str(note)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("good:")
    assert "Dr Minh" in said


def test_bad_says_why(note: Path, capsys: pytest.CaptureFixture[str]) -> None:
    note.write_bytes(note.read_bytes() + b"\n")
    assert main(["note", "verify", str(note)]) == 1
    assert capsys.readouterr().out == "bad: The file was changed after it was signed.\n"
    assert main(["note", "verify", str(note.parent / "missing.pdf")]) == 1
    assert "No such file" in capsys.readouterr().err


def test_unknown_says_so(note: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (trust_folder(note.parent) / "root.pem").unlink()
    assert main(["note", "verify", str(note)]) == 1
    assert capsys.readouterr().out.startswith("unknown-signer:")


def test_the_document_for_programs_alone_and_beside_its_pdf(note: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = note.parent / "note.jws.json"
    document.write_bytes(exported())
    assert main(["note", "verify", str(document)]) == 0
    assert "signed as Dr Minh" in capsys.readouterr().out
    assert main(["note", "verify", str(note), str(document)]) == 0
    document.write_bytes(exported().replace("Céphalée".encode(), "Céphalgie".encode()))
    capsys.readouterr()
    assert main(["note", "verify", str(note), str(document)]) == 1
    assert capsys.readouterr().out.startswith("bad: The file was changed after it was signed.")
    assert main(["note", "verify", str(note), str(note), str(note)]) == 1


async def test_what_was_given_up_is_owed_again_but_to_who_was_revoked(
    command_environment: None, sessions: Sessions, cast: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    for fault in (Fault.NOT_GOOD, Fault.REVOKED):
        note = (await note_steps.drafted(cast, sessions)).note
        async with transaction(sessions, SYSTEM) as session:
            session.add(
                NoteEvidence(
                    composition_id=note.id,
                    number=1,
                    level=Level.B_LTA,
                    state=EvidenceState.FAILED,
                    failure=fault,
                    attempts=7,
                    created_at=now(),
                )
            )
    for said in ("1 notes are tried again", "0 notes are tried again"):
        assert await asyncio.to_thread(main, ["note", "retry-evidence"]) == 0
        assert said in capsys.readouterr().out
    async with transaction(sessions, SYSTEM) as session:
        rows = (await session.scalars(select(NoteEvidence))).all()
    assert {(row.failure, row.state) for row in rows} == {
        (Fault.NOT_GOOD, EvidenceState.PENDING),
        (Fault.REVOKED, EvidenceState.FAILED),
    }
