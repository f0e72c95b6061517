"""Systems that send images, on their page."""

import re
import uuid

from aiohttp import web
from aiohttp.test_utils import TestClient

from tests.conftest import Post, SignIn

Client = TestClient[web.Request, web.Application]


async def test_a_system_is_let_in_and_turned_off(client: Client, signed_in: SignIn, post: Post) -> None:
    await signed_in("admin")
    page = await (await client.get("/admin/dicom")).text()
    assert "No system sends images yet" in page
    assert "the operator has not opened the door" in page
    scanner = {"name": "<b>CT", "ae_title": "CT1", "address": "10.1.2.3"}
    assert (await post("/admin/dicom", **scanner)).status == 303
    assert (await post("/admin/dicom", **scanner)).status == 409
    page = await (await client.get("/admin/dicom")).text()
    assert "&lt;b&gt;CT" in page
    assert "10.1.2.3/32" in page
    (switch,) = re.findall(r"/admin/dicom/[0-9a-f-]+/status", page)
    for on, told in (("no", "Turn on"), ("yes", "Turn off")):
        assert (await post(switch, on=on)).status == 303
        assert f"{told}: " in await (await client.get("/admin/dicom")).text()


async def test_what_is_wrong_is_said_beside_its_field(signed_in: SignIn, post: Post) -> None:
    await signed_in("admin")
    answer = await post("/admin/dicom", name="", ae_title="x" * 17, address="everywhere", certificate="no")
    assert answer.status == 422
    page = await answer.text()
    for said in ("Give it a short name.", "Give its AE title", "Give one address", "This is no certificate."):
        assert said in page


async def test_reports_go_where_it_was_said(client: Client, signed_in: SignIn, post: Post) -> None:
    await signed_in("admin")
    scanner = {"name": "CT", "ae_title": "CT1", "address": "10.1.2.3", "report_address": "nowhere"}
    answer = await post("/admin/dicom", **scanner)
    assert (answer.status, "Give its address and port" in await answer.text()) == (422, True)
    assert (await post("/admin/dicom", **{**scanner, "report_address": "10.1.2.3:104"})).status == 303
    page = await (await client.get("/admin/dicom")).text()
    assert "reports to 10.1.2.3:104" in page
    (change,) = re.findall(r"/admin/dicom/[0-9a-f-]+/reports", page)
    wrong = await post(change, report_address="10.1.2.3:99999")
    assert (wrong.status, "10.1.2.3:99999" in await wrong.text()) == (422, True)
    assert (await post(change, report_address="pacs.example:11112")).status == 303
    assert "reports to pacs.example:11112" in await (await client.get("/admin/dicom")).text()
    assert (await post(change, report_address="")).status == 303
    assert "reports to" not in await (await client.get("/admin/dicom")).text()


async def test_another_establishment_s_system_is_not_there(signed_in: SignIn, post: Post) -> None:
    await signed_in("admin")
    assert (await post(f"/admin/dicom/{uuid.uuid4()}/reports", report_address="10.1.2.3:104")).status == 404
