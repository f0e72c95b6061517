"""An archive of the rural health centre's, asked for images: from a search to what is in the request."""

import uuid
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingStudy
from teleconsult.imaging.pacs.answers import Answers, FoundStudy
from teleconsult.imaging.pacs.asking import ask_for_study
from teleconsult.imaging.pacs.fetching import fetch_study
from teleconsult.imaging.pacs.models import Pacs, PacsFetch, PacsKind
from teleconsult.imaging.pacs.searching import begin_search, carry_out
from teleconsult.imaging.receiving import Receiver
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.objects import Objects, open_store
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings
from tests.people import SECRET, Cast

NETWORKS = "127.0.0.0/8"
TITLE = "ORTHANC"


@dataclass
class Asking:
    """The rural doctor at a draft of theirs, with one archive."""

    cast: Cast
    sessions: Sessions
    settings: Settings
    sandbox: Sandbox
    consult_id: uuid.UUID
    pacs: Pacs

    async def search(self, *, number: str = "", accession: str = "") -> Answers:
        """What the archive says it has; by the patient's own number unless told otherwise."""
        if not accession:
            number = number or self.cast.patient.local_number
        async with transaction(self.sessions, self.cast.rural) as session:
            begun = await begin_search(
                session,
                self.cast.rural,
                consult_id=self.consult_id,
                pacs_id=self.pacs.id,
                number=number,
                accession=accession,
            )
        return await carry_out(begun, self.settings)

    async def ask(self, study: FoundStudy, *, is_confirmed: bool = False) -> PacsFetch:
        """Have it fetched, by whoever works."""
        async with transaction(self.sessions, self.cast.rural) as session:
            return await ask_for_study(
                session,
                self.cast.rural,
                consult_id=self.consult_id,
                pacs_id=self.pacs.id,
                study=study,
                is_confirmed=is_confirmed,
            )

    async def work(self, fetch: PacsFetch) -> PacsFetch:
        """What a worker does with it; the row afterwards."""
        await fetch_study(self.sessions, self.settings, self.receiver(), fetch_id=fetch.id)
        return await self.row(fetch)

    def receiver(self) -> Receiver:
        """The one way in for DICOM."""
        return Receiver(
            sessions=self.sessions,
            objects=Objects(open_store(None, self.settings.data)),
            sandbox=self.sandbox,
            file_limit=self.settings.upload_file_limit,
        )

    async def fetch(self, study: FoundStudy, *, is_confirmed: bool = False) -> PacsFetch:
        """Both."""
        return await self.work(await self.ask(study, is_confirmed=is_confirmed))

    async def row(self, fetch: PacsFetch) -> PacsFetch:
        """How it stands."""
        async with transaction(self.sessions) as session:
            return await session.get_one(PacsFetch, fetch.id)

    async def studies(self) -> list[ImagingStudy]:
        """What the establishment has by now."""
        async with transaction(self.sessions) as session:
            return list(await session.scalars(select(ImagingStudy).order_by(ImagingStudy.created_at)))

    def left_behind(self) -> list[Path]:
        """Temporary files."""
        return [path for path in (self.settings.data / "tmp").rglob("*") if path.exists()]


async def archive(
    sessions: Sessions, cast: Cast, kind: PacsKind, address: str, *, peer_id: uuid.UUID | None = None, secret: str = ""
) -> Pacs:
    """Set up for the rural health centre."""
    is_web = kind is PacsKind.DICOMWEB
    kept = Pacs(
        organization_id=cast.rural.organization_id,
        name="PACS",
        kind=kind,
        address=address,
        ae_title="" if is_web else TITLE,
        calling_title="" if is_web else "TELECONSULT",
        credential_sealed=Sealer(SECRET).seal(secret.encode()) if secret else None,
        dicom_peer_id=peer_id,
        created_at=now(),
    )
    async with transaction(sessions) as session:
        session.add(kept)
    return kept
