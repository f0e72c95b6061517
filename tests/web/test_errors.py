"""What an error page offers: the way back to where one came from."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from tests.conftest import SignIn

Client = TestClient[web.Request, web.Application]

NOWHERE = "/consults/00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    ("referer", "way_back"),
    [
        ("{own}/consults?standing=open", "/consults?standing=open"),
        ("https://elsewhere.test/consults", None),
        ("{own}" + NOWHERE, None),
        ("http://[", None),
        ("javascript:alert(1)", None),
        ("//127.0.0.1/consults", None),
        ("{own}//evil.example", "/"),
    ],
)
async def test_the_way_back_leads_to_a_page_of_ours(
    client: Client, signed_in: SignIn, referer: str, way_back: str | None
) -> None:
    await signed_in("rural")
    own = str(client.make_url("/")).rstrip("/")
    answer = await client.get(NOWHERE, headers={"Referer": referer.format(own=own), "Accept": "text/html"})
    page = await answer.text()
    assert answer.status == 404
    assert page.count('<div class="button-row">') == 1
    buttons = page.split('<div class="button-row">')[1].split("</div>")[0]
    assert (f'href="{way_back}"' in buttons) if way_back else buttons.count("<a ") == 1
