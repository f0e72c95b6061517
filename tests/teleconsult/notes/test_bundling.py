"""The signed FHIR document: the same bytes each time, good as it was signed, bad after any changed byte."""

import base64
import dataclasses
import hashlib
import json
import random
import subprocess
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from teleconsult.clock import now
from teleconsult.fhir.note_documents import SignedPdf, note_document, pdf_name
from teleconsult.notes.authority import Authority, issue
from teleconsult.notes.bundling import SignedBundle, export, sign_bundle, soft_key, url_safe
from teleconsult.notes.checking import check, check_both
from teleconsult.notes.content import NoteContent, Relation
from teleconsult.notes.verdict import SIZE_LIMIT, Kind, Outcome, Reason, Verdict
from tests import note_steps
from tests.judges import FOLDER, asks_fhir
from tests.teleconsult.notes.test_signature import YEAR, authority, roots, signed

AT = datetime(2026, 11, 23, 3, 4, 5, tzinfo=UTC)


@cache
def content() -> NoteContent:
    return dataclasses.replace(note_steps.content(), key_images=(note_steps.key_image(),), verify_code="a" * 20)


@cache
def bundle() -> SignedBundle:
    issued = issue(authority(), name="Dr Minh", registration_number="20002", organization="CHU", at=now())
    document = note_document(content(), SignedPdf.of(signed()))
    return sign_bundle(document, chain=issued.chain, sign=soft_key(issued.private_key), at=AT)


@cache
def exported() -> bytes:
    return bundle().exported()


def header() -> dict[str, Any]:
    told: dict[str, Any] = jwt.get_unverified_header(f"{bundle().jws}")
    return told


def test_the_same_note_gives_the_same_bytes() -> None:
    pdf = SignedPdf.of(signed())
    assert note_document(content(), pdf) == note_document(NoteContent.from_bytes(content().to_bytes()), pdf)
    assert note_document(content(), SignedPdf.of(signed() + b" ")) != note_document(content(), pdf)


def test_it_is_whole_and_names_the_pdf() -> None:
    document = json.loads(bundle().content)
    assert (document["type"], document["identifier"]["value"]) == ("document", f"urn:oid:{content().document_oid}")
    resources = {entry["fullUrl"]: entry["resource"] for entry in document["entry"]}
    kinds = [resource["resourceType"] for resource in resources.values()]
    assert kinds[0] == "Composition"
    assert {kind: kinds.count(kind) for kind in kinds} == {
        **{"Composition": 1, "Patient": 1, "PractitionerRole": 2, "Practitioner": 2, "Organization": 2},
        **{"ServiceRequest": 1, "Encounter": 1, "ImagingStudy": 1, "DocumentReference": 1},
    }

    def references(told: Any) -> list[str]:
        if isinstance(told, list):
            return [found for one in told for found in references(one)]
        if not isinstance(told, dict):
            return []
        own = [told["reference"]] if "reference" in told else []
        return own + [found for value in told.values() for found in references(value)]

    named = set(references(document))
    assert {one for one in named if not one.startswith("#")} <= set(resources)
    pdf = next(one for one in resources.values() if one["resourceType"] == "DocumentReference")
    assert pdf["identifier"][0]["value"] == pdf_name(hashlib.sha256(signed()).digest())
    attachment = pdf["content"][0]["attachment"]
    assert attachment["size"] == len(signed())
    assert base64.b64decode(attachment["hash"]) == hashlib.sha1(signed(), usedforsecurity=False).digest()
    assert "url" not in attachment


def test_what_follows_another_says_so() -> None:
    earlier = "2.25.77"
    for relation in (Relation.APPENDS, Relation.REPLACES):
        note = dataclasses.replace(content(), relation=relation, related_oid=earlier, related_at=AT)
        composition = json.loads(note_document(note, SignedPdf.of(b"")))["entry"][0]["resource"]
        target = {"system": "urn:ietf:rfc:3986", "value": f"urn:oid:{earlier}"}
        assert composition["relatesTo"] == [{"code": relation.value, "targetIdentifier": target}]


@asks_fhir
def test_other_peoples_validators_accept_it(tmp_path: Path) -> None:
    plain = dataclasses.replace(
        content(), images=(), encounter_id=None, key_images=(), session_started_at=None, session_ended_at=None
    )
    follows = dataclasses.replace(content(), relation=Relation.REPLACES, related_oid="2.25.77", related_at=AT)
    provisional = dataclasses.replace(
        content(), patient=dataclasses.replace(content().patient, birth_date=None, identifiers=(), is_temporary=True)
    )
    for number, note in enumerate((content(), plain, follows, provisional, note_steps.content("vi"))):
        (tmp_path / f"{number}.json").write_bytes(note_document(note, SignedPdf.of(signed())))
    for judge in ("validate_fhir.mjs", "npm_fhir.cjs"):
        files = [str(path) for path in sorted(tmp_path.glob("*.json"))]
        verdict = subprocess.run(["node", judge, *files], cwd=FOLDER, capture_output=True, text=True, check=False)
        assert verdict.returncode == 0, verdict.stdout[-4000:] + verdict.stderr[-2000:]


def test_good_as_it_was_signed_and_for_other_peoples_programs() -> None:
    verdict = check(exported(), roots())
    assert (verdict.outcome, verdict.reason, verdict.kind) == (Outcome.GOOD, Reason.GOOD, Kind.BUNDLE)
    assert (verdict.signer, verdict.registration_number, verdict.signed_at) == ("Dr Minh", "20002", AT)
    assert verdict.document_oid == content().document_oid
    assert verdict.pdf_sha256 == hashlib.sha256(signed()).hexdigest()
    assert {"alg": "ES256", "b64": False, "crit": ["b64"], "cty": "application/fhir+json"}.items() <= header().items()
    signer = x509.load_der_x509_certificate(base64.b64decode(header()["x5c"][0]))
    told = jwt.PyJWS().decode_complete(
        bundle().jws, signer.public_key(), algorithms=["ES256"], detached_payload=bundle().content
    )
    assert told["payload"] == bundle().content
    assert len(header()["x5c"]) == 1, "who checks it brings the root"


def test_another_jose_library_accepts_it(tmp_path: Path) -> None:
    """npm's jose, where it is installed."""
    script = """
import { flattenedVerify, importX509 } from "jose";
import { readFileSync } from "node:fs";
const whole = JSON.parse(readFileSync(process.argv[2], "utf8"));
const header = JSON.parse(Buffer.from(whole.protected, "base64url"));
const pem = `-----BEGIN CERTIFICATE-----\\n${header.x5c[0]}\\n-----END CERTIFICATE-----`;
const verified = await flattenedVerify(whole, await importX509(pem, header.alg));
if (Buffer.from(verified.payload).toString() !== whole.payload) process.exit(3);
"""
    if not (FOLDER / "node_modules" / "jose").is_dir():
        pytest.skip("npm's jose is not beside the judges")
    (tmp_path / "note.json").write_bytes(exported())
    asked = subprocess.run(
        ["node", "--input-type=module", "-", str(tmp_path / "note.json")],
        input=script,
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr


def test_any_changed_byte_is_found_and_named() -> None:
    dice = random.Random(20261123)
    whole = exported()
    payload_ends = whole.index(b'","protected":"')
    header_starts, signature_starts = payload_ends + 15, whole.index(b'","signature":"') + 15
    regions = {
        "payload": range(12, payload_ends),
        "header": range(header_starts, signature_starts - 15),
        "signature": range(signature_starts, len(whole) - 2),
        "frame": (*range(12), *range(payload_ends, header_starts), len(whole) - 2, len(whole) - 1),
    }
    named: dict[str, set[Reason]] = {name: set() for name in regions}
    for name, offsets in regions.items():
        for offset in dice.sample(list(offsets), min(200, len(offsets))):
            changed = bytearray(whole)
            changed[offset] ^= dice.choice((0x01, 0x02, 0x20, 0x80, 0xFF))
            verdict = check(bytes(changed), roots())
            assert verdict.outcome is Outcome.BAD, (name, offset)
            named[name].add(verdict.reason)
    assert Reason.CHANGED in named["payload"]
    assert Reason.HEADER_CHANGED in named["header"]
    assert named["header"] <= {Reason.HEADER_CHANGED, Reason.CHANGED, Reason.DAMAGED}
    assert named["signature"] <= {Reason.CHANGED, Reason.SIGNATURE_CHANGED, Reason.DAMAGED}


def test_another_spelling_is_found() -> None:
    whole = json.loads(exported())
    last = whole["signature"][-1]
    same_octets = {"A": "B", "Q": "R", "g": "h", "w": "x"}[last]
    spellings = (
        json.dumps(whole, ensure_ascii=False).encode(),
        b" " + exported(),
        exported() + b"\n",
        exported().replace("é".encode(), rb"\u00e9"),
        export(whole["payload"], [(whole["protected"], whole["signature"][:-1] + same_octets)]),
        export(whole["payload"], [(whole["protected"], whole["signature"] + "==")]),
    )
    for spelling in spellings:
        assert spelling != exported()
        assert not check(spelling, roots()).is_good


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (b"{}", Reason.DAMAGED),
        (b'{"payload":1,"protected":"","signature":""}', Reason.DAMAGED),
        (b'{"payload":"","protected":"","signature":""}', Reason.HEADER_CHANGED),
        (b'{"payload":"","protected":"bnVsbA","signature":""}', Reason.HEADER_CHANGED),
        (b'{"payload":"\\ud800","protected":"","signature":""}', Reason.SIGNATURE_CHANGED),
        (b"{" * 100_000, Reason.DAMAGED),
        (b"{" + b" " * SIZE_LIMIT, Reason.TOO_LARGE),
        (b"[]", Reason.NOT_PDF),
        (b"{\x00}", Reason.DAMAGED),
    ],
)
def test_what_is_no_document_is_said_to_be_none(file: bytes, reason: Reason) -> None:
    verdict = check(file, roots())
    assert (verdict.outcome, verdict.reason) == (Outcome.BAD, reason)


def test_the_bundle_alone_is_unsigned() -> None:
    assert check(bundle().content, roots()).reason is Reason.UNSIGNED


def test_who_vouches_and_until_when() -> None:
    assert check(exported(), []).outcome is Outcome.UNKNOWN_SIGNER
    assert check(exported(), roots(), at=now() + 4 * YEAR).reason is Reason.EXPIRED
    own = authority()
    key = own.private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    chain = own.certificate.public_bytes(Encoding.PEM).decode()
    by_the_authority = sign_bundle(bundle().content, chain=chain, sign=soft_key(key), at=AT)
    assert check(by_the_authority.exported(), roots()).reason is Reason.NOT_FOR_SIGNING


def test_somebody_elses_certificate_in_the_header_is_found() -> None:
    """A thief signs with a key of their own, and names the doctor's certificate."""
    own = ec.generate_private_key(ec.SECP256R1())
    key = own.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    chain = x509.load_der_x509_certificate(base64.b64decode(header()["x5c"][0])).public_bytes(Encoding.PEM).decode()
    forged = sign_bundle(bundle().content, chain=chain, sign=soft_key(key), at=AT)
    assert check(forged.exported(), roots()).reason is Reason.CHANGED
    protected = json.loads(base64.urlsafe_b64decode(forged.jws.split(".")[0] + "=="))
    protected["alg"] = "none"
    unsigned = export(bundle().content.decode(), [(url_safe(json.dumps(protected).encode()), "")])
    assert not check(unsigned, roots()).is_good


def _signed_by(header: dict[str, Any], payload: str, *, named: str = "Dr Minh") -> bytes:
    """A file with this header, signed by somebody who is vouched for; `x5c` and its hash are put in."""
    issued = issue(authority(), name=named, registration_number="20002", organization="CHU", at=now())
    der = x509.load_pem_x509_certificate(issued.chain.encode()).public_bytes(Encoding.DER)
    told = {"x5c": [base64.b64encode(der).decode()], "x5t#S256": url_safe(hashlib.sha256(der).digest())} | header
    is_plain = told.get("b64") is False
    key = serialization.load_der_private_key(issued.private_key, password=None)
    jws = jwt.PyJWS().encode(
        payload.encode() if is_plain else b"",
        key,  # type: ignore[arg-type]  # an elliptic one
        "ES256",
        headers=told,
        is_payload_detached=is_plain,
    )
    protected, _, signature = jws.split(".")
    return export(payload, [(protected, signature)])


def test_a_header_that_does_not_cover_the_document_is_refused() -> None:
    """Without `b64: false` the signature is over no payload at all, and any would do (RFC 7797 §3)."""
    words = bundle().content.decode()
    good = {"b64": False, "crit": ["b64"], "sigT": "2026-11-23T03:04:05Z"}
    assert check(_signed_by(good, words), roots()).is_good
    for header in ({}, {"b64": True}, {"b64": True, "crit": ["b64"]}, {"b64": False, "crit": ["b64", "sigT"]}):
        verdict = check(_signed_by(header, words), roots())
        assert (verdict.outcome, verdict.reason) == (Outcome.BAD, Reason.HEADER_CHANGED), header


@pytest.mark.parametrize(
    ("payload", "at"),
    [
        ("[" * 100_000, "2026-11-23T03:04:05Z"),
        ("{}", "0001-01-01T00:00:00+14:00"),
        ("{}", "9999-12-31T23:59:59-14:00"),
        ("{}", "2026-11-23"),
        ("{}", "2026-11-23T03:04:05"),
    ],
)
def test_hostile_words_are_judged_and_can_be_told(payload: str, at: str) -> None:
    verdict = check(_signed_by({"b64": False, "crit": ["b64"], "sigT": at}, payload), roots())
    assert verdict == Verdict.from_json(verdict.to_json())
    if verdict.signed_at is not None:
        for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
            verdict.signed_at.astimezone(ZoneInfo(zone))
        assert verdict.signed_at.tzinfo is not None


def test_rsa_keys_sign_too() -> None:
    key = rsa.generate_private_key(65537, 2048)
    chain = _certificate_of(authority(), key)
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    made = sign_bundle(bundle().content, chain=chain, sign=soft_key(private), at=AT)
    assert jwt.get_unverified_header(made.jws)["alg"] == "RS256"
    assert check(made.exported(), roots()).is_good


def test_a_pdf_and_its_document_belong_together() -> None:
    assert check_both(signed(), exported(), roots()).is_good
    assert check_both(exported(), signed(), roots()).is_good
    assert check_both(exported(), exported(), roots()).reason is Reason.NOT_TOGETHER
    issued = issue(authority(), name="Dr Minh", registration_number="20002", organization="CHU", at=now())
    other = note_document(content(), SignedPdf.of(signed()[:-1]))
    of_another = sign_bundle(other, chain=issued.chain, sign=soft_key(issued.private_key), at=AT).exported()
    assert check_both(signed(), of_another, roots()).reason is Reason.NOT_TOGETHER
    assert not check_both(signed()[:-1], exported(), roots()).is_good


def _certificate_of(root: Authority, key: rsa.RSAPrivateKey) -> str:
    usage = dict.fromkeys(
        (
            *("key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign"),
            *("crl_sign", "encipher_only", "decipher_only"),
        ),
        False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Dr RSA")]))
        .issuer_name(root.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=30))
        .add_extension(x509.KeyUsage(digital_signature=True, content_commitment=True, **usage), critical=True)
        .sign(root.private_key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode()
