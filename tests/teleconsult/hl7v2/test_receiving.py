"""A message is taken once, answered truthfully, and kept whatever becomes of it."""

import asyncio

import pytest
from sqlalchemy import func, select, update

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.hl7v2.models import Acknowledgment, Hl7Message, Hl7Sender
from teleconsult.patients.models import Patient
from teleconsult.records.models import RecordEntry
from tests.people import Cast
from tests.teleconsult.hl7v2.conftest import Send
from tests.teleconsult.hl7v2.messages import admission, result


async def kept(sessions: Sessions) -> list[Hl7Message]:
    async with transaction(sessions) as session:
        return list(await session.scalars(select(Hl7Message).order_by(Hl7Message.received_at)))


async def entries(sessions: Sessions) -> int:
    async with transaction(sessions) as session:
        return await session.scalar(select(func.count()).select_from(RecordEntry)) or 0


async def test_a_message_is_answered_kept_and_audited(send: Send, sessions: Sessions) -> None:
    answer = await send(admission(control="42"))
    assert "\rMSA|AA|42\r" in answer
    assert "|LAB|HOSP|" in answer
    assert "ACK^A28^ACK" in answer
    (message,) = await kept(sessions)
    assert (message.kind, message.acknowledgment, message.times) == ("ADT^A28", Acknowledgment.ACCEPT, 1)
    assert message.seen_at is not None
    async with transaction(sessions) as session:
        actions = set(await session.scalars(select(AuditEvent.action)))
        event = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "hl7-message-taken"))).one()
    assert {"hl7-message-taken", "patient-registered"} <= actions
    assert event.actor_name == "Laboratory"
    assert "Gagn" not in str(event.detail)


async def test_a_replay_has_one_effect(send: Send, sessions: Sessions) -> None:
    await send(admission())
    answers = [await send(result(control="7")) for _ in range(3)]
    assert all("MSA|AA|7" in answer for answer in answers)
    assert await entries(sessions) == 2, "a result and its report"
    assert [message.times for message in await kept(sessions)] == [1, 3]


async def test_a_replay_at_once_has_one_effect(send: Send, sessions: Sessions) -> None:
    await send(admission())
    answers = await asyncio.gather(*(send(result(control="7")) for _ in range(6)))
    assert all("MSA|AA|7" in answer for answer in answers)
    assert await entries(sessions) == 2


async def test_the_same_number_with_other_content_is_taken_and_shown(send: Send, sessions: Sessions) -> None:
    await send(admission(control="1"))
    assert "MSA|AA|1" in await send(result(control="1", value="9.9"))
    first, second = await kept(sessions)
    assert (first.is_id_reused, second.is_id_reused) == (False, True)
    assert second.seen_at is None
    assert await entries(sessions) == 2


async def test_what_cannot_be_taken_yet_is_taken_when_it_comes_again(send: Send, sessions: Sessions) -> None:
    answer = await send(result(control="9"))
    assert "MSA|AE|9" in answer
    assert "ERR||PID^1^3|204^^HL70357|E" in answer
    (message,) = await kept(sessions)
    assert (message.fault, message.seen_at) == ("204", None)
    await send(admission())
    assert "MSA|AA|9" in await send(result(control="9"))
    assert [(message.fault, message.seen_at is None, message.times) for message in await kept(sessions)] == [
        ("", False, 2),
        ("", False, 1),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "AR"),
        (b"hello", "AR"),
        (b"MSH|^~\\&|\r", "AR"),
        (b"MSH" * 10_000, "AR"),
        (b"MSH|^~\\&|A|HOSP|||20260101||ADT^A28|1|P|2.5.1||||||KOI8\rPID|1", "AR"),
        (b"MSH|^~\\&|A|HOSP|||20260101||ADT^A28|1|P|2.5.1\r" + b"NTE|1\r" * 6_000, "AR"),
        (admission().replace(b"|LAB|", b"|L\0B|"), "AR"),
        (admission().replace(b"ADT^A28", b"ADT^A\0"), "AR"),
        (admission(control="1\\.spx\\"), "AR"),
        (admission(given="a\\.spx\\"), "AE"),
        (admission(given="a\\.sp9999999999\\"), "AR"),
        (admission(given="a\\.sp9999999999\\").replace(b"^~\\&", b"^~"), "AR"),
        (admission(given="\\.in99\\" * 3_000), "AR"),
        (admission("A60"), "AR"),
        (admission().replace(b"ADT^A28", b"SIU^S12"), "AR"),
        (admission(number=""), "AE"),
        (admission(family=""), "AE"),
        (admission(born="19809999"), "AE"),
        (admission(born="20990101"), "AE"),
        (admission(number="x" * 200), "AE"),
        (admission(given="a\0b"), "AE"),
        (admission().split(b"\rPID")[0], "AE"),
    ],
)
async def test_what_is_no_message_of_ours_is_refused(send: Send, sessions: Sessions, content: bytes, said: str) -> None:
    answer = await send(content)
    assert f"MSA|{said}|" in answer
    assert "HL70357" in answer
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).where(Patient.family == "Gagné")) == 0


async def test_only_known_systems_are_heard(send: Send, sessions: Sessions, sender: Hl7Sender) -> None:
    assert "MSA|AR" in await send(admission(), certificate=b"somebody else's")
    async with transaction(sessions) as session:
        await session.execute(update(Hl7Sender).values(disabled_at=now()))
    assert "MSA|AR" in await send(admission())
    assert "MSA|AR" in await send(admission().replace(b"|HOSP|", b"|OTHER|"))
    assert await kept(sessions) == []
    async with transaction(sessions) as session:
        refused = select(func.count()).where(AuditEvent.action == "hl7-message-refused")
        assert await session.scalar(refused) == 3


async def test_a_wrong_facility_is_shown_to_the_establishment_of_the_sender(
    send: Send, sessions: Sessions, sender: Hl7Sender
) -> None:
    wrong = result(control="5", facility="HOPS")
    answers = [await send(wrong) for _ in range(2)]
    assert all("MSA|AR|5" in answer and "ERR||MSH^1^4|103^^HL70357|E" in answer for answer in answers)
    (message,) = await kept(sessions)
    assert (message.sender_id, message.organization_id) == (sender.id, sender.organization_id)
    assert (message.acknowledgment, message.fault_at, message.times) == (Acknowledgment.REJECT, "MSH-4", 2)
    assert message.seen_at is None
    assert await entries(sessions) == 0
    async with transaction(sessions) as session:
        event = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "hl7-message-refused"))).first()
    assert event is not None and event.organization_id == sender.organization_id


async def test_a_facility_that_may_be_several_establishments_is_shown_to_none(
    send: Send, sessions: Sessions, cast: Cast
) -> None:
    async with transaction(sessions) as session:
        session.add(
            Hl7Sender(
                organization_id=cast.patient_elsewhere.organization_id, name="Other", facility="CHU", created_at=now()
            )
        )
    assert "MSA|AR" in await send(result(facility="HOPS"))
    assert await kept(sessions) == []


async def test_a_system_that_was_turned_off_is_not_shown_for_another(
    send: Send, sessions: Sessions, sender: Hl7Sender
) -> None:
    off = Hl7Sender(
        organization_id=sender.organization_id, name="Old", facility="OLD", created_at=now(), disabled_at=now()
    )
    async with transaction(sessions) as session:
        session.add(off)
    assert "MSA|AR" in await send(result(facility="OLD"))
    assert await kept(sessions) == []


async def test_what_the_reader_finds_strange_is_not_printed(send: Send, caplog: pytest.LogCaptureFixture) -> None:
    for strange in ("Gag\\Secret\\", "Gag\\CSecret\\", "Gag\\XSecret\\", "Secret\\\\"):
        await send(admission(control=str(len(strange)), given=strange))
    assert "Secret" not in caplog.text


async def test_an_answer_cannot_be_broken_out_of(send: Send) -> None:
    answer = await send(admission(control="1\\F\\X\\.br\\\\X0D\\MSA|AA|2"))
    assert answer.count("MSA|") == 1
