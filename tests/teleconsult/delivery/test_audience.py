"""For whom a note is meant: chosen by its author, told before it is signed, and kept to by whatever sends it."""

import dataclasses
import uuid

import pytest
from lxml import etree
from sqlalchemy import select

from teleconsult.cda.consult_note import consult_note_document
from teleconsult.cda.naming import works_at
from teleconsult.cda.profiles import FRANCE
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.delivery.audience import MARKS, Audience, audience_of, choose_audience
from teleconsult.delivery.models import Channel, Delivery
from teleconsult.delivery.sending_matrix import Marks
from teleconsult.delivery.sending_too import was_opposed
from teleconsult.errors import NotFound, Refused
from teleconsult.fhir.note_documents import SignedPdf
from teleconsult.fhir.notes import document_reference
from teleconsult.hl7v2.documents import Act, Envelope, mdm, oru
from teleconsult.notes.content import NoteContent
from teleconsult.notes.following import begin_amendment
from teleconsult.notes.models import Composition
from teleconsult.notes.signing import Signing
from teleconsult.patients.models import IdentifierStatus, PatientIdentifier
from teleconsult.patients.national_ids import NIR
from teleconsult.xdm.metadata import metadata
from tests import delivery_steps, note_steps
from tests.people import Cast
from tests.teleconsult.delivery.test_mailing import INS, add, asked
from tests.teleconsult.directory.steps import audited

__all__ = ["asked"]
PATIENT, SYSTEM_BOX = f"{INS.lower()}@patient.mssante.fr", "app@anse.mssante.fr"


async def mean(sessions: Sessions, cast: Cast, note: Composition, audience: Audience) -> Composition:
    async with transaction(sessions, cast.specialist) as session:
        return await choose_audience(session, cast.specialist, note_id=note.id, marks=MARKS[audience])


async def mailed(sessions: Sessions, note: Composition) -> set[str]:
    async with transaction(sessions) as session:
        query = select(Delivery.destination).where(Delivery.channel == Channel.SECURE_MAIL)
        return set(await session.scalars(query.where(Delivery.composition_id == note.id)))


@pytest.fixture
async def known(cast: Cast, sessions: Sessions, asked: object) -> None:
    """A patient who can be written to."""
    qualified = {"status": IdentifierStatus.QUALIFIED, "recorded_at": now()}
    await add(sessions, PatientIdentifier(patient_id=cast.patient.id, system=NIR, value=INS, **qualified))


@pytest.mark.usefixtures("known")
async def test_who_must_not_see_it_is_not_sent_it(cast: Cast, signing: Signing, sessions: Sessions) -> None:
    drafted = await note_steps.drafted(cast, sessions)
    for who in (cast.rural, cast.colleague, cast.stranger):
        async with transaction(sessions, who) as session:
            with pytest.raises(NotFound):
                await choose_audience(session, who, note_id=drafted.note.id, marks=MARKS[Audience.NOT_PATIENT_YET])
    for unlisted, words in (
        (Marks(invisible_to_guardians=True, to_professionals=True, to_patient=True), "legal representatives"),
        (Marks(invisible_to_patient=True, to_professionals=True, to_patient=True), "must not see yet"),
        (Marks(to_professionals=True), "mark it so"),
    ):
        async with transaction(sessions, cast.specialist) as session:
            with pytest.raises(Refused, match=words):
                await choose_audience(session, cast.specialist, note_id=drafted.note.id, marks=unlisted)
    for _twice in range(2):
        chosen = await mean(sessions, cast, drafted.note, Audience.NOT_PATIENT_YET)
    assert audience_of(chosen) is Audience.NOT_PATIENT_YET
    assert len(await audited(sessions, "note-audience-chosen")) == 1
    signed = await note_steps.sign(signing, cast.specialist, chosen)
    assert await mailed(sessions, signed) == {SYSTEM_BOX}
    with pytest.raises(Refused, match="signed"):
        await mean(sessions, cast, signed, Audience.EVERYBODY)
    assert signed.content
    _is_marked(NoteContent.from_bytes(signed.content))
    async with transaction(sessions) as session:  # somebody queues it all the same
        told = {"id": uuid.uuid4(), "composition_id": signed.id, "channel": Channel.SECURE_MAIL}
        session.add(Delivery(destination=PATIENT, created_at=now(), **told))
    await delivery_steps.send(signing)
    found = {one.destination: one for one in await delivery_steps.deliveries(sessions, Channel.SECURE_MAIL)}
    assert (found[PATIENT].status, found[PATIENT].reason) == ("cancelled", "not-meant")
    assert not was_opposed(found[PATIENT])
    async with transaction(sessions, cast.specialist) as session:  # once the patient has been told
        newer = await begin_amendment(session, cast.specialist, note_id=signed.id)
        assert audience_of(newer) is Audience.NOT_PATIENT_YET
    newer = await mean(sessions, cast, newer, Audience.EVERYBODY)
    assert await mailed(sessions, await note_steps.sign(signing, cast.specialist, newer)) == {SYSTEM_BOX, PATIENT}


@pytest.mark.usefixtures("known")
async def test_what_replaces_it_goes_to_who_has_it(cast: Cast, signing: Signing, sessions: Sessions) -> None:
    signed = await note_steps.signed(cast, signing)
    assert await mailed(sessions, signed.note) == {SYSTEM_BOX, PATIENT}
    async with transaction(sessions, cast.specialist) as session:
        newer = await begin_amendment(session, cast.specialist, note_id=signed.note.id)
    for audience, words in ((Audience.NOT_PATIENT_YET, "The patient was"), (Audience.NOT_GUARDIANS, "Professionals")):
        with pytest.raises(Refused, match=words):
            await mean(sessions, cast, newer, audience)


def test_the_patient_alone() -> None:
    content = dataclasses.replace(note_steps.content(), invisible_to_guardians=True)
    found = metadata(content, document=b"x", name="X", keeper=works_at(content.author), country=FRANCE)
    assert b"INVISIBLE_REPRESENTANTS_LEGAUX" in found
    assert b"INVISIBLE_PATIENT" not in found


def _is_marked(content: NoteContent) -> None:
    """In every form of it (CDA R2 confidentialityCode, XDS confidentialityCode, R4 securityLabel)."""
    document = consult_note_document(content, pdf=b"%PDF-")
    (code,) = etree.fromstring(document).findall("{urn:hl7-org:v3}confidentialityCode")
    assert code.get("code") == "R"
    told = metadata(content, document=document, name="DOC00001.XML", keeper=works_at(content.author), country=FRANCE)
    names = [one.get("nodeRepresentation") for one in etree.fromstring(told).iter("{*}Classification")]
    assert {"R", "INVISIBLE_PATIENT"} <= set(names)
    assert "N" not in names
    envelope = Envelope("1", now())
    for written, kind in (
        (mdm(content, envelope, Act.BRING, cda=document), "CWE"),
        (oru(content, envelope, Act.BRING, cda=document), "CE"),
    ):
        assert f"\rOBX|2|{kind}|INVISIBLE_PATIENT^" in written.decode()
        assert b"INVISIBLE_REP_LEGAUX" not in written
    assert b"INVISIBLE" not in mdm(content, envelope, Act.TAKE_BACK, cda=b"")
    labels = document_reference(content, pdf=SignedPdf.of(b"x"))["securityLabel"]
    assert [one["coding"][0]["code"] for one in labels] == ["R", "INVISIBLE_PATIENT"]
