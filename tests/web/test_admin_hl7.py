"""Messages from systems, page by page."""

import re

from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.db import Sessions
from teleconsult.hl7v2.receiving import Connection, receive
from tests.conftest import Post, SignIn
from tests.teleconsult.hl7v2.messages import result

Client = TestClient[web.Request, web.Application]


async def test_a_system_is_let_in_heard_and_turned_off(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions
) -> None:
    await signed_in("admin")
    assert "No system sends yet" in await (await client.get("/admin/hl7")).text()
    assert (await post("/admin/hl7", name="Lab", facility="HOSP")).status == 303
    assert (await post("/admin/hl7", name="Lab", facility="HOSP")).status == 409
    answer = await receive(sessions, Connection(None), result(control="<b>42"))
    assert b"MSA|AE" in answer
    page = await (await client.get("/admin/hl7")).text()
    assert "No. &lt;b&gt;42" in page
    assert "No patient of the establishment has this number." in page
    (seen,) = re.findall(r"/admin/hl7-messages/[0-9a-f-]+/seen", page)
    assert (await post(seen)).status == 303
    assert "Nothing to look at" in await (await client.get("/admin/hl7")).text()
    (switch,) = re.findall(r"/admin/hl7/[0-9a-f-]+/status", page)
    assert (await post(switch, on="no")).status == 303
    assert b"MSA|AR" in await receive(sessions, Connection(None), result(control="43"))
    assert (await post(switch, on="yes")).status == 303


async def test_a_message_of_another_facility_is_there_to_look_at(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions
) -> None:
    await signed_in("admin")
    await post("/admin/hl7", name="Lab", facility="HOSP")
    assert b"MSA|AR|44" in await receive(sessions, Connection(None), result(control="44", facility="HOPS"))
    page = await (await client.get("/admin/hl7")).text()
    assert "No. 44" in page
    assert "This certificate may not speak for this facility." in page
    (path,) = set(re.findall(r'href="(/admin/hl7-messages/[0-9a-f-]+)"', page))
    shown = await (await client.get(path)).text()
    assert 'class="segment-wrong"><dt>MSH-4</dt>' in shown


async def test_what_is_wrong_is_said_beside_its_field(signed_in: SignIn, post: Post) -> None:
    await signed_in("admin")
    answer = await post("/admin/hl7", name="", facility="A|B", certificate="no")
    assert answer.status == 422
    page = await answer.text()
    assert "Give it a short name." in page
    assert "This is no certificate." in page


async def test_a_message_is_shown_as_it_came(client: Client, signed_in: SignIn, post: Post, sessions: Sessions) -> None:
    await signed_in("admin")
    await post("/admin/hl7", name="Lab", facility="HOSP")
    await receive(sessions, Connection(None), result(family="<script>alert(1)</script>"))
    listed = await (await client.get("/admin/hl7")).text()
    (path,) = set(re.findall(r'href="(/admin/hl7-messages/[0-9a-f-]+)"', listed))
    page = await (await client.get(path)).text()
    assert "<dt>PID-5</dt><dd>&lt;script&gt;alert(1)&lt;/script&gt;^Luc" in page
    assert 'class="segment-wrong"><dt>PID-3</dt>' in page, "where it went wrong"
    assert "<dt>OBX-5</dt><dd>5.4</dd>" in page
    assert (await post(f"{path}/seen")).status == 303
    assert 'data-testid="hl7-seen"' not in await (await client.get(path)).text()
    await signed_in("rural")
    assert (await client.get(path)).status == 404
