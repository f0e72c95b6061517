"""What follows the answer: a decision, a transfer, the note of why nobody was asked."""

import uuid

import pytest

from teleconsult.consults.history import ACTS, history_of
from teleconsult.consults.queries import consult_for
from teleconsult.db import Sessions, transaction
from teleconsult.emergencies.deciding import note_decision, note_images_seen, note_necessity
from teleconsult.emergencies.models import Decision, Emergency, TransferStatus
from teleconsult.emergencies.queries import emergency_of
from teleconsult.emergencies.transferring import ask_transfer, move_transfer, transfers_of
from teleconsult.errors import Forbidden, Invalid, NotFound, Refused
from tests.emergency_steps import answered, raised
from tests.people import Cast
from web.consult_words import _ACTS, act_in_words

REASON = "Unconscious and alone, nobody of the family could be reached."


async def test_the_time_of_the_first_decision_is_kept(cast: Cast, sessions: Sessions) -> None:
    emergency = await answered(cast, sessions)
    times = set()
    for decision in ("treat-here", "transfer"):
        async with transaction(sessions, cast.oncall) as session:
            told = await note_decision(
                session,
                cast.oncall,
                consult_id=emergency.service_request_id,
                decision=decision,
                note="Two lines, blood.",
            )
            times.add(told.decided_at)
    assert told.decision is Decision.TRANSFER and len(times) == 1


@pytest.mark.parametrize(("who", "error"), [("rural", Forbidden), ("coordinator", NotFound), ("stranger", NotFound)])
async def test_who_answered_decides(cast: Cast, sessions: Sessions, who: str, error: type[Exception]) -> None:
    emergency, actor = await answered(cast, sessions), getattr(cast, who)
    expected = (error, Forbidden)
    with pytest.raises(expected):
        async with transaction(sessions, actor) as session:
            await note_decision(session, actor, consult_id=emergency.service_request_id, decision="transfer")


async def test_nothing_is_decided_before_the_answer_and_nothing_unknown(cast: Cast, sessions: Sessions) -> None:
    emergency = await answered(cast, sessions)
    with pytest.raises(Invalid):
        async with transaction(sessions, cast.oncall) as session:
            await note_decision(session, cast.oncall, consult_id=emergency.service_request_id, decision="dance")


async def test_why_nobody_was_asked_is_noted_once(cast: Cast, sessions: Sessions) -> None:
    emergency = await raised(cast, sessions)
    note = emergency.service_request_id
    with pytest.raises(Invalid):
        async with transaction(sessions, cast.rural) as session:
            await note_necessity(session, cast.rural, consult_id=note, reason="alone")
    async with transaction(sessions, cast.rural) as session:
        assert (await note_necessity(session, cast.rural, consult_id=note, reason=REASON)).necessity == REASON
    with pytest.raises(Refused):
        async with transaction(sessions, cast.rural) as session:
            await note_necessity(session, cast.rural, consult_id=note, reason=REASON)
    with pytest.raises(Forbidden):
        async with transaction(sessions, cast.oncall) as session:
            await note_necessity(session, cast.oncall, consult_id=note, reason=REASON)


async def test_images_count_from_when_who_answered_saw_them(cast: Cast, sessions: Sessions) -> None:
    emergency = await answered(cast, sessions)
    seen = []
    for actor in (cast.rural, cast.oncall, cast.oncall):
        async with transaction(sessions, actor) as session:
            await note_images_seen(session, actor, consult_ids=[emergency.service_request_id])
        async with transaction(sessions) as session:
            told = await emergency_of(session, emergency.service_request_id)
            assert told is not None
            seen.append(told.images_at)
    assert seen[0] is None and seen[1] is not None and seen[1] == seen[2]


async def transfer(cast: Cast, sessions: Sessions, emergency: Emergency) -> uuid.UUID:
    async with transaction(sessions, cast.oncall) as session:
        asked = await ask_transfer(
            session,
            cast.oncall,
            consult_id=emergency.service_request_id,
            destination_id=cast.organizations["tertiary"].id,
            transport="helicopter",
            note="Keep him warm.",
        )
        return asked.id


async def test_a_transfer_goes_its_way_and_the_file_stays(cast: Cast, sessions: Sessions) -> None:
    emergency = await answered(cast, sessions)
    id = await transfer(cast, sessions, emergency)
    with pytest.raises(Refused):  # one journey at a time
        await transfer(cast, sessions, emergency)
    for status in ("accepted", "departed", "arrived"):
        async with transaction(sessions, cast.rural) as session:
            await move_transfer(session, cast.rural, transfer_id=id, status=status, answered_by="Dr Roy")
    async with transaction(sessions, cast.rural) as session:
        (told,) = await transfers_of(session, emergency.service_request_id)
        consult = await consult_for(session, cast.rural, emergency.service_request_id)
        assert told.status is TransferStatus.ARRIVED and told.answered_by == "Dr Roy"
        assert told.answered_at and told.departed_at and told.arrived_at
        assert consult.patient.organization_id == cast.organizations["rural"].id


@pytest.mark.parametrize("status", ["departed", "arrived", "requested", "lost"])
async def test_no_step_of_a_transfer_is_left_out(cast: Cast, sessions: Sessions, status: str) -> None:
    id = await transfer(cast, sessions, await answered(cast, sessions))
    with pytest.raises(Refused):
        async with transaction(sessions, cast.oncall) as session:
            await move_transfer(session, cast.oncall, transfer_id=id, status=status)


async def test_who_took_the_patient_is_named(cast: Cast, sessions: Sessions) -> None:
    id = await transfer(cast, sessions, await answered(cast, sessions))
    with pytest.raises(Invalid):
        async with transaction(sessions, cast.oncall) as session:
            await move_transfer(session, cast.oncall, transfer_id=id, status="accepted", answered_by=" ")
    with pytest.raises(NotFound):
        async with transaction(sessions, cast.stranger) as session:
            await move_transfer(session, cast.stranger, transfer_id=id, status="cancelled")


async def test_where_to_and_how_are_asked(cast: Cast, sessions: Sessions) -> None:
    emergency = await answered(cast, sessions)
    with pytest.raises(Invalid) as error:
        async with transaction(sessions, cast.rural) as session:
            await ask_transfer(
                session,
                cast.rural,
                consult_id=emergency.service_request_id,
                destination_id=cast.organizations["rural"].id,
                transport="sledge",
            )
    assert set(error.value.fields) == {"destination", "transport"}


async def test_the_history_of_the_consult_tells_of_the_emergency(cast: Cast, sessions: Sessions) -> None:
    emergency = await answered(cast, sessions)
    async with transaction(sessions, cast.oncall) as session:
        await note_decision(
            session, cast.oncall, consult_id=emergency.service_request_id, decision="treat-here", note="Two lines."
        )
    for actor in (cast.rural, cast.oncall):
        async with transaction(sessions, actor) as session:
            consult = await consult_for(session, actor, emergency.service_request_id)
            told = [event for event in await history_of(session, consult) if event.action.startswith("emergency-")]
        assert [event.action for event in told] == ["emergency-decided", "emergency-answered", "emergency-raised"]
        assert all(act_in_words(event) for event in told)


def test_every_act_of_the_history_has_its_words() -> None:
    assert set(ACTS) == set(_ACTS)
