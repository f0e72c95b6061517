"""A call over a thin, far, lossy line: both see and hear each other."""

from teleconsult.db import Sessions
from tests import consult_steps
from tests.browser.test_call import both_live, enter
from tests.links.conftest import OpenOver
from tests.links.line import Terms
from tests.people import Cast


async def test_a_call_stands_over_300_kbit_with_300_ms_and_three_lost_in_a_hundred(
    open_over: OpenOver, cast: Cast, sessions: Sessions
) -> None:
    consult = (await consult_steps.booked(cast, sessions)).id
    rural = await open_over("rural", width=360, height=780)
    specialist = await open_over("specialist")
    await enter(specialist.page, consult)
    rural.line.terms = Terms(rate=300_000, delay=0.15, loss=0.03)
    await enter(rural.page, consult)
    await both_live(rural.page, specialist.page)
    assert rural.line.up.lost > 0
