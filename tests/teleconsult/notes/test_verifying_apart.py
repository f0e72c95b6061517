"""A stranger's file is checked in another process: the same verdict, bounded in time and memory."""

import zlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from teleconsult.errors import Unavailable
from teleconsult.notes.verdict import Outcome, Reason
from teleconsult.notes.verifying_apart import Checker
from tests.teleconsult.notes.test_signature import authority, signed


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    (tmp_path / "root.pem").write_bytes(authority().certificate.public_bytes(Encoding.PEM))
    return tmp_path


@pytest.fixture
def pdf() -> bytes:
    """A good note; made before the event loop runs."""
    return signed()


async def test_says_the_same(trust: Path, pdf: bytes) -> None:
    checker = Checker(trust)
    verdict = await checker.check(pdf)
    assert verdict.outcome is Outcome.GOOD
    assert verdict.signed_at
    assert (await checker.check(pdf + b" ")).reason is Reason.CHANGED
    assert (await checker.check(b"hello")).reason is Reason.NOT_PDF


async def test_too_little_time_is_a_verdict(trust: Path, pdf: bytes) -> None:
    assert (await Checker(trust, seconds=0).check(pdf)).reason is Reason.UNCHECKABLE


async def test_too_much_memory_is_a_verdict(trust: Path) -> None:
    packed = zlib.compress(bytes(400 * 1024 * 1024))
    head = b"%PDF-1.7\n"
    bomb = (
        head
        + b"1 0 obj\n<< /Type /XRef /Size 2 /W [1 2 1] /Root 1 0 R /Filter /FlateDecode"
        + b" /Length %d >>\nstream\n%b\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % (len(packed), packed, len(head))
    )
    assert (await Checker(trust, memory=256 * 1024 * 1024).check(bomb)).outcome is Outcome.BAD


def test_a_queue_has_an_end(trust: Path) -> None:
    checker = Checker(trust, at_once=1, waiting=1)
    one, two, three = (checker.place(address=f"192.0.2.{number}") for number in range(3))
    with one, two, pytest.raises(Unavailable), three:
        pass
    with checker.place(address="192.0.2.1"):
        pass


async def test_deep_nesting_ends_in_words(trust: Path) -> None:
    nested = b"%PDF-1.7\n1 0 obj\n" + b"[" * 200_000 + b"\nendobj\ntrailer\n<< /Root 1 0 R >>\nstartxref\n9\n%%EOF\n"
    verdict = await Checker(trust).check(nested)
    assert verdict.outcome is Outcome.BAD
