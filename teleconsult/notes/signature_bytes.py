"""The one accepted spelling of a signature, or of a time-stamp, inside a PDF.

A signature's own bytes are what it cannot cover. Their hexadecimal may be upper or lower case, be followed by
padding, and the CMS structure (RFC 5652) has fields that no check reads: each is room for a silent change. So the
text is taken apart, written again from what it means, and must come out as it was.

A time-stamp authority spells its tokens as it likes. What we keep is the token written again: the signed part is the
authority's, byte for byte; what nobody signed (further certificates, unsigned attributes) is left out.
"""

from typing import Final

from asn1crypto import cms, core, parser, x509

SIGNATURE_ALGORITHMS: Final = {
    **dict.fromkeys(("sha256_ecdsa", "sha384_ecdsa", "sha512_ecdsa")),
    **dict.fromkeys(("sha256_rsa", "sha384_rsa", "sha512_rsa", "rsassa_pkcs1v15"), core.Null()),
}
"""By name, with their parameters: none for ECDSA (RFC 5758 §3.2), NULL for RSA (RFC 4055 §5, RFC 3370 §3.2)."""
DEEPEST: Final = 40
UNIVERSAL, CONSTRUCTED = 0, 1
DIGESTS: Final = ("sha256", "sha384", "sha512")


def is_canonical(text: bytes) -> bool:
    """Whether `text`, from `<` to `>`, is a signature or a token spelled in the one accepted way.

    Raises ValueError (or what asn1crypto raises) where it is neither at all.
    """
    padded = bytes.fromhex(text[1:-1].decode("ascii"))
    if text != b"<" + padded.hex().upper().encode() + b">":
        return False
    length = parser.peek(padded)
    der, padding = padded[:length], padded[length:]
    return not any(padding) and is_der(der) and der == written_again(der)


def is_der(value: bytes, *, depth: int = 0) -> bool:
    """Whether every header, length, number and truth value within is in its one spelling (X.690 §10-11).

    Raises ValueError where it is no ASN.1 at all.
    """
    if depth > DEEPEST:
        return False
    while value:
        length = parser.peek(value)
        one, value = value[:length], value[length:]
        kind, method, tag, _header, content, _trailer = parser.parse(one, strict=True)
        if parser.emit(kind, method, tag, content) != one:
            return False
        if method == CONSTRUCTED:
            if not is_der(content, depth=depth + 1):
                return False
        elif kind == UNIVERSAL and not _is_plain(tag, content):
            return False
    return True


def _is_plain(tag: int, content: bytes) -> bool:
    """The same of a primitive value (X.690 §8.3.2, §11.1, §11.2.1)."""
    if tag == core.Boolean.tag:
        return content in (b"\x00", b"\xff")
    if tag == core.Integer.tag:
        return bool(content) and not (
            len(content) > 1 and content[0] in (0, 255) and content[0] >> 7 == content[1] >> 7
        )
    if tag == core.BitString.tag:
        return bool(content) and content[0] < 8 and not (len(content) > 1 and content[-1] & ((1 << content[0]) - 1))
    return tag != core.Null.tag or not content


def written_again(der: bytes) -> bytes:
    """The same signature or token, from its meaning: one signer and their certificate, no unsigned attributes.

    Raises ValueError where an algorithm is none of ours or the signer's certificate is not in it.
    """
    signed = cms.ContentInfo.load(der, strict=True)["content"]
    signer = signed["signer_infos"][0]
    own = own_certificate(signed)
    told = signed["encap_content_info"]["content_type"].native
    digest = cms.DigestAlgorithm({"algorithm": _one_of(signer["digest_algorithm"]["algorithm"].native, DIGESTS)})
    algorithm = _one_of(signer["signature_algorithm"]["algorithm"].native, SIGNATURE_ALGORITHMS)
    content = {"content_type": told}
    if told == "tst_info":
        content["content"] = core.ParsableOctetString(signed["encap_content_info"]["content"].contents)
    again = cms.ContentInfo(
        {
            "content_type": "signed_data",
            "content": cms.SignedData(
                {
                    "version": "v1" if told == "data" else "v3",
                    "digest_algorithms": [digest],
                    "encap_content_info": content,
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
    written: bytes = again.dump()
    return written


def own_certificate(signed: cms.SignedData) -> x509.Certificate:
    """The signer's, among those that came along."""
    sid = signed["signer_infos"][0]["sid"]
    for choice in signed["certificates"]:
        certificate: x509.Certificate = choice.chosen
        if sid.name == "issuer_and_serial_number":
            is_own = (
                sid.chosen["serial_number"].native == certificate.serial_number
                and sid.chosen["issuer"] == certificate.issuer
            )
        else:
            is_own = sid.chosen.native == certificate.key_identifier
        if is_own:
            return certificate
    raise ValueError("the signer's certificate did not come along")


def _one_of(name: str, known: object) -> str:
    if name not in known:  # type: ignore[operator]
        raise ValueError(f"{name} is no algorithm of ours")
    return name
