"""Laboratory results: read as they are meant, filed once, corrected as a next version."""

import pytest
from sqlalchemy import select

from teleconsult.db import Sessions, transaction
from teleconsult.hl7v2.models import Hl7Sender
from teleconsult.records.models import EntryStatus, Origin, RecordEntry, RecordVersion, ResourceType
from tests.teleconsult.hl7v2.conftest import Send
from tests.teleconsult.hl7v2.messages import admission, result

MMOL = {"unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"}
NEGATIVE = {"system": "http://snomed.info/sct", "code": "260385009", "display": "Negative"}


async def filed(sessions: Sessions, kind: ResourceType = ResourceType.OBSERVATION) -> RecordEntry:
    async with transaction(sessions) as session:
        return (await session.scalars(select(RecordEntry).where(RecordEntry.resource_type == kind))).one()


async def test_a_result_stands_in_the_file(send: Send, sessions: Sessions, sender: Hl7Sender) -> None:
    await send(admission())
    await send(result(control="2"))
    entry = await filed(sessions)
    assert (entry.title, entry.value, entry.unit, entry.code) == ("Glucose", 5.4, "mmol/L", "2345-7")
    assert (entry.origin, entry.source, entry.author_name) == (Origin.HL7, "Laboratory", "Laboratory")
    assert entry.organization_id == sender.organization_id
    assert entry.effective_at.isoformat() == "2026-03-01T14:00:00+00:00", "in the establishment's zone"
    resource = entry.resource
    assert resource["referenceRange"][0]["high"]["value"] == 5.5
    assert resource["interpretation"][0]["coding"][0]["code"] == "H"
    assert resource["note"] == [{"text": "Fasting"}]
    report = await filed(sessions, ResourceType.DIAGNOSTIC_REPORT)
    assert report.resource["result"] == [{"reference": f"Observation/{entry.id}"}]


async def test_a_correction_is_the_next_version(send: Send, sessions: Sessions) -> None:
    await send(admission())
    await send(result(control="2"))
    await send(result(control="3", value="4.5", status="C"))
    entry = await filed(sessions)
    assert (entry.value, entry.version, entry.resource["status"]) == (4.5, 2, "corrected")
    async with transaction(sessions) as session:
        versions = await session.scalars(select(RecordVersion.resource).where(RecordVersion.title == "Glucose"))
        assert [version["valueQuantity"]["value"] for version in versions] == [5.4]


async def test_a_withdrawn_result_stays_marked(send: Send, sessions: Sessions) -> None:
    await send(admission())
    await send(result(control="2"))
    await send(result(control="3", status="W"))
    entry = await filed(sessions)
    assert (entry.status, bool(entry.status_reason)) == (EntryStatus.ENTERED_IN_ERROR, True)
    assert "MSA|AA" in await send(result(control="4", value="5.0"))
    assert (await filed(sessions)).status is EntryStatus.ENTERED_IN_ERROR


async def test_a_number_of_another_patient_takes_nothing(send: Send, sessions: Sessions) -> None:
    await send(admission())
    await send(admission(control="1b", number="A-2", family="Roy", born="19700101"))
    await send(result(control="2"))
    assert "MSA|AE|3" in await send(result(control="3", number="A-2", family="Roy", born="19700101"))
    assert "MSA|AE|4" in await send(result(control="4", order="L-78", number="A-1", born="19700101"))
    assert (await filed(sessions)).version == 1


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        ("NM", "5,4", {"valueQuantity": {"value": 5.4, **MMOL}}),
        ("SN", "<^5", {"valueQuantity": {"value": 5, **MMOL, "comparator": "<"}}),
        ("SN", "^1^:^128", {"valueString": "1 : 128"}),
        ("ST", "positive", {"valueString": "positive"}),
        ("TX", "line one~line two", {"valueString": "line one\nline two"}),
        ("CWE", "260385009^Negative^SCT", {"valueCodeableConcept": {"coding": [NEGATIVE], "text": "Negative"}}),
        ("NM", "", {}),
    ],
)
async def test_values_are_read_by_their_type(
    send: Send, sessions: Sessions, kind: str, value: str, read: dict[str, object]
) -> None:
    await send(admission())
    assert "MSA|AA" in await send(result(control="2", kind=kind, value=value))
    resource = (await filed(sessions)).resource
    assert {name: held for name, held in resource.items() if name.startswith("value")} == read


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"|5.4|", b"|a lot|"),
        (b"|5.4|", b"|1e400|"),
        (b"|NM|", b"|ED|"),
        (b"|F\rNTE", b"|Q\rNTE"),
        (b"2345-7^Glucose^LN", b""),
        (b"|L-77|", b"||"),
        (b"20260301100000", b"yesterday"),
    ],
)
async def test_what_cannot_be_read_takes_nothing(send: Send, sessions: Sessions, old: bytes, new: bytes) -> None:
    await send(admission())
    assert "MSA|AE|2" in await send(result(control="2").replace(old, new))
    async with transaction(sessions) as session:
        assert not (await session.scalars(select(RecordEntry))).all()
