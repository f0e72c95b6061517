"""One attempt at a mail server that takes, refuses, breaks off or is none."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from teleconsult.delivery.models import DeliveryStatus
from teleconsult.delivery.parcel import Means, Outcome
from teleconsult.delivery.reasons import Reason
from teleconsult.delivery.secure_mail import SecureMail
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings
from tests.certificates import Certificate, make_certificate
from tests.teleconsult.delivery.test_secure_mail_message import ID, OURS, parcel
from tests.teleconsult.messages.test_mail import Mailbox, secured, server

S = DeliveryStatus


class Office(Mailbox):
    """A server that answers as it is told, at the recipient's name or at the mail's end."""

    def __init__(self) -> None:
        super().__init__()
        self.to_recipient = self.to_mail = "250 OK"
        self.hangs_up = False

    async def handle_RCPT(  # aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, server: Any, session: object, envelope: Envelope) -> str:
        await super().handle_DATA(server, session, envelope)
        if self.hangs_up:
            server.transport.abort()
            await asyncio.sleep(0.1)
        return self.to_mail


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path / "server")


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def port(office: Office, certificate: Certificate) -> Iterator[int]:
    with server(office, tls_context=secured(certificate), require_starttls=True) as port:
        yield port


async def attempt(port: int, certificate: Certificate | None, *, url: str = "", **other: Any) -> Outcome:
    """Send the note once."""
    settings = Settings(
        secure_mail_url=url or f"smtp://127.0.0.1:{port}",
        secure_mail_from=OURS,
        secure_mail_ca=certificate.certificate if certificate else None,
    )
    return await SecureMail().send(parcel(**other), Means(settings, Sealer("x" * 32)))


async def test_it_is_taken(office: Office, port: int, certificate: Certificate) -> None:
    outcome = await attempt(port, certificate)
    assert (outcome.state, outcome.external_id) == (S.ACCEPTED, ID.hex)
    assert office.message()["Message-ID"] == f"<{ID.hex}@chu.mssante.fr>"


@pytest.mark.parametrize("at", ["to_recipient", "to_mail"])
@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        ("451 4.3.2 Later", S.RETRY_WAIT, Reason.TROUBLE),
        ("550 5.1.1 No such mailbox", S.DEAD, Reason.REFUSED),
        ("552 5.3.4 Message too big", S.DEAD, Reason.TOO_LARGE),
    ],
)
async def test_it_is_refused(
    office: Office, port: int, certificate: Certificate, at: str, answer: str, state: S, reason: Reason
) -> None:
    setattr(office, at, answer)
    outcome = await attempt(port, certificate)
    assert (outcome.state, outcome.reason, outcome.detail) == (state, reason, answer)


async def test_a_line_that_breaks_after_the_mail_leaves_it_unknown_and_it_goes_again_as_the_same(
    office: Office, port: int, certificate: Certificate
) -> None:
    office.hangs_up = True
    outcome = await attempt(port, certificate)
    assert (outcome.state, outcome.reason, outcome.external_id) == (S.SENT_UNKNOWN, Reason.LOST, ID.hex)
    office.hangs_up = False
    assert (await attempt(port, certificate, is_resend=True)).state is S.ACCEPTED
    first, second = office.envelopes
    assert first.content == second.content


async def test_a_certificate_nobody_vouches_for(office: Office, port: int, tmp_path: Path) -> None:
    outcome = await attempt(port, make_certificate(tmp_path / "other"))
    assert (outcome.state, outcome.reason) == (S.RETRY_WAIT, Reason.CERTIFICATE)
    assert office.envelopes == []


async def test_a_server_without_tls_gets_nothing(office: Office, certificate: Certificate) -> None:
    with server(office) as port:
        outcome = await attempt(port, certificate)
    assert (outcome.state, outcome.reason) == (S.RETRY_WAIT, Reason.NO_TLS)
    assert office.envelopes == []


async def test_a_server_that_is_away(certificate: Certificate) -> None:
    outcome = await attempt(1, certificate)
    assert (outcome.state, outcome.reason) == (S.RETRY_WAIT, Reason.UNREACHABLE)


async def test_an_address_outside_the_mail_space_is_refused_before_the_server_is_called(
    office: Office, port: int, certificate: Certificate
) -> None:
    outcome = await attempt(port, certificate, destination="dr.tremblay@gmail.com")
    assert (outcome.state, outcome.reason) == (S.DEAD, Reason.FORBIDDEN_PLACE)
    assert office.envelopes == []


@pytest.mark.parametrize("address", ["a b@x.mssante.fr", "a\r\nBcc: b@x.mssante.fr", "<@x.mssante.fr", "@x.mssante.fr"])
async def test_what_is_no_address_is_refused_before_the_server_is_called(
    office: Office, port: int, certificate: Certificate, address: str
) -> None:
    outcome = await attempt(port, certificate, destination=address)
    assert (outcome.state, outcome.reason) == (S.DEAD, Reason.OURS)
    assert office.envelopes == []


async def test_without_a_server_it_says_so() -> None:
    outcome = await SecureMail().send(parcel(), Means(Settings(), Sealer("x" * 32)))
    assert (outcome.state, outcome.reason) == (S.DEAD, Reason.NO_CHANNEL)
