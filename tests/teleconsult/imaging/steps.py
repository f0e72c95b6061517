"""Bringing images in, as the doors do it, for tests."""

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from teleconsult.accounts.actor import Actor
from teleconsult.db import Sessions
from teleconsult.imaging.actions import Outcome
from teleconsult.imaging.receiving import Received, Receiver
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.objects import Objects, open_store


class Door:
    """A folder for files, a store, and the receiver between them."""

    def __init__(self, sessions: Sessions, folder: Path, sandbox: Sandbox, *, file_limit: int = 50_000_000) -> None:
        self.folder, self.sandbox = folder, sandbox
        self.objects = Objects(open_store(None, folder))
        self.receiver = Receiver(sessions=sessions, objects=self.objects, sandbox=sandbox, file_limit=file_limit)

    async def bring(self, actor: Actor, consult_id: uuid.UUID, *contents: bytes, name: str = "IM") -> Sequence[Outcome]:
        """Each content as one file."""
        files = []
        for number, content in enumerate(contents):
            path = self.folder / f"{name}{number}"
            path.write_bytes(content)
            files.append(Received(f"{name}{number}", path))
        return await self.receiver.receive(actor, consult_id=consult_id, files=files)

    def stored_files(self) -> list[Path]:
        """What lies in the store."""
        return [path for path in (self.folder / "objects").rglob("*") if path.is_file()]


@asynccontextmanager
async def door(sessions: Sessions, folder: Path) -> AsyncIterator[Door]:
    """A door with workers of its own."""
    sandbox = Sandbox(workers=1)
    try:
        yield Door(sessions, folder, sandbox)
    finally:
        await sandbox.close()
