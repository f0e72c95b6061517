"""Other systems, page by page."""

import re

from aiohttp import web
from aiohttp.test_utils import TestClient

from tests.conftest import Post, SignIn

Client = TestClient[web.Request, web.Application]

ARCHIVE = {"connection_type": "dicom-dimse", "name": "Archive", "address": "PACS@pacs.hospital.example:104"}


async def test_an_endpoint_is_added_suspended_and_removed(client: Client, signed_in: SignIn, post: Post) -> None:
    await signed_in("admin")
    assert (await post("/admin/endpoints", **ARCHIVE)).status == 303
    assert (await post("/admin/endpoints", **ARCHIVE)).status == 409
    page = await (await client.get("/admin/endpoints")).text()
    found = re.search(r"/admin/endpoints/[0-9a-f-]+/status", page)
    assert found
    assert (await post(found[0], status="suspended")).status == 303
    assert "Suspended" in await (await client.get("/admin/endpoints")).text()
    assert (await post(found[0], status="on fire")).status == 422
    assert (await post(found[0], status="off")).status == 303
    assert (await post(found[0], status="active")).status == 404
    assert "No other system yet" in await (await client.get("/admin/endpoints")).text()


async def test_what_an_address_looks_like_is_said(signed_in: SignIn, post: Post) -> None:
    await signed_in("admin")
    answer = await post("/admin/endpoints", **{**ARCHIVE, "address": "http://localhost/<script>"})
    page = await answer.text()
    assert answer.status == 422
    assert "PACS@pacs.hospital.example:11112" in page
    assert "<script>" not in page.replace("<script type", "")
    assert (await post("/admin/endpoints", **{**ARCHIVE, "connection_type": "pigeon"})).status == 422
    assert (await post("/admin/endpoints", **{**ARCHIVE, "name": ""})).status == 422
