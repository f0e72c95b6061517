"""A client of the tus protocol, and what its uploads leave behind."""

import base64
from pathlib import Path
from uuid import UUID

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient
from sqlalchemy import func, select

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingInstance
from teleconsult.settings import Settings
from tests.web.test_hostile_requests import cookie_of
from web.csrf import token_for

Client = TestClient[web.Request, web.Application]
CONTENT = {"Content-Type": "application/offset+octet-stream"}
NAME = f"filename {base64.b64encode(b'../CT/IM1').decode()},filetype {base64.b64encode(b'x').decode()}"


class Tus:
    """A client of the protocol, as small as can be: one person's, for one consult."""

    def __init__(self, client: Client, settings: Settings, consult_id: UUID) -> None:
        self.client, self.settings = client, settings
        self.door = f"/consults/{consult_id}/uploads"

    async def ask(self, method: str, path: str, *, data: object = None, **headers: str) -> ClientResponse:
        own = {
            "Tus-Resumable": "1.0.0",
            "Accept": "application/json",
            "X-CSRF-Token": token_for(self.settings, cookie_of(self.client)),
        }
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request(
            method, path, data=data, headers={name: value for name, value in {**own, **given}.items() if value}
        )

    async def begin(self, length: int, *, data: bytes | None = None, metadata: str = NAME) -> ClientResponse:
        content = CONTENT if data is not None else {}
        return await self.ask(
            "POST", self.door, data=data, Upload_Length=str(length), Upload_Metadata=metadata, **content
        )

    async def begun(self, length: int) -> str:
        answer = await self.begin(length)
        assert answer.status == 201, await answer.text()
        return answer.headers["Location"]

    async def add(self, path: str, offset: int, data: object, **headers: str) -> ClientResponse:
        return await self.ask("PATCH", path, data=data, **{"Upload_Offset": str(offset), **CONTENT, **headers})

    async def sent(self, content: bytes) -> str:
        """The address of a file that is here whole."""
        answer = await self.begin(len(content), data=content)
        assert answer.headers["Upload-Offset"] == str(len(content))
        return answer.headers["Location"]

    async def offset(self, path: str) -> int:
        answer = await self.ask("HEAD", path)
        assert answer.status == 200
        return int(answer.headers["Upload-Offset"])


def kept(settings: Settings) -> list[str]:
    return sorted(path.name for path in (settings.data / "tmp").rglob("*") if path.is_file())


def folder_of(settings: Settings, path: str) -> Path:
    return next((settings.data / "tmp" / "kept").glob(f"*/*/{path.rsplit('/', 1)[1]}"))


async def count(sessions: Sessions) -> int | None:
    async with transaction(sessions) as session:
        return await session.scalar(select(func.count()).select_from(ImagingInstance))


async def audited(sessions: Sessions, action: str) -> int:
    async with transaction(sessions) as session:
        return len((await session.scalars(select(AuditEvent).where(AuditEvent.action == action))).all())
