"""Keys elsewhere: a PKCS#11 token (SoftHSM) and a signature service at the wire; both sign what our check accepts."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pkcs11
import pytest
from asn1crypto import keys as asn1_keys
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters
from pkcs11.util.rsa import encode_rsa_public_key

from teleconsult.clock import now
from teleconsult.documents.pdf import render_note
from teleconsult.errors import Refused, Unavailable
from teleconsult.notes.authority import issue_for
from teleconsult.notes.bundling import sign_bundle
from teleconsult.notes.key_stores import KeptKey, opened_key
from teleconsult.notes.models import KeyStore
from teleconsult.notes.signature import KeySigner, sign_pdf
from teleconsult.notes.verifying import verify_pdf
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings, SettingsError, load_settings
from tests import note_steps, stamped_notes
from tests.signature_service import Service, signature_service

SEALER = Sealer("a secret for tests, long enough to be one")
MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "1234"
asks_token = pytest.mark.skipif(not MODULE.exists() or shutil.which("softhsm2-util") is None, reason="no SoftHSM here")


def signed_with(settings: Settings, key: KeptKey) -> bytes:
    with opened_key(settings, key) as sign:
        assert sign_bundle(b"{}", chain=key.chain, sign=sign, at=now()).jws.count(".") == 2
        return sign_pdf(render_note(note_steps.content(), is_signed=True), KeySigner(key.chain, sign))


def chain_for(public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> str:
    return issue_for(stamped_notes.authority(), public_key, name="Dr Minh", registration_number="20002", at=now())


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> pkcs11.Token:
    """A token with two keys, as an administrator would have made them."""
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", "signers", "--pin", PIN, "--so-pin", "4321"],
        check=True,
        capture_output=True,
        timeout=30,
    )
    token = pkcs11.lib(str(MODULE)).get_token(token_label="signers")
    with token.open(rw=True, user_pin=PIN) as session:
        curve = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
        session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True).generate_keypair(label="ec", store=True)
        session.generate_keypair(pkcs11.KeyType.RSA, 2048, label="rsa", store=True)
    return token


@asks_token
@pytest.mark.parametrize("label", ["ec", "rsa"])
def test_a_token_signs(token: pkcs11.Token, label: str, tmp_path: Path) -> None:
    with token.open(user_pin=PIN) as session:
        public = session.get_key(object_class=pkcs11.ObjectClass.PUBLIC_KEY, label=label)
        if label == "ec":
            loaded = serialization.load_der_public_key(encode_ec_public_key(public))
        else:
            spki = asn1_keys.PublicKeyInfo.wrap(encode_rsa_public_key(public), "rsa")
            loaded = serialization.load_der_public_key(spki.dump())
    assert isinstance(loaded, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)
    settings = load_settings(data=tmp_path, pkcs11_module=MODULE, pkcs11_token="signers", pkcs11_pin=PIN)
    key = KeptKey(chain_for(loaded), KeyStore.TOKEN, label, b"")
    assert verify_pdf(signed_with(settings, key), stamped_notes.roots()).is_good
    for wrong in ({"pkcs11_pin": "9999"}, {"pkcs11_token": "nobody"}, {"pkcs11_module": tmp_path / "none.so"}):
        with pytest.raises(Unavailable):
            signed_with(settings.model_copy(update=wrong), key)


def test_a_module_needs_a_token(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="PKCS11_TOKEN"):
        load_settings(data=tmp_path, pkcs11_module=MODULE)


@pytest.fixture
def service() -> Iterator[Service]:
    with signature_service() as server:
        yield server


def test_a_service_signs_digests_and_sees_nothing_else(service: Service, tmp_path: Path) -> None:
    settings = load_settings(
        data=tmp_path,
        remote_signing_url=service.address,
        remote_signing_secret="of the clinic",
    )
    key = KeptKey(chain_for(service.key.public_key()), KeyStore.REMOTE, "minh-2026", b"")
    assert verify_pdf(signed_with(settings, key), stamped_notes.roots()).is_good
    verbs = [path for path, _ in service.asked]
    assert verbs == ["/csc/v1/credentials/authorize", "/csc/v1/signatures/signHash"] * 2
    for _, question in service.asked:
        assert question["credentialID"] == "minh-2026"
        assert all(len(base64.b64decode(each)) == 32 for each in question["hash"])
        assert "Rose" not in json.dumps(question)
    for answer in ("no", "nonsense", "much"):
        service.answer = answer
        with pytest.raises(Unavailable):
            signed_with(settings, key)
    nobody = settings.model_copy(update={"remote_signing_url": "http://127.0.0.1:9/"})
    with pytest.raises(Unavailable):
        signed_with(nobody, key)


def test_a_service_elsewhere_is_reached_by_https_only(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="https"):
        load_settings(data=tmp_path, remote_signing_url="http://signatures.example/")


def test_a_soft_key_opens_with_its_own_secret_only(tmp_path: Path) -> None:
    issued = stamped_notes.signer()
    key = KeptKey(issued.chain, KeyStore.SOFT, "", SEALER.seal(issued.private_key))
    settings = load_settings(data=tmp_path)
    assert verify_pdf(signed_with(settings, key.opened_by(SEALER)), stamped_notes.roots()).is_good
    for locked in (key, key.opened_by(Sealer("x" * 40))):
        with pytest.raises(Refused, match="cannot be opened"), opened_key(settings, locked):
            pass
