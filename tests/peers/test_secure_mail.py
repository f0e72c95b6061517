"""A signed note by secure mail, from the signature to the receipt, through Debian's postfix and dovecot."""

import hashlib
import io
import zipfile
from email import message_from_string, policy
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import update

from teleconsult.cda.narrative import attached_to
from teleconsult.cda.parsing import parse_xml
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.delivery import mail_receipts
from teleconsult.delivery.models import Channel, DeliveryStatus
from teleconsult.delivery.queueing import queue_retraction
from teleconsult.delivery.reasons import Reason
from teleconsult.directory.mailboxes.models import Mailbox, MailboxSource, MailboxType
from teleconsult.directory.models import ConnectionType, Practitioner, PractitionerRole
from teleconsult.notes.following import begin_amendment
from teleconsult.notes.signing import Signing
from teleconsult.settings import Settings
from tests import delivery_steps, note_steps
from tests.judges import SCHEMAS, judge
from tests.peers.mail_server import FULL, HOST, LATER, NOBODY, OTHER, PASSWORD, READER, REFUSED, SENDER, MailServer
from tests.people import Cast
from tests.teleconsult.notes.conftest import press, signing
from tests.teleconsult.notes.test_following import followed
from tests.waiting import eventually

__all__ = ["press", "signing"]
S = DeliveryStatus


@pytest.fixture
def mailing(signing: Signing, post_office: MailServer) -> Settings:
    """Settings of an installation that mails with its certificate and reads its mailbox with its password."""
    return delivery_steps.reaching(signing.settings).model_copy(
        update={
            "secure_mail_url": f"smtp://{HOST}:{post_office.smtp}",
            "secure_mail_from": SENDER,
            "secure_mail_domains": "mssante.test",
            "secure_mail_nil": "NIL-0042",
            "secure_mail_ca": post_office.authority,
            "secure_mail_certificate": post_office.client,
            "secure_mail_key": post_office.client.with_suffix(".key"),
            "inbox_url": f"imap://{quote(SENDER)}:{quote(PASSWORD)}@{HOST}:{post_office.imap}",
            "inbox_address": SENDER,
            "inbox_ca": post_office.authority,
        }
    )


async def listed(cast: Cast, sessions: Sessions, address: str) -> None:
    """The specialist's house mails, and its directory knows one secure mailbox of who asked."""
    await delivery_steps.endpoint(sessions, cast, ConnectionType.SECURE_MAIL, SENDER, place="tertiary")
    async with transaction(sessions) as session:
        role = await session.get_one(PractitionerRole, cast.rural.role_id)
        doctor = await session.get_one(Practitioner, role.practitioner_id)
        session.add(
            Mailbox(
                organization_id=cast.organizations["tertiary"].id,
                address=address,
                type=MailboxType.PERSON,
                is_secure=True,
                registration_number=doctor.registration_number,
                family=doctor.family,
                given=doctor.given,
                source=MailboxSource.FHIR,
                seen_at=now(),
                refreshed_at=now(),
            )
        )


async def test_a_note_arrives_whole_and_its_receipts_come_back(
    cast: Cast, signing: Signing, mailing: Settings, post_office: MailServer, tmp_path: Path
) -> None:
    await listed(cast, signing.sessions, READER)
    signed = await note_steps.signed(cast, signing)
    await delivery_steps.send(signing, settings=mailing)
    delivery = await delivery_steps.only(signing.sessions, Channel.SECURE_MAIL)
    assert delivery.status is S.ACCEPTED, delivery_steps.described(delivery)
    mail = await _arrived(post_office, READER)
    assert mail["Subject"] == "XDM/1.0/DDM+Telemedicine report BÉLANGER Rose 14/03/1951"
    assert (mail["X-MSS-CODECDA"], mail["X-MSS-INS"], mail["X-MSS-NIL"]) == ("85208-7", "N", "NIL-0042")
    assert mail["Message-ID"] == f"<{delivery.id.hex}@hopital.mssante.test>"
    archive, pdf = mail.iter_attachments()
    assert hashlib.sha256(pdf.get_content()).digest() == signed.note.pdf_sha256
    with zipfile.ZipFile(io.BytesIO(archive.get_content())) as opened:
        document = opened.read("IHE_XDM/SUBSET01/DOC00001.XML")
    attached = attached_to(parse_xml(document))
    assert attached is not None and attached.content == pdf.get_content()
    (tmp_path / "IHE_XDM.ZIP").write_bytes(archive.get_content())
    (tmp_path / "note.xml").write_bytes(document)

    assert await eventually(lambda: _receipt(signing, mailing, S.ACCEPTED, "dsn"))
    post_office.put(SENDER, _mdn(mail, "processed"))
    assert await eventually(lambda: _receipt(signing, mailing, S.READ, "mdn"))
    await _foreign(signing, mailing, post_office, mail)
    if SCHEMAS.is_dir():
        judge("xdm_check.py", tmp_path / "IHE_XDM.ZIP", SCHEMAS / "xds")
        judge("cda_xsd.py", tmp_path / "note.xml")


async def _foreign(signing: Signing, mailing: Settings, post_office: MailServer, mail: EmailMessage) -> None:
    """Reports that name no mail of ours, or another's mailbox, or an error after it was read, move nothing."""
    forged = _mdn(mail, "processed/error: 902^Identifiant de patient inconnu", number="<" + "0" * 32 + "@x.test>")
    other = _mdn(mail, "processed/error: 902^Identifiant de patient inconnu", recipient="autre@ailleurs.test")
    other.replace_header("From", "autre@ailleurs.test")
    ordinary = EmailMessage()
    ordinary["From"], ordinary["To"], ordinary["Subject"] = OTHER, SENDER, mail["Subject"]
    ordinary.set_content("Merci !")
    for each in (forged, other, ordinary):
        post_office.put(SENDER, each)

    async def three_came() -> bool:
        return len(post_office.mails(SENDER)) >= 5  # with the DSN and the MDN before

    assert await eventually(three_came)
    count = await mail_receipts.fetch(signing.sessions, mailing)
    assert (count.taken, count.foreign) == (0, 2)
    delivery = await delivery_steps.only(signing.sessions, Channel.SECURE_MAIL)
    assert delivery.status is S.READ
    assert "TeleconsultTaken" not in str(post_office.mails(SENDER)[-1])


async def test_a_mailbox_that_is_none_bounces_and_is_found(
    cast: Cast, signing: Signing, mailing: Settings, post_office: MailServer
) -> None:
    await listed(cast, signing.sessions, NOBODY)
    await note_steps.signed(cast, signing)
    await delivery_steps.send(signing, settings=mailing)
    assert await delivery_steps.states(signing.sessions, Channel.SECURE_MAIL) == [S.ACCEPTED]
    assert await eventually(lambda: _receipt(signing, mailing, S.DEAD, "dsn"))
    delivery = await delivery_steps.only(signing.sessions, Channel.SECURE_MAIL)
    assert delivery.reason == Reason.BOUNCED
    assert delivery.detail.startswith("5.1.1")


async def test_a_replacement_goes_to_the_same_people_under_the_first_mail(
    cast: Cast, signing: Signing, mailing: Settings, post_office: MailServer
) -> None:
    await listed(cast, signing.sessions, READER)
    signed = await note_steps.signed(cast, signing)
    await delivery_steps.send(signing, settings=mailing)
    first = await _arrived(post_office, READER)
    replaced = await followed(cast, signing, signed.note, begin_amendment, "Not a tension headache.")
    await delivery_steps.send(signing, settings=mailing)
    second = await _arrived(post_office, READER, number=2)
    assert second["In-Reply-To"] == second["References"] == first["Message-ID"]
    assert "(cancels and replaces) BÉLANGER Rose" in second["Subject"]
    archive, _pdf = second.iter_attachments()
    with zipfile.ZipFile(io.BytesIO(archive.get_content())) as opened:
        metadata = opened.read("IHE_XDM/SUBSET01/METADATA.XML").decode()
        document = opened.read("IHE_XDM/SUBSET01/DOC00001.XML").decode()
    assert f"urn:oid:{signed.note.document_oid}" in metadata
    assert f'<relatedDocument typeCode="RPLC"><parentDocument><id root="{signed.note.document_oid}"' in document
    assert f'<id root="{replaced.document_oid}"/>' in document
    to = [one.destination for one in await delivery_steps.deliveries(signing.sessions, Channel.SECURE_MAIL)]
    assert to == [READER, READER]


@pytest.mark.parametrize(
    ("address", "state", "reason"),
    [(REFUSED, S.DEAD, Reason.REFUSED), (LATER, S.RETRY_WAIT, Reason.TROUBLE)],
)
async def test_a_mailbox_that_is_closed_and_one_that_is_busy(
    cast: Cast, signing: Signing, mailing: Settings, post_office: MailServer, address: str, state: S, reason: Reason
) -> None:
    await listed(cast, signing.sessions, address)
    await note_steps.signed(cast, signing)
    await delivery_steps.send(signing, settings=mailing)
    delivery = await delivery_steps.only(signing.sessions, Channel.SECURE_MAIL)
    assert (delivery.status, delivery.reason) == (state, reason), delivery_steps.described(delivery)
    assert address in delivery.detail


async def test_without_our_certificate_the_server_takes_nothing(
    cast: Cast, signing: Signing, mailing: Settings, post_office: MailServer
) -> None:
    await listed(cast, signing.sessions, READER)
    await note_steps.signed(cast, signing)
    nobody = mailing.model_copy(update={"secure_mail_certificate": None, "secure_mail_key": None})
    await delivery_steps.send(signing, settings=nobody)
    delivery = await delivery_steps.only(signing.sessions, Channel.SECURE_MAIL)
    assert delivery.status is S.DEAD
    assert delivery.detail.startswith("554")
    assert post_office.mails(READER) == []


async def test_a_mailbox_that_left_the_directory_is_not_written_to(
    cast: Cast, signing: Signing, mailing: Settings, post_office: MailServer
) -> None:
    await listed(cast, signing.sessions, READER)
    await note_steps.signed(cast, signing)
    async with transaction(signing.sessions) as session:
        await session.execute(update(Mailbox).values(is_secure=False))
    await delivery_steps.send(signing, settings=mailing)
    delivery = await delivery_steps.only(signing.sessions, Channel.SECURE_MAIL)
    assert (delivery.status, delivery.reason) == (S.DEAD, Reason.NO_MAILBOX)
    assert post_office.mails(READER) == []


async def test_a_full_mailbox_bounces(cast: Cast, signing: Signing, mailing: Settings, post_office: MailServer) -> None:
    await listed(cast, signing.sessions, FULL)
    await note_steps.signed(cast, signing)
    await delivery_steps.send(signing, settings=mailing)
    assert await eventually(lambda: _receipt(signing, mailing, S.DEAD, "dsn"))
    assert (await delivery_steps.only(signing.sessions, Channel.SECURE_MAIL)).detail.startswith("5.2.2")


async def test_word_of_a_withdrawal_follows_the_first_mail(
    cast: Cast, signing: Signing, mailing: Settings, post_office: MailServer
) -> None:
    await listed(cast, signing.sessions, READER)
    signed = await note_steps.signed(cast, signing)
    await delivery_steps.send(signing, settings=mailing)
    first = await _arrived(post_office, READER)
    async with transaction(signing.sessions) as session:
        await queue_retraction(session, signed.note)
    await delivery_steps.send(signing, settings=mailing)
    assert await delivery_steps.states(signing.sessions, Channel.SECURE_MAIL) == [S.ACCEPTED, S.ACCEPTED]
    second = await _arrived(post_office, READER, number=2)
    assert second["In-Reply-To"] == second["References"] == first["Message-ID"]
    assert second["Subject"].startswith("Report withdrawn BÉLANGER Rose")
    assert list(second.iter_attachments()) == []


async def _arrived(post_office: MailServer, address: str, number: int = 1) -> EmailMessage:
    async def came() -> bool:
        return len(post_office.mails(address)) >= number

    assert await eventually(came)
    return post_office.mails(address)[number - 1]


async def _receipt(signing: Signing, mailing: Settings, status: DeliveryStatus, kind: str) -> bool:
    await mail_receipts.fetch(signing.sessions, mailing)
    delivery = await delivery_steps.only(signing.sessions, Channel.SECURE_MAIL)
    kinds = [one["kind"] for one in delivery.receipt.get("receipts", [])]
    return delivery.status is status and kind in kinds


def _mdn(mail: EmailMessage, disposition: str, *, number: str = "", recipient: str = READER) -> EmailMessage:
    """A receipt as a hospital's system writes it (RFC 8098)."""
    fields = (
        f"Reporting-UA: dpi.hopital.example\r\nOriginal-Recipient: rfc822;{recipient}\r\n"
        f"Final-Recipient: rfc822;{recipient}\r\nOriginal-Message-ID: {number or mail['Message-ID']}\r\n"
        f"Disposition: automatic-action/MDN-sent-automatically; {disposition}\r\n"
    )
    boundary = "limite"
    text = (
        f"From: {READER}\r\nTo: {SENDER}\r\nSubject: Lu\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type=disposition-notification; boundary="{boundary}"\r\n\r\n'
        f"--{boundary}\r\nContent-Type: text/plain\r\n\r\nok\r\n"
        f"--{boundary}\r\nContent-Type: message/disposition-notification\r\n\r\n{fields}\r\n--{boundary}--\r\n"
    )
    return message_from_string(text, policy=policy.SMTP)
