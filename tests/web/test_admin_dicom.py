"""Systems that send images, on their page."""

import re
import uuid
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestClient

from tests.certificates import make_certificate
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


async def test_a_place_that_is_none_is_said_beside_its_field(signed_in: SignIn, post: Post) -> None:
    await signed_in("admin")
    scanner = {"name": "CT", "ae_title": "CT1", "address": "10.1.2.3", "report_address": "a/b?c#d:x:99"}
    answer = await post("/admin/dicom", **scanner)
    assert (answer.status, "Give its address and port" in await answer.text()) == (422, True)


async def test_one_is_changed(client: Client, signed_in: SignIn, post: Post) -> None:
    await signed_in("admin")
    scanner = {"name": "CT", "ae_title": "CT1", "address": "10.1.2.3", "report_address": "10.1.2.3:104"}
    assert (await post("/admin/dicom", **scanner)).status == 303
    page = await (await client.get("/admin/dicom")).text()
    assert "reports to 10.1.2.3:104" in page
    (one,) = re.findall(r'href="(/admin/dicom/[0-9a-f-]+)"', page)
    shown = await (await client.get(one)).text()
    for value in ("CT", "CT1", "10.1.2.3/32", "10.1.2.3:104"):
        assert f'value="{value}"' in shown
    wrong = await post(one, **scanner | {"name": "MR", "report_address": "10.1.2.3:99999"})
    told = await wrong.text()
    assert (wrong.status, "Give its address and port" in told, 'value="MR"' in told) == (422, True, True)
    assert (await post(one, **scanner | {"name": "MR", "report_address": ""})).status == 303
    page = await (await client.get("/admin/dicom")).text()
    assert (">MR</a>" in page, "reports to" in page) == (True, False)


async def test_where_it_takes_reports_is_tried_first(signed_in: SignIn, post: Post, client: Client) -> None:
    """Beside the form where the browser keeps it, else on a page with what was typed."""
    await signed_in("admin")
    scanner = {"name": "CT", "ae_title": "CT1", "address": "10.1.2.3"}
    for place, said in (("", "Say first where it takes reports"), ("127.0.0.1:104", "may not be asked")):
        for framed in (True, False):
            answer = await post("/admin/dicom-trial", frame="trial" if framed else "", **scanner, report_address=place)
            told = await answer.text()
            assert (answer.status, said in told, "<form" in told) == (200, True, not framed)
    assert "No system sends images yet" in await (await client.get("/admin/dicom")).text()


async def test_another_establishment_s_system_is_not_there(client: Client, signed_in: SignIn, post: Post) -> None:
    await signed_in("admin")
    nobodys = f"/admin/dicom/{uuid.uuid4()}"
    assert (await client.get(nobodys)).status == 404
    for door in (nobodys, f"{nobodys}/trial"):
        assert (await post(door, name="CT", ae_title="CT1", address="10.1.2.3")).status == 404


async def test_a_private_key_is_neither_kept_nor_shown_again(
    client: Client, signed_in: SignIn, post: Post, tmp_path: Path
) -> None:
    await signed_in("admin")
    made = make_certificate(tmp_path / "its")
    both = made.certificate.read_text() + made.key.read_text()
    scanner = {"name": "CT", "ae_title": "CT1", "address": "10.1.2.3"}
    for door, field in (("", "report_authority"), ("-trial", "report_authority"), ("", "certificate")):
        answer = await post(f"/admin/dicom{door}", **scanner | {field: both, "report_address": "no"})
        page = await answer.text()
        assert ("Give its address and port" in page, 'value="CT1"' in page) == (True, True)
        assert ("This holds a private key." in page, "BEGIN PRIVATE" in page) == (True, False)
    assert "No system sends images yet" in await (await client.get("/admin/dicom")).text()
