"""The one accepted spelling of a signature inside a PDF.

A signature's own bytes are what it cannot cover. Their hexadecimal may be upper or lower case, be followed by
padding, and the CMS structure (RFC 5652) has fields that no check reads: each is room for a silent change. So the
text is taken apart, written again from what it means, and must come out as it was.
"""

from asn1crypto import cms, core, parser, x509

SIGNATURE_ALGORITHMS = {"sha256_ecdsa": None, "sha256_rsa": core.Null()}
"""By name, with their parameters: none for ECDSA (RFC 5758 §3.2), NULL for RSA (RFC 4055 §5)."""


def is_canonical(text: bytes) -> bool:
    """Whether `text`, from `<` to `>`, is a signature spelled in the one accepted way.

    Raises ValueError (or what asn1crypto raises) where it is no signature at all.
    """
    padded = bytes.fromhex(text[1:-1].decode("ascii"))
    if text != b"<" + padded.hex().upper().encode() + b">":
        return False
    length = parser.peek(padded)
    der, padding = padded[:length], padded[length:]
    return not any(padding) and der == _written_again(der)


def _written_again(der: bytes) -> bytes:
    """The same signature, from its meaning: one signer and their certificate, SHA-256, no unsigned attributes."""
    signed = cms.ContentInfo.load(der, strict=True)["content"]
    signer = signed["signer_infos"][0]
    own: x509.Certificate = signed["certificates"][0].chosen
    digest = cms.DigestAlgorithm({"algorithm": "sha256"})
    algorithm = signer["signature_algorithm"]["algorithm"].native
    again = cms.ContentInfo(
        {
            "content_type": "signed_data",
            "content": cms.SignedData(
                {
                    "version": "v1",
                    "digest_algorithms": [digest],
                    "encap_content_info": {"content_type": "data"},
                    "certificates": [cms.CertificateChoices("certificate", own)],
                    "signer_infos": [
                        {
                            "version": "v1",
                            "sid": cms.SignerIdentifier(
                                "issuer_and_serial_number",
                                cms.IssuerAndSerialNumber({"issuer": own.issuer, "serial_number": own.serial_number}),
                            ),
                            "digest_algorithm": digest,
                            "signed_attrs": cms.CMSAttributes([each.copy() for each in signer["signed_attrs"]]),
                            "signature_algorithm": {
                                "algorithm": algorithm,
                                "parameters": SIGNATURE_ALGORITHMS[algorithm],
                            },
                            "signature": signer["signature"].native,
                        }
                    ],
                }
            ),
        }
    )
    written: bytes = again.dump(force=True)
    return written
