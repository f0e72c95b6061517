"""QIDO-RS: what is open to who asks, by every key the standard demands, and nothing else."""

import json
from typing import Any

import pytest
from sqlalchemy import func, select, update

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.excerpts.models import Excerpt
from teleconsult.imaging import asking
from tests.conftest import SignIn
from tests.people import Cast
from tests.stow_steps import send, slice_of
from tests.teleconsult.imaging.files import dicom_bytes
from tests.web.dicomweb_steps import CT, FILES, JSON, US, Asker, Client, address, asker, header, images
from tests.web.fhir_client import program
from web.requests import LATELY

__all__ = ["images"]

FINDS_ONE = [
    *("PatientName=BÉLANGER^rose", "PatientName=b?lang*", "PatientName=*rose", "00100010=B%C3%A9langer%5ERose"),
    *("PatientName=rose+bel&fuzzymatching=true", "PatientID=X1&StudyDate=20260301", "PatientID=X*&Modality="),
    *(
        "StudyDate=20260301",
        "StudyDate=20260201-20260331",
        "StudyDate=20260301-",
        "StudyDate=-20260301&PatientID=X1",
    ),
    *("StudyDate=20260301&StudyTime=1015", "StudyDate=20260301&StudyTime=10-101500", "StudyDescription=T%C3%AAte*"),
    *(
        "ModalitiesInStudy=CT&PatientID=X1",
        "ModalitiesInStudy=MR%5CCT&PatientID=X?",
        "AccessionNumber=&PatientID=X1",
    ),
]
FINDS_NONE = [
    *(
        "PatientName=Belang",
        "PatientName=ose*",
        "PatientID=x1",
        "PatientID=%25",
        "StudyDate=20260302-",
        "StudyTime=0935",
    ),
    *("PatientName=lang&fuzzymatching=true", "ModalitiesInStudy=PT", "StudyInstanceUID=1.2", "StudyID=zz"),
    *("ReferringPhysicianName=nobody", "AccessionNumber=zz", "PatientSex=Q", "PatientBirthDate=18990101"),
]
BAD = [
    *(
        "Nonsense=1",
        "Rows=512",
        "SeriesNumber=1",
        "StudyDate=2026",
        "StudyDate=20260301-2",
        "StudyDate=-",
        "StudyTime=1",
        "limit=-1",
    ),
    *("limit=x", "offset=1000000", "fuzzymatching=yes", "includefield=Nonsense", "StudyInstanceUID=1.2.x"),
    *("StudyInstanceUID=" + ",".join(["1"] * 300), "PatientName=" + "x" * 2000, "%00=1", "PatientName=%00"),
]


@pytest.fixture
async def rural(client: Client, sessions: Sessions, cast: Cast, images: None) -> Asker:
    return await asker(client, sessions, cast.rural)


def value(found: dict[str, Any], tag: str) -> Any:
    return found[tag]["Value"][0]


async def test_a_study_as_it_is_found(rural: Asker) -> None:
    (found,) = await rural.found("/studies?PatientName=Belanger^Rose&includefield=StudyDescription")
    assert found["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "Bélanger^Rose"}]}
    assert found["00080005"]["Value"] == ["ISO_IR 192"]
    assert found["00080061"]["Value"] == ["CT"]
    assert [value(found, tag) for tag in ("00201206", "00201208", "00080056")] == [1, 1, "ONLINE"]
    assert value(found, "00081190").endswith(f"/dicomweb/studies/{value(found, '0020000D')}")
    assert list(found) == sorted(found)
    assert len(await rural.found("/studies")) == len(FILES) + 1


async def test_one_is_found_by_each_key(rural: Asker) -> None:
    for query in FINDS_ONE:
        found = await rural.found(f"/studies?{query}")
        assert [value(one, "00100020") for one in found] == ["X1"], query


async def test_nothing_is_found_by_what_is_not_there(rural: Asker) -> None:
    for query in FINDS_NONE:
        answer = await rural.get(f"/studies?{query}", JSON["Accept"])
        assert (answer.status, await answer.read()) == (204, b""), query


async def test_what_is_not_understood_is_said(rural: Asker) -> None:
    for query in BAD:
        answer = await rural.get(f"/studies?{query}", JSON["Accept"])
        assert answer.status == 400, query
        assert (await answer.json())["error"].endswith(".")


async def test_series_and_instances(rural: Asker) -> None:
    ct, us = header(CT), header(US)
    (series,) = await rural.found(f"{address(CT, level='study')}/series")
    assert (value(series, "0020000E"), value(series, "00201209")) == (ct.SeriesInstanceUID, 1)
    assert "00100010" not in series
    (instance,) = await rural.found(f"{address(US, level='series')}/instances")
    assert (value(instance, "00080018"), value(instance, "00280008")) == (us.SOPInstanceUID, 30)
    assert value(instance, "00081190").endswith(address(US))
    assert "00100010" not in instance
    for path in (f"/series?SeriesInstanceUID={ct.SeriesInstanceUID}", f"/instances?SOPInstanceUID={ct.SOPInstanceUID}"):
        (found,) = await rural.found(f"{path}&Modality=CT&SeriesNumber={ct.SeriesNumber or 0}")
        assert {"00100010", "0020000D", "0020000E"} <= found.keys()
    both = f"{ct.StudyInstanceUID},{us.StudyInstanceUID}"
    assert len(await rural.found(f"/instances?StudyInstanceUID={both}&SOPClassUID={us.SOPClassUID}")) == 1
    assert not await rural.found("/series?RequestAttributesSequence.ScheduledProcedureStepID=zz")
    assert not await rural.found("/series?PerformedProcedureStepStartDate=19000101&InstanceNumber=")


async def test_more_is_told_when_asked_for(rural: Asker) -> None:
    (plain,) = await rural.found(f"{address(CT, level='series')}/instances")
    (more,) = await rural.found(f"{address(CT, level='series')}/instances?includefield=KVP,00280030")
    assert more.keys() - plain.keys() == {"00180060", "00280030"}
    (whole,) = await rural.found(f"{address(CT, level='series')}/instances?includefield=all")
    assert len(whole) > len(more)


async def test_pages(rural: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    uids = [value(one, "0020000D") for one in await rural.found("/studies")]
    pages = [await rural.found(f"/studies?limit=2&offset={offset}") for offset in (0, 2, 4)]
    assert [value(one, "0020000D") for page in pages for one in page] == uids[:6]
    assert not await rural.found("/studies?limit=0")
    monkeypatch.setattr(asking, "MOST", 3)
    monkeypatch.setattr("web.api.qido.MOST", 3)
    answer = await rural.get("/studies?limit=100", JSON["Accept"])
    assert len(await answer.json(content_type=JSON["Accept"])) == 3
    assert answer.headers["Warning"].startswith("299 ")


async def test_it_speaks_dicom_json_alone(rural: Asker) -> None:
    for accept in (
        "*/*",
        "application/json",
        'multipart/related; type="application/dicom+xml", application/dicom+json',
    ):
        assert (await rural.get("/studies", accept)).status == 200
    for accept in ("text/html", 'multipart/related; type="application/dicom+xml"', "application/dicom+json;q=0"):
        assert (await rural.get("/studies", accept)).status == 406
    assert (await rural.get("/studies?accept=application/dicom+json", "text/html")).status == 200


@pytest.mark.usefixtures("images")
@pytest.mark.parametrize(
    ("who", "number"), [("specialist", len(FILES) + 1), ("colleague", 0), ("oncall", 0), ("stranger", 0)]
)
async def test_everybody_finds_their_own(client: Client, signed_in: SignIn, who: str, number: int) -> None:
    await signed_in(who)
    for path in (
        "/dicomweb/studies",
        "/dicomweb/series",
        "/dicomweb/instances",
        f"/dicomweb{address(CT, level='study')}/series",
    ):
        answer = await client.get(path, headers=JSON)
        if address(CT, level="study") in path:
            assert answer.status == (200 if number else 404)
        else:
            assert answer.status == (200 if number else 204)
            assert not number or len(await answer.json(content_type=JSON["Accept"])) == number


@pytest.mark.parametrize("who", ["coordinator", "admin", "secretary"])
async def test_who_reads_no_images_finds_no_door(client: Client, signed_in: SignIn, who: str) -> None:
    await signed_in(who)
    answer = await client.get("/dicomweb/studies", headers=JSON)
    assert answer.status == 404
    assert json.loads(await answer.read())["error"]


async def test_a_withdrawn_excerpt_is_found_no_more(
    client: Client, sessions: Sessions, cast: Cast, images: None
) -> None:
    specialist = await asker(client, sessions, cast.specialist)
    assert await specialist.found("/studies")
    async with transaction(sessions) as session:
        await session.execute(update(Excerpt).values(revoked_at=now()))
    assert not await specialist.found("/studies")
    assert (await specialist.get(f"{address(CT)}/metadata")).status == 404


async def test_searching_is_in_the_log(rural: Asker, sessions: Sessions, cast: Cast) -> None:
    await rural.found("/studies?PatientID=X1")
    async with transaction(sessions) as session:
        event = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "patients-searched"))).one()
    assert (event.patient_id, event.detail["by"], event.detail["found"]) == (cast.patient.id, "dicomweb", 1)


async def test_the_same_again_within_a_moment_is_one_event(rural: Asker, sessions: Sessions) -> None:
    async def events() -> int | None:
        async with transaction(sessions) as session:
            return await session.scalar(select(func.count()).where(AuditEvent.action == "patients-searched"))

    asked = "/studies?limit=1", "/studies?limit=1", "/studies?limit=2", "/studies?limit=1"
    assert [(await rural.found(path), await events())[1] for path in asked] == [1, 1, 2, 2]
    rural.client.app[LATELY].forget()
    await rural.found("/studies?limit=1")
    assert await events() == 3


async def test_before_sign_in(client: Client) -> None:
    assert (await client.get("/dicomweb/studies", headers={"Accept": "text/html"})).status == 401


async def test_what_machines_sent_is_found_once_it_is_somebodys(client: Client, sessions: Sessions, cast: Cast) -> None:
    sender = await program(client, sessions, cast.rural)
    rural = await asker(client, sessions, cast.rural)
    place = "/studies/1.2.826.0.1.3680043.8.498.77"
    known = slice_of(cast, StudyInstanceUID="1.2.826.0.1.3680043.8.498.76")
    waiting = dicom_bytes(StudyInstanceUID=place.split("/")[2], PatientID="NOBODYS", PatientName="Nobody^Known")
    answer, _told = await send(sender, known, waiting)
    assert answer.status == 200
    (found,) = await rural.found("/studies")
    assert value(found, "0020000D") == "1.2.826.0.1.3680043.8.498.76"
    for path in (place, f"{place}/metadata", f"{place}/series", f"{place}/thumbnail"):
        assert (await rural.get(path)).status == 404
