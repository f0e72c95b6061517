"""The page that asks who one is, and the way back."""

from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, make_mocked_request
from sqlalchemy import update

from teleconsult.accounts.models import WebSession
from teleconsult.db import Sessions, transaction
from teleconsult.errors import StepUpNeeded
from tests.conftest import Post, SignIn
from tests.people import PASSWORD
from web.errors import error_response

Client = TestClient[web.Request, web.Application]


async def test_a_page_that_needs_it_sends_there_and_back(client: Client) -> None:
    page = make_mocked_request("GET", "/exports?of=me", headers={"Accept": "text/html"}, app=client.app)
    answer = error_response(page, StepUpNeeded())
    assert (answer.status, answer.headers["Location"]) == (303, "/step-up?next=/exports?of%3Dme")


async def test_what_was_sent_leads_back_to_its_form(client: Client) -> None:
    headers = {"Accept": "text/html", "Host": "clinic.example", "Referer": "http://clinic.example/patients?q=x"}
    sent = make_mocked_request("POST", "/break-glass", headers=headers, app=client.app)
    assert error_response(sent, StepUpNeeded()).headers["Location"] == "/step-up?next=/patients?q%3Dx"
    part = make_mocked_request("GET", "/part", headers={**headers, "Turbo-Frame": "part"}, app=client.app)
    assert error_response(part, StepUpNeeded()).headers["Location"] == "/step-up?next=/patients?q%3Dx"
    foreign = make_mocked_request(
        "POST", "/break-glass", headers={**headers, "Referer": "https://evil.example/"}, app=client.app
    )
    assert error_response(foreign, StepUpNeeded()).headers["Location"] == "/step-up?next=/"


async def test_a_script_is_told_in_json(client: Client) -> None:
    fetched = make_mocked_request("POST", "/exports", headers={"Accept": "application/json"}, app=client.app)
    answer = error_response(fetched, StepUpNeeded())
    assert (answer.status, answer.content_type) == (403, "application/json")


async def test_the_password_leads_on_with_a_new_cookie(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions
) -> None:
    await signed_in("rural")
    async with transaction(sessions) as session:
        await session.execute(update(WebSession).values(factor_at=WebSession.factor_at - timedelta(hours=1)))
    old = client.session.cookie_jar.filter_cookies(client.make_url("/"))["session"].value
    page = await (await client.get("/step-up?next=/patients")).text()
    assert 'data-testid="step-up"' in page
    assert 'value="/patients"' in page
    answer = await post("/step-up", password=PASSWORD, next="/patients")
    assert (answer.status, answer.headers["Location"]) == (303, "/patients")
    assert answer.cookies["session"].value != old
    assert (await client.get("/patients")).status == 200
    client.session.cookie_jar.clear()
    client.session.cookie_jar.update_cookies({"session": old})
    assert (await client.get("/patients")).status == 401


async def test_a_wrong_password_shows_the_page_again(client: Client, signed_in: SignIn, post: Post) -> None:
    await signed_in("rural")
    answer = await post("/step-up", password="wrong", next="/patients")
    page = await answer.text()
    assert answer.status == 422
    assert "This is not your password." in page
    assert 'value="/patients"' in page


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
async def test_it_never_leads_to_another_site(client: Client, signed_in: SignIn, post: Post, target: str) -> None:
    await signed_in("rural")
    assert (await post("/step-up", password=PASSWORD, next=target)).headers["Location"] == "/"


async def test_before_sign_in_there_is_nothing_to_step_up(client: Client, post: Post) -> None:
    assert (await post("/step-up", password=PASSWORD)).status == 401


async def test_cancel_leads_back_to_where_one_was(client: Client, signed_in: SignIn, post: Post) -> None:
    await signed_in("rural")
    here = str(client.make_url("/patients?q=x"))
    for referer, left in ((here, "/patients?q=x"), ("https://evil.example/", "/"), ("", "/")):
        answer = await client.get("/step-up?next=/exports", headers={"Referer": referer})
        assert f'class="button button-quiet" href="{left}"' in await answer.text()
    for sent, left in (("/patients?q=x", "/patients?q=x"), ("//evil.example", "/")):
        answer = await post("/step-up", password="wrong", next="/exports", left=sent)
        assert f'class="button button-quiet" href="{left}"' in await answer.text(), "after a wrong password, too"
