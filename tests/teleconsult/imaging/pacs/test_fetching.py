"""From a search to the request: who may, when, twice, given up, and what is of somebody else."""

import asyncio
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid
from sqlalchemy import select, text

from teleconsult import jobs
from teleconsult.accounts.actor import SYSTEM
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consults.requesting import submit_request
from teleconsult.db import transaction
from teleconsult.directory.models import PractitionerRole
from teleconsult.errors import Invalid, NotFound, Refused
from teleconsult.imaging.dimse.models import DicomPeer
from teleconsult.imaging.pacs.answers import FoundStudy
from teleconsult.imaging.pacs.asking import ask_for_study, cancel_fetch, fetches_of
from teleconsult.imaging.pacs.awaiting import LINGERING, awaited_from
from teleconsult.imaging.pacs.faults import Fault
from teleconsult.imaging.pacs.models import FetchStatus, Pacs, PacsFetch, PacsKind
from teleconsult.imaging.pacs.searching import begin_search, pacs_asked
from teleconsult.imaging.receiving import Received
from teleconsult.imaging.refusals import Refusal
from tests import consult_steps
from tests.pacs_steps import Asking, archive
from tests.people import Cast
from tests.stow_steps import slice_of
from tests.teleconsult.imaging.files import dicom_bytes, hostile_files
from tests.teleconsult.imaging.pacs.web_archive import WebArchive


def slices(cast: Cast, count: int, **values: str) -> list[bytes]:
    own = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid(), "AccessionNumber": "A17"}
    return [slice_of(cast, InstanceNumber=number, **own | values) for number in range(count)]


async def found(asking: Asking, there: WebArchive, *images: bytes) -> FoundStudy:
    there.images += images
    (study,) = (await asking.search()).studies
    return study


async def acts(asking: Asking) -> list[AuditEvent]:
    async with transaction(asking.sessions) as session:
        events = await session.scalars(select(AuditEvent).order_by(AuditEvent.recorded_at))
        return [event for event in events if event.action.startswith(("pacs-", "images-"))]


async def test_each_step_is_in_the_log_with_who_and_for_whom(asking: Asking, there: WebArchive) -> None:
    fetch = await asking.fetch(await found(asking, there, *slices(asking.cast, 3)))
    assert (fetch.status, fetch.arrived, fetch.expected) == (FetchStatus.DONE, 3, 3)
    logged = await acts(asking)
    assert [event.action for event in logged] == ["pacs-searched", "pacs-fetch-asked", "images-stored"]
    assert {event.patient_id for event in logged} == {asking.cast.patient.id}
    assert {event.practitioner_role_id for event in logged} == {asking.cast.rural.role_id}
    number = asking.cast.patient.local_number
    assert not [event for event in logged if number in str(event.detail)], "what it was searched by is in no log"


async def test_another_archive_s_answers_are_nobody_else_s(asking: Asking, there: WebArchive) -> None:
    """A colleague of another establishment, one of the same without that request, and a specialist: nothing."""
    study = await found(asking, there, *slices(asking.cast, 1))
    fetch = await asking.ask(study)
    for who in ("stranger", "colleague", "nurse", "specialist", "coordinator", "admin"):
        actor = getattr(asking.cast, who)
        named = {"consult_id": asking.consult_id, "pacs_id": asking.pacs.id}
        async with transaction(asking.sessions, actor) as session:
            with pytest.raises(NotFound):
                await begin_search(session, actor, **named, number="1", accession="")
            with pytest.raises(NotFound):
                await ask_for_study(session, actor, **named, study=study)
            with pytest.raises(NotFound):
                await cancel_fetch(session, actor, fetch_id=fetch.id)
            assert await fetches_of(session, actor, consult_id=asking.consult_id) == []
            assert bool(await pacs_asked(session, actor)) == (who == "colleague")


async def test_only_ones_own_establishment_s_archive(asking: Asking, there: WebArchive) -> None:
    study = await found(asking, there, *slices(asking.cast, 1))
    stranger = asking.cast.stranger
    async with transaction(asking.sessions) as session:
        theirs = Pacs(
            organization_id=stranger.organization_id,
            name="Theirs",
            kind=asking.pacs.kind,
            address=asking.pacs.address,
            created_at=asking.pacs.created_at,
        )
        session.add(theirs)
    rural = asking.cast.rural
    async with transaction(asking.sessions, rural) as session:
        with pytest.raises(NotFound):
            await ask_for_study(session, rural, consult_id=asking.consult_id, pacs_id=theirs.id, study=study)


async def test_a_request_that_takes_no_more_images(asking: Asking, there: WebArchive) -> None:
    study = await found(asking, there, *slices(asking.cast, 1))
    fetch = await asking.ask(study)
    entry = await consult_steps.entry(asking.cast, asking.sessions)
    async with transaction(asking.sessions) as session:
        request = consult_steps.request(asking.cast, [entry.id])
        await submit_request(session, asking.cast.rural, consult_id=asking.consult_id, request=request)
        await session.flush()
        await session.execute(text("update service_request set status = 'revoked', status_reason = 'x'"))
    with pytest.raises(Refused):
        await asking.search()
    with pytest.raises(Refused):
        await asking.ask(study)
    done = await asking.work(fetch)
    assert (done.status, done.fault, await asking.studies()) == (FetchStatus.FAILED, Fault.NOT_WANTED, [])
    assert asking.left_behind() == []


async def test_a_submitted_request_still_takes_them_and_shares_them(asking: Asking, there: WebArchive) -> None:
    study = await found(asking, there, *slices(asking.cast, 2))
    entry = await consult_steps.entry(asking.cast, asking.sessions)
    async with transaction(asking.sessions) as session:
        request = consult_steps.request(asking.cast, [entry.id])
        await submit_request(session, asking.cast.rural, consult_id=asking.consult_id, request=request)
    assert (await asking.fetch(study)).status is FetchStatus.DONE
    async with transaction(asking.sessions) as session:
        assert (await session.execute(text("select count(*) from excerpt_study"))).scalar_one() == 1


async def test_asked_for_twice_it_is_on_its_way_once(asking: Asking, there: WebArchive) -> None:
    study = await found(asking, there, *slices(asking.cast, 2))
    first, second = await asking.ask(study), await asking.ask(study)
    assert first.id == second.id
    await asking.work(first)
    again = await asking.work(first)
    assert (again.status, again.arrived) == (FetchStatus.DONE, 2)
    assert len([path for path in there.asked if "/series/" in path]) == 1, "what is over is not begun again"


async def test_ten_at_a_time(asking: Asking, there: WebArchive) -> None:
    for _ in range(11):
        there.images += slices(asking.cast, 1)
    studies = (await asking.search()).studies
    for study in studies[:10]:
        await asking.ask(study)
    with pytest.raises(Refused):
        await asking.ask(studies[10])


async def test_what_differs_wants_a_word_first(asking: Asking, there: WebArchive) -> None:
    there.images += slices(asking.cast, 1, PatientName="Lavoie^Luc")
    (study,) = (await asking.search(accession="A17")).studies
    with pytest.raises(Invalid):
        await asking.ask(study)
    fetch = await asking.fetch(study, is_confirmed=True)
    (kept,) = await asking.studies()
    assert (fetch.status, kept.identity_differs, kept.reconciled_at) == (FetchStatus.DONE, True, None)


@pytest.mark.parametrize("other", [{"PatientID": "77"}, {"PatientBirthDate": "19011231"}])
async def test_images_of_another_patient_are_left_out(asking: Asking, there: WebArchive, other: dict[str, str]) -> None:
    """The archive tells of the right patient, and sends somebody else's images under the study's own UIDs."""
    uids = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    study = await found(asking, there, *slices(asking.cast, 2, **uids))
    there.sent = slices(asking.cast, 2, **uids, **other)
    fetch = await asking.fetch(study)
    assert (fetch.status, fetch.arrived, fetch.refused) == (FetchStatus.DONE, 0, 2)
    assert fetch.refusal == Refusal.NOT_CHOSEN
    assert await asking.studies() == []


async def test_images_of_another_study_are_left_out(asking: Asking, there: WebArchive) -> None:
    study = await found(asking, there, *slices(asking.cast, 2))
    there.sent = slices(asking.cast, 2)
    fetch = await asking.fetch(study)
    assert (fetch.arrived, fetch.status, fetch.fault) == (0, FetchStatus.FAILED, Fault.INCOMPLETE)
    assert await asking.studies() == []


async def test_what_is_no_image_is_left_out(asking: Asking, there: WebArchive) -> None:
    hostile = list(hostile_files().values())[:3]
    there.images += slices(asking.cast, 4)
    (study,) = (await asking.search()).studies
    there.sent = [b"hello", b"PK\x03\x04 no archive is opened", *hostile[:2]]
    fetch = await asking.fetch(study)
    assert (fetch.arrived, await asking.studies()) == (0, [])
    assert asking.left_behind() == []


async def test_given_up_it_stops_and_what_came_stays(asking: Asking, there: WebArchive) -> None:
    images = [*slices(asking.cast, 1), *slices(asking.cast, 1)]
    uid = generate_uid()
    for number in range(2):
        images[number] = slice_of(asking.cast, StudyInstanceUID=uid, SeriesInstanceUID=f"1.2.{number + 1}")
    fetch = await asking.ask(await found(asking, there, *images))
    there.gate.clear()
    working = asyncio.create_task(asking.work(fetch))
    await there.is_asked.wait()
    async with transaction(asking.sessions, asking.cast.rural) as session:
        for _ in range(2):
            await cancel_fetch(session, asking.cast.rural, fetch_id=fetch.id)
    there.gate.set()
    done = await working
    assert done.status is FetchStatus.CANCELLED
    assert len([path for path in there.asked if "/series/" in path]) == 1, "the second series is not asked for"
    assert asking.left_behind() == []
    assert [event.action for event in await acts(asking)].count("pacs-fetch-cancelled") == 1
    assert (await asking.fetch(await found(asking, there))).status is FetchStatus.DONE


async def test_who_asked_works_there_no_more(asking: Asking, there: WebArchive) -> None:
    fetch = await asking.ask(await found(asking, there, *slices(asking.cast, 1)))
    async with transaction(asking.sessions) as session:
        role = await session.get_one(PractitionerRole, asking.cast.rural.role_id)
        role.ended_at = role.started_at
    done = await asking.work(fetch)
    assert (done.status, done.fault) == (FetchStatus.FAILED, Fault.NOT_WANTED)
    assert not [path for path in there.asked if "/instances" in path]


async def test_turned_off_meanwhile(asking: Asking, there: WebArchive) -> None:
    fetch = await asking.ask(await found(asking, there, *slices(asking.cast, 1)))
    async with transaction(asking.sessions) as session:
        (await session.get_one(Pacs, asking.pacs.id)).disabled_at = fetch.created_at
    assert (await asking.work(fetch)).fault == Fault.TURNED_OFF
    with pytest.raises(NotFound):
        await asking.search()


async def test_a_worker_that_died_is_followed_by_another(asking: Asking, there: WebArchive) -> None:
    """It had stored two of three; its job is put back, and brings the third alone."""
    images = slices(asking.cast, 3)
    fetch = await asking.ask(await found(asking, there, *images))
    whole, there.images = there.images, there.images[:2]
    await asking.work(fetch)
    there.images = whole
    there.asked.clear()
    async with transaction(asking.sessions) as session:
        (await session.get_one(PacsFetch, fetch.id)).status = FetchStatus.RUNNING
        await session.execute(text("update procrastinate_jobs set status = 'doing'"))
    async with jobs.connected(asking.settings.database_url or "") as app:
        await jobs.take_up_abandoned.defer_async(timestamp=0)
        for _ in range(2):
            await app.run_worker_async(
                wait=False,
                listen_notify=False,
                install_signal_handlers=False,
                additional_context={"sessions": asking.sessions, "settings": asking.settings},
            )
    done = await asking.row(fetch)
    assert (done.status, done.arrived, done.expected) == (FetchStatus.DONE, 3, 3)
    assert len([path for path in there.asked if "/series/" in path]) == 1
    assert [one.number_of_instances for one in await asking.studies()] == [3]


async def test_wildcards_are_no_numbers(asking: Asking) -> None:
    for typed in ("*", "A?7", "A\\B", "x" * 65):
        with pytest.raises(Invalid):
            await asking.search(accession=typed)
    with pytest.raises(Invalid):
        await asking.search(number="somebody else's")


async def test_an_archive_that_answers_with_everything(asking: Asking, there: WebArchive) -> None:
    """It does not know the key it is asked by: studies of other numbers are not shown."""
    there.ignores_keys = True
    there.images += slices(asking.cast, 1)
    there.images += [dicom_bytes(PatientID=f"other-{number}", AccessionNumber="B") for number in range(5)]
    for answers in (await asking.search(), await asking.search(accession="A17")):
        assert [study.patient_number for study in answers.studies] == [asking.cast.patient.local_number]


async def test_the_newest_fifty(asking: Asking, there: WebArchive) -> None:
    for number in range(52):
        there.images += slices(asking.cast, 1, StudyDate=f"2026{number % 12 + 1:02}{number % 28 + 1:02}")
    answers = await asking.search()
    days = [study.day for study in answers.studies]
    assert (len(days), answers.has_more) == (50, True)
    assert days == sorted(days, reverse=True)


async def test_what_is_still_moved_after_it_was_stopped_is_turned_away(
    asking: Asking, there: WebArchive, tmp_path: Path
) -> None:
    """It is not filed elsewhere either, as if the archive had sent it by itself; ten minutes later that is over."""
    cast, image = asking.cast, slices(asking.cast, 1)[0]
    peer = DicomPeer(
        organization_id=cast.rural.organization_id, name="PACS", ae_title="A", network="10.0.0.1/32", created_at=now()
    )
    async with transaction(asking.sessions) as session:
        session.add(peer)
    asking.pacs = await archive(asking.sessions, cast, PacsKind.C_MOVE, "10.0.0.1:104", peer_id=peer.id)
    (study,) = [FoundStudy.of(lambda keyword: [str(dcmread(BytesIO(image)).get(keyword, ""))])]
    assert study is not None
    fetch = await asking.ask(study)
    path = tmp_path / "image"
    path.write_bytes(image)
    receiver = asking.receiver()
    sender = replace(SYSTEM, organization_id=cast.rural.organization_id, name="PACS")
    async with transaction(asking.sessions, cast.rural) as session:
        await cancel_fetch(session, cast.rural, fetch_id=fetch.id)
    async with transaction(asking.sessions) as session:
        awaited = await awaited_from(session, peer.id)
    (arrival,) = await receiver.receive_arrived(sender, files=[Received("image", path)], awaited=awaited)
    assert (arrival.refusal, await asking.studies()) == (Refusal.NOT_WANTED, [])
    async with transaction(asking.sessions) as session:
        (await session.get_one(PacsFetch, fetch.id)).changed_at -= LINGERING
        await session.flush()
        assert await awaited_from(session, peer.id) == {}
