"""Who receives a signed note by mail: whom the directory knows for sure, and nobody the patient is opposed to."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from teleconsult.accounts import Actor
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.delivery.addressing import (
    add_correspondent,
    addressed,
    choose_address,
    name_doctor,
    offered,
    record_opposition,
    remove_correspondent,
    send_too,
)
from teleconsult.delivery.models import Channel, Delivery, DeliveryStatus
from teleconsult.delivery.reasons import Reason
from teleconsult.delivery.recipient_models import OpposedTo
from teleconsult.directory.mailboxes.models import Mailbox, MailboxSource, MailboxType
from teleconsult.directory.models import ConnectionType, Endpoint, EndpointStatus, Organization, Practitioner
from teleconsult.errors import Conflict, Invalid, NotFound
from teleconsult.notes.signing import Signing
from teleconsult.patients.models import IdentifierStatus, PatientIdentifier
from teleconsult.patients.national_ids import NIR
from tests import consult_steps, note_steps
from tests.people import Cast
from tests.teleconsult.directory.steps import audited

FINESS, RPPS, INS = "540002698", "10003456789", "251034219900382"
T = MailboxType


def box(cast: Cast, address: str, type: MailboxType = T.PERSON, **more: Any) -> Mailbox:
    moment = now()
    values: dict[str, Any] = {"is_secure": True, "family": "Dupont", "words": f"dupont {address.partition('@')[0]}"}
    return Mailbox(
        organization_id=cast.specialist.organization_id,
        address=address,
        type=type,
        source=MailboxSource.FHIR,
        seen_at=moment,
        refreshed_at=moment,
        **values | more,
    )


@pytest.fixture
async def asked(cast: Cast, sessions: Sessions) -> ServiceRequest:
    """A consult that was accepted; the specialist's hospital mails, and knows the rural centre's system."""
    async with transaction(sessions) as session:
        rural = await session.get_one(Organization, cast.rural.organization_id)
        rural.structure_number = FINESS
        session.add(
            Endpoint(
                organization_id=cast.specialist.organization_id,
                connection_type=ConnectionType.SECURE_MAIL,
                name="Ours",
                address="us@chu.mssante.fr",
                updated_at=now(),
            )
        )
        session.add(box(cast, "app@anse.mssante.fr", T.APPLICATION, structure_number=FINESS))
    return await consult_steps.accepted(cast, sessions)


async def add(sessions: Sessions, *rows: Any) -> None:
    async with transaction(sessions) as session:
        session.add_all(rows)


async def mailed(sessions: Sessions, actor: Actor, consult: ServiceRequest) -> list[str]:
    async with transaction(sessions, actor) as session:
        shown = await addressed(session, actor, consult.id)
    return [one.address or f"? {len(one.choice.candidates) if one.choice else ''}" for one in shown.recipients]


async def test_the_requesters_system_and_the_patient_with_a_qualified_number(
    cast: Cast, sessions: Sessions, asked: ServiceRequest
) -> None:
    number = PatientIdentifier(patient_id=cast.patient.id, system=NIR, value=INS, recorded_at=now())
    await add(sessions, number)
    assert await mailed(sessions, cast.specialist, asked) == ["app@anse.mssante.fr"], "an unchecked number is none"
    async with transaction(sessions) as session:
        (await session.get_one(PatientIdentifier, number.id)).status = IdentifierStatus.QUALIFIED
    patients = f"{INS}@patient.mssante.fr"
    for who in (cast.specialist, cast.rural):
        assert await mailed(sessions, who, asked) == ["app@anse.mssante.fr", patients]
    for to, left in ((OpposedTo.PATIENT, ["app@anse.mssante.fr"]), (OpposedTo.PROFESSIONALS, [patients])):
        for is_opposed in (True, True, False):
            async with transaction(sessions, cast.rural) as session:
                await record_opposition(session, cast.rural, consult_id=asked.id, opposed_to=to, is_opposed=is_opposed)
            expected = left if is_opposed else ["app@anse.mssante.fr", patients]
            assert await mailed(sessions, cast.specialist, asked) == expected
    assert len(await audited(sessions, "opposition-recorded")) == 2


async def test_nothing_is_mailed_by_who_has_no_mailbox(cast: Cast, sessions: Sessions, asked: ServiceRequest) -> None:
    async with transaction(sessions) as session:
        endpoint = (await session.scalars(select(Endpoint))).one()
        endpoint.status = EndpointStatus.SUSPENDED
    assert await mailed(sessions, cast.specialist, asked) == []


async def test_the_family_doctor_and_those_added(cast: Cast, sessions: Sessions, asked: ServiceRequest) -> None:
    doctors = box(cast, "dupont@medecin.mssante.fr", registration_number=RPPS)
    other = box(cast, "roy@medecin.mssante.fr", registration_number="10009999999")
    red = box(cast, "red@medecin.mssante.fr", registration_number="10008888888", is_red_listed=True)
    await add(sessions, doctors, other, red)
    async with transaction(sessions, cast.rural) as session:
        with pytest.raises(Invalid):
            await name_doctor(session, cast.rural, consult_id=asked.id, name="Dr Dupont", number="12")
        await name_doctor(session, cast.rural, consult_id=asked.id, name="Dr Dupont", number=f"8{RPPS}")
    async with transaction(sessions, cast.rural) as session:
        found = await offered(session, cast.rural, asked.id, typed="dup")
        assert {one.address for one in found} == {"dupont@medecin.mssante.fr", "roy@medecin.mssante.fr"} | {
            "app@anse.mssante.fr"
        }
        added = await add_correspondent(session, cast.rural, consult_id=asked.id, mailbox_id=other.id)
        with pytest.raises(Conflict):
            await add_correspondent(session, cast.rural, consult_id=asked.id, mailbox_id=other.id)
        with pytest.raises(NotFound):
            await add_correspondent(session, cast.rural, consult_id=asked.id, mailbox_id=red.id)
    everybody = ["app@anse.mssante.fr", "dupont@medecin.mssante.fr", "roy@medecin.mssante.fr"]
    assert await mailed(sessions, cast.specialist, asked) == everybody
    for stranger in (cast.stranger, cast.colleague, cast.nurse, cast.secretary, cast.oncall):
        async with transaction(sessions, stranger) as session:
            with pytest.raises(NotFound):
                await add_correspondent(session, stranger, consult_id=asked.id, mailbox_id=doctors.id)
    async with transaction(sessions, cast.specialist) as session:
        for _again in range(2):
            await remove_correspondent(session, cast.specialist, consult_id=asked.id, correspondent_id=added.id)
    assert await mailed(sessions, cast.specialist, asked) == everybody[:2]
    assert len(await audited(sessions, "correspondent-removed")) == 1


async def test_two_addresses_are_a_question_answered_once(
    cast: Cast, signing: Signing, sessions: Sessions, asked: ServiceRequest
) -> None:
    """The note is signed without that one; once somebody chose it goes there too, and the next one by itself."""
    await add(sessions, box(cast, "urgences@anse.mssante.fr", T.APPLICATION, structure_number=FINESS))
    assert await mailed(sessions, cast.specialist, asked) == ["? 2"]
    signed = await note_steps.signed(cast, signing)

    async def owed() -> set[str]:
        async with transaction(sessions) as session:
            found = select(Delivery.destination).where(
                Delivery.composition_id == signed.note.id, Delivery.channel == Channel.SECURE_MAIL
            )
            return set(await session.scalars(found))

    async with transaction(sessions) as session:
        requester = await session.get_one(Practitioner, cast.rural.practitioner_id)
    key = f"{requester.registration_number}@{FINESS}"
    assert await owed() == set()
    async with transaction(sessions, cast.specialist) as session:
        for wrong in ("x@gmail.com", "roy@medecin.mssante.fr"):
            with pytest.raises(Invalid):
                await choose_address(session, cast.specialist, consult_id=signed.consult.id, key=key, address=wrong)
        with pytest.raises(NotFound):
            await choose_address(session, cast.specialist, consult_id=signed.consult.id, key="1@2", address="x")

    async def choose() -> None:
        async with transaction(sessions, cast.specialist) as session:
            await choose_address(
                session, cast.specialist, consult_id=signed.consult.id, key=key, address="urgences@anse.mssante.fr"
            )

    pressed_twice = await asyncio.gather(choose(), choose(), return_exceptions=True)
    assert [type(one) for one in pressed_twice if one is not None] == [Conflict], pressed_twice
    assert await owed() == {"urgences@anse.mssante.fr"}
    assert await mailed(sessions, cast.specialist, asked) == ["urgences@anse.mssante.fr"]
    assert len(await audited(sessions, "mailbox-chosen")) == 1


async def test_who_is_added_after_the_signature_is_sent_it_once_when_a_person_says_so(
    cast: Cast, signing: Signing, sessions: Sessions, asked: ServiceRequest
) -> None:
    other = box(cast, "roy@medecin.mssante.fr", registration_number="10009999999")
    await add(sessions, other)
    signed = await note_steps.signed(cast, signing)

    async def lacking() -> frozenset[str]:
        async with transaction(sessions, cast.rural) as session:
            shown = await addressed(session, cast.rural, signed.consult.id)
            assert shown.sent.is_signed
            return shown.sent.lacking

    async def send(actor: Actor, address: str = other.address) -> None:
        async with transaction(sessions, actor) as session:
            await send_too(session, actor, consult_id=signed.consult.id, address=address)

    assert await lacking() == frozenset()
    async with transaction(sessions, cast.rural) as session:
        await add_correspondent(session, cast.rural, consult_id=signed.consult.id, mailbox_id=other.id)
    assert await lacking() == {other.address}, "the next note goes there; this one when somebody says so"
    for stranger in (cast.stranger, cast.colleague, cast.nurse):
        with pytest.raises(NotFound):
            await send(stranger)
    with pytest.raises(Conflict, match="not among"):
        await send(cast.rural, "x@gmail.com")
    pressed_twice = await asyncio.gather(send(cast.rural), send(cast.specialist), return_exceptions=True)
    assert [type(one) for one in pressed_twice if one is not None] == [Conflict], pressed_twice
    assert await lacking() == frozenset()
    async with transaction(sessions) as session:
        query = select(Delivery).where(Delivery.destination == other.address)
        (delivery,) = (await session.scalars(query)).all()
        assert delivery.composition_id == signed.note.id
        delivery.status, delivery.reason = DeliveryStatus.CANCELLED, Reason.OPPOSED
    assert len(await audited(sessions, "note-sent-too")) == 1
    assert await lacking() == {other.address}, "the patient was opposed, and is no more"
    await send(cast.rural)
    async with transaction(sessions) as session:
        (again,) = (await session.scalars(query)).all()
    assert (again.id, again.status) == (delivery.id, DeliveryStatus.QUEUED)
