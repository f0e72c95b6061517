"""What the two of a session keep of it: once, by either of them, in the patient's file and before both."""

from collections.abc import AsyncIterator
from pathlib import Path

import pydicom
import pytest
from sqlalchemy import select

from teleconsult.accounts.actor import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.actions import finish_encounter
from teleconsult.errors import Invalid, NotFound, Refused
from teleconsult.excerpts.models import ExcerptStudy
from teleconsult.imaging.captures.kinds import Kind
from teleconsult.imaging.captures.making import Words
from teleconsult.imaging.captures.stills import Album, Kept
from teleconsult.imaging.models import ImagingStudy
from teleconsult.imaging.receiving import Received
from teleconsult.imaging.sandbox import Sandbox
from tests import consult_steps
from tests.people import Cast
from tests.teleconsult.imaging.captures.files import document, photograph, video
from tests.teleconsult.imaging.steps import Door

WORDS = Words("Photographs and documents", {kind: kind.value for kind in Kind})
COMMENT = "Out of the video; the patient agreed."


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    opened = Sandbox(workers=1)
    yield opened
    await opened.close()


class Room(Door):
    """A booked consult whose two may keep something."""

    async def keep(self, actor: Actor, consult: ServiceRequest, content: bytes) -> Kept:
        path = self.folder / "came"
        path.write_bytes(content)
        album = Album(self.sessions, self.receiver, self.sandbox, self.objects)
        file = Received("still.jpg", path)
        return await album.keep(actor, consult_id=consult.id, file=file, words=WORDS, comment=COMMENT)

    def __init__(self, sessions: Sessions, folder: Path, sandbox: Sandbox) -> None:
        super().__init__(sessions, folder, sandbox)
        self.sessions = sessions


@pytest.fixture
def room(sessions: Sessions, tmp_path: Path, sandbox: Sandbox) -> Room:
    return Room(sessions, tmp_path, sandbox)


async def audited(sessions: Sessions, action: str) -> list[AuditEvent]:
    async with transaction(sessions) as session:
        return list(await session.scalars(select(AuditEvent).where(AuditEvent.action == action)))


@pytest.mark.parametrize("who", ["rural", "specialist"])
async def test_a_still_is_filed_and_shared(cast: Cast, sessions: Sessions, room: Room, who: str) -> None:
    consult, actor = await consult_steps.booked(cast, sessions), getattr(cast, who)
    kept = [await room.keep(actor, consult, photograph()) for _twice in range(2)]
    assert kept[0] == kept[1]
    (path,) = room.stored_files()
    made = pydicom.dcmread(path)
    assert made.SOPClassUID.name == "VL Photographic Image Storage"
    assert str(made.PatientName) == f"{cast.patient.family}^{cast.patient.given}"
    assert made.AccessionNumber == f"TC{consult.number}"
    assert str(made.OperatorsName) == actor.name
    assert made.ImageComments == COMMENT
    assert made.SOPInstanceUID == kept[0].sop_uid
    async with transaction(sessions) as session:
        study = (await session.scalars(select(ImagingStudy))).one()
        assert (study.id, study.number_of_instances, study.patient_id) == (kept[0].study_id, 1, cast.patient.id)
        assert study.organization_id == cast.rural.organization_id
        assert (await session.scalars(select(ExcerptStudy.imaging_study_id))).all() == [study.id]
    (event,) = await audited(sessions, "still-kept")
    assert (event.actor_name, event.patient_id) == (actor.name, cast.patient.id)


async def test_nobody_else_and_not_for_ever(cast: Cast, sessions: Sessions, room: Room) -> None:
    consult = await consult_steps.booked(cast, sessions)
    for actor in (cast.coordinator, cast.oncall, cast.stranger):
        with pytest.raises(NotFound):
            await room.keep(actor, consult, photograph())
    before = await consult_steps.accepted(cast, sessions)
    with pytest.raises(NotFound):  # no session is booked
        await room.keep(cast.specialist, before, photograph())
    async with transaction(sessions) as session:
        await finish_encounter(session, cast.specialist, consult_id=consult.id)
    for actor in (cast.rural, cast.specialist):
        with pytest.raises(Refused):
            await room.keep(actor, consult, photograph())
    assert room.stored_files() == []


@pytest.mark.parametrize("content", [b"hello", b"", b"\xff\xd8\xff broken", video(frames=3), document()])
async def test_what_is_no_picture(cast: Cast, sessions: Sessions, room: Room, content: bytes) -> None:
    consult = await consult_steps.booked(cast, sessions)
    with pytest.raises(Invalid):
        await room.keep(cast.rural, consult, content)
    assert room.stored_files() == []
