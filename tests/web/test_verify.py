"""The page where anyone checks a note: no sign-in, a clear verdict, nothing kept."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import FormData, web
from aiohttp.test_utils import TestClient
from cryptography.hazmat.primitives.serialization import Encoding

from teleconsult.notes.authority import trust_folder
from teleconsult.notes.shares import Shares
from teleconsult.notes.verdict import SIZE_LIMIT
from teleconsult.settings import Settings
from tests.conftest import SignIn
from tests.teleconsult.notes.test_bundling import exported
from tests.teleconsult.notes.test_signature import authority, signed
from tests.waiting import eventually
from web.requests import CHECKER
from web.views import verify

Client = TestClient[web.Request, web.Application]


@pytest.fixture
def pdf(settings: Settings) -> bytes:
    """A signed note whose authority this installation trusts."""
    folder = trust_folder(settings.data)
    folder.mkdir(parents=True)
    (folder / "root.pem").write_bytes(authority().certificate.public_bytes(Encoding.PEM))
    return signed()


def upload(content: bytes, name: str = "note.pdf", token: str = "") -> FormData:
    form = FormData()
    form.add_field("csrf_token", token)
    form.add_field("file", content, filename=name, content_type="application/pdf")
    return form


async def test_a_good_a_changed_and_an_unknown_file(client: Client, pdf: bytes, settings: Settings) -> None:
    assert (await client.get("/verify")).status == 200
    good = await (await client.post("/verify", data=upload(pdf))).text()
    assert 'data-outcome="good"' in good
    assert "Dr Minh" in good
    assert "20002" in good
    changed = await (await client.post("/verify", data=upload(pdf[:3000] + b"!" + pdf[3001:]))).text()
    assert 'data-outcome="bad"' in changed
    assert "Dr Minh" not in changed
    for path in trust_folder(settings.data).iterdir():
        path.unlink()
    unknown = await (await client.post("/verify", data=upload(pdf))).text()
    assert 'data-outcome="unknown-signer"' in unknown


async def test_programs_are_told_the_same(client: Client, pdf: bytes) -> None:
    wanted = {"Accept": "application/json"}
    for content, kind in ((pdf, "pdf"), (exported(), "bundle")):
        told = await (await client.post("/verify", data=upload(content), headers=wanted)).json()
        assert (told["outcome"], told["reason"], told["kind"], told["signer"]) == ("good", "good", kind, "Dr Minh")
        assert told["indication"] == "TOTAL-PASSED"
        assert told["standing"] is None, "this installation does not know the note"
    changed = bytearray(exported())
    changed[1000] ^= 1
    told = await (await client.post("/verify", data=upload(bytes(changed)), headers=wanted)).json()
    assert (told["outcome"], told["reason"]) == ("bad", "changed")
    assert told["says"]
    answer = await client.post("/verify", data=upload(b"", name=""), headers=wanted)
    assert (answer.status, answer.content_type) == (422, "application/json")
    for code in ("a" * 20, "x", "%00", "'", "é" * 30):
        asked = await client.get("/verify", params={"code": code}, headers=wanted)
        assert (asked.status, await asked.json()) == (200, {"standing": None})
    page = await (await client.get("/verify", params={"code": "<b>"})).text()
    assert 'data-testid="code-standing"' in page
    assert "<b>" not in page


async def test_nothing_is_kept(client: Client, pdf: bytes, settings: Settings) -> None:
    before = {path for path in Path(settings.data).rglob("*") if path.is_file()}
    await client.post("/verify", data=upload(pdf))
    assert {path for path in Path(settings.data).rglob("*") if path.is_file()} == before


async def test_what_cannot_be_checked_is_said_in_words(client: Client, pdf: bytes) -> None:
    nothing = await client.post("/verify", data=upload(b"", name=""))
    assert nothing.status == 422
    for content in (b"", b"GIF89a", b"%PDF-1.7 nonsense"):
        answer = await client.post("/verify", data=upload(content))
        assert answer.status == 200
        assert 'data-outcome="bad"' in await answer.text()
    large = await client.post("/verify", data=upload(b"%PDF-" + bytes(SIZE_LIMIT + 20_000)))
    assert large.status == 413
    for body, kind in (
        (b"file=x", "application/x-www-form-urlencoded"),
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"),
        (b"{}", "application/json"),
    ):
        answer = await client.post("/verify", data=body, headers={"Content-Type": kind})
        assert answer.status == 422


async def test_signed_in_the_form_needs_its_token(client: Client, pdf: bytes, signed_in: SignIn) -> None:
    await signed_in("rural")
    assert (await client.post("/verify", data=upload(pdf))).status == 403
    page = await (await client.get("/verify")).text()
    token = page.split('name="csrf_token" value="')[-1].split('"')[0]
    answer = await client.post("/verify", data=upload(pdf, token=token))
    assert 'data-outcome="good"' in await answer.text()


async def test_few_files_are_in_memory_at_once(client: Client, pdf: bytes) -> None:
    assert client.app is not None
    client.app[CHECKER]._shares = Shares(at_once=12, each=10_000)  # as if they came from several addresses
    waiting = []
    for _place in range(12):
        _reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(
            b"POST /verify HTTP/1.1\r\nHost: test\r\nContent-Type: multipart/form-data; boundary=x\r\n"
            b'Content-Length: 9000\r\n\r\n--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n%PDF'
        )
        waiting.append(writer)

    async def is_answered(status: int) -> bool:
        return (await client.post("/verify", data=upload(pdf))).status == status

    assert await eventually(lambda: is_answered(503))
    for writer in waiting:
        writer.close()
    assert await eventually(lambda: is_answered(200))


async def test_who_sends_a_byte_now_and_then_keeps_no_place(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "LONGEST_SENDING_SECONDS", 0.5)
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(
        b"POST /verify HTTP/1.1\r\nHost: test\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        b'Content-Length: 9000\r\n\r\n--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n%PDF'
    )
    answer = asyncio.create_task(reader.readline())
    for _ in range(100):
        writer.write(b"-")
        if (await asyncio.wait([answer], timeout=0.1))[0]:
            break
    assert b" 422 " in await asyncio.wait_for(answer, 10)
    writer.close()
