"""Patients by ADT: registered, corrected, visited."""

import pytest
from sqlalchemy import select

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.hl7v2.models import Hl7Sender
from teleconsult.patients.links import LinkBasis, PatientLink
from teleconsult.patients.models import AdministrativeGender, IdentityChange, Patient
from teleconsult.records.models import RecordEntry
from tests.people import Cast
from tests.teleconsult.hl7v2.conftest import Send
from tests.teleconsult.hl7v2.messages import admission, visit


async def patient(sessions: Sessions, number: str = "A-1") -> Patient:
    async with transaction(sessions) as session:
        return (await session.scalars(select(Patient).where(Patient.local_number == number))).one()


async def test_a_patient_is_registered_at_the_senders_establishment(
    send: Send, sessions: Sessions, sender: Hl7Sender
) -> None:
    await send(admission("A04"))
    kept = await patient(sessions)
    assert (kept.organization_id, kept.name, kept.gender) == (
        sender.organization_id,
        "GAGNÉ Luc",
        AdministrativeGender.MALE,
    )
    assert kept.birth_date is not None
    assert (kept.birth_date.isoformat(), kept.phone) == ("1980-05-02", "418-555-0101")
    assert kept.address == "12 rue du Quai, Blanc-Sablon, QC, G0G1C0"


async def test_latin_1_is_read_where_it_is_said_and_where_it_is_not(send: Send, sessions: Sessions) -> None:
    said = admission().decode().replace("UNICODE UTF-8", "8859/1").encode("iso8859-1")
    silent = admission(control="2", number="A-2").decode().replace("UNICODE UTF-8", "").encode("iso8859-1")
    assert "MSA|AA" in await send(said)
    assert "MSA|AA" in await send(silent)
    assert {(await patient(sessions, number)).family for number in ("A-1", "A-2")} == {"Gagné"}


async def test_a_correction_keeps_what_was_said_before(send: Send, sessions: Sessions) -> None:
    await send(admission())
    await send(admission("A31", control="2", family="Gagnon"))
    await send(admission("A08", control="3", family="Gagnon"))
    assert (await patient(sessions)).family == "Gagnon"
    async with transaction(sessions) as session:
        (change,) = await session.scalars(select(IdentityChange))
    assert (change.before["family"], change.changed_by_id, change.source) == ("Gagné", None, "Laboratory")


async def test_the_same_name_under_another_number_is_another_patient(
    send: Send, sessions: Sessions, cast: Cast
) -> None:
    """Never joined by traits alone: a person decides."""
    await send(admission(family="Bélanger", given="Rose", born="19510314", gender="F"))
    assert (await patient(sessions)).person_id != cast.patient.person_id


async def test_a_visit_begins_changes_and_ends(send: Send, sessions: Sessions) -> None:
    await send(admission("A01", visit=visit()))
    await send(admission("A08", control="2", visit=visit(kind="I")))
    await send(admission("A03", control="3", visit=visit(kind="I", ended="20260302120000")))
    await send(admission("A08", control="4", visit=visit(kind="I", ended="20260302120000")))
    async with transaction(sessions) as session:
        (entry,) = await session.scalars(select(RecordEntry))
    assert entry.resource["class"]["code"] == "IMP"
    assert entry.resource["status"] == "finished"
    assert entry.effective_at.isoformat() == "2026-03-01T13:00:00+00:00"
    assert entry.ended_at is not None
    assert entry.ended_at.isoformat() == "2026-03-02T16:00:00+00:00"
    assert entry.resource["location"] == [{"location": {"display": "URG 4 2"}}]
    assert entry.version == 4


async def test_a_duplicate_is_joined_and_can_be_parted(send: Send, sessions: Sessions, cast: Cast) -> None:
    await send(admission(control="1"))
    await send(admission(control="2", number="A-2", family="Gagne"))
    assert (await patient(sessions)).person_id != (await patient(sessions, "A-2")).person_id
    told = admission("A40", control="3").replace(b"ADT_A01", b"ADT_A39") + b"\rMRG|A-2^^^HOSP^PI"
    assert "MSA|AA|3" in await send(told)
    assert "MSA|AA|4" in await send(told.replace(b"|3|P|", b"|4|P|"))
    assert (await patient(sessions)).person_id == (await patient(sessions, "A-2")).person_id
    async with transaction(sessions) as session:
        (link,) = await session.scalars(select(PatientLink))
        assert (link.basis, link.linked_by_id) == (LinkBasis.MERGE, None)
        link.undone_at = now()
    assert (await patient(sessions)).person_id != (await patient(sessions, "A-2")).person_id


@pytest.mark.parametrize("former", ["A-9", "A-1", ""])
async def test_a_join_of_one_is_refused(send: Send, former: str) -> None:
    await send(admission(control="1"))
    told = admission("A40", control="3") + f"\rMRG|{former}^^^HOSP^PI".encode()
    assert "MSA|AE|3" in await send(told)
    assert "MSA|AE|4" in await send(admission("A40", control="4"))


async def test_a_number_of_a_country_we_do_not_read_is_left_out(send: Send, sessions: Sessions) -> None:
    foreign = admission().replace(b"^PI|", b"^PI~123-45-6789^^^USSSA^SS|")
    assert "MSA|AA|1" in await send(foreign)
    assert (await patient(sessions)).family == "Gagn\u00e9"


@pytest.mark.parametrize(("written", "born"), [("19800502000000+0100", "1980-05-02"), ("1980", None)])
async def test_a_birth_date_is_the_day_that_is_written(
    sessions: Sessions, send: Send, written: str, born: str | None
) -> None:
    """Of a year alone no day is made."""
    assert "MSA|AA" in await send(admission(born=written))
    async with sessions() as session:
        kept = (await session.scalars(select(Patient).where(Patient.local_number == "A-1"))).one()
    assert (kept.birth_date.isoformat() if kept.birth_date else None) == born


async def test_the_year_of_birth_alone_is_kept_until_more_is_said(send: Send, sessions: Sessions) -> None:
    await send(admission(born="1951"))
    await send(admission("A08", control="2", family="Gagnon", born=""))
    kept = await patient(sessions)
    assert (kept.family, kept.birth_date, kept.birth_year) == ("Gagnon", None, 1951)
    await send(admission("A08", control="3", family="Gagnon", born="19510314"))
    kept = await patient(sessions)
    assert (str(kept.birth_date), kept.estimated_birth_year) == ("1951-03-14", None)
