"""An archive that speaks DICOMweb: searched by QIDO-RS, fetched from by WADO-RS (PS3.18 §10.4, §10.6).

It is sent to one address that was checked, follows nobody elsewhere, unpacks nothing, and reads answers piece by piece.
"""

import asyncio
import json
import ssl
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import Message
from itertools import groupby
from typing import Any, Final, Self
from urllib.parse import quote, urlencode, urlsplit

import httpx
from pydicom.datadict import tag_for_keyword

from teleconsult.imaging.pacs.answers import (
    MOST_ANSWERS,
    MOST_IMAGES,
    STUDY_KEYS,
    Answers,
    FoundStudy,
    Listed,
    Read,
    Wanted,
)
from teleconsult.imaging.pacs.faults import Fault, PacsFault
from teleconsult.imaging.pacs.sources import Brought, Folder
from teleconsult.imaging.pacs.tls import fault_in
from teleconsult.imaging.receiving import Received
from teleconsult.imaging.refusals import Refusal
from teleconsult.multipart import BrokenBody, Parts

MIB: Final = 1024 * 1024
LARGEST_ANSWER: Final = 16 * MIB
"""Bytes of JSON."""
SILENCE: Final = 60.0  # seconds between two pieces
CONNECT: Final = 10.0
WHOLE_ANSWER: Final = 120.0
PAGE: Final = 5000
LOT: Final = 20
LOT_BYTES: Final = 64 * MIB
JSON: Final = "application/dicom+json"
IMAGES: Final = 'multipart/related; type="application/dicom"; transfer-syntax=*'


@dataclass(frozen=True, slots=True)
class Place:
    """The base address, and the one machine behind it that was looked up."""

    url: str
    address: str
    tls: ssl.SSLContext
    authorization: str = ""


class DicomwebSource:
    """One whose `/studies` lie under `place.url`."""

    def __init__(self, place: Place) -> None:
        parts = urlsplit(place.url)
        self._host = parts.netloc
        self._name = parts.hostname or ""
        machine = f"[{place.address}]" if ":" in place.address else place.address
        port = f":{parts.port}" if parts.port else ""
        self._base = f"{parts.scheme}://{machine}{port}{parts.path}"
        self._place = place
        self._sizes: Counter[str] = Counter()

    async def test(self) -> None:
        """Ask for one study, whichever."""
        async with self._client() as client:
            await self._ask(client, "/studies", [("limit", "1")], missing=Fault.NOT_DICOM)

    async def studies(self, wanted: Wanted) -> Answers:
        """Those of that patient number or accession number, the newest first."""
        asked = [(wanted.key.value, wanted.value), ("limit", str(MOST_ANSWERS))]
        asked += [("includefield", _tag(keyword)) for keyword in STUDY_KEYS]
        async with self._client() as client:
            found = await self._ask(client, "/studies", asked, missing=Fault.NOT_DICOM)
        read = [FoundStudy.of(_reader(one)) for one in found[:MOST_ANSWERS]]
        studies = [study for study in read if study is not None and study.answers(wanted)]
        return Answers.newest(studies, has_more=len(found) >= MOST_ANSWERS)

    async def instances(self, study_uid: str) -> list[Listed]:
        """The images of a study, in order."""
        listed: set[Listed] = set()
        async with self._client() as client:
            while len(listed) < MOST_IMAGES:
                asked = [("limit", str(PAGE)), ("offset", str(len(listed))), ("includefield", _tag("SOPClassUID"))]
                found = await self._ask(client, f"/studies/{study_uid}/instances", asked, missing=Fault.GONE)
                page = {one for one in (Listed.of(_reader(each)) for each in found) if one is not None}
                if not page - listed:  # the end, or one that does not count pages
                    self._sizes = Counter(one.series_uid for one in listed)
                    return sorted(listed)
                listed |= page
        raise PacsFault(Fault.TOO_MUCH)

    async def retrieve(self, study_uid: str, images: Sequence[Listed], folder: Folder) -> AsyncGenerator[Brought, None]:
        """These images: a series that is wanted whole in one answer, else one by one."""
        async with self._client() as client:
            for series_uid, group in groupby(images, key=lambda one: one.series_uid):
                of_series = list(group)
                series = f"/studies/{study_uid}/series/{series_uid}"
                paths = {series: len(of_series)}
                if len(of_series) != self._sizes[series_uid]:
                    paths = {f"{series}/instances/{one.sop_instance_uid}": 1 for one in of_series}
                for path, most in paths.items():
                    async for brought in self._lots(client, path, folder, most=most):
                        yield brought

    async def _lots(self, client: httpx.AsyncClient, path: str, folder: Folder, *, most: int) -> AsyncIterator[Brought]:
        files: list[Received] = []
        refused: list[Refusal] = []
        size = number = 0
        async with _told(), self._opened(client, path, IMAGES) as response:
            async for _head in (parts := Parts(response.aiter_raw(), boundary=_boundary(response))):
                number += 1
                if number > most:
                    raise PacsFault(Fault.TOO_MUCH)
                received = await _write(parts, folder)
                if received is None:
                    refused.append(Refusal.TOO_LARGE)
                    continue
                files.append(received)
                size += received.path.stat().st_size
                if len(files) >= LOT or size >= LOT_BYTES:
                    yield Brought(tuple(files), tuple(refused))
                    files, refused, size = [], [], 0
        yield Brought(tuple(files), tuple(refused))

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[httpx.AsyncClient]:
        headers = {"Host": self._host, "Accept-Encoding": "identity", "User-Agent": "teleconsult"}
        if self._place.authorization:
            headers["Authorization"] = self._place.authorization
        timeout = httpx.Timeout(SILENCE, connect=CONNECT)
        async with httpx.AsyncClient(
            verify=self._place.tls, headers=headers, timeout=timeout, trust_env=False, follow_redirects=False
        ) as client:
            yield client

    async def _ask(
        self, client: httpx.AsyncClient, path: str, query: Sequence[tuple[str, str]], *, missing: Fault
    ) -> list[Any]:
        """The matches of a search, in the DICOM JSON Model; `missing` is what it means that there is no such page."""
        body = bytearray()
        async with _told(), asyncio.timeout(WHOLE_ANSWER):
            asked = urlencode(query, quote_via=quote)
            async with self._opened(client, f"{path}?{asked}", JSON, missing) as response:
                async for piece in response.aiter_raw():
                    body += piece
                    if len(body) > LARGEST_ANSWER:
                        raise PacsFault(Fault.TOO_MUCH)
        try:
            found = json.loads(body) if body else []
        except (ValueError, RecursionError) as error:
            raise PacsFault(Fault.NOT_DICOM) from error
        if not isinstance(found, list):
            raise PacsFault(Fault.NOT_DICOM)
        return found

    @asynccontextmanager
    async def _opened(
        self, client: httpx.AsyncClient, path: str, accept: str, missing: Fault = Fault.GONE
    ) -> AsyncIterator[httpx.Response]:
        extensions = {"sni_hostname": self._name}
        headers = {"Accept": accept}
        async with client.stream("GET", self._base + path, headers=headers, extensions=extensions) as response:
            _check(response, missing)
            yield response


class _told:
    """What goes wrong on the line, as the fault it is."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        match error:
            case httpx.TransportError() if fault := fault_in(error):
                raise PacsFault(fault) from error
            case httpx.ConnectError():
                raise PacsFault(Fault.UNREACHABLE) from error
            case httpx.TimeoutException() | TimeoutError():
                raise PacsFault(Fault.SILENT) from error
            case httpx.RemoteProtocolError() | httpx.DecodingError() | httpx.InvalidURL() | BrokenBody():
                raise PacsFault(Fault.NOT_DICOM) from error
            case httpx.HTTPError():
                raise PacsFault(Fault.LOST) from error


def _check(response: httpx.Response, missing: Fault) -> None:
    status = response.status_code
    if status in (httpx.codes.OK, httpx.codes.NO_CONTENT, httpx.codes.PARTIAL_CONTENT):
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise PacsFault(Fault.NOT_DICOM)
        return
    faults = {401: Fault.UNAUTHORIZED, 403: Fault.UNAUTHORIZED, 404: missing, 406: Fault.UNSUPPORTED}
    if 300 <= status < 400:
        raise PacsFault(Fault.REDIRECTED)
    raise PacsFault(faults.get(status, Fault.QUERY_REFUSED if status < 500 else Fault.BUSY))


def _boundary(response: httpx.Response) -> str:
    head = Message()
    head["Content-Type"] = response.headers.get("Content-Type", "")
    if head.get_content_type() != "multipart/related":
        raise PacsFault(Fault.NOT_DICOM)
    return str(head.get_param("boundary", ""))


async def _write(parts: Parts, folder: Folder) -> Received | None:
    """The part as a file; None for one that is too large."""
    path, size, held = folder.new_path(), 0, bytearray()
    with path.open("wb") as out:
        async for piece in parts.content():
            size += len(piece)
            if size > folder.file_limit:
                held.clear()
                continue
            held += piece
            if len(held) >= MIB:
                await asyncio.to_thread(out.write, held)
                held = bytearray()
        await asyncio.to_thread(out.write, held)
    if size > folder.file_limit:
        path.unlink()
        return None
    return Received(path.name, path, is_given=True)


def _reader(found: object) -> Read:
    """The values of one match (PS3.18 §F.2); a person's name is what it is in letters."""

    def read(keyword: str) -> Sequence[str]:
        element = found.get(_tag(keyword)) if isinstance(found, Mapping) else None
        values = element.get("Value") if isinstance(element, Mapping) else None
        return [_text(value) for value in values] if isinstance(values, list) else []

    return read


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        value = value.get("Alphabetic", "")
    return str(value) if isinstance(value, str | int | float) else ""


def _tag(keyword: str) -> str:
    tag = tag_for_keyword(keyword)
    assert tag is not None
    return f"{tag:08X}"
