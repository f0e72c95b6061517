"""Reports as servers and recipients write them, and as nobody should."""

import uuid

import pytest

from teleconsult.delivery.mail_reports import Report, read_report
from teleconsult.delivery.models import DeliveryStatus
from teleconsult.delivery.reasons import Reason

S = DeliveryStatus
NUMBER = uuid.UUID(int=7).hex
BOX = "cabinet@hopital.mssante.fr"


def dsn(action: str = "failed", *, number: str = NUMBER, returned: str = "", sender: str = "<>") -> bytes:
    """A delivery status as postfix words it."""
    envelope = f"Original-Envelope-Id: {number}\n" if number else ""
    return (
        f"Return-Path: {sender}\nFrom: MAILER-DAEMON@mail.example\nSubject: Undelivered\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain; charset=utf-8\n\nSorry.\n\n"
        f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mail.example\n{envelope}\n"
        f"Final-Recipient: rfc822; {BOX.title()}\nAction: {action}\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no\n  such mailbox\n\n"
        f"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <{returned}@chu.mssante.fr>\n\n--b--\n"
    ).encode()


def mdn(disposition: str, *, number: str = f"<{NUMBER}@chu.mssante.fr>", box: str = BOX, more: str = "") -> bytes:
    """A disposition notification."""
    return (
        f"From: DPI <{box}>\nSubject: [KO Int\u00e9gration syst\u00e8me !][902] XDM/1.0/DDM+x\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=disposition-notification; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nok\n\n"
        f"--b\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; {box}\n"
        f"Original-Message-ID: {number}\nDisposition:automatic-action/MDN-sent-automatically; {disposition}\n{more}\n"
        "--b\nContent-Type: application/zip\n\n" + "A" * 300_000 + "\n--b--\n"
    ).encode()


@pytest.mark.parametrize(
    ("action", "state", "reason"),
    [
        ("failed", S.DEAD, Reason.BOUNCED),
        ("relayed", S.ACCEPTED, ""),
        ("Delivered", S.DELIVERED, ""),
        ("expanded", S.ACCEPTED, ""),
    ],
)
def test_delivery_status(action: str, state: DeliveryStatus, reason: str) -> None:
    (report,) = read_report(dsn(action))
    assert (report.number, report.addresses, report.state) == (NUMBER, frozenset({BOX}), state)
    assert (report.reason, report.detail) == (reason, "5.1.1 smtp; 550 5.1.1 no such mailbox")


def test_a_delay_is_no_news() -> None:
    assert read_report(dsn("delayed")) == []


def test_without_an_envelope_id_the_returned_headers_say_which() -> None:
    (report,) = read_report(dsn(number="", returned=NUMBER))
    assert report.number == NUMBER


def test_a_report_with_a_sender_is_made_up() -> None:
    assert not read_report(dsn(sender="<anybody@elsewhere.example>"))


@pytest.mark.parametrize(
    ("disposition", "state"),
    [("displayed", S.READ), ("processed", S.READ), ("dispatched", S.DELIVERED), ("deleted", S.DELIVERED)],
)
def test_disposition(disposition: str, state: DeliveryStatus) -> None:
    (report,) = read_report(mdn(disposition))
    assert report == Report(NUMBER, frozenset({BOX}), state, "mdn", "", disposition)


@pytest.mark.parametrize(
    "disposition",
    ["processed/Error: 902^Identifiant de patient inconnu", "processed/error:902^Identifiant de patient inconnu"],
)
def test_what_a_system_could_not_file_is_a_persons_to_look_at(disposition: str) -> None:
    (report,) = read_report(mdn(disposition))
    assert (report.state, report.reason) == (S.DEAD, Reason.NOT_FILED)
    assert report.detail == "902^Identifiant de patient inconnu"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff" * 500,
        b"Subject: XDM/1.0/DDM+x\n\nnothing",
        b"Content-Type: multipart/report; boundary=b\n\n--b\n",
        b"Content-Type: multipart/report\n\nno parts",
        mdn("processed", number="<somebody.elses@mail.example>"),
        mdn("processed", number=""),
        mdn("invented"),
        dsn(number="../../etc/passwd"),
        b"Content-Type: multipart/report; boundary=b\n\n"
        + b"--b\nContent-Type: multipart/mixed; boundary=b\n\n" * 3000,
    ],
)
def test_what_is_no_report_of_ours_says_nothing(content: bytes) -> None:
    assert not read_report(content)
