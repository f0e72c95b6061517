"""Documents and photographs that somebody adds to a file."""

import hashlib
import re
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from io import BytesIO

import pytest
from aiohttp import ClientResponse, FormData, web
from aiohttp.test_utils import TestClient
from PIL import Image
from sqlalchemy import func, select

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions
from teleconsult.records.documents import LARGEST, key_of
from teleconsult.records.models import Origin, RecordEntry
from teleconsult.scheduling.local_times import local_from_moment
from teleconsult.settings import Settings
from tests import consult_steps, glass_steps
from tests.conftest import Post, SignIn
from tests.people import Cast
from tests.teleconsult.cda.documents import ATTACHED, HEAD, STRUCTURED
from tests.web.test_hostile_requests import cookie_of
from web.csrf import token_for
from web.requests import OBJECTS

Client = TestClient[web.Request, web.Application]
Send = Callable[..., Awaitable[ClientResponse]]
PDF = b"%PDF-1.7\n1 0 obj <</OpenAction <</S /JavaScript /JS (app.alert\\(1\\))>>>> endobj"


def picture(kind: str = "JPEG", width: int = 40) -> bytes:
    """A photograph that tells where it was taken, lying on its side."""
    exif = Image.Exif()
    exif[0x010E] = "Route 138, Anse-aux-Loups"
    exif[0x0112] = 6
    out = BytesIO()
    Image.new("RGB", (width, 20), "red").save(out, kind, exif=exif)
    return out.getvalue()


@pytest.fixture
def send(client: Client, settings: Settings, cast: Cast) -> Send:
    """`await send(content, title=…)`: the form with a file, for the cast's patient."""

    async def sent(content: bytes, *, name: str = "scan.bin", whose: object = None, **more: str) -> ClientResponse:
        time = local_from_moment(now() - timedelta(minutes=1), cast.rural.time_zone)
        fields = {"csrf_token": token_for(settings, cookie_of(client)), "key": str(uuid.uuid4()), "time": time, **more}
        form = FormData()
        for field, value in fields.items():
            form.add_field(field, value)
        form.add_field("files", content, filename=name, content_type="text/html")
        path = f"/patients/{whose or cast.patient.id}/documents"
        return await client.post(path, data=form, allow_redirects=False)

    return sent


async def entries(sessions: Sessions) -> list[RecordEntry]:
    async with sessions() as session:
        return list(await session.scalars(select(RecordEntry)))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
async def test_a_photograph_is_drawn_anew(
    client: Client, signed_in: SignIn, sessions: Sessions, send: Send, kind: str
) -> None:
    await signed_in("rural")
    answer = await send(picture(kind), title="Plaie du mollet", name="../../evil.html")
    assert answer.status == 303
    page = await (await client.get(answer.headers["Location"])).text()
    assert "Plaie du mollet" in page
    assert f'src="{answer.headers["Location"]}/document"' in page
    shown = await client.get(f"{answer.headers['Location']}/document")
    content = await shown.read()
    assert shown.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert b"Anse-aux-Loups" not in content
    with Image.open(BytesIO(content)) as drawn:
        assert (drawn.format, drawn.size, dict(drawn.getexif())) == (kind, (20, 40), {})
    [entry] = await entries(sessions)
    attachment = entry.resource["content"][0]["attachment"]
    assert attachment["extension"][0]["valueString"] == hashlib.sha256(content).hexdigest()
    assert "data" not in attachment
    assert await client.app[OBJECTS].get(key_of(entry.id)) == content


async def test_a_pdf_goes_to_the_readers_own_viewer(client: Client, signed_in: SignIn, send: Send) -> None:
    await signed_in("rural")
    answer = await send(PDF, name="Compte-rendu.pdf")
    page = await (await client.get(answer.headers["Location"])).text()
    assert "Compte-rendu.pdf" in page
    shown = await client.get(f"{answer.headers['Location']}/document")
    assert shown.content_type == "application/pdf"
    assert shown.headers["Content-Disposition"].startswith("attachment;")
    assert await shown.read() == PDF


async def test_a_text_is_never_html(client: Client, signed_in: SignIn, send: Send) -> None:
    await signed_in("rural")
    answer = await send("<script>alert('é')</script>".encode(), name="a.html", title="Lettre")
    shown = await client.get(f"{answer.headers['Location']}/document")
    assert (shown.content_type, shown.charset) == ("text/plain", "utf-8")
    assert "sandbox" in shown.headers["Content-Security-Policy"]


async def test_sent_twice_it_is_there_once(signed_in: SignIn, sessions: Sessions, send: Send) -> None:
    await signed_in("rural")
    key = str(uuid.uuid4())
    for _ in range(2):
        assert (await send(PDF, key=key)).status == 303
    assert len(await entries(sessions)) == 1


@pytest.mark.parametrize(
    ("content", "more"),
    [
        (b"", {}),
        (b"GIF89a" + b"\0" * 30, {}),
        (b"PK\x03\x04 an archive", {}),
        (b"\xff\xd8\xff\xe0 no picture", {}),
        (picture()[:200], {}),
        (b"<svg/>\0", {}),
        (PDF, {"time": "soon"}),
        (PDF, {"time": "2126-01-01T10:00"}),
        (PDF, {"key": "x"}),
        (PDF, {"title": "x" * 201}),
    ],
)
async def test_what_is_no_document_is_refused(
    signed_in: SignIn, sessions: Sessions, send: Send, content: bytes, more: dict[str, str]
) -> None:
    await signed_in("rural")
    answer = await send(content, **more)
    assert answer.status == 422
    assert "field-error" in await answer.text() or "key" in more
    assert await entries(sessions) == []


async def test_what_is_too_large_is_not_read(signed_in: SignIn, sessions: Sessions, send: Send) -> None:
    await signed_in("rural")
    assert (await send(b"%PDF-" + b"x" * LARGEST)).status == 422
    assert (await send(b"%PDF-" + b"x" * (LARGEST + 100_000))).status == 413
    assert await entries(sessions) == []


@pytest.mark.parametrize("who", ["colleague", "nurse", "secretary", "specialist", "stranger"])
async def test_only_who_treats_adds_and_reads(
    client: Client, signed_in: SignIn, send: Send, sessions: Sessions, cast: Cast, who: str
) -> None:
    await signed_in("rural")
    place = (await send(PDF)).headers["Location"]
    await signed_in(who)
    assert (await client.get(f"{place}/document")).status in (403, 404)
    assert (await client.get(f"/patients/{cast.patient.id}/documents/new")).status in (403, 404)
    assert (await send(PDF)).status in (403, 404)
    assert len(await entries(sessions)) == 1


async def test_who_broke_the_glass_reads_documents_and_adds_none(
    client: Client, signed_in: SignIn, send: Send, sessions: Sessions, cast: Cast
) -> None:
    await signed_in("rural")
    place = (await send(PDF)).headers["Location"]
    await glass_steps.opened(cast, sessions)
    await signed_in("specialist")
    assert (await client.get(f"{place}/document")).status == 200
    assert (await send(PDF)).status in (403, 404)


async def test_another_entry_has_no_document(
    client: Client, signed_in: SignIn, post: Post, send: Send, cast: Cast, sessions: Sessions
) -> None:
    await signed_in("rural")
    path = f"/patients/{cast.patient.id}"
    await post(f"{path}/entries", what="problem", name="Migraine", key=str(uuid.uuid4()))
    [entry] = await entries(sessions)
    assert (await client.get(f"{path}/entries/{entry.id}/document")).status == 404


async def test_without_the_forms_token_nothing_is_taken(signed_in: SignIn, send: Send, sessions: Sessions) -> None:
    await signed_in("rural")
    assert (await send(PDF, csrf_token="x")).status == 403
    assert (await send(PDF, colour="red")).status == 422
    assert await entries(sessions) == []


async def test_a_cda_document_is_read_and_kept_whole(
    client: Client, signed_in: SignIn, sessions: Sessions, send: Send
) -> None:
    await signed_in("rural")
    answer = await send((HEAD + STRUCTURED).encode(), name="lettre.xml")
    assert answer.status == 303
    page = await (await client.get(answer.headers["Location"])).text()
    for words in ("Lettre de sortie", "Dr Paul Girard", "Venue pour céphalées.", "Métoprolol &lt;50 mg&gt;", "180/95"):
        assert words in page, words
    shown = await client.get(f"{answer.headers['Location']}/document")
    assert await shown.read() == (HEAD + STRUCTURED).encode()
    assert shown.headers["Content-Disposition"].startswith("attachment;")
    [entry] = await entries(sessions)
    assert (entry.origin, entry.source, entry.author_name) == (Origin.CDA, "CHU", "Dr Paul Girard")
    assert entry.effective_at.isoformat() == "2026-03-01T13:15:00+00:00"
    assert entry.resource["masterIdentifier"] == {"system": "urn:oid:1.2.250.1.213.1.1.1.13", "value": "d-1"}
    again = await send((HEAD + STRUCTURED).encode())
    assert again.headers["Location"] == answer.headers["Location"]
    assert len(await entries(sessions)) == 1


async def test_the_pdf_inside_a_cda_document_is_opened_apart(client: Client, signed_in: SignIn, send: Send) -> None:
    await signed_in("rural")
    answer = await send((HEAD + ATTACHED).encode())
    page = await (await client.get(answer.headers["Location"])).text()
    assert 'data-testid="open-whole"' in page
    shown = await client.get(f"{answer.headers['Location']}/document")
    assert (shown.content_type, await shown.read()) == ("application/pdf", b"%PDF-")
    whole = await client.get(f"{answer.headers['Location']}/document", params={"whole": "1"})
    assert (whole.content_type, await whole.read()) == ("application/xml", (HEAD + ATTACHED).encode())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("19510314", "19510315", "somebody else: BÉLANGER Rose, born 1951-03-15"),
        ("Bélanger", "Lavoie", "somebody else: LAVOIE Rose"),
        ("</ClinicalDocument>", "", "no CDA document that can be read here"),
        ("<ClinicalDocument", "<!DOCTYPE x><ClinicalDocument", "no CDA document that can be read here"),
    ],
)
async def test_a_cda_document_of_somebody_else_is_not_added(
    signed_in: SignIn, sessions: Sessions, send: Send, old: str, new: str, said: str
) -> None:
    await signed_in("rural")
    answer = await send((HEAD + STRUCTURED).replace(old, new).encode())
    assert answer.status == 422
    assert said in await answer.text()
    assert await entries(sessions) == []


async def test_what_an_excerpt_shares_its_readers_open(
    client: Client, signed_in: SignIn, send: Send, sessions: Sessions, cast: Cast
) -> None:
    await signed_in("rural")
    shared, kept_back = [await send(PDF, title=title) for title in ("Shared", "Kept back")]
    ids = [uuid.UUID(answer.headers["Location"].rsplit("/", 1)[1]) for answer in (shared, kept_back)]
    consult = await consult_steps.submitted(cast, sessions, entries=ids[:1])
    path = f"/consults/{consult.id}"
    await signed_in("specialist")
    assert f'href="{path}/documents/{ids[0]}"' in await (await client.get(path)).text()
    answer = await client.get(f"{path}/documents/{ids[0]}")
    assert await answer.read() == PDF
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert (await client.get(f"{path}/documents/{ids[1]}")).status == 404
    for who in ("oncall", "coordinator", "stranger"):
        await signed_in(who)
        assert (await client.get(f"{path}/documents/{ids[0]}")).status == 404, who
    async with sessions() as session:
        read = select(func.count()).where(AuditEvent.action == "excerpt-read")
        assert await session.scalar(read) == 2, "the page and the document; what was refused is no reading"


async def test_a_document_is_called_otherwise_and_its_bytes_stay(
    client: Client, signed_in: SignIn, sessions: Sessions, send: Send, post: Post
) -> None:
    await signed_in("rural")
    path = (await send(PDF, name="scan.bin")).headers["Location"]
    page = await (await client.get(f"{path}/change")).text()
    assert 'value="scan.bin"' in page and 'name="kind"' in page
    time = re.search(r'name="time"[^>]* value="([^"]+)"', page)
    assert time
    [was] = await entries(sessions)
    change = {"title": "Lettre de sortie", "kind": "18842-5", "time": time[1], "version": "1"}
    assert (await post(f"{path}/change", **change)).status == 303
    [entry] = await entries(sessions)
    assert (entry.title, entry.version, entry.effective_at) == ("Lettre de sortie", 2, was.effective_at)
    assert entry.resource["type"]["coding"][0]["code"] == "18842-5"
    assert await (await client.get(f"{path}/document")).read() == PDF
    page = await (await client.get(path)).text()
    assert "Discharge letter" in page and "scan.bin" in page, "what it was called before is kept"
    async with sessions() as session:
        acts = (await session.scalars(select(AuditEvent.action).where(AuditEvent.entity_id == entry.id))).all()
    assert "entry-changed" in acts
    assert (await post(f"{path}/change", **change)).status == 409, "somebody changed it meanwhile"
    day_before = local_from_moment(was.effective_at - timedelta(days=1), "America/Blanc-Sablon")
    moved = {**change, "version": "2", "kind": "", "time": day_before}
    assert (await post(f"{path}/change", **moved)).status == 303
    [entry] = await entries(sessions)
    assert entry.effective_at < was.effective_at and entry.resource["type"], "no kind chosen: the kind stays"


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": " "},
        {"title": "x" * 201},
        {"kind": "x"},
        {"time": "soon"},
        {"time": "2999-01-01T10:00"},
        {"time": "0001-01-01T10:00"},
    ],
)
async def test_a_wrong_name_kind_or_time_stands_beside_its_field(
    signed_in: SignIn, send: Send, post: Post, wrong: dict[str, str]
) -> None:
    await signed_in("rural")
    path = (await send(PDF, name="scan.bin")).headers["Location"]
    change = {"title": "Lettre", "kind": "", "time": "2026-03-01T10:00", "version": "1"}
    answer = await post(f"{path}/change", **{**change, **wrong})
    assert answer.status == 422 and "field-error" in await answer.text()


async def test_a_form_that_comes_in_part_is_shown_again(signed_in: SignIn, send: Send, post: Post) -> None:
    await signed_in("rural")
    path = (await send(PDF, name="scan.bin")).headers["Location"]
    assert (await post(f"{path}/change", title=" ")).status == 422
    assert (await post(f"{path.rpartition('/')[0]}", what="vitals")).status == 422


async def test_a_name_is_one_line(signed_in: SignIn, send: Send, post: Post, sessions: Sessions) -> None:
    await signed_in("rural")
    path = (await send(PDF, name="scan.bin")).headers["Location"]
    change = {"title": " Lettre \r\n de\tsortie ", "time": "2026-03-01T10:00", "version": "1"}
    assert (await post(f"{path}/change", **change)).status == 303
    [entry] = await entries(sessions)
    assert entry.title == "Lettre de sortie"


async def test_nobody_else_renames_it(signed_in: SignIn, send: Send, post: Post) -> None:
    await signed_in("rural")
    path = (await send(PDF, name="scan.bin")).headers["Location"]
    change = {"title": "Mine", "time": "2026-03-01T10:00", "version": "1"}
    for who, status in (("colleague", 403), ("secretary", 404), ("stranger", 404)):
        await signed_in(who)
        assert (await post(f"{path}/change", **change)).status == status


async def test_a_new_document_has_a_kind_and_comes_with_its_file(
    client: Client, signed_in: SignIn, sessions: Sessions, send: Send, cast: Cast
) -> None:
    await signed_in("rural")
    assert (await send(PDF, kind="72170-4")).status == 303
    [entry] = await entries(sessions)
    assert entry.resource["type"]["coding"][0]["code"] == "72170-4"
    assert (await send(PDF, kind="x")).status == 422
    assert (await client.get(f"/patients/{cast.patient.id}/entries/new?what=document")).status == 404
