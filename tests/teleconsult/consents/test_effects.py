"""What is said of a withdrawal beforehand is what it then does; who is a minor."""

from datetime import date

import pytest

from teleconsult.consents.effects import Allowed, Staying, Stopped, allowed, staying, stopped
from teleconsult.consents.majority import is_minor
from teleconsult.consents.withdrawing import NOT_HELD, withdraw_consent
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.actions import arrive_encounter, start_encounter
from teleconsult.patients.models import Patient
from tests import consult_steps
from tests.people import Cast


@pytest.mark.parametrize("state", [state for state in ConsultState if state is not ConsultState.DRAFT])
def test_every_state_says_what_stops_or_that_nothing_does(state: ConsultState) -> None:
    stops = stopped(state, is_shared=True)
    assert stops[0] is Stopped.READING
    assert (Stopped.CONSULT in stops) == (state in NOT_HELD)
    assert Stopped.READING not in stopped(state, is_shared=False)
    assert (Allowed.READ in allowed(state, is_shared=True), allowed(ConsultState.SIGNED, is_shared=False)) == (True, ())


@pytest.mark.parametrize("in_session", [False, True])
async def test_it_comes_as_it_was_said(cast: Cast, sessions: Sessions, in_session: bool) -> None:
    consult = await consult_steps.booked(cast, sessions)
    if in_session:
        for actor in (cast.rural, cast.specialist):
            async with transaction(sessions, actor) as session:
                await arrive_encounter(session, actor, consult_id=consult.id)
        async with transaction(sessions, cast.specialist) as session:
            await start_encounter(session, cast.specialist, consult_id=consult.id)
    async with transaction(sessions, cast.rural) as session:
        state = state_of(await consult_for(session, cast.rural, consult.id))
    said = stopped(state, is_shared=True)
    assert allowed(state, is_shared=True) == (Allowed.READ, Allowed.MEET)
    async with transaction(sessions, cast.rural) as session:
        after = state_of(await withdraw_consent(session, cast.rural, consult_id=consult.id, reason="No."))
    if in_session:
        assert said == (Stopped.READING, Stopped.SESSION_GOING_ON)
        assert (after, staying(state)) == (ConsultState.UNSIGNED, (Staying.NOTE_TO_WRITE,))
    else:
        assert said == (Stopped.READING, Stopped.SESSION_TO_COME, Stopped.CONSULT)
        assert (after, staying(state)) == (ConsultState.CANCELLED, ())


def test_a_signed_note_stays() -> None:
    for state in (ConsultState.SIGNED, ConsultState.DELIVERED, ConsultState.ACKNOWLEDGED):
        assert staying(state) == (Staying.SIGNED_NOTE,)
        assert stopped(state, is_shared=False) == ()


@pytest.mark.parametrize(
    ("born", "year", "is_one"),
    [
        (date(2008, 11, 23), None, True),
        (date(2008, 11, 22), None, False),
        (date(2026, 10, 1), None, True),
        (None, 2012, True),
        (None, 1980, False),
        (None, None, False),
    ],
)
def test_who_is_a_minor(born: date | None, year: int | None, is_one: bool) -> None:
    patient = Patient(birth_date=born, estimated_birth_year=year)
    assert is_minor(patient, on=date(2026, 11, 22)) is is_one
