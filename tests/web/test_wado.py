"""WADO-RS: what was stored comes back, byte for byte, to who may read it, and leaves a trace."""

import gzip
import json
import uuid
from email import message_from_bytes
from email.policy import HTTP

import pydicom
import pytest
from aiohttp import ClientResponse
from sqlalchemy import func, select, update

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.excerpts.models import ExcerptRead
from teleconsult.imaging.models import ImagingInstance
from teleconsult.settings import Settings
from tests.conftest import SignIn
from tests.people import Cast
from tests.system_steps import let_in, system_program
from tests.web.dicomweb_steps import (
    BIG_ENDIAN,
    CT,
    JSON,
    REPORT,
    RGB,
    US,
    Asker,
    Client,
    address,
    asker,
    header,
    images,
)
from web.requests import LATELY

__all__ = ["images"]

DICOM = 'multipart/related; type="application/dicom"; transfer-syntax=*'


@pytest.fixture
async def specialist(client: Client, sessions: Sessions, cast: Cast, images: None) -> Asker:
    return await asker(client, sessions, cast.specialist)


async def parts_of(answer: ClientResponse) -> list[tuple[str, bytes]]:
    """Content type and body of each part."""
    body = await answer.read()
    message = message_from_bytes(f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode() + body, policy=HTTP)
    assert message.is_multipart()
    boundary = message.get_boundary()
    assert boundary is not None
    pieces = body.split(f"\r\n--{boundary}".encode())
    assert (pieces[0], pieces[-1]) == (b"", b"--\r\n")
    heads = [piece.split(b"\r\n\r\n", 1) for piece in pieces[1:-1]]
    return [(head.split(b"Content-Type: ")[1].split(b"\r\n")[0].decode(), content) for head, content in heads]


async def test_what_was_stored_comes_back(specialist: Asker) -> None:
    for path in (CT, US, REPORT, BIG_ENDIAN):
        for level in ("study", "series", "instance"):
            answer = await specialist.get(address(path, level=level), DICOM)
            ((kind, content),) = await parts_of(answer)
            assert content == path.read_bytes()
            assert kind == f"application/dicom; transfer-syntax={header(path).file_meta.TransferSyntaxUID}"
            assert int(answer.headers["Content-Length"]) == len(await answer.read())
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
    alone = await specialist.get(address(CT), "application/dicom")
    assert await alone.read() == CT.read_bytes()
    assert alone.headers["Content-Disposition"].startswith("attachment")


async def test_only_as_it_is_kept(specialist: Asker) -> None:
    stored = header(CT).file_meta.TransferSyntaxUID
    for syntax, status in (("*", 200), (stored, 200), ("1.2.840.10008.1.2.4.50", 406)):
        accept = f'multipart/related; type="application/dicom"; transfer-syntax={syntax}'
        assert (await specialist.get(address(CT), accept)).status == status
    for accept in ("text/html", "application/dicom+json"):
        assert (await specialist.get(address(CT), accept)).status == 406


@pytest.mark.parametrize("accept", ["application/dicom; q*=utf-8''1", "multipart/related; type*=%00''x"])
async def test_a_parameter_with_its_charset_means_nothing(specialist: Asker, accept: str) -> None:
    """RFC 8187, which no DICOMweb client needs, and any may send."""
    assert (await specialist.get(address(CT), accept)).status in (200, 406)


async def test_a_part_of_it_and_what_one_has_already(specialist: Asker) -> None:
    whole = CT.read_bytes()
    for wanted, begin, end in (("bytes=100-199", 100, 200), ("bytes=-50", len(whole) - 50, len(whole))):
        answer = await specialist.get(address(CT), "application/dicom", Range=wanted)
        assert (answer.status, await answer.read()) == (206, whole[begin:end])
        assert answer.headers["Content-Range"] == f"bytes {begin}-{end - 1}/{len(whole)}"
    for wanted in ("bytes=9999999-", "bytes=-0"):
        beyond = await specialist.get(address(CT), "application/dicom", Range=wanted)
        assert (beyond.status, beyond.headers["Content-Range"]) == (416, f"bytes */{len(whole)}")
    for wanted in ("bytes=5-2", "bytes=0-1,5-9", "bytes=-", "bytes=a-b", "lines=1-2", f"bytes={'9' * 5000}-"):
        answer = await specialist.get(address(CT), "application/dicom", Range=wanted)
        assert (answer.status, await answer.read()) == (200, whole), wanted
    for path, accept in ((address(CT), DICOM), (f"{address(CT)}/metadata", JSON["Accept"])):
        tag = (await specialist.get(path, accept)).headers["ETag"]
        again = await specialist.get(path, accept, **{"If-None-Match": tag})
        assert (again.status, await again.read()) == (304, b"")


async def test_the_description(specialist: Asker) -> None:
    for level in ("study", "series", "instance"):
        answer = await specialist.get(f"{address(CT, level=level)}/metadata", JSON["Accept"])
        (told,) = await answer.json(content_type="application/dicom+json")
        assert told["00280010"]["Value"] == [512]
    pixels = told["7FE00010"]["BulkDataURI"]
    assert pixels == str(specialist.client.make_url(f"/dicomweb{address(CT)}/bulkdata/7FE00010"))
    assert pydicom.Dataset.from_json(told, lambda *_: b"").Rows == 512
    zipped = await specialist.client.get(
        f"/dicomweb{address(CT)}/metadata",
        headers={**specialist.headers, **JSON, "Accept-Encoding": "gzip"},
        auto_decompress=False,  # type: ignore[call-arg]  # passed on
    )
    body = await zipped.read()
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body) == [told]
    assert (await specialist.get(f"{address(CT)}/metadata", "text/html")).status == 406


async def test_what_came_before_descriptions_is_read_anew(specialist: Asker, sessions: Sessions) -> None:
    paths = [f"{address(path)}/{what}" for path in (CT, RGB, US) for what in ("metadata", "frames/1")]
    before = [await (await specialist.get(path)).read() for path in paths]
    async with transaction(sessions) as session:
        await session.execute(update(ImagingInstance).values(dicom_json=None, frame_index=None, frame_bits=0))
    specialist.client.app[LATELY].forget()
    after = [await (await specialist.get(path)).read() for path in paths]
    assert [body[-2000:-60] for body in after] == [body[-2000:-60] for body in before]


async def test_the_preamble_is_kept_and_harmless(specialist: Asker) -> None:
    answer = await specialist.get(address(CT), "application/dicom")
    assert (answer.content_type, answer.headers["Content-Security-Policy"][:18]) == (
        "application/dicom",
        "default-src 'none'",
    )


async def test_one_look_is_one_event(specialist: Asker, sessions: Sessions) -> None:
    for what in ("", "/metadata", "/frames/1", "/rendered", "/frames/1/rendered", "/bulkdata/7FE00010"):
        assert (await specialist.get(f"{address(CT)}{what}")).status == 200, what
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).where(AuditEvent.action == "study-opened")) == 1
        assert await session.scalar(select(func.count()).select_from(ExcerptRead)) == 1


@pytest.mark.usefixtures("images")
async def test_what_is_not_theirs_looks_like_nothing(client: Client, signed_in: SignIn) -> None:
    endings = ("", "/metadata", "/frames/1", "/rendered", "/thumbnail", "/bulkdata/7FE00010", "/frames/1/thumbnail")
    wrong_series = address(CT).replace(header(CT).SeriesInstanceUID, header(US).SeriesInstanceUID)
    for who in ("colleague", "stranger", "coordinator"):
        await signed_in(who)
        for ending in endings:
            for place in (address(CT), "/studies/1.2/series/1.2/instances/1.2", wrong_series):
                answer = await client.get(f"/dicomweb{place}{ending}", headers={"Accept": "*/*"})
                assert (answer.status, await answer.json()) == (
                    404,
                    {"error": "There is nothing at this address, or it is not shared with you."},
                ), (who, place, ending)
        for ending in ("", "/metadata", "/thumbnail"):
            assert (await client.get(f"/dicomweb{address(CT, level='study')}{ending}")).status == 404
    await signed_in("specialist")
    assert (await client.get(f"/dicomweb{wrong_series}")).status == 404
    assert (await client.get(f"/dicomweb{address(CT)}", headers={"Accept": "*/*"})).status == 200


@pytest.mark.usefixtures("images")
async def test_a_system_reads_its_own_patients_by_scope(
    client: Client, sessions: Sessions, settings: Settings, cast: Cast
) -> None:
    async def asked(house: uuid.UUID | None, scope: str, path: str) -> int:
        registered = await let_in(sessions, house, scope=scope, name=uuid.uuid4().hex)
        program = await system_program(client, settings, registered, scope=scope)
        return (await client.get(f"/dicomweb{path}", headers={**program.headers, **JSON})).status

    own, other = cast.rural.organization_id, cast.stranger.organization_id
    for path in ("/studies", f"{address(CT)}/metadata"):
        assert await asked(own, "system/ImagingStudy.rs", path) == 200
        assert await asked(own, "system/Patient.rs", path) == 403
    assert await asked(other, "system/ImagingStudy.rs", "/studies") == 204
    assert await asked(other, "system/ImagingStudy.rs", f"{address(CT)}/metadata") == 404
