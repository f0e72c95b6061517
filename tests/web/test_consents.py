"""One page of all that a patient agreed to: what it says, who may read it, and what is noted from it."""

import html
import re
from datetime import date

from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consents.models import Consent, ConsentBasis
from teleconsult.consents.queries import PAGE
from teleconsult.consults.triage import cancel_consult
from teleconsult.db import Sessions, transaction
from teleconsult.patients.care import open_care_relation
from teleconsult.patients.models import Patient
from tests import consult_steps, glass_steps
from tests.conftest import Post, SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]
NOBODY = consult_steps.NOBODY_ASKED


async def treat(cast: Cast, sessions: Sessions, actor: Actor) -> None:
    async with transaction(sessions, actor) as session:
        await open_care_relation(session, actor, patient_id=cast.patient.id, reason="on-call")


async def test_what_it_allows_and_what_a_withdrawal_stops(
    client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    await signed_in("specialist")
    await client.get(f"/consults/{consult.id}")
    await signed_in("rural")
    assert "Consents: 1 in force" in await (await client.get(f"/patients/{cast.patient.id}")).text()
    page = await (await client.get(f"/patients/{cast.patient.id}/consents")).text()
    assert page.count('data-testid="agreement"') == 1
    assert f"{cast.specialist.name}, CHU de la Capitale reads the excerpt of the file." in page
    assert "One entry" in page
    assert "While the consult is open, and 30 days after." in page
    assert "A live session is held on" in page
    assert "The consult is cancelled." in page
    assert "One person has looked at it already" in page
    assert f"/consults/{consult.id}/readings" in page
    assert 'data-testid="confirm-consent"' not in page


async def test_nobody_has_accepted_and_nobody_was_asked(
    client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions
) -> None:
    consult, here = await consult_steps.consented(cast, sessions, NOBODY), f"/patients/{cast.patient.id}/consents"
    await signed_in("rural")
    page = await (await client.get(here)).text()
    assert "The specialists of Neurology · CHU de la Capitale read the excerpt of the file." in page
    assert "Nobody could be asked, and it could not wait: Found unconscious, alone." in page
    assert "Nobody has looked at it yet: nothing is left behind." in page
    page = await (await client.get(f"/consults/{consult.id}")).text()
    assert "Who agreed: Nobody could be asked" in page
    assert here in page


async def test_withdrawing_from_it(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    consult = await consult_steps.booked(cast, sessions)
    path, here = f"/consults/{consult.id}/consent-withdrawal", f"/patients/{cast.patient.id}/consents"
    await signed_in("rural")
    refused = await post(path, reason=" ", **{"return": "consents"})
    assert refused.status == 422
    page = await refused.text()
    assert 'data-testid="agreement"' in page
    assert "Give a reason" in page
    answer = await post(path, reason="She changed her mind.", **{"return": "consents"})
    assert (answer.status, answer.headers["Location"]) == (303, here)
    page = await (await client.get(here)).text()
    assert 'data-consent="withdrawn"' in page
    assert "She changed her mind." in page
    assert "It cannot be given again for this consult" in page
    assert 'data-testid="withdraw-consent"' not in page
    assert (await post(path, reason="Again.", **{"return": "consents"})).status == 409
    assert "Consents: 0 in force" in await (await client.get(f"/patients/{cast.patient.id}")).text()


async def test_confirming_from_it(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    consult = await consult_steps.consented(cast, sessions, NOBODY)
    path, here = f"/consults/{consult.id}/consent-confirmation", f"/patients/{cast.patient.id}/consents"
    await signed_in("rural")
    page = await (await client.get(here)).text()
    assert 'data-testid="confirm-consent"' in page and "Without the patient" in page
    assert "checked" not in page, "nobody's word is taken by a press too many"
    unsaid = await post(path, **{"return": "consents"})
    assert (unsaid.status, "Say who agrees." in await unsaid.text()) == (422, True)
    refused = await post(path, basis="representative", given_by="Anne", **{"return": "consents"})
    assert refused.status == 422
    page = await refused.text()
    assert "Say why the patient does not decide." in page
    assert 'value="Anne"' in page
    said = {"given_by": "Anne", "relationship": "daughter", "incapacity": "unconscious", "return": "consents"}
    assert (await post(path, basis="representative", **said)).status == 303
    page = await (await client.get(here)).text()
    assert "Without the patient" not in page
    assert "Anne (daughter), for the patient: unconscious" in page
    assert page.count('data-testid="earlier-consent"') == 1
    assert (await post(path, basis="representative", **said)).status == 422
    assert (await post(path, basis="patient")).headers["Location"] == f"/consults/{consult.id}"
    page = await (await client.get(here)).text()
    assert page.count('data-testid="earlier-consent"') == 2
    assert 'data-testid="confirm-consent"' not in page
    assert "noted that the consent is confirmed" in await (await client.get(f"/consults/{consult.id}")).text()
    assert (await post(path, basis="patient")).status == 409
    for wrong in ({"basis": "king"}, {"basis": "representative", "incapacity": "drunk"}):
        assert (await post(path, **wrong)).status == 422


async def test_what_ended_with_the_consult(client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions, cast.rural) as session:
        await cancel_consult(session, cast.rural, consult_id=consult.id, reason="She is better.")
    await signed_in("rural")
    page = await (await client.get(f"/patients/{cast.patient.id}/consents")).text()
    assert 'data-consent="ended"' in page
    assert "It ended with the consult" in page
    assert 'data-testid="withdraw-consent"' not in page


async def test_who_treats_the_patient_here_and_elsewhere(
    client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions
) -> None:
    await consult_steps.submitted(cast, sessions)
    here = f"/patients/{cast.patient.id}/consents"
    for name in ("nurse", "colleague"):
        await signed_in(name)
        assert (await client.get(here)).status == 403
        await treat(cast, sessions, getattr(cast, name))
        page = await (await client.get(here)).text()
        assert 'data-consent="in-force"' in page
        assert ('data-testid="withdraw-consent"' in page) == (name == "colleague")
    for name in ("secretary", "coordinator", "stranger", "privacy"):
        await signed_in(name)
        assert (await client.get(here)).status == 404


async def test_elsewhere_it_is_said_that_there_is_one(
    client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions
) -> None:
    """Who broke the glass reads the file, and so that somebody agreed; what it is about, where it was asked."""
    await consult_steps.submitted(cast, sessions)
    await glass_steps.opened(cast, sessions, actor=cast.oncall)
    await signed_in("oncall")
    page = await (await client.get(f"/patients/{cast.patient.id}/consents")).text()
    assert 'data-consent="elsewhere"' in page
    assert "A consult of Centre de santé de l’Anse" in page
    assert consult_steps.QUESTION not in page
    assert 'data-testid="withdraw-consent"' not in page


async def test_twenty_at_a_time(client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions) -> None:
    for _ in range(PAGE + 1):
        draft = await consult_steps.drafted(cast, sessions)
        async with transaction(sessions) as session:
            draft = await session.merge(draft)
            draft.version = 2
            session.add(
                Consent(
                    patient_id=cast.patient.id,
                    service_request_id=draft.id,
                    basis=ConsentBasis.PATIENT,
                    recorded_by_id=cast.rural.role_id,
                    recorded_at=now(),
                )
            )
    await signed_in("rural")
    here = f"/patients/{cast.patient.id}/consents"
    page = await (await client.get(here)).text()
    assert page.count('data-testid="agreement"') == PAGE
    older = re.search(r'href="([^"]+before=[^"]+)"', page)
    assert older is not None
    assert (await (await client.get(html.unescape(older[1]))).text()).count('data-testid="agreement"') == 1
    assert (await client.get(f"{here}?before=x")).status == 404


async def test_a_minor_is_reminded_of(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await signed_in("rural")
    path = f"/consults/{draft.id}"
    assert 'data-testid="minor"' not in await (await client.get(path)).text()
    async with transaction(sessions) as session:
        (await session.get_one(Patient, cast.patient.id)).birth_date = date(2015, 1, 1)
    assert 'data-testid="minor"' in await (await client.get(path)).text()
    said = {"basis": "representative", "given_by": "Anne", "relationship": "mother", "incapacity": "minor"}
    assert (await post(f"{path}/draft", **said)).status == 303
    page = await (await client.get(path)).text()
    assert re.search(r'<option value="minor" selected>', page)
