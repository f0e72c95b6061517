"""The pages of an emergency: the button, the wait, what rings, and what is noted afterwards."""

import re
import uuid

import pytest
from aiohttp import FormData, web
from aiohttp.test_utils import TestClient

from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import (
    HealthcareService,
    Organization,
    OrganizationKind,
    RoleCode,
    Specialty,
)
from teleconsult.emergencies.answering import answer_emergency
from teleconsult.emergencies.models import Emergency
from teleconsult.emergencies.queries import emergency_of
from teleconsult.settings import Settings
from tests import consult_steps
from tests.conftest import Post, SignIn
from tests.emergency_steps import WHAT, answered, next_hospital, on_duty, pages, pressed, raised, step
from tests.people import Cast, another_neurologist, another_person
from tests.web.test_hostile_requests import cookie_of
from web.csrf import token_for

Client = TestClient[web.Request, web.Application]


async def page(client: Client, path: str, status: int = 200, **headers: str) -> str:
    answer = await client.get(path, headers=headers)
    assert answer.status == status, await answer.text()
    return await answer.text()


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.DOTALL)
    assert match is not None, pattern
    return match[1]


async def emergency(sessions: Sessions, consult_id: uuid.UUID) -> Emergency:
    async with transaction(sessions) as session:
        found = await emergency_of(session, consult_id)
        assert found is not None
        return found


async def test_pressed_without_a_script(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    await on_duty(sessions, cast.trauma, cast.oncall)
    await signed_in("rural")
    home = await page(client, "/")
    assert found(r'<a [^>]*href="([^"]*)"[^>]*data-testid="emergency"', home) == "/emergencies/new"
    form = await page(client, "/emergencies/new")
    assert found(r'name="service".*?<option value="([^"]*)"', form) == str(cast.trauma.id)  # who is on duty comes first
    fields = {
        "key": found(r'name="key" value="([^"]*)"', form),
        "what": WHAT,
        "service": str(cast.trauma.id),
        "patient": "",
        "gender": "male",
    }
    fields |= {"estimated_age": "40", "systolic": "70", "heart-rate": "130"}
    sent = await post("/emergencies", **fields)
    assert sent.status == 303 and sent.headers["Location"].endswith("/room")
    again = await post("/emergencies", **fields)
    assert again.headers["Location"] == sent.headers["Location"]
    room = await page(client, sent.headers["Location"])
    for part in ("Dr Paul Girard", 'data-testid="own-picture"', 'data-testid="dicom-files"', WHAT):
        assert part in room, part
    frame = await page(client, sent.headers["Location"], **{"Turbo-Frame": "emergency-waiting"})
    assert '<turbo-frame id="emergency-waiting"' in frame and "<html" not in frame


@pytest.mark.parametrize(
    ("field", "value"),
    [("what", ""), ("service", str(uuid.UUID(int=7))), ("estimated_age", "old"), ("systolic", "9000"), ("gender", "x")],
)
async def test_what_is_wrong_is_said_beside_its_field(
    client: Client, cast: Cast, signed_in: SignIn, post: Post, field: str, value: str
) -> None:
    await signed_in("rural")
    fields = {"what": WHAT, "service": str(cast.trauma.id), "patient": ""} | {field: value}
    answer = await post("/emergencies", **fields)
    shown = await answer.text()
    assert answer.status == 422 and f'name="{field}"' in shown and "field-error" in shown


async def test_from_a_file_its_patient_is_chosen(client: Client, cast: Cast, signed_in: SignIn) -> None:
    await signed_in("colleague")
    form = await page(client, f"/emergencies/new?patient={cast.patient.id}")
    assert found(r'name="patient".*?<option value="([^"]*)" selected', form) == str(cast.patient.id)
    await page(client, f"/emergencies/new?patient={cast.strangers_patient.id}", status=404)


async def test_what_rings_is_shown_acknowledged_and_answered(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    raise_ = await raised(cast, sessions)
    await signed_in("oncall")
    home = await page(client, "/")
    assert 'id="ringing"' in home and 'data-testid="emergency-line"' in home
    rings = await page(client, "/emergencies/ringing")
    assert WHAT in rings and "<html" not in rings
    assert (await post(found(r'data-ring="([^"]*)"', rings))).status == 204
    (told,) = await pages(sessions, raise_)
    assert told.rung_at is not None
    answer = await post(f"/emergencies/{raise_.id}/answer")
    assert answer.status == 303 and answer.headers["Location"] == f"/consults/{raise_.service_request_id}/room"
    assert (await client.get("/emergencies/ringing")).status == 204
    room = await page(client, answer.headers["Location"])
    assert 'data-controller="room"' in room


async def test_who_comes_second_is_told_who_was_first(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    raise_ = await raised(cast, sessions)
    await step(sessions, raise_)
    await signed_in("oncall")
    assert (await post(f"/emergencies/{raise_.id}/answer")).status == 303
    await signed_in("coordinator")
    late = await post(f"/emergencies/{raise_.id}/answer")
    assert (late.status, late.headers["Location"]) == (303, f"/consults/{raise_.service_request_id}")
    assert "Dr Paul Girard has answered already." in await page(client, late.headers["Location"])


async def test_declined_rings_the_next_and_a_coordinator_sees_to_it(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    raise_ = await raised(cast, sessions)
    await signed_in("oncall")
    assert (await post(f"/emergencies/{raise_.id}/refusal")).status == 303
    await signed_in("coordinator")
    assert "I see to it" in await page(client, "/emergencies/ringing")
    seen = await post(f"/emergencies/{raise_.id}/answer")
    assert seen.headers["Location"] == f"/consults/{raise_.service_request_id}"
    shown = await page(client, seen.headers["Location"])
    assert "declined" in shown and 'data-testid="ring-on"' in shown
    assert (await post(f"/consults/{raise_.service_request_id}/ringing")).status == 303


async def test_where_everybody_declined_one_telephones(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    raise_ = await raised(cast, sessions)
    for who in ("oncall", "coordinator"):
        await signed_in(who)
        assert (await post(f"/emergencies/{raise_.id}/refusal")).status == 303
    await signed_in("rural")
    shown = await page(client, f"/consults/{raise_.service_request_id}/room")
    assert "Everybody on duty has declined. Telephone now." in shown
    assert 'data-testid="ring-on"' not in shown, "nobody is left whom it would call"


async def test_called_off_from_the_room(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    raise_ = await raised(cast, sessions)
    await signed_in("rural")
    assert (await post(f"/consults/{raise_.service_request_id}/emergency-end", reason="He is awake.")).status == 303
    await signed_in("oncall")
    assert (await client.get("/emergencies/ringing")).status == 204
    assert (await emergency(sessions, raise_.service_request_id)).ended_at is not None


async def test_decision_transfer_and_reason_are_noted(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    raise_ = await answered(cast, sessions)
    consult = f"/consults/{raise_.service_request_id}"
    await signed_in("oncall")
    assert (await post(f"{consult}/decision", decision="transfer", note="Two lines.")).status == 303
    to = str(cast.organizations["tertiary"].id)
    assert (await post(f"{consult}/transfers", destination=to, transport="helicopter")).status == 303
    await signed_in("rural")
    assert (await post(f"{consult}/necessity", necessity="Unconscious, no family near.")).status == 303
    shown = await page(client, consult)
    follow = found(r'data-testid="transfer".*?action="([^"]*)"', shown)
    assert (await post(follow, status="accepted", answered_by="Dr Roy")).status == 303
    shown = await page(client, consult)
    alone = await page(client, consult, **{"Turbo-Frame": "emergency-card"})
    assert "Dr Roy" in alone and "<html" not in alone
    for part, words in (("decision", "Two lines."), ("transfer", "Dr Roy"), ("necessity", "Unconscious")):
        assert re.search(f'data-testid="{part}".*{words}', shown, re.DOTALL), part
    assert "Answered" in found(r'data-testid="emergency-times">(.*?)</ol>', shown)


async def test_in_the_room_it_is_decided_and_seen_without_leaving(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    raise_ = await answered(cast, sessions)
    consult = f"/consults/{raise_.service_request_id}"
    await signed_in("oncall")
    room = await page(client, f"{consult}/room")
    assert 'data-testid="room-emergency"' in room and 'data-testid="decision-form"' in room
    card = "room-emergency-card"
    refused = await post(f"{consult}/decision", frame=card, decision="")
    assert refused.status == 422 and 'data-testid="refused"' in await refused.text()
    noted = await post(f"{consult}/decision", frame=card, decision="transfer", note="Two lines.")
    assert (noted.status, noted.headers["Location"]) == (303, f"{consult}/room")
    shown = await page(client, f"{consult}/room", **{"Turbo-Frame": card})
    assert "Two lines." in shown and "<html" not in shown
    to = str(cast.organizations["tertiary"].id)
    asked = await post(f"{consult}/transfers", frame=card, destination=to, transport="ambulance")
    assert asked.headers["Location"] == f"{consult}/room"
    await signed_in("rural")
    shown = await page(client, f"{consult}/room", **{"Turbo-Frame": "room-decided"})
    assert "Two lines." in found(r'data-testid="decided">(.*?)</p>', shown)
    follow = found(r'data-testid="transfer".*?action="([^"]*)"', await page(client, f"{consult}/room"))
    refused = await post(follow, frame=card, status="accepted", answered_by="")
    assert refused.status == 422 and 'data-testid="refused"' in await refused.text()
    noted = await post(follow, frame=card, status="accepted", answered_by="Dr Roy")
    assert noted.headers["Location"] == f"{consult}/room"


async def test_nothing_rings_on_the_pages_of_who_is_never_rung(client: Client, cast: Cast, signed_in: SignIn) -> None:
    await signed_in("rural")
    assert 'id="ringing"' not in await page(client, "/")


async def test_ones_own_shift_is_handed_over_in_two_presses(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    async with transaction(sessions) as session:
        second = await another_neurologist(session, cast)
    await on_duty(sessions, cast.neurology, cast.specialist)
    await signed_in("specialist")
    home = await page(client, "/")
    action = found(r'action="(/duty/[^"]*)"', home)
    assert f'name="role" value="{second.role_id}"' in home
    assert (await post(action, role=str(second.role_id))).status == 303
    assert "Dr Odile Caron until" in await page(client, "/")


async def test_how_long_one_waits_is_the_services_own(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    await signed_in("admin")
    pace = f"/admin/services/{cast.trauma.id}/pace"
    assert (await post(pace, page_seconds="45")).status == 303
    assert 'value="45"' in await page(client, "/admin/services")
    for wrong in ("5", "301", "soon", ""):
        assert (await post(pace, page_seconds=wrong)).status == 422
    raise_ = await raised(cast, sessions)
    assert raise_.next_at is not None and (raise_.next_at - raise_.pressed_at).total_seconds() > 44


async def test_the_service_says_which_hospital_comes_next(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn
) -> None:
    async with transaction(sessions) as session:  # by size alone the clinic would be the last
        clinic = Organization(
            name="Clinique de l’Île",
            kind=OrganizationKind.CLINIC,
            time_zone="America/Toronto",
            sharing_network=cast.organizations["rural"].sharing_network,
        )
        session.add(clinic)
        await session.flush()
        small = HealthcareService(organization_id=clinic.id, specialty=Specialty.TRAUMA, id=uuid.uuid4())
        heart = HealthcareService(organization_id=clinic.id, specialty=Specialty.CARDIOLOGY, id=uuid.uuid4())
        session.add_all([small, heart])
        cast.organizations["clinic"] = clinic
        islander = await another_person(session, cast, "clinic", RoleCode.SPECIALIST, Specialty.TRAUMA)
    await on_duty(sessions, small, islander)
    large, surgeon = await next_hospital(cast, sessions)
    await signed_in("admin")
    path = f"/admin/services/{cast.trauma.id}/next"

    async def kept(chosen: list[str]) -> int:
        fields = [("csrf_token", token_for(settings, cookie_of(client))), *(("next", one) for one in chosen)]
        return (await client.post(path, data=FormData(fields), allow_redirects=False)).status

    for wrong in ([str(heart.id)], [str(small.id)] * 2, [str(cast.trauma.id)], ["x"]):
        assert await kept(wrong) == 422, wrong
    assert await kept([str(small.id), ""]) == 303
    assert 'data-testid="next-hospitals"' in await page(client, "/admin/services")
    raise_ = await pressed(cast, sessions)
    for _turn in range(2):
        await step(sessions, raise_)
    rung = [one.practitioner_role_id for one in await pages(sessions, raise_)]
    assert rung == [cast.coordinator.role_id, islander.role_id, surgeon.role_id]
    assert large.next_services == []


@pytest.mark.parametrize(("who", "leads_to"), [("rural", "/consults/{id}/room"), ("oncall", "/")])
async def test_others_are_called_in_one_press_from_either_side(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post, who: str, leads_to: str
) -> None:
    raised = await answered(cast, sessions)
    await signed_in(who)
    consult = f"/consults/{raised.service_request_id}"
    assert 'data-testid="call-others"' in await page(client, consult)
    sent = await post(f"{consult}/others")
    assert (sent.status, sent.headers["Location"]) == (303, leads_to.format(id=raised.service_request_id))
    assert 'data-testid="call-others"' not in await page(client, consult)
    await page(client, sent.headers["Location"])


async def test_a_request_becomes_an_emergency_and_waits_again(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    await on_duty(sessions, cast.neurology, cast.specialist)
    consult = await consult_steps.submitted(cast, sessions)
    here = f"/consults/{consult.id}"
    await signed_in("rural")
    assert f'action="{here}/emergency"' in await page(client, here)
    answer = await post(f"{here}/emergency")
    assert (answer.status, answer.headers["Location"]) == (303, f"{here}/room")
    waiting = await page(client, f"{here}/room")
    assert cast.specialist.name in found(r'data-testid="paged">(.*?)</li>', waiting)
    assert f'action="{here}/calming"' in waiting
    assert (await post(f"{here}/calming", mode="advice")).headers["Location"] == here
    told = await page(client, here)
    assert 'data-mode="advice"' in told
    assert "necessity-form" not in told, "the patient was asked before it was an emergency"
    assert (await post(f"{here}/calming", mode="video")).status == 409
    await post(f"{here}/emergency")
    assert (await page(client, f"{here}/room")).count('data-testid="paged"') == 1, "who fell silent rings no more"


async def test_a_coordinator_who_was_rung_comes_to_the_door_once_somebody_answered(
    client: Client, cast: Cast, sessions: Sessions, signed_in: SignIn, post: Post
) -> None:
    one = await raised(cast, sessions)
    await step(sessions, one)
    assert cast.coordinator.role_id in {page.practitioner_role_id for page in await pages(sessions, one)}
    here = f"/consults/{one.service_request_id}"
    await signed_in("coordinator")
    assert "come-to-room" not in await page(client, here), "nobody is in the room to let them in"
    async with transaction(sessions, cast.oncall) as session:
        await answer_emergency(session, cast.oncall, emergency_id=one.id)
    answer = await post(f"/emergencies/{one.id}/answer")
    assert (answer.status, answer.headers["Location"]) == (303, here), (
        "nothing is left to see to, and that is no mistake"
    )
    shown = await page(client, here)
    door = found(r'action="(/agenda/invitations/[^"]*)".*?come-to-room', shown)
    assert (await post(door)).headers["Location"] == "/join"
    await signed_in("specialist")
    assert (await post(door)).status == 404, "who was not rung stays outside"
