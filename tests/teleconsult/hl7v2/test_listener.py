"""The door on a real socket: python-hl7's own client, certificates, and frames that are none."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import hl7
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hl7.mllp import open_hl7_connection
from sqlalchemy import select, update

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.hl7v2.listener import LARGEST, Door, listen, tls_context
from teleconsult.hl7v2.models import Hl7Message, Hl7Sender
from teleconsult.settings import Settings, SettingsError
from tests.teleconsult.hl7v2.messages import admission, result
from tests.waiting import eventually

HOST = "127.0.0.1"


@pytest.fixture
async def port(sender: Hl7Sender, sessions: Sessions) -> AsyncIterator[int]:
    async with Door(sessions).opened(HOST, 0, None) as server:
        yield server.sockets[0].getsockname()[1]


async def answer_to(port: int, raw: bytes, *, within: float = 1) -> bytes:
    """What comes back for these bytes, until the door closes or says nothing for `within` seconds."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(raw)
    try:
        async with asyncio.timeout(within):
            return await reader.readuntil(b"\x1c\r")
    except (TimeoutError, asyncio.IncompleteReadError, ConnectionResetError):
        return b""
    finally:
        writer.close()


async def test_a_client_of_the_library_is_answered(port: int) -> None:
    reader, writer = await open_hl7_connection(HOST, port, encoding="utf-8")
    for number, content in enumerate((admission(control="1"), result(control="2")), 1):
        writer.writemessage(hl7.parse(content.decode()))
        await writer.drain()
        answer = await asyncio.wait_for(reader.readmessage(), 30)
        assert (str(answer.segment("MSA")[1]), str(answer.segment("MSA")[2])) == ("AA", str(number))
    writer.close()


async def test_two_frames_in_one_packet_and_one_in_many(port: int, sessions: Sessions) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    frames = b"\x0b" + admission(control="1") + b"\x1c\r\x0b" + result(control="2") + b"\x1c\r"
    for start in range(0, len(frames), 97):
        writer.write(frames[start : start + 97])
        await writer.drain()
    for _ in range(2):
        assert b"MSA|AA" in await asyncio.wait_for(reader.readuntil(b"\x1c\r"), 30)
    writer.close()


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x0b\x1c\r",
        b"\x0b\x0b\x0b\x1c\r",
        b"\x0b" + b"\0" * 100 + b"\x1c\r",
        b"\x16\x03\x01" + b"\xff" * 400,
        b"\x0b" + b"x" * (LARGEST + 10_000),
    ],
)
async def test_frames_that_are_none_harm_nobody(port: int, sessions: Sessions, raw: bytes) -> None:
    assert b"MSA|AA" not in await answer_to(port, raw)
    async with transaction(sessions) as session:
        assert not (await session.scalars(select(Hl7Message))).all()
    assert b"MSA|AA|9" in await answer_to(port, b"\x0b" + admission(control="9") + b"\x1c\r", within=30)


async def test_a_message_that_was_read_is_answered_though_the_door_closes(
    sender: Hl7Sender, sessions: Sessions
) -> None:
    async with Door(sessions).opened(HOST, 0, None) as server:
        port = server.sockets[0].getsockname()[1]
        idle, idle_writer = await asyncio.open_connection(HOST, port)
        answer = asyncio.create_task(answer_to(port, b"\x0b" + admission(control="5") + b"\x1c\r", within=30))
        assert await eventually(lambda: _arrived(sessions))
    assert b"MSA|AA|5" in await answer
    assert await idle.read() == b""
    idle_writer.close()


async def test_without_certificates_it_is_for_this_machine(settings: Settings, sessions: Sessions) -> None:
    open_to_all = settings.model_copy(update={"mllp_port": 0, "mllp_host": "0.0.0.0"})
    with pytest.raises(SettingsError, match="MLLP_CLIENT_CA"):
        await listen(open_to_all, sessions)


async def test_a_certificate_says_whose_system_it_is(
    sender: Hl7Sender, sessions: Sessions, settings: Settings, tmp_path: Path
) -> None:
    authority, key = make_authority(tmp_path)
    ours = issue(tmp_path, "server", authority, key)
    theirs, strangers = issue(tmp_path, "lab", authority, key), issue(tmp_path, "other", authority, key)
    own = settings.model_copy(
        update={
            "tls_cert": tmp_path / "server.pem",
            "tls_key": tmp_path / "server.key",
            "mllp_client_ca": tmp_path / "ca.pem",
        }
    )
    async with transaction(sessions) as session:
        await session.execute(update(Hl7Sender).values(certificate_sha256=theirs.fingerprint(hashes.SHA256())))
    assert ours.subject != strangers.subject
    async with Door(sessions).opened(HOST, 0, tls_context(own)) as server:
        port = server.sockets[0].getsockname()[1]
        assert "MSA|AA|1" in await over_tls(tmp_path, port, "lab", admission(control="1"))
        assert "MSA|AR|2" in await over_tls(tmp_path, port, "other", admission(control="2", number="A-2"))
        assert await over_tls(tmp_path, port, None, admission(control="3")) == ""
        assert await answer_to(port, b"\x0b" + admission(control="4") + b"\x1c\r") == b""


async def over_tls(folder: Path, port: int, name: str | None, content: bytes) -> str:
    """The answer to one message by TLS with that certificate; nothing where the door does not open."""
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    if name:
        context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    try:
        reader, writer = await open_hl7_connection(HOST, port, encoding="utf-8", ssl=context, server_hostname=HOST)
        writer.writeblock(content)
        answer: bytes = await asyncio.wait_for(reader.readblock(), 30)
        writer.close()
    except (ssl.SSLError, ConnectionError, asyncio.IncompleteReadError):
        return ""
    return answer.decode()


async def _arrived(sessions: Sessions) -> bool:
    async with transaction(sessions) as session:
        return (await session.scalar(select(Hl7Message.id))) is not None


def make_authority(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """An authority of the establishments, written to `ca.pem`."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _builder("Authority", key.public_key(), moment=now()).issuer_name(_name("Authority"))
    signed = certificate.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(
        key, hashes.SHA256()
    )
    (folder / "ca.pem").write_bytes(signed.public_bytes(Encoding.PEM))
    return signed, key


def issue(
    folder: Path,
    name: str,
    authority: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    *,
    address: str = HOST,
    age: datetime.timedelta = datetime.timedelta(0),
) -> x509.Certificate:
    """A certificate of the authority's, written with its key; it is good for a day, and was issued `age` ago."""
    own = ec.generate_private_key(ec.SECP256R1())
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    signed = (
        _builder(name, own.public_key(), moment=now() - age)
        .issuer_name(authority.subject)
        .add_extension(alternative, critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / f"{name}.pem").write_bytes(signed.public_bytes(Encoding.PEM))
    (folder / f"{name}.key").write_bytes(own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return signed


def _builder(name: str, key: ec.EllipticCurvePublicKey, *, moment: datetime.datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - datetime.timedelta(hours=1))
        .not_valid_after(moment + datetime.timedelta(days=1))
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
