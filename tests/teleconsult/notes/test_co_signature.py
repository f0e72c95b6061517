"""A signed PDF and its document that others signed too: each signer named, nothing painted, no byte changed."""

import json
import random
import shutil
import subprocess
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field

from teleconsult.clock import now
from teleconsult.notes.authority import YEAR, issue, make_authority
from teleconsult.notes.bundling import SignedBundle, sign_bundle, soft_key
from teleconsult.notes.checking import check, check_both
from teleconsult.notes.places import add_place
from teleconsult.notes.signature import KeySigner, QuietWriter, co_sign_pdf
from teleconsult.notes.verdict import Outcome, Reason
from teleconsult.notes.verifying import verify_pdf
from tests import stamped_notes
from tests.judges import FOLDER, asks_archive
from tests.stamped_notes import bb, co_signed, co_signed_bt, co_signed_lta, co_signer, lta, roots, signer

SAMPLES = 120
TWO = ["Dr Minh", "Dr Girard"]


def co_sign(pdf: bytes) -> bytes:
    return co_sign_pdf(pdf, KeySigner(co_signer().chain, soft_key(co_signer().private_key)))


def bundle() -> SignedBundle:
    content = json.dumps({"resourceType": "Bundle", "text": "Opération"}, ensure_ascii=False).encode()
    first, second = (
        sign_bundle(content, chain=one.chain, sign=soft_key(one.private_key), at=now())
        for one in (signer(), co_signer())
    )
    return SignedBundle(content, first.jws, (second.jws,))


def test_each_signer_is_named_and_the_level_is_that_of_the_weakest() -> None:
    at_once = co_sign(bb())
    for pdf, level, levels in (
        (at_once, "b-b", ["b-b", "b-b"]),
        (co_signed(), "b-b", ["b-lta", "b-b"]),
        (co_signed_bt(), "b-t", ["b-lta", "b-t"]),
        (co_signed_lta(), "b-lta", ["b-lta", "b-lta"]),
    ):
        verdict = verify_pdf(pdf, roots())
        assert (verdict.outcome, verdict.level, verdict.indication) == (Outcome.GOOD, level, "TOTAL-PASSED")
        assert [each.name for each in verdict.signers] == TWO
        assert [each.level for each in verdict.signers] == levels
        assert [each.reason for each in verdict.signers] == [Reason.GOOD] * 2
        assert (verdict.signer, verdict.signers[1].registration_number) == ("Dr Minh", "30003")
    assert co_signed_lta().startswith(co_signed())
    assert co_signed().startswith(lta())
    assert verify_pdf(lta(), roots()).pdf_sha256 == verify_pdf(co_signed_lta(), roots()).pdf_sha256


def test_any_changed_byte_is_found_in_every_revision() -> None:
    dice, whole = random.Random(20261123), co_signed_lta()
    offsets = {0, *(len(each) - 1 for each in (bb(), lta(), co_signed(), co_signed_bt(), whole))}
    for first, last in pairwise((0, len(bb()), len(lta()), len(co_signed()), len(co_signed_bt()), len(whole))):
        offsets |= {dice.randrange(first, last) for _ in range(SAMPLES // 5)}
    for offset in sorted(offsets):
        changed = bytearray(whole)
        changed[offset] ^= dice.choice((0x01, 0x20, 0x80, 0xFF))
        assert not verify_pdf(bytes(changed), roots()).is_good, offset


def test_who_signs_too_paints_over_nothing() -> None:
    """Neither with a field that is seen, nor with another appearance of the place of the first signature."""
    trusted = KeySigner(co_signer().chain, soft_key(co_signer().private_key))
    seen, output = IncrementalPdfFileWriter(BytesIO(lta())), BytesIO()
    append_signature_field(seen, SigFieldSpec("Painted", box=(50, 50, 400, 400), empty_field_appearance=True))
    seen.write(output)
    assert verify_pdf(co_sign_pdf(output.getvalue(), trusted), roots()).reason is Reason.SEVERAL

    writer, output = QuietWriter(BytesIO(lta())), BytesIO()
    drawn = writer.root["/AcroForm"]["/Fields"][0].get_object()["/AP"]["/N"]
    drawn._data, drawn._encoded_data = b"0 0 400 400 re f", None
    writer.mark_update(writer.root["/AcroForm"]["/Fields"][0].get_object()["/AP"].raw_get("/N"))
    add_place(writer, "CoSignature")
    writer.write(output)
    painted = co_sign_pdf(output.getvalue(), trusted)
    assert verify_pdf(painted, roots()).reason in (Reason.SEVERAL, Reason.CHANGED)

    writer, output = QuietWriter(BytesIO(lta())), BytesIO()
    page = writer.root["/Pages"]["/Kids"].raw_get(0)
    page.get_object()["/Rotate"] = generic.NumberObject(180)
    writer.mark_update(page)
    writer.write(output)
    assert verify_pdf(co_sign_pdf(output.getvalue(), trusted), roots()).reason is Reason.CHANGED


def test_one_signer_nobody_vouches_for_is_said_so() -> None:
    other = issue(
        make_authority("Elsewhere", at=now()), name="Dr X", registration_number="9", organization="-", at=now()
    )
    pdf = co_sign_pdf(lta(), KeySigner(other.chain, soft_key(other.private_key)))
    verdict = verify_pdf(pdf, roots())
    assert (verdict.outcome, verdict.reason) == (Outcome.UNKNOWN_SIGNER, Reason.UNKNOWN_SIGNER)
    assert [each.reason for each in verdict.signers] == [Reason.GOOD, Reason.UNKNOWN_SIGNER]


def test_only_renewed_evidence_outlives_both_certificates() -> None:
    in_2046 = now() + 20 * YEAR
    assert verify_pdf(co_signed(), roots(), at=now() + 4 * YEAR).reason is Reason.EXPIRED
    assert verify_pdf(co_signed_lta(), roots(), at=now() + 4 * YEAR).is_good
    verdict = verify_pdf(stamped_notes.renewed(20, is_co_signed=True).pdf, roots(), at=in_2046)
    assert (verdict.outcome, verdict.level, [each.name for each in verdict.signers]) == (Outcome.GOOD, "b-lta", TWO)


def test_the_document_carries_a_signature_of_each() -> None:
    made = bundle()
    exported = json.loads(made.exported())
    assert set(exported) == {"payload", "signatures"}
    verdict = check(made.exported(), roots())
    assert (verdict.outcome, [each.name for each in verdict.signers]) == (Outcome.GOOD, TWO)
    dice = random.Random(7)
    for _ in range(SAMPLES):
        changed = bytearray(made.exported())
        changed[dice.randrange(len(changed))] ^= dice.choice((0x01, 0x20, 0x80))
        assert not check(bytes(changed), roots()).is_good
    for forged in (
        {**exported, "signatures": []},
        {**exported, "signatures": exported["signatures"] * 30},
        {**exported, "signatures": [*exported["signatures"], "x"]},
        {**exported, "protected": "x"},
        {**exported, "signatures": {"0": exported["signatures"][0]}},
        {"payload": exported["payload"], "signatures": exported["signatures"][:1]},
        {"payload": 1, "signatures": exported["signatures"]},
    ):
        spelled = json.dumps(forged, ensure_ascii=False, separators=(",", ":")).encode()
        assert not check(spelled, roots()).is_good


def test_the_two_files_still_belong_together() -> None:
    assert check_both(co_signed_lta(), bundle().exported(), roots()).reason is Reason.NOT_TOGETHER


def said(*asked: str | Path) -> str:
    return subprocess.run(list(map(str, asked)), capture_output=True, text=True, timeout=60, check=False).stdout


@pytest.mark.skipif(shutil.which("pdfsig") is None or shutil.which("mutool") is None, reason="no poppler, no MuPDF")
def test_other_programs_accept_it(tmp_path: Path) -> None:
    path = tmp_path / "note.pdf"
    path.write_bytes(co_signed_lta())
    poppler = said("pdfsig", "-nocert", path)
    assert poppler.count("Signature Validation: Signature is Valid.") == 2, "it judges no time-stamps"
    assert poppler.count("Total document signed") == 1
    assert all(name in poppler for name in TWO)
    assert "ETSI.CAdES.detached" in poppler
    assert said("mutool", "sign", "-v", path).count("signature is valid") == 2


@asks_archive
def test_it_stays_an_archival_document(tmp_path: Path) -> None:
    paths = [tmp_path / "co-signed.pdf", tmp_path / "complete.pdf"]
    for path, pdf in zip(paths, (co_signed(), co_signed_lta()), strict=True):
        path.write_bytes(pdf)
    assert said("bash", FOLDER / "preflight.sh", *paths).count("PDF/A-1b true") == 2
