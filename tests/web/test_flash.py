"""A sentence survives one redirect, once, and only if it is ours."""

from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from tests.web.test_components import app_for_pages
from web.flash import COOKIE, Flash, Signer, flash
from web.rendering import render
from web.requests import see_other

ERROR = "errors/error.html.jinja"


async def _act(request: web.Request) -> web.StreamResponse:
    flash(request, "The request <b>was sent</b>.")
    flash(request, "The coordinator has been told.", "info")
    return see_other("/shown")


async def _page(request: web.Request) -> web.StreamResponse:
    return render(request, ERROR, code=404, sentence="x")


@pytest.fixture
async def visitor(aiohttp_client: Callable[[web.Application], Awaitable[TestClient]]) -> TestClient:
    """A browser on a site with one page and one act."""
    app = app_for_pages()
    app.router.add_get("/shown", _page)
    app.router.add_post("/act", _act)
    return await aiohttp_client(app)


async def test_flash_is_shown_once_after_the_redirect(visitor: TestClient) -> None:
    page = await (await visitor.post("/act")).text()
    assert "The request &lt;b&gt;was sent&lt;/b&gt;." in page
    assert page.count('data-testid="flash"') == 2
    assert 'data-testid="flash"' not in await (await visitor.get("/shown")).text()


async def test_part_of_a_page_leaves_it_for_the_whole(visitor: TestClient) -> None:
    await visitor.post("/act", allow_redirects=False)
    part = await (await visitor.get("/shown", headers={"Turbo-Frame": "board"})).text()
    assert 'data-testid="flash"' not in part
    assert 'data-testid="flash"' in await (await visitor.get("/shown")).text()


@pytest.mark.parametrize("cookie", ["", "x", "W10=.00", "Ä.Ä", "." * 50])
async def test_forged_flash_says_nothing(visitor: TestClient, cookie: str) -> None:
    response = await visitor.get("/shown", headers={"Cookie": f"{COOKIE}={cookie}"})
    assert response.status == 404 or response.status == 200
    assert 'data-testid="flash"' not in await response.text()


def test_signature_is_of_the_words() -> None:
    signer = Signer(b"k" * 32)
    sealed = signer.seal([Flash("Đã gửi", "ok")])
    assert signer.open(sealed) == [Flash("Đã gửi", "ok")]
    assert Signer(b"x" * 32).open(sealed) == []
    assert signer.open("A" + sealed) == []
