"""Mail to a real SMTP server on loopback: as it was written, to no bad certificate, never with one header more."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope

from teleconsult.documents.letters import Letter
from teleconsult.messages.mail import compose, header_text, send
from teleconsult.settings import Settings
from tests.certificates import Certificate, make_certificate

LETTER = Letter("Votre accès à Téléconsult", "Bonjour Hélène,\n\nun lien\n")
TO = "helene@example.test"


class Mailbox:
    """What the server was handed, and by whom."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.logins: list[tuple[bytes, bytes]] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: Envelope) -> str:  # aiosmtpd's name
        self.envelopes.append(envelope)
        return "250 OK"

    def authenticate(self, _server: object, _session: object, _envelope: object, _how: str, login: Any) -> AuthResult:
        self.logins.append((login.login, login.password))
        return AuthResult(success=login.password == b"open:sesame/")

    def message(self) -> EmailMessage:
        (envelope,) = self.envelopes
        assert isinstance(envelope.content, bytes)
        return message_from_bytes(envelope.content, policy=policy.default)


@contextmanager
def server(mailbox: Mailbox, **options: Any) -> Iterator[int]:
    """A real SMTP server: its port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def secured(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context


async def post(settings: Settings, url: str) -> None:
    settings = settings.model_copy(update={"smtp_url": url, "mail_from": "noreply@clinic.example"})
    await send(settings, compose(settings, LETTER, to=TO))


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """A certificate for 127.0.0.1 that this machine trusts."""
    certificate = make_certificate(tmp_path / "trusted")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.certificate))
    return certificate


async def test_a_letter_arrives_as_it_was_written(settings: Settings) -> None:
    mailbox = Mailbox()
    with server(mailbox) as port:
        await post(settings, f"smtp://127.0.0.1:{port}")
    message = mailbox.message()
    assert (message["To"], message["Subject"]) == (TO, LETTER.subject)
    assert message["From"].addresses[0].addr_spec == "noreply@clinic.example"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@clinic.example>")
    assert message.get_content().replace("\r\n", "\n") == LETTER.body
    assert mailbox.envelopes[0].rcpt_tos == [TO]


async def test_smtps_with_a_good_certificate_and_a_password(settings: Settings, trusted: Certificate) -> None:
    mailbox = Mailbox()
    with server(
        mailbox,
        ssl_context=secured(trusted),
        authenticator=mailbox.authenticate,
        auth_required=True,
        auth_require_tls=False,  # it is under TLS from the first byte; aiosmtpd only counts STARTTLS
    ) as port:
        await post(settings, f"smtps://us%40clinic:open%3Asesame%2F@127.0.0.1:{port}")
    assert mailbox.logins == [(b"us@clinic", b"open:sesame/")]
    assert mailbox.message()["To"] == TO


async def test_a_password_is_sent_under_tls_alone(settings: Settings, trusted: Certificate) -> None:
    mailbox = Mailbox()
    with server(mailbox, tls_context=secured(trusted), authenticator=mailbox.authenticate) as port:
        await post(settings, f"smtp://us:open%3Asesame%2F@127.0.0.1:{port}")
    assert mailbox.logins == [(b"us", b"open:sesame/")]
    plain = Mailbox()
    with (
        server(plain, authenticator=plain.authenticate, auth_require_tls=False) as port,
        pytest.raises(aiosmtplib.SMTPException, match="STARTTLS"),
    ):
        await post(settings, f"smtp://us:open%3Asesame%2F@127.0.0.1:{port}")
    assert (plain.logins, plain.envelopes) == ([], [])


@pytest.mark.parametrize("fault", ["unknown issuer", "another name", "expired"])
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_bad_certificate_is_refused(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str, fault: str
) -> None:
    certificate = make_certificate(
        tmp_path / "bad",
        address="127.0.0.2" if fault == "another name" else "127.0.0.1",
        is_expired=fault == "expired",
    )
    if fault != "unknown issuer":
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.certificate))
    mailbox = Mailbox()
    key = "ssl_context" if scheme == "smtps" else "tls_context"
    with (
        server(mailbox, **{key: secured(certificate)}) as port,
        pytest.raises((aiosmtplib.SMTPException, ssl.SSLError)),
    ):
        await post(settings, f"{scheme}://us:secret@127.0.0.1:{port}")
    assert (mailbox.logins, mailbox.envelopes) == ([], [])


async def test_nobody_there_is_an_error_and_not_a_silence(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(aiosmtplib.SMTPException):
        await post(settings, f"smtp://127.0.0.1:{port}")


INJECTIONS = [
    "a\r\nBcc: thief@example.test",
    "a\nBcc: thief@example.test",
    "=?utf-8?q?a=0ABcc:_thief@example.test?=",
    "=?utf-8?q?a=0D=0ABcc:_thief@example.test?=",
    "=?utf-8?b?YQpCY2M6IHRoaWVmQGV4YW1wbGUudGVzdA==?=",
    "a\u2028Bcc: thief@example.test",
    "a\x00b",
    "a\x85b",
]


@pytest.mark.parametrize("value", INJECTIONS)
def test_no_value_becomes_a_second_header(settings: Settings, value: str) -> None:
    with pytest.raises(ValueError, match="header"):
        compose(settings, Letter(value, "body"), to=TO)
    with pytest.raises(ValueError, match="header"):
        compose(settings, LETTER, to=value)


def test_what_a_header_may_hold(settings: Settings) -> None:
    assert header_text("Votre accès à Téléconsult – Đà Nẵng") == "Votre accès à Téléconsult – Đà Nẵng"
    assert header_text("=?utf-8?q?acc=C3=A8s?=") == "accès"
    for bad in ("", "no address", "a@b@c", "<a@b>", "a@b, c@d"):
        with pytest.raises(ValueError, match="addr"):
            compose(settings, LETTER, to=bad)


async def test_without_a_server_it_is_a_file_that_only_we_read(settings: Settings) -> None:
    for _ in range(2):
        await send(settings, compose(settings, LETTER, to=TO))
    files = list((settings.data / "mail").iterdir())
    assert [file.suffix for file in files] == [".eml", ".eml"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert (settings.data / "mail").stat().st_mode & 0o777 == 0o700
    message = message_from_bytes(files[0].read_bytes(), policy=policy.default)
    assert message.get_content() == LETTER.body
