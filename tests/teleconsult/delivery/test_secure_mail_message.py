"""A note as a secure mail: subject, names, headers, and what must never become a header."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from typing import Any

import pytest

from teleconsult.delivery.models import Channel, Purpose
from teleconsult.delivery.parcel import Earlier, Parcel
from teleconsult.delivery.secure_mail import is_secure_place
from teleconsult.delivery.secure_mail_message import LARGEST, TooMuch, pdf_name, subject_of, write_letter
from teleconsult.notes.content import NoteContent, Relation
from teleconsult.settings import Settings
from tests.teleconsult.cda.test_consult_note import INS, PDF, UNKNOWN, qualified

OURS, THEIRS = "teleconsult@chu.mssante.fr", "dr.tremblay@anse.mssante.fr"
PATIENT = f"{INS}@patient.mssante.fr"
ID, EARLIER = uuid.UUID(int=11), uuid.UUID(int=10)


def parcel(note: NoteContent | None = None, **other: Any) -> Parcel:
    """A note on its way to a doctor's mailbox."""
    told: dict[str, Any] = {
        "delivery_id": ID,
        "channel": Channel.SECURE_MAIL,
        "destination": THEIRS,
        "recipient": "Dr Tremblay",
        "purpose": Purpose.DOCUMENT,
        "content": note or qualified(),
        "pdf": PDF,
        "pdf_sha256": b"",
        "queued_at": datetime(2026, 11, 21, 15, 0, tzinfo=UTC),
    }
    return Parcel(**told | other)


def settings(**other: Any) -> Settings:
    return Settings(secure_mail_url="smtps://mail.example", secure_mail_from=OURS, **other)


def written(sent: Parcel, **other: Any) -> EmailMessage:
    """The mail as its recipient reads it."""
    return message_from_bytes(write_letter(sent, settings(**other)).message, policy=policy.default)


def test_who_sends_who_answers_and_what_is_asked_for() -> None:
    mail = written(parcel(), secure_mail_reply_to="secretariat@chu.mssante.fr", secure_mail_nil="NIL-1")
    assert mail["From"].addresses[0].addr_spec == OURS
    assert mail["To"] == THEIRS
    assert mail["Reply-To"] == "secretariat@chu.mssante.fr"
    assert mail["Disposition-Notification-To"] == OURS
    assert (mail["X-MSS-CODECDA"], mail["X-MSS-INS"], mail["X-MSS-NIL"]) == ("85208-7", "O", "NIL-1")
    assert mail["X-MSS-MES"] is None
    assert mail["Date"].datetime == datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
    assert [part.get_filename() for part in mail.iter_attachments()] == ["IHE_XDM.ZIP", pdf_name(parcel())]


def test_subject_and_file_name_as_they_are_demanded() -> None:
    assert subject_of(parcel()) == "XDM/1.0/DDM+Compte-rendu de télémédecine BÉLANGER Rose Marie 14/03/1951"
    assert pdf_name(parcel()) == "20261121_CR-TLM_BELANGER_Rose-Marie_A-77.pdf"
    unknown = parcel(replace(qualified(), patient=UNKNOWN))
    assert subject_of(unknown) == "XDM/1.0/DDM+Compte-rendu de télémédecine INCONNU Alpha"
    vietnamese = replace(qualified().patient, family="Nguyễn", given="Văn Đức")
    assert pdf_name(parcel(replace(qualified(), patient=vietnamese))) == "20261121_CR-TLM_NGUYEN_Van-Duc_A-77.pdf"


def test_sent_again_it_is_the_same_bytes() -> None:
    letters = [write_letter(parcel(is_resend=again), settings()) for again in (False, True)]
    assert letters[0] == letters[1]
    assert letters[0].envelope_id == ID.hex


@pytest.mark.parametrize("language", ["fr", "en", "vi"])
def test_a_replacement_says_so_and_answers_the_first_mail(language: str) -> None:
    note = replace(qualified(), language=language, relation=Relation.REPLACES, related_oid="2.25.9")
    mail = written(parcel(note, earlier=Earlier(EARLIER, "2.25.9", EARLIER.hex)))
    first = f"<{EARLIER.hex}@chu.mssante.fr>"
    assert (mail["In-Reply-To"], mail["References"]) == (first, first)
    body = mail.get_body(("plain",))
    assert body is not None
    words = {"fr": "annule et remplace", "en": "cancels and replaces", "vi": "hủy và thay thế"}[language]
    assert words in mail["Subject"] and words in body.get_content().lower()


def test_a_patient_is_written_to_in_other_words_and_need_not_answer() -> None:
    mail = written(parcel(destination=PATIENT))
    assert mail["X-MSS-MES"] == "FIN"
    bodies = [one.get_body(("plain",)) for one in (mail, written(parcel()))]
    assert bodies[0] is not None and bodies[1] is not None
    assert bodies[0].get_content() != bodies[1].get_content()


def test_nothing_clinical_stands_outside_the_attachments() -> None:
    note = replace(qualified(), sections={"opinion": "glioblastome"}, question="glioblastome ?")
    mail = written(parcel(note))
    body = mail.get_body(("plain",))
    assert body is not None
    assert "glioblastome" not in body.get_content() + "".join(f"{name}{value}" for name, value in mail.items())


def test_what_was_withdrawn_is_told_without_the_document() -> None:
    mail = written(parcel(purpose=Purpose.RETRACTION, earlier=Earlier(EARLIER, "2.25.9", EARLIER.hex)))
    assert list(mail.iter_attachments()) == []
    assert mail["X-MSS-CODECDA"] is None
    assert mail["In-Reply-To"] == f"<{EARLIER.hex}@chu.mssante.fr>"


def test_long_names_keep_their_blanks_and_letters() -> None:
    note = qualified()
    patient = replace(note.patient, family="Nguyễn Phước Bảo Long", given="Thị Ánh Tuyết Hồng Ngọc")
    author = replace(note.author, organization="Bệnh viện Đa khoa Trung ương Cần Thơ, khoa Thần kinh – Đột quỵ")
    sent = parcel(replace(note, language="vi", patient=patient, author=author))
    mail = written(sent)
    assert mail["Subject"] == subject_of(sent)
    assert "NGUYỄN PHƯỚC BẢO LONG Thị Ánh Tuyết Hồng Ngọc 14/03/1951" in mail["Subject"]
    letter = write_letter(sent, settings()).message
    whom = str(make_header(decode_header(message_from_bytes(letter)["From"])))  # Python's newer reader adds blanks
    assert whom.split() == f"{author.organization} <{OURS}>".split()
    head = letter.partition(b"\r\n\r\n")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 78
    assert head.isascii()


@pytest.mark.parametrize("name", ["Rose\r\nBcc: x@y.example", "=?utf-8?q?Rose=0ABcc:_x@y.example?=", "Ro\x00se"])
def test_a_name_that_could_add_a_header_is_refused(name: str) -> None:
    note = qualified()
    with pytest.raises(ValueError):
        write_letter(parcel(replace(note, patient=replace(note.patient, given=name))), settings())
    with pytest.raises(ValueError):
        write_letter(parcel(replace(note, author=replace(note.author, organization=name))), settings())


def test_more_than_a_mail_may_be_is_not_sent() -> None:
    with pytest.raises(TooMuch):
        write_letter(parcel(pdf=b"%PDF" + b"x" * LARGEST), settings())


@pytest.mark.parametrize(
    ("address", "is_secure"),
    [
        (THEIRS, True),
        (PATIENT, True),
        ("dr.tremblay@mssante.fr", True),
        ("dr.tremblay@gmail.com", False),
        ("dr.tremblay@fauxmssante.fr", False),
        ("dr.tremblay@mssante.fr.example", False),
        ("", False),
    ],
)
def test_only_domains_of_the_mail_space(address: str, is_secure: bool) -> None:
    assert is_secure_place(address, settings()) is is_secure
