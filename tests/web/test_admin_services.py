"""Services, page by page."""

from aiohttp import web
from aiohttp.test_utils import TestClient

from tests.conftest import Post, SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]


async def test_a_service_is_added_switched_off_and_on(
    client: Client, signed_in: SignIn, post: Post, cast: Cast
) -> None:
    await signed_in("admin")
    assert (await post("/admin/services", specialty="cardiology")).status == 303
    assert (await post("/admin/services", specialty="cardiology")).status == 409
    assert (await post("/admin/services", specialty="astrology")).status == 422
    page = await (await client.get("/admin/services")).text()
    assert page.count('data-testid="service-row"') == 3
    assert "No specialist" in page
    assert (await post(f"/admin/services/{cast.neurology.id}/closing")).status == 303
    assert "Switched off" in await (await client.get("/admin/services")).text()
    assert (await post(f"/admin/services/{cast.neurology.id}/opening")).status == 303
    assert "Switched off" not in await (await client.get("/admin/services")).text()


async def test_a_service_has_a_number_to_call(client: Client, signed_in: SignIn, post: Post, cast: Cast) -> None:
    await signed_in("admin")
    address = f"/admin/services/{cast.neurology.id}/telephone"
    wrong = await post(address, phone="call me")
    assert wrong.status == 422
    assert 'value="call me"' in await wrong.text()
    assert (await post(address, phone="+33 1 99 00 12 34")).status == 303
    assert 'value="+33 1 99 00 12 34"' in await (await client.get("/admin/services")).text()
    await signed_in("rural")
    assert (await post(address, phone="112")).status == 404


async def test_a_service_says_how_soon_it_answers(client: Client, signed_in: SignIn, post: Post, cast: Cast) -> None:
    await signed_in("admin")
    address = f"/admin/services/{cast.neurology.id}/promise"
    hours = {"routine": "48", "urgent": "12", "asap": "2", "stat": "1"}
    assert 'value="72"' in await (await client.get("/admin/services")).text(), "what is usual"
    for wrong in ({"stat": "0"}, {"stat": "soon"}, {"follow_up_days": "400"}, {"urgent": ""}):
        answer = await post(address, **{**hours, "follow_up_days": "30", **wrong})
        assert answer.status == 422, wrong
        assert 'value="48"' in await answer.text()
    assert (await post(address, **hours, follow_up_days="30")).status == 303
    page = await (await client.get("/admin/services")).text()
    assert 'value="48"' in page
    assert 'value="30"' in page
    await signed_in("coordinator")
    assert (await post(address, **hours, follow_up_days="30")).status == 404
