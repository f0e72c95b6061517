"""A hospital's own authority (certomancer) on loopback: an intermediate, an OCSP responder, lists, a clock."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import yaml
from certomancer.integrations.animator import Animator, AnimatorArchStore
from certomancer.registry import CertLabel, CertomancerConfig
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

ARCHITECTURE = """
keyset: hospital
entity-defaults: {country-name: FR, organization-name: CHU}
entities:
  root: {common-name: Root of the hospital}
  staff: {common-name: Authority for staff}
  clock: {common-name: Clock of the hospital}
  answering: {common-name: Responder}
  minh: {common-name: Dr Minh, serial-number: "20002"}
certs:
  root:
    subject: root
    issuer: root
    validity: {valid-from: "2020-01-01T00:00:00+0000", valid-to: "2060-01-01T00:00:00+0000"}
    extensions:
      - {id: basic_constraints, critical: true, value: {ca: true}}
      - {id: key_usage, critical: true, smart-value: {schema: key-usage, params: [key_cert_sign, crl_sign]}}
  staff:
    issuer: root
    validity: {valid-from: "2020-01-01T00:00:00+0000", valid-to: "2060-01-01T00:00:00+0000"}
    extensions:
      - {id: basic_constraints, critical: true, value: {ca: true, path-len-constraint: 0}}
      - {id: key_usage, critical: true, smart-value: {schema: key-usage, params: [key_cert_sign, crl_sign]}}
      - {id: crl_distribution_points, smart-value: {schema: crl-dist-url, params: {crl-repo-names: [root]}}}
  answering:
    issuer: staff
    validity: {valid-from: "2020-01-01T00:00:00+0000", valid-to: "2060-01-01T00:00:00+0000"}
    extensions:
      - {id: key_usage, critical: true, smart-value: {schema: key-usage, params: [digital_signature]}}
      - {id: extended_key_usage, critical: true, value: [ocsp_signing]}
      - {id: ocsp_no_check}
  clock:
    issuer: root
    validity: {valid-from: "2020-01-01T00:00:00+0000", valid-to: "2040-01-01T00:00:00+0000"}
    extensions:
      - {id: key_usage, critical: true, smart-value: {schema: key-usage, params: [digital_signature]}}
      - {id: extended_key_usage, critical: true, value: [time_stamping]}
      - {id: crl_distribution_points, smart-value: {schema: crl-dist-url, params: {crl-repo-names: [root]}}}
  minh:
    issuer: staff
    validity: {valid-from: "2020-01-01T00:00:00+0000", valid-to: "2040-01-01T00:00:00+0000"}
    extensions:
      - {id: key_usage, critical: true, smart-value: {schema: key-usage, params: [digital_signature, non_repudiation]}}
      - id: authority_information_access
        smart-value: {schema: aia-urls, params: {ocsp-responder-names: [staff]}}
      - {id: crl_distribution_points, smart-value: {schema: crl-dist-url, params: {crl-repo-names: [staff]}}}
  gone:
    template: minh
    subject: minh
    subject-key: minh
    revocation: {revoked-since: "2024-12-01T00:00:00+0000", reason: cessation_of_operation}
services:
  ocsp:
    staff: {for-issuer: staff, responder-cert: answering, signing-key: answering}
  crl-repo:
    root: {for-issuer: root, signing-key: root, simulated-update-schedule: "P30D"}
    staff: {for-issuer: staff, signing-key: staff, simulated-update-schedule: "P30D"}
  time-stamping:
    clock: {signing-key: clock, signing-cert: clock}
"""
KINDS = {"root": "ec", "staff": "ec", "answering": "ec", "minh": "ec", "clock": "rsa"}


@dataclass(frozen=True, slots=True)
class Hospital:
    """Where its clock answers, its root, and the chains and key of a signer; `gone` was revoked."""

    clock: str
    root: bytes
    minh: str
    gone: str
    private_key: bytes


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        return


@contextmanager
def hospital(folder: Path) -> Iterator[Hospital]:
    """The authority, answering inside the block."""
    (folder / "keys").mkdir()
    for name, kind in KINDS.items():
        key = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)
        (folder / "keys" / f"{name}.pem").write_bytes(_pem(key))
    with make_server("127.0.0.1", 0, lambda *_: [], server_class=_Server, handler_class=_Silent) as server:
        address = f"http://127.0.0.1:{server.server_port}"
        config = CertomancerConfig(
            {
                "external-url-prefix": address,
                "keysets": {
                    "hospital": {"path-prefix": "keys", "keys": {name: {"path": f"{name}.pem"} for name in KINDS}}
                },
                "pki-architectures": {"hospital": yaml.safe_load(ARCHITECTURE)},
            },
            key_search_dir=str(folder),
        )
        server.set_app(Animator(AnimatorArchStore(config.pki_archs), with_web_ui=False, allow_time_override=False))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            arch = next(iter(config.pki_archs.values()))

            def pem(label: str) -> str:
                der = arch.get_cert(CertLabel(label)).dump()
                from cryptography import x509

                return x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM).decode()

            key = serialization.load_pem_private_key((folder / "keys" / "minh.pem").read_bytes(), password=None)
            yield Hospital(
                clock=f"{address}/hospital/tsa/clock",
                root=pem("root").encode(),
                minh=pem("minh") + pem("staff"),
                gone=pem("gone") + pem("staff"),
                private_key=key.private_bytes(
                    serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                ),
            )
        finally:
            server.shutdown()


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
