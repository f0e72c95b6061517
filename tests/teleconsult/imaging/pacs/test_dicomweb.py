"""An archive over DICOMweb that stalls, lies, floods or leads elsewhere harms nobody, and is told apart in words."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from teleconsult.imaging.pacs import dicomweb, searching
from teleconsult.imaging.pacs.faults import Fault, PacsFault
from teleconsult.imaging.pacs.models import FetchStatus, PacsKind
from teleconsult.imaging.pacs.searching import test_pacs as ask_whether_it_is_there
from tests.pacs_steps import Asking, archive
from tests.stow_steps import slice_of
from tests.teleconsult.imaging.pacs.web_archive import JSON, WebArchive

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def always(status: int = 200, body: bytes = b"[]", **headers: str) -> Answer:
    async def answer(_request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=body, headers={"Content-Type": JSON, **named})

    return answer


async def fault_of(asking: Asking) -> Fault:
    with pytest.raises(PacsFault) as raised:
        await asking.search()
    return raised.value.fault


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (always(body=b"<html>"), Fault.NOT_DICOM),
        (always(body=b'{"a": 1}'), Fault.NOT_DICOM),
        (always(body=b"[" * 100_000), Fault.NOT_DICOM),
        (always(body=b"\xff\xfe"), Fault.NOT_DICOM),
        (always(401), Fault.UNAUTHORIZED),
        (always(403), Fault.UNAUTHORIZED),
        (always(404), Fault.NOT_DICOM),
        (always(302, Location="http://169.254.169.254/"), Fault.REDIRECTED),
        (always(400), Fault.QUERY_REFUSED),
        (always(503), Fault.BUSY),
        (always(body=b"\x1f\x8b", Content_Encoding="gzip"), Fault.NOT_DICOM),
    ],
    ids=range(11),
)
async def test_what_is_wrong_is_told_apart(asking: Asking, there: WebArchive, answer: Answer, fault: Fault) -> None:
    there.answer = answer
    assert await fault_of(asking) is fault
    assert len(there.asked) == 1, "nobody is followed anywhere"


@pytest.mark.parametrize(
    "told",
    [
        b'[1, null, "x", []]',
        b'[{"0020000D": {"vr": "UI", "Value": ["../../etc"]}}]',
        b'[{"0020000D": {"Value": {"a": 1}}}, {"0020000D": {"Value": [[]]}}, {"0020000D": 7}]',
    ],
)
async def test_answers_that_name_no_study_are_none(asking: Asking, there: WebArchive, told: bytes) -> None:
    there.answer = always(body=told)
    assert (await asking.search()).studies == ()


async def test_ten_thousand_answers(asking: Asking, there: WebArchive) -> None:
    number = asking.cast.patient.local_number
    one = '{{"0020000D": {{"Value": ["1.2.{n}"]}}, "00100020": {{"Value": ["{number}"]}}}}'
    body = "[" + ",".join(one.format(n=n, number=number) for n in range(10_000)) + "]"
    there.answer = always(body=body.encode())
    answers = await asking.search()
    assert (len(answers.studies), answers.has_more) == (50, True)


async def test_an_answer_without_end(asking: Asking, there: WebArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicomweb, "LARGEST_ANSWER", 100_000)
    there.answer = always(body=b" " * 200_000)
    assert await fault_of(asking) is Fault.TOO_MUCH


async def test_one_that_never_answers(asking: Asking, there: WebArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "PATIENCE", 0.3)

    async def silent(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        raise AssertionError

    there.answer = silent
    assert await fault_of(asking) is Fault.SILENT


async def test_nothing_listens(asking: Asking) -> None:
    asking.pacs = await archive(asking.sessions, asking.cast, PacsKind.DICOMWEB, "http://127.0.0.1:1/dicom-web")
    assert await fault_of(asking) is Fault.UNREACHABLE


async def test_no_tls_where_it_is_expected(asking: Asking, there: WebArchive) -> None:
    address = there.url.replace("http:", "https:")
    asking.pacs = await archive(asking.sessions, asking.cast, PacsKind.DICOMWEB, address)
    assert await fault_of(asking) is Fault.NO_TLS


async def test_the_credential_goes_to_it_alone(asking: Asking, there: WebArchive) -> None:
    asking.pacs = await archive(
        asking.sessions, asking.cast, PacsKind.DICOMWEB, there.url, secret="Basic dXNlcjpzZWNyZXQ="
    )
    await ask_whether_it_is_there(asking.pacs, asking.settings)
    assert there.headers[0]["Authorization"] == "Basic dXNlcjpzZWNyZXQ="
    assert there.headers[0]["Host"] == there.url.split("/")[2]
    moved = asking.settings.model_copy(update={"secret_key": "y" * 40})
    with pytest.raises(PacsFault) as raised:
        await ask_whether_it_is_there(asking.pacs, moved)
    assert raised.value.fault is Fault.SEALED


async def test_a_number_is_one_value_whatever_is_in_it(asking: Asking, there: WebArchive) -> None:
    typed = "A&PatientID=1#/%2a é"
    await asking.search(accession=typed)
    assert there.queries[0].getall("AccessionNumber") == [typed]
    assert "PatientID" not in there.queries[0]


@pytest.mark.parametrize(
    "body",
    [b"", b"no multipart", b"--a-boundary\r\nContent-Type: application/dicom\r\n\r\nbroken off", b"\0" * 100_000],
)
async def test_images_that_break_off(asking: Asking, there: WebArchive, body: bytes) -> None:
    there.images.append(slice_of(asking.cast))
    (study,) = (await asking.search()).studies
    there.body = body
    fetch = await asking.fetch(study)
    assert (fetch.status, fetch.fault, fetch.arrived) == (FetchStatus.FAILED, Fault.NOT_DICOM, 0)
    assert asking.left_behind() == []


async def test_more_images_than_were_asked_for(asking: Asking, there: WebArchive) -> None:
    image = slice_of(asking.cast)
    there.images.append(image)
    (study,) = (await asking.search()).studies
    there.sent = [image] * 3
    fetch = await asking.fetch(study)
    assert (fetch.status, fetch.fault) == (FetchStatus.FAILED, Fault.TOO_MUCH)


async def test_an_image_that_is_too_large(asking: Asking, there: WebArchive) -> None:
    there.images.append(slice_of(asking.cast, side=800))
    (study,) = (await asking.search()).studies
    asking.settings = asking.settings.model_copy(update={"upload_file_limit": 1024 * 1024})
    fetch = await asking.fetch(study)
    assert (fetch.status, fetch.arrived, fetch.refused, fetch.refusal) == (FetchStatus.DONE, 0, 1, "too-large")
    assert asking.left_behind() == []
