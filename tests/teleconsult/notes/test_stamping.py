"""Evidence in a signed PDF: each level good, good for decades, and no byte of any revision can change."""

import os
import random
import shutil
import subprocess
import sys
from datetime import timedelta
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field

from teleconsult.clock import now
from teleconsult.documents.archival import SIGNATURE_FIELD
from teleconsult.notes.authority import YEAR, issue_clock, make_authority
from teleconsult.notes.authority_answers import Clock
from teleconsult.notes.stamping import add_time_stamp
from teleconsult.notes.verdict import Outcome, Reason
from teleconsult.notes.verifying import verify_pdf
from tests import stamped_notes
from tests.judges import FOLDER, asks_archive
from tests.stamped_notes import bb, bt, lta, roots

SAMPLES = 150
LEVELS = {"b-b": bb, "b-t": bt, "b-lta": lta}


def test_each_level_is_good_and_begins_with_the_one_before() -> None:
    for level, pdf in LEVELS.items():
        verdict = verify_pdf(pdf(), roots())
        assert (verdict.outcome, verdict.level, verdict.indication) == (Outcome.GOOD, level, "TOTAL-PASSED")
        assert (verdict.proven_at is not None) == (level != "b-b")
        assert verdict.registration_number == "20002"
    assert lta().startswith(bt())
    assert bt().startswith(bb())
    assert verify_pdf(lta(), roots()).clock == "Clock"


def test_any_changed_byte_is_found_in_every_revision() -> None:
    dice = random.Random(20261123)
    edges = [0, len(bb()), len(bt()), len(lta())]
    offsets = {edge - 1 for edge in edges[1:]} | {0}
    for first, last in pairwise(edges):
        offsets |= {dice.randrange(first, last) for _ in range(SAMPLES // 3)}
    last_token = lta().rindex(b"/Contents <") + len(b"/Contents <")
    offsets |= {dice.randrange(last_token, last_token + 3000) for _ in range(SAMPLES // 3)}
    for offset in sorted(offsets):
        changed = bytearray(lta())
        changed[offset] ^= dice.choice((0x01, 0x20, 0x80, 0xFF))
        assert not verify_pdf(bytes(changed), roots()).is_good, offset


def test_which_part_was_changed_is_named() -> None:
    start = lta().rindex(b"/Contents <") + len(b"/Contents <") + 1600
    changed = bytearray(lta())
    changed[start] = ord("0") if changed[start] != ord("0") else ord("1")
    verdict = verify_pdf(bytes(changed), roots())
    assert (verdict.reason, verdict.changed_part) == (Reason.CHANGED, 3)
    assert verdict.indication == "TOTAL-FAILED/HASH_FAILURE"


def test_what_can_be_seen_is_never_added_even_by_a_clock_we_trust() -> None:
    writer, output = IncrementalPdfFileWriter(BytesIO(lta())), BytesIO()
    append_signature_field(writer, SigFieldSpec("Painted", box=(50, 50, 400, 400), empty_field_appearance=True))
    writer.write(output)
    painted = add_time_stamp(output.getvalue(), stamped_notes.stamp_of(stamped_notes.first_clock(), now()))
    assert verify_pdf(painted, roots()).reason is Reason.CHANGED
    assert not verify_pdf(output.getvalue(), roots()).is_good


def test_no_page_is_changed_even_by_a_clock_we_trust() -> None:
    """What the library calls suspicious is no level of change to it, but an answer of another kind."""
    writer, output = IncrementalPdfFileWriter(BytesIO(lta())), BytesIO()
    page = writer.root["/Pages"]["/Kids"].raw_get(0)
    page.get_object()["/Rotate"] = generic.NumberObject(180)
    writer.mark_update(page)
    writer.write(output)
    turned = add_time_stamp(output.getvalue(), stamped_notes.stamp_of(stamped_notes.first_clock(), now()))
    assert verify_pdf(turned, roots()).reason is Reason.CHANGED


def test_a_clock_of_nobody_is_said_so() -> None:
    other = Clock.of(issue_clock(make_authority("Elsewhere", at=now()), name="Clock", at=now()))
    stamped = add_time_stamp(bb(), stamped_notes.stamp_of(other, now()))
    verdict = verify_pdf(stamped, roots())
    assert (verdict.is_good, verdict.reason) == (False, Reason.UNKNOWN_CLOCK)


def test_only_renewed_evidence_outlives_its_certificates() -> None:
    in_2046 = now() + 20 * YEAR
    assert verify_pdf(lta(), roots(), at=now() + 4 * YEAR).is_good  # the signer's certificate is over by then
    assert verify_pdf(bb(), roots(), at=now() + 4 * YEAR).reason is Reason.EXPIRED
    for pdf in (bb(), bt(), lta()):
        assert verify_pdf(pdf, roots(), at=in_2046).reason is Reason.EXPIRED
    renewed = stamped_notes.renewed(20)
    verdict = verify_pdf(renewed.pdf, roots(), at=in_2046)
    assert (verdict.outcome, verdict.level) == (Outcome.GOOD, "b-lta")
    assert verdict.proven_at
    assert now() - verdict.proven_at < timedelta(hours=1)


@pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not here")
def test_the_command_says_so_in_2046(tmp_path: Path) -> None:
    (tmp_path / "trust").mkdir()
    (tmp_path / "trust" / "root.pem").write_bytes(stamped_notes.authority().certificate.public_bytes(Encoding.PEM))
    note, old = tmp_path / "note.pdf", tmp_path / "old.pdf"
    note.write_bytes(stamped_notes.renewed(20).pdf)
    old.write_bytes(lta())
    then = (now() + 20 * YEAR).strftime("%Y-%m-%d %H:%M:%S")
    for file, status in ((note, 0), (old, 1)):
        said = subprocess.run(
            ["faketime", then, sys.executable, "-m", "web", "note", "verify", str(file)],
            env={**os.environ, "TELECONSULT_DATA": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert said.returncode == status, said.stdout + said.stderr


def test_a_signer_revoked_before_and_one_revoked_after() -> None:
    at, serial = now(), stamped_notes.own().serial_number
    for since, reason in ((at - timedelta(hours=1), Reason.REVOKED), (at + timedelta(days=2), Reason.GOOD)):
        clock = stamped_notes.first_clock()
        said = stamped_notes.said_of(
            stamped_notes.own(), clock.certificate, at=at + timedelta(days=3), revoked={serial: since}
        )
        stamped = add_time_stamp(bt(), stamped_notes.stamp_of(clock, at + timedelta(days=3)), said)
        assert verify_pdf(stamped, roots(), at=at + timedelta(days=4)).reason is reason


def test_a_clock_that_was_revoked_is_not_told_as_the_signer() -> None:
    at, clock = now(), stamped_notes.first_clock()
    other = Clock.of(issue_clock(stamped_notes.authority(), name="Another clock", at=at))
    revoked = {clock.certificate.serial_number: at - timedelta(hours=1)}
    said = stamped_notes.said_of(stamped_notes.own(), clock.certificate, at=at, revoked=revoked)
    stamped = add_time_stamp(bt(), stamped_notes.stamp_of(other, at), said)
    verdict = verify_pdf(stamped, roots())
    assert (verdict.is_good, verdict.reason) == (False, Reason.CLOCK_REVOKED)


def test_missing_answers_are_said_so() -> None:
    clock, at = stamped_notes.first_clock(), now()
    said = stamped_notes.said_of(clock.certificate, at=at)  # nothing of the signer
    verdict = verify_pdf(add_time_stamp(bt(), stamped_notes.stamp_of(clock, at), said), roots())
    assert (verdict.is_good, verdict.reason) == (False, Reason.NO_EVIDENCE)


def test_a_stamp_older_than_the_signature_is_said_so() -> None:
    early = stamped_notes.stamp_of(stamped_notes.first_clock(), now() - timedelta(minutes=20))
    assert not verify_pdf(add_time_stamp(bb(), early), roots()).is_good


def test_a_token_keeps_what_the_clock_signed() -> None:
    token = cms.ContentInfo.load(stamped_notes.stamp_of(stamped_notes.first_clock(), now())(bytes(32)))
    assert len(token["content"]["certificates"]) == 1
    assert (
        "unsigned_attrs" not in token["content"]["signer_infos"][0].native
        or not token["content"]["signer_infos"][0]["unsigned_attrs"]
    )


@pytest.mark.skipif(shutil.which("pdfsig") is None or shutil.which("mutool") is None, reason="no poppler, no MuPDF")
def test_other_programs_accept_each_level(tmp_path: Path) -> None:
    for level, pdf in LEVELS.items():
        path = tmp_path / f"{level}.pdf"
        path.write_bytes(pdf())
        poppler = _said("pdfsig", "-nocert", path)
        assert f"Signature Field Name: {SIGNATURE_FIELD}" in poppler
        assert "Signature Validation: Signature is Valid." in poppler
        assert "Total document signed" in poppler
        mupdf = _said("mutool", "sign", "-v", path)
        assert ("unchanged since signing" if level == "b-b" else "signature is valid") in mupdf
        if shutil.which("qpdf"):
            assert "No syntax or stream encoding errors" in _said("qpdf", "--check", path)


@asks_archive
def test_each_level_is_an_archival_document(tmp_path: Path) -> None:
    paths = []
    for level, pdf in (*LEVELS.items(), ("renewed", lambda: stamped_notes.renewed(20).pdf)):
        paths.append(tmp_path / f"{level}.pdf")
        paths[-1].write_bytes(pdf())
    said = subprocess.run(
        ["bash", str(FOLDER / "preflight.sh"), *map(str, paths)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert said.stdout.count("PDF/A-1b true") == len(paths), said.stdout + said.stderr


def _said(*command: object) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr
