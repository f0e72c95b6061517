"""What a doctor brings becomes DICOM of the consult: whole by the judgement of others, once, or not at all."""

import hashlib
import shutil
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pydicom
import pytest
from pydicom.dataset import FileDataset
from pydicom.encaps import generate_frames
from sqlalchemy import select

from teleconsult.accounts.actor import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.triage import cancel_consult
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Forbidden, NotFound, Refused
from teleconsult.excerpts.models import ExcerptStudy
from teleconsult.imaging.actions import Outcome
from teleconsult.imaging.captures.kinds import Kind, Subject
from teleconsult.imaging.captures.making import Brought, Studio, Words
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.imaging.receiving import Received
from teleconsult.imaging.refusals import Refusal
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.records.models import RecordEntry
from tests import consult_steps
from tests.people import Cast
from tests.teleconsult.imaging.captures.files import (
    PLACE,
    SECRET,
    acting_document,
    bomb,
    document,
    lying,
    photograph,
    video,
)
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.steps import Door

WORDS = Words("Photographs and documents", {kind: kind.value for kind in Kind})
UNKNOWN_SIDE: Final = (
    "Warning - </Laterality(0020,0060)> - is only permitted to be empty when actually unknown; "
    "should be absent (not empty) if an unpaired body part, and have a value if a paired body part"
)
"""Which part of the body a photograph shows, nobody is asked: so its side is unknown."""
judged = pytest.mark.skipif(not shutil.which("dciodvfy"), reason="Debian's dicom3tools is not installed")


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    opened = Sandbox(workers=1)
    yield opened
    await opened.close()


class Bench(Door):
    """The door, and the studio before it."""

    def __init__(self, sessions: Sessions, folder: Path, sandbox: Sandbox) -> None:
        super().__init__(sessions, folder, sandbox)
        self.studio = Studio(sessions=sessions, receiver=self.receiver, sandbox=sandbox, videos=sandbox)

    async def show(
        self, actor: Actor, consult: ServiceRequest, *contents: bytes, subject: Subject = Subject.SKIN
    ) -> list[Outcome]:
        """Each content as one file of a telephone."""
        files = []
        for number, content in enumerate(contents):
            path = self.folder / f"file{number}"
            path.write_bytes(content)
            files.append(Received(f"IMG_{number}.JPG", path))
        return await self.studio.receive(actor, consult_id=consult.id, files=files, brought=Brought(subject, WORDS))


@pytest.fixture
def bench(sessions: Sessions, tmp_path: Path, sandbox: Sandbox) -> Bench:
    return Bench(sessions, tmp_path, sandbox)


async def objects(bench: Bench, sessions: Sessions) -> list[FileDataset]:
    """What was stored, in the order of its series."""
    async with transaction(sessions) as session:
        keys = await session.scalars(
            select(ImagingInstance.object_key)
            .join(ImagingSeries, ImagingSeries.id == ImagingInstance.imaging_series_id)
            .order_by(ImagingSeries.number, ImagingInstance.number)
        )
        return [pydicom.dcmread(bench.folder / "objects" / key) for key in keys.all()]


async def test_each_kind_becomes_an_object_of_the_consult(cast: Cast, sessions: Sessions, bench: Bench) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    came = photograph(), document(), video()
    assert not [one.refusal for one in await bench.show(cast.rural, draft, *came) if one.refusal]
    await bench.show(cast.rural, draft, photograph(turned=3), subject=Subject.FILM)
    await bench.show(cast.rural, draft, photograph(turned=8), subject=Subject.DOCUMENT)

    made = await objects(bench, sessions)
    assert [(one.SOPClassUID.name, one.Modality, one.SeriesDescription) for one in made] == [
        ("VL Photographic Image Storage", "XC", "photograph"),
        ("Secondary Capture Image Storage", "OT", "film"),
        ("Secondary Capture Image Storage", "DOC", "page"),
        ("Encapsulated PDF Storage", "DOC", "document"),
        ("Video Photographic Image Storage", "XC", "video"),
    ]
    assert [one.get("ConversionType") for one in made] == [None, "SI", "SD", "WSD", None]
    words = [one.get("BurnedInAnnotation") for one in made]
    assert words == [None, "YES", "YES", "YES", None], "nobody has looked whether a wristband is in it"
    assert len({one.StudyInstanceUID for one in made}) == 1
    assert all(str(one[level].value).startswith("2.25.") for one in made for level in _UIDS)
    for one in made:
        assert (one.SpecificCharacterSet, one.PatientID) == ("ISO_IR 192", cast.patient.local_number)
        assert str(one.PatientName) == f"{cast.patient.family}^{cast.patient.given}"
        assert one.IssuerOfPatientID == one.InstitutionName == cast.rural.organization_name
        assert one.AccessionNumber == one.RequestAttributesSequence[0].AccessionNumber == f"TC{draft.number}"
        assert (one.StudyDate, one.StudyTime) == (made[0].StudyDate, made[0].StudyTime)
    for one in made[:3]:
        assert (one.LossyImageCompression, one.LossyImageCompressionMethod) == ("01", "ISO_10918_1")
        assert next(generate_frames(one.PixelData, number_of_frames=1)).startswith(b"\xff\xd8\xff")
    assert (made[0].ContentDate, made[0].ContentTime) == ("20261120", "101112"), "as the camera says"
    assert (made[3].EncapsulatedDocument[: len(document())], made[3].DocumentTitle) == (document(), "IMG_1")
    assert (made[4].NumberOfFrames, float(made[4].FrameTime)) == (6, pytest.approx(33.33, abs=0.01))
    async with transaction(sessions) as session:
        study = (await session.scalars(select(ImagingStudy))).one()
        assert (study.identity_differs, study.modalities, study.number_of_instances) == (False, ["DOC", "OT", "XC"], 5)
        entry = (await session.scalars(select(RecordEntry).where(RecordEntry.source_id == study.id))).one()
        events = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "images-stored"))).all()
    assert entry.title == "DOC/OT/XC – Photographs and documents"
    assert {event.actor_name for event in events} == {cast.rural.name}


_UIDS: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


async def test_only_the_object_is_kept_and_it_knows_no_place(cast: Cast, sessions: Sessions, bench: Bench) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    came = photograph(), document(embedded=photograph()), video(), lying(video())
    assert [one.refusal for one in await bench.show(cast.rural, draft, *came)] == [None] * 4
    stored = [path.read_bytes() for path in bench.stored_files()]
    assert len(stored) == 4
    for content in stored:
        assert SECRET not in content
        assert PLACE[:8] not in content
        assert b"Exif" not in content
    async with transaction(sessions) as session:
        kept = {bytes(digest) for digest in await session.scalars(select(ImagingInstance.sha256))}
    assert kept == {hashlib.sha256(content).digest() for content in stored}


@judged
async def test_others_find_no_error_in_them(cast: Cast, sessions: Sessions, bench: Bench) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await bench.show(cast.rural, draft, photograph(), document(), video())
    await bench.show(cast.rural, draft, photograph(turned=3), subject=Subject.FILM)
    await bench.show(cast.rural, draft, photograph(turned=8), subject=Subject.DOCUMENT)
    said: dict[str, list[str]] = {}
    for path, one in zip(bench.stored_files(), range(5), strict=True):
        judgement = subprocess.run(["dciodvfy", "-new", path], capture_output=True, text=True, check=False)  # noqa: ASYNC221  # its answer is all there is
        kind, *lines = (judgement.stderr + judgement.stdout).split("\n")
        said[f"{kind} {one}"] = [line for line in lines if line.strip() and line != UNKNOWN_SIDE]
    kinds = sorted(name.split(" ")[0] for name in said)
    assert kinds == ["EncapsulatedPDF", "SCImage", "SCImage", "VLPhotographicImage", "VideoPhotographicImage"]
    assert not any(said.values()), said


async def test_the_same_photograph_twice_changes_nothing(cast: Cast, sessions: Sessions, bench: Bench) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    first = await bench.show(cast.rural, draft, photograph())
    again = await bench.show(cast.rural, draft, photograph(), photograph(), subject=Subject.FILM)
    assert [one.refusal for one in (*first, *again)] == [None, None, None]
    assert [one.object_key is None for one in (*first, *again)] == [False, True, True]
    assert len(bench.stored_files()) == 1
    await consult_steps.submitted(cast, sessions)
    other = await consult_steps.drafted(cast, sessions)
    await bench.show(cast.rural, other, photograph())
    assert len({one.StudyInstanceUID for one in await objects(bench, sessions)}) == 2, "another consult, another study"


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (photograph((300, 300))[:-2000], Refusal.DAMAGED),
        (b"\xff\xd8\xff<html>", Refusal.DAMAGED),
        (b"<html><script>alert(1)</script>", Refusal.NOT_DICOM),
        (b"\0\0\0\x18ftypheic\0\0\0\0", Refusal.HEIC),
        (b"%PDF-1.7 nothing", Refusal.DAMAGED),
        (video(step=30 * 1800, frames=3), Refusal.TOO_LONG),
        (acting_document(), Refusal.ACTIVE),
        (bomb(), Refusal.TOO_MANY_PIXELS),
        (video()[:200], Refusal.DAMAGED),
        (b"", Refusal.EMPTY),
    ],
    ids=["cut", "no-jpeg", "html", "heic", "no-pdf", "hour", "acting", "bomb", "cut-video", "empty"],
)
async def test_bad_files_are_named_and_the_rest_arrives(
    cast: Cast, sessions: Sessions, bench: Bench, content: bytes, refusal: Refusal
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    outcomes = await bench.show(cast.rural, draft, content, photograph(), dicom_bytes())
    assert [(one.name, one.refusal) for one in outcomes if one.refusal] == [("IMG_0.JPG", refusal)]
    assert sum(one.object_key is not None for one in outcomes) == 2


async def test_only_who_asks_and_only_while_images_may_be_added(cast: Cast, sessions: Sessions, bench: Bench) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    with pytest.raises(NotFound):
        await bench.show(cast.stranger, draft, photograph())
    consult = await consult_steps.submitted(cast, sessions)
    with pytest.raises((Forbidden, NotFound)):
        await bench.show(cast.specialist, consult, photograph())
    async with transaction(sessions) as session:
        await cancel_consult(session, cast.rural, consult_id=consult.id, reason="Already on her way.")
    with pytest.raises(Refused):
        await bench.show(cast.rural, consult, photograph())
    assert bench.stored_files() == []


async def test_what_comes_after_submission_is_shared(cast: Cast, sessions: Sessions, bench: Bench) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    await bench.show(cast.rural, consult, photograph())
    async with transaction(sessions) as session:
        assert len((await session.scalars(select(ExcerptStudy))).all()) == 1


@pytest.mark.parametrize("taken", ["1980:01:01 00:00:00", "2099:01:01 00:00:00", ""])
async def test_a_clock_that_was_never_set_is_not_believed(
    cast: Cast, sessions: Sessions, bench: Bench, taken: str
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await bench.show(cast.rural, draft, photograph(taken=taken))
    (made,) = await objects(bench, sessions)
    told = datetime.strptime(f"{made.ContentDate}{made.ContentTime}{made.TimezoneOffsetFromUTC}", "%Y%m%d%H%M%S%z")
    assert abs(datetime.now(UTC) - told) < timedelta(minutes=5)
