"""Rules of retention, page by page."""

from aiohttp import web
from aiohttp.test_utils import TestClient

from tests.conftest import Post, SignIn

Client = TestClient[web.Request, web.Application]


async def test_a_rule_is_set_typed_and_removed(client: Client, signed_in: SignIn, post: Post) -> None:
    await signed_in("admin")
    assert (await post("/admin/retention", subject="chat", keep="90")).status == 303
    assert '<option value="90" selected>' in await (await client.get("/admin/retention")).text()
    assert (await post("/admin/retention", subject="chat", keep="other", keep_days="45")).status == 303
    assert '<option value="45" selected>' in await (await client.get("/admin/retention")).text()
    assert (await post("/admin/retention", subject="chat", keep="always")).status == 303
    assert '<option value="45"' not in await (await client.get("/admin/retention")).text()


async def test_what_cannot_be_is_said(signed_in: SignIn, post: Post) -> None:
    await signed_in("admin")
    for fields in (
        {"subject": "chat", "keep": "other", "keep_days": "29"},
        {"subject": "chat", "keep": "other", "keep_days": ""},
        {"subject": "chat", "keep": "1"},
        {"subject": "chat", "keep": "99999"},
        {"subject": "chat"},
        {"subject": "audit-log", "keep": "90"},
        {"subject": "excerpt-copies", "keep": "90"},
    ):
        assert (await post("/admin/retention", **fields)).status == 422, fields
