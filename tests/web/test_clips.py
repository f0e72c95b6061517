"""Clips that a session's page recorded by itself: kept as DICOM with the patient's agreement, by the two alone."""

import base64
from pathlib import Path

import pydicom
import pytest
from sqlalchemy import select

from teleconsult.audit.models import AuditEvent
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingInstance
from teleconsult.settings import Settings
from tests import consult_steps
from tests.conftest import SignIn
from tests.kept_rows import KeptRows
from tests.people import Cast
from tests.recording_steps import objects_in
from tests.teleconsult.imaging.captures.files import photograph, video
from tests.web.resumable.tus import Client, Tus


@pytest.fixture
async def consult(cast: Cast, sessions: Sessions, kept_rows: KeptRows) -> ServiceRequest:
    """A booked consult."""
    return await consult_steps.booked_lately(cast, sessions, kept_rows)


@pytest.fixture
def clips(client: Client, settings: Settings, consult: ServiceRequest) -> Tus:
    """Whoever is signed in, at the door for clips."""
    tus = Tus(client, settings, consult.id)
    tus.door = f"/consults/{consult.id}/clips/uploads"
    return tus


def told(**said: str) -> str:
    """Upload-Metadata."""
    named = {"filename": "clip.webm", **said}
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in named.items())


async def test_either_keeps_one_and_who_agreed_stands_in_it(
    clips: Tus, sessions: Sessions, settings: Settings, signed_in: SignIn, tmp_path: Path
) -> None:
    await signed_in("specialist")
    content = video(form="webm", codec="libvpx", sound="libopus")
    begun = await clips.begin(len(content), data=content, metadata=told(agreed="representative", name="Rose B."))
    answers = [await clips.ask("POST", f"{begun.headers['Location']}/reception") for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    async with transaction(sessions) as session:
        (instance,) = (await session.scalars(select(ImagingInstance))).all()
        noted = (await session.scalars(select(AuditEvent.action).where(AuditEvent.action == "clip-kept"))).all()
    assert noted == ["clip-kept"]
    kept = tmp_path / "kept.dcm"
    kept.write_bytes(await objects_in(settings).get(instance.object_key))
    comment = pydicom.dcmread(kept, stop_before_pixels=True).ImageComments
    assert comment == "Recorded during a teleconsultation; Rose B. agreed for the patient."


@pytest.mark.parametrize("said", [{}, {"agreed": "no"}, {"agreed": "representative"}])
async def test_not_without_agreement(clips: Tus, signed_in: SignIn, said: dict[str, str]) -> None:
    await signed_in("rural")
    assert (await clips.begin(10, metadata=told(**said))).status == 422


async def test_by_nobody_else_and_not_too_large(clips: Tus, signed_in: SignIn) -> None:
    for who in ("colleague", "oncall", "stranger"):
        await signed_in(who)
        assert (await clips.begin(10, metadata=told(agreed="patient"))).status == 404
    await signed_in("rural")
    assert (await clips.begin(20 * 1024 * 1024 + 1, metadata=told(agreed="patient"))).status == 413


async def test_what_came_by_the_chats_door_has_nobodys_agreement(
    clips: Tus, signed_in: SignIn, consult: ServiceRequest
) -> None:
    await signed_in("rural")
    door, clips.door = clips.door, f"/consults/{consult.id}/chat/uploads"
    token = (await clips.sent(photograph())).rpartition("/")[2]
    assert (await clips.ask("POST", f"{door}/{token}/reception")).status == 422
