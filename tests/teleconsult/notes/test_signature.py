"""The signature over a PDF: good as it was made, bad after any changed byte. No database here."""

import logging
import random
import re
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from asn1crypto import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from teleconsult.clock import now
from teleconsult.documents.pdf import render_note
from teleconsult.notes.authority import Authority, issue, make_authority
from teleconsult.notes.keys import names_signer
from teleconsult.notes.signature import sign_pdf, soft_signer
from teleconsult.notes.verdict import SIZE_LIMIT, Outcome, Reason
from teleconsult.notes.verifying import verify_file, verify_pdf
from tests import note_steps

SAMPLES = 340
YEAR = timedelta(days=365)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """A broken file makes the parsers talk."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@cache
def authority() -> Authority:
    return make_authority("Authority of the tests", at=now())


@cache
def signed() -> bytes:
    issued = issue(authority(), name="Dr Minh", registration_number="20002", organization="CHU", at=now())
    return sign_pdf(render_note(note_steps.content(), is_signed=True), soft_signer(issued.chain, issued.private_key))


def roots() -> list[x509.Certificate]:
    return [x509.Certificate.load(authority().certificate.public_bytes(Encoding.DER))]


def gap() -> tuple[int, int]:
    """Where the signature's own text stands, from `<` to after `>`."""
    found = re.search(rb"/ByteRange \[0 (\d+) (\d+) \d+\]", signed())
    assert found
    return int(found[1]), int(found[2])


def test_good_as_it_was_signed() -> None:
    verdict = verify_pdf(signed(), roots())
    assert (verdict.outcome, verdict.reason) == (Outcome.GOOD, Reason.GOOD)
    assert (verdict.signer, verdict.registration_number, verdict.organization) == ("Dr Minh", "20002", "CHU")
    assert verdict.signed_at
    assert verdict.authority == "Authority of the tests"


def positions() -> list[int]:
    """Offsets from every region: header, body, the signature's text and its padding, what follows, the last byte."""
    dice = random.Random(20261121)
    start, end = gap()
    regions = [(0, 20), (20, start), (start, start + 1800), (start + 1800, end), (end, len(signed()))]
    chosen = {dice.randrange(first, last) for first, last in regions for _ in range(SAMPLES // len(regions) + 20)}
    return sorted(chosen | {0, start, start + 1, end - 1, end, len(signed()) - 1})


def test_any_changed_byte_is_found() -> None:
    dice = random.Random(1)
    offsets = positions()
    assert len(offsets) >= 300
    for offset in offsets:
        changed = bytearray(signed())
        changed[offset] ^= dice.choice((0x01, 0x20, 0x80, 0xFF))
        assert not verify_pdf(bytes(changed), roots()).is_good, offset


def test_another_spelling_of_the_signature_is_found() -> None:
    start, end = gap()
    text = signed()[start:end]
    spellings = (text.lower(), text[:-2] + b" >", text[:-3] + b"01>", text.replace(b"00>", b"0 >"))
    for spelling in spellings:
        assert spelling != text
        changed = signed()[:start] + spelling + signed()[end:]
        assert verify_pdf(changed, roots()).reason is Reason.CHANGED


@pytest.mark.parametrize("tail", [b"\n", b"\0", b"%%EOF\n", b"x" * 4096])
def test_added_bytes_are_found(tail: bytes) -> None:
    assert not verify_pdf(signed() + tail, roots()).is_good
    assert not verify_pdf(tail + signed(), roots()).is_good


@pytest.mark.parametrize("length", [0, 1, 100, 5000, -1, -200])
def test_a_cut_file_is_found(length: int) -> None:
    assert not verify_pdf(signed()[:length], roots()).is_good


def test_an_incremental_update_is_found() -> None:
    update = b"\n1 0 obj\n<< >>\nendobj\nxref\n1 1\n0000000000 00000 n \ntrailer\n<< /Size 99 >>\nstartxref\n0\n%%EOF\n"
    assert not verify_pdf(signed() + update, roots()).is_good


def test_a_file_saved_again_is_found() -> None:
    output = BytesIO()
    with pikepdf.open(BytesIO(signed())) as document:
        document.save(output)
    assert not verify_pdf(output.getvalue(), roots()).is_good


def test_what_is_no_signed_note_says_why(tmp_path: Path) -> None:
    unsigned = render_note(note_steps.content(), is_signed=True)
    locked = BytesIO()
    with pikepdf.open(BytesIO(unsigned)) as document:
        document.save(locked, encryption=pikepdf.Encryption(owner="a", user="b"))
    for content, reason in (
        (b"", Reason.EMPTY),
        (b"PK\x03\x04", Reason.NOT_PDF),
        (b"%PDF-1.7\n" + b"nonsense " * 100, Reason.DAMAGED),
        (b"%PDF-" + b"\0" * SIZE_LIMIT, Reason.TOO_LARGE),
        (unsigned, Reason.UNSIGNED),
        (locked.getvalue(), Reason.ENCRYPTED),
    ):
        verdict = verify_pdf(content, roots())
        assert (verdict.outcome, verdict.reason) == (Outcome.BAD, reason)


def test_an_unknown_authority_is_said_so() -> None:
    verdict = verify_pdf(signed(), [])
    assert verdict.outcome is Outcome.UNKNOWN_SIGNER
    same_name = make_authority("Authority of the tests", at=now())
    other = [x509.Certificate.load(same_name.certificate.public_bytes(Encoding.DER))]
    assert verify_pdf(signed(), other).outcome is Outcome.UNKNOWN_SIGNER


def test_a_certificate_out_of_date_is_said_so() -> None:
    assert verify_pdf(signed(), roots(), at=now() + 4 * YEAR).reason is Reason.EXPIRED
    assert not verify_pdf(signed(), roots(), at=now() - YEAR).is_good


def test_the_authority_itself_signs_no_note() -> None:
    chain = authority().certificate.public_bytes(Encoding.PEM).decode()
    key = authority().private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    forged = sign_pdf(render_note(note_steps.content(), is_signed=True), soft_signer(chain, key))
    assert verify_pdf(forged, roots()).reason is Reason.NOT_FOR_SIGNING


def test_a_certificate_names_one_signer() -> None:
    issued = issue(authority(), name="Dr Minh", registration_number="20002", organization="CHU", at=now())
    assert names_signer(issued.chain, "20002")
    assert not names_signer(issued.chain, "20003")


def test_a_file_is_checked_against_a_folder(tmp_path: Path) -> None:
    path, trust = tmp_path / "note.pdf", tmp_path / "trust"
    path.write_bytes(signed())
    assert verify_file(path, trust).outcome is Outcome.UNKNOWN_SIGNER
    trust.mkdir()
    (trust / "root.pem").write_bytes(authority().certificate.public_bytes(Encoding.PEM))
    assert verify_file(path, trust).is_good
