"""An archive that speaks DICOMweb, and can be told to misbehave."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from io import BytesIO
from typing import Any

from aiohttp import web
from multidict import MultiMapping
from pydicom import Dataset, dcmread

from tests.stow_steps import parts

JSON = "application/dicom+json"
RELATED = 'multipart/related; type="application/dicom"; boundary=a-boundary'
STUDY_LEVEL = (
    *("StudyInstanceUID", "StudyDate", "StudyTime", "AccessionNumber", "StudyDescription", "PatientName"),
    *("PatientID", "PatientBirthDate"),
)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebArchive:
    """What it holds is in `images`; what it answers in `answer`, where that is not what it should."""

    def __init__(self) -> None:
        self.url = ""
        self.images: list[bytes] = []
        self.sent: Sequence[bytes] | None = None
        """What it sends, whatever is asked for; `body` the very bytes of it."""
        self.body: bytes | None = None
        self.ignores_keys = False
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.queries: list[MultiMapping[str]] = []
        self.answer: Answer | None = None
        self.gate = asyncio.Event()
        """What is retrieved waits for it."""
        self.gate.set()
        self.is_asked = asyncio.Event()

    def app(self) -> web.Application:
        """To be served."""
        app = web.Application()
        app.router.add_get("/dicom-web/studies", self._studies)
        app.router.add_get("/dicom-web/studies/{study}/instances", self._instances)
        app.router.add_get("/dicom-web/studies/{study}/series/{series}", self._retrieve)
        app.router.add_get("/dicom-web/studies/{study}/series/{series}/instances/{sop}", self._retrieve)
        return app

    def held(self) -> list[Dataset]:
        """Its images, read."""
        return [dcmread(BytesIO(content), stop_before_pixels=True) for content in self.images]

    async def _studies(self, request: web.Request) -> web.StreamResponse:
        self._note(request)
        if self.answer is not None:
            return await self.answer(request)
        found: dict[str, dict[str, Any]] = {}
        for ds in self.held():
            asked = {key: value for key, value in request.query.items() if key in STUDY_LEVEL}
            if self.ignores_keys or all(str(ds.get(key, "")) == value for key, value in asked.items()):
                told = Dataset()
                for keyword in STUDY_LEVEL:
                    setattr(told, keyword, ds.get(keyword, ""))
                told.ModalitiesInStudy = ds.Modality
                told.NumberOfStudyRelatedInstances = sum(
                    one.StudyInstanceUID == ds.StudyInstanceUID for one in self.held()
                )
                found[ds.StudyInstanceUID] = told.to_json_dict()
        return web.json_response(list(found.values()), content_type=JSON)

    async def _instances(self, request: web.Request) -> web.StreamResponse:
        self._note(request)
        offset = int(request.query.get("offset", "0"))
        listed = []
        for ds in self.held():
            if ds.StudyInstanceUID == request.match_info["study"]:
                told = Dataset()
                for keyword in ("SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"):
                    setattr(told, keyword, ds[keyword].value)
                listed.append(told.to_json_dict())
        return web.json_response(listed[offset:], content_type=JSON)

    async def _retrieve(self, request: web.Request) -> web.StreamResponse:
        self._note(request)
        self.is_asked.set()
        await self.gate.wait()
        wanted = request.match_info
        chosen = [
            content
            for content, ds in zip(self.images, self.held(), strict=True)
            if ds.SeriesInstanceUID == wanted["series"] and wanted.get("sop", ds.SOPInstanceUID) == ds.SOPInstanceUID
        ]
        body = parts(chosen if self.sent is None else self.sent) if self.body is None else self.body
        return web.Response(body=body, headers={"Content-Type": RELATED})

    def _note(self, request: web.Request) -> None:
        self.asked.append(request.path_qs)
        self.headers.append(dict(request.headers))
        self.queries.append(request.query)
