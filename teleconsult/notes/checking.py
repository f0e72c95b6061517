"""Checking a file that somebody holds: the signed PDF, the exported FHIR document, or that the two belong together.

Works on bytes and trusted roots alone: no database, no network.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from pathlib import Path

from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader

from teleconsult.notes.verdict import SIZE_LIMIT, Kind, Outcome, Reason, Verdict
from teleconsult.notes.verifying import trusted_roots, verify_pdf
from teleconsult.notes.verifying_bundle import is_exported, verify_bundle


def check(content: bytes, roots: Sequence[x509.Certificate], *, at: datetime | None = None) -> Verdict:
    """The verdict on these bytes, whichever of the two they are. Like `verify_pdf`, it never raises for them."""
    if is_exported(content):
        return verify_bundle(content, roots, at=at)
    verdict = verify_pdf(content, roots, at=at)
    if not verdict.signer:
        return verdict
    return replace(verdict, pdf_sha256=hashlib.sha256(first_revision(content)).hexdigest())


def check_both(one: bytes, other: bytes, roots: Sequence[x509.Certificate], *, at: datetime | None = None) -> Verdict:
    """The verdict on a PDF and the document that was signed with it: good where both are, and they belong together.

    Where one of them is not good, its verdict.
    """
    verdicts = check(one, roots, at=at), check(other, roots, at=at)
    for verdict in verdicts:
        if not verdict.is_good:
            return verdict
    first, second = verdicts
    if {first.kind, second.kind} != {Kind.PDF, Kind.BUNDLE} or first.pdf_sha256 != second.pdf_sha256:
        return Verdict(Outcome.BAD, Reason.NOT_TOGETHER, kind=second.kind)
    return first if first.kind is Kind.PDF else second


def check_paths(paths: Sequence[Path], trust: Path) -> Verdict:
    """Check one file, or two that belong together, against the roots in `trust`. Raises OSError."""
    contents = [_read(path) for path in paths]
    roots = trusted_roots(trust)
    return check(contents[0], roots) if len(contents) == 1 else check_both(contents[0], contents[1], roots)


def first_revision(pdf: bytes) -> bytes:
    """The bytes its first signature covers, with the signature itself: what every later revision begins with."""
    signature = PdfFileReader(BytesIO(pdf)).embedded_signatures[0]
    _, _, after, rest = (int(number) for number in signature.byte_range)
    return pdf[: after + rest]


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(SIZE_LIMIT + 1)
