"""Authorities that answer rubbish, or slowly: nobody who signs sees a failure, and nobody waits for long."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from teleconsult.clock import now
from teleconsult.notes import authorities_asked
from teleconsult.notes.authorities_asked import Unanswered, fetch_list, open_client
from teleconsult.notes.authority import issue, make_authority
from teleconsult.notes.evidence_faults import EvidenceFault, Fault
from teleconsult.notes.keys import refuse_bad_certificate
from teleconsult.notes.revocation import ask_about, certificates_in
from teleconsult.notes.time_stamp_service import TimeStampService
from teleconsult.settings import load_settings

RUBBISH = (
    b"",
    b"\x30\x00",
    b"\x30\x03\x02\x01\x00",
    b"\x30\x03\x0a\x01\x63",
    b"\x30\x03\x0a\x01\x00",
    b"\x30\x05\x0a\x01\x00\x05\x00",
    b"\x30\x84\xff\xff\xff\xff",
    b"<html>",
    bytes(range(256)),
    b"\x30\x80" * 2000,
    b"\x30\x05\x30\x03\x02\x01\x00",
)


class Wire(ThreadingHTTPServer):
    """Says what it is told to, all at once or a byte at a time."""

    said = b""
    pause = 0.0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Door)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Door(BaseHTTPRequestHandler):
    server: Wire

    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        if not self.server.pause:
            self.wfile.write(self.server.said)
            return
        try:
            while True:
                self.wfile.write(b"0")
                self.wfile.flush()
                time.sleep(self.server.pause)
        except OSError:  # the other side has hung up
            return

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def chain_of(wire: Wire) -> str:
    """A signer whose authority answers there."""
    authority = make_authority("An authority of few words", at=now(), address=wire.address)
    return issue(authority, name="Dr Minh", registration_number="20002", organization="CHU", at=now()).chain


@pytest.mark.parametrize("said", RUBBISH)
async def test_rubbish_says_nothing_and_stops_nobody(wire: Wire, said: bytes, tmp_path: Path) -> None:
    wire.said, chain = said, chain_of(wire)
    own, issuer = certificates_in(chain)
    with open_client() as client, pytest.raises(Unanswered):
        ask_about(own, issuer, client)
    (tmp_path / "trust").mkdir()
    (tmp_path / "trust" / "root.pem").write_text(chain)
    await refuse_bad_certificate(load_settings(data=tmp_path), chain)  # who nobody speaks against signs


@pytest.mark.parametrize("said", RUBBISH)
def test_rubbish_is_no_time_stamp(wire: Wire, said: bytes) -> None:
    wire.said = said
    with open_client() as client, pytest.raises(EvidenceFault) as caught:
        TimeStampService([wire.address], client).stamp(bytes(32))
    assert caught.value.fault is Fault.NO_TIME_STAMP


def test_a_byte_now_and_then_is_no_answer(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorities_asked, "TIMES_THE_SILENCE", 4)
    wire.pause, began = 0.05, time.monotonic()
    with open_client(seconds=0.2) as client, pytest.raises(Unanswered):
        fetch_list(client, wire.address)
    assert time.monotonic() - began < 4
