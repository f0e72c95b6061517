"""Storage commitment (PS3.4 Annex J), asked by pynetdicom: told on the same line, or on one of our own."""

import asyncio
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification
from sqlalchemy import select, update

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.commitment import committing, jobs, pruning
from teleconsult.imaging.commitment.lines import try_reports
from teleconsult.imaging.commitment.models import StorageCommitment
from teleconsult.imaging.dimse.models import DicomPeer
from teleconsult.imaging.dimse.negotiating import COMMITMENT, COMMITMENT_INSTANCE
from teleconsult.imaging.models import ImagingInstance
from teleconsult.imaging.pacs.faults import PacsFault
from teleconsult.settings import Settings
from tests.people import Cast
from tests.stow_steps import slice_of
from tests.teleconsult.hl7v2.test_listener import issue, make_authority
from tests.teleconsult.imaging.dimse.scanner import HOST, PATIENCE, Scanner
from tests.waiting import eventually

STUDY = "1.2.826.0.1.3680043.8.498.82"
KEPT, NEVER_SENT = f"{STUDY}.1.1", f"{STUDY}.1.2"
pytestmark = pytest.mark.usefixtures("peer")


def request(*uids: str, transaction: str = f"{STUDY}.9", sop_class: str = CTImageStorage) -> Dataset:
    ds = Dataset()
    ds.TransactionUID, ds.ReferencedSOPSequence = transaction, []
    for uid in uids:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, uid
        ds.ReferencedSOPSequence.append(item)
    return ds


def ask(
    port: int,
    *asked: Dataset,
    waits: bool = True,
    action: int = 1,
    syntax: str = ExplicitVRLittleEndian,
    title: str = "CT1",
) -> tuple[list[int], list[tuple[int, Dataset]]]:
    """The statuses of N-ACTION, and the reports that came on the same association."""
    reports: list[tuple[int, Dataset]] = []

    def take(event: Any) -> tuple[int, None]:
        reports.append((event.event_type, event.event_information))
        return 0, None

    entity = AE(ae_title=title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = PATIENCE
    entity.add_requested_context(COMMITMENT, syntax)
    association = entity.associate(HOST, port, ae_title="TELECONSULT", evt_handlers=[(evt.EVT_N_EVENT_REPORT, take)])
    assert association.is_established
    statuses = []
    for number, ds in enumerate(asked):
        status, _reply = association.send_n_action(ds, action, COMMITMENT, COMMITMENT_INSTANCE, msg_id=number + 1)
        statuses.append(int(status.Status))
        end = time.monotonic() + PATIENCE
        while waits and status.Status == 0 and len(reports) <= number and time.monotonic() < end:
            time.sleep(0.02)
    if waits:
        association.release()
    else:
        association.abort()
    entity.shutdown()
    return statuses, reports


async def the_report(port: int, asked: Dataset, *, title: str = "CT1") -> tuple[int, Dataset]:
    """The one report on this, on the same association."""
    _statuses, reports = await asyncio.to_thread(ask, port, asked, title=title)
    (report,) = reports
    return report


@pytest.fixture
async def kept(scanner: Scanner, cast: Cast) -> Scanner:
    """One slice that was sent."""
    uids = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": f"{STUDY}.1", "SOPInstanceUID": KEPT}
    stored = await scanner.store(slice_of(cast, **uids))
    assert isinstance(stored, list)
    assert stored[0].Status == 0
    return scanner


async def rows(sessions: Sessions) -> list[StorageCommitment]:
    async with transaction(sessions) as session:
        return list(await session.scalars(select(StorageCommitment)))


async def acts(sessions: Sessions) -> list[tuple[str, dict[str, Any]]]:
    async with transaction(sessions) as session:
        found = await session.scalars(
            select(AuditEvent).where(AuditEvent.action.startswith("commitment-")).order_by(AuditEvent.recorded_at)
        )
        return [(event.action, event.detail) for event in found]


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
async def test_what_is_here_is_committed_to_on_the_same_line(kept: Scanner, sessions: Sessions, syntax: UID) -> None:
    ds = request(KEPT)
    statuses, reports = await asyncio.to_thread(ask, kept.port, ds, syntax=syntax)
    ((event, told),) = reports
    assert (statuses, event, told.TransactionUID) == ([0], 1, ds.TransactionUID)
    assert [item.ReferencedSOPInstanceUID for item in told.ReferencedSOPSequence] == [KEPT]
    assert "FailedSOPSequence" not in told

    async def is_noted() -> bool:
        return (await rows(sessions))[0].reported_at is not None

    assert await eventually(is_noted)
    assert await acts(sessions) == [
        ("commitment-asked", {"instances": 1}),
        ("commitment-reported", {"instances": 1, "failed": 0}),
    ]


async def test_what_was_never_sent_or_is_of_another_class_is_not(kept: Scanner) -> None:
    event, told = await the_report(kept.port, request(KEPT, NEVER_SENT))
    (failed,) = told.FailedSOPSequence
    assert (event, failed.ReferencedSOPInstanceUID, failed.FailureReason) == (2, NEVER_SENT, 0x0112)
    assert len(told.ReferencedSOPSequence) == 1
    event, told = await the_report(
        kept.port, request(KEPT, transaction=f"{STUDY}.8", sop_class="1.2.840.10008.5.1.4.1.1.4")
    )
    assert (event, told.FailedSOPSequence[0].FailureReason) == (2, 0x0119)


async def test_what_lost_its_bytes_is_not(kept: Scanner, sessions: Sessions, settings: Settings) -> None:
    async with transaction(sessions) as session:
        instance = (await session.scalars(select(ImagingInstance))).one()
    path = settings.data / "objects" / instance.object_key
    whole = path.read_bytes()
    for content, number in ((whole[:-1], 1), (None, 2)):
        path.unlink() if content is None else Path(path).write_bytes(content)
        _event, told = await the_report(kept.port, request(KEPT, transaction=f"{STUDY}.9.{number}"))
        assert told.FailedSOPSequence[0].FailureReason == 0x0112


async def test_of_another_establishment_s_objects_nothing_is_known(
    kept: Scanner, sessions: Sessions, cast: Cast
) -> None:
    async with transaction(sessions) as session:
        session.add(
            DicomPeer(
                organization_id=cast.stranger.organization_id,
                name="Elsewhere",
                ae_title="CT9",
                network=f"{HOST}/32",
                created_at=now(),
            )
        )
    event, told = await the_report(kept.port, request(KEPT), title="CT9")
    assert (event, told.FailedSOPSequence[0].FailureReason) == (2, 0x0112)


async def test_asked_twice_is_told_twice_and_kept_once(kept: Scanner, sessions: Sessions) -> None:
    statuses, reports = await asyncio.to_thread(ask, kept.port, request(KEPT), request(KEPT), request(NEVER_SENT))
    assert statuses == [0, 0, 0x0115], "another request under the same Transaction UID"
    assert [event for event, _told in reports] == [1, 1]
    assert len(await rows(sessions)) == 1


async def test_what_is_no_request_is_refused(
    kept: Scanner, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teleconsult.imaging.dimse.committing.MOST", 1)
    bad = request("../../etc"), request(), request(KEPT, NEVER_SENT)
    statuses, reports = await asyncio.to_thread(ask, kept.port, *bad)
    assert (statuses, reports) == ([0x0115, 0x0115, 0x0213], [])
    assert (await asyncio.to_thread(ask, kept.port, request(KEPT), action=7))[0] == [0x0123]
    assert await rows(sessions) == []


class Reports:
    """A sender that takes reports on a port of its own, with this status."""

    def __init__(self, status: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.heard: list[Dataset] = []
        self._entity = AE(ae_title="CT1")
        self._entity.add_supported_context(COMMITMENT, scu_role=False, scp_role=True)
        self._entity.add_supported_context(Verification)

        def take(event: Any) -> tuple[int, None]:
            self.heard.append(event.event_information)
            return status, None

        with socket.create_server((HOST, 0)) as probe:
            self.port = probe.getsockname()[1]
        handlers = [(evt.EVT_N_EVENT_REPORT, take)]
        self._entity.start_server((HOST, self.port), block=False, evt_handlers=handlers, ssl_context=tls)

    def close(self) -> None:
        self._entity.shutdown()


async def asked_and_left(kept: Scanner, sessions: Sessions, report_address: str) -> StorageCommitment:
    """A request whose sender went before the report."""
    async with transaction(sessions) as session:
        await session.execute(update(DicomPeer).values(report_address=report_address))
    await asyncio.to_thread(ask, kept.port, request(KEPT, NEVER_SENT), waits=False)
    async with transaction(sessions) as session:
        await session.execute(update(StorageCommitment).values(reported_at=None))
    return (await rows(sessions))[0]


async def test_who_left_is_told_where_it_takes_reports(kept: Scanner, sessions: Sessions, settings: Settings) -> None:
    there = Reports()
    nearby = settings.model_copy(update={"pacs_networks": f"{HOST}/32"})
    try:
        asked = await asked_and_left(kept, sessions, f"{HOST}:{there.port}")
        await jobs.report(sessions, nearby, commitment_id=asked.id, is_last_try=False)
        await jobs.report(sessions, nearby, commitment_id=asked.id, is_last_try=False)
    finally:
        there.close()
    (told,) = there.heard
    assert (told.TransactionUID, told.FailedSOPSequence[0].FailureReason) == (asked.transaction_uid, 0x0112)
    assert [item.ReferencedSOPInstanceUID for item in told.ReferencedSOPSequence] == [KEPT]
    assert (await rows(sessions))[0].reported_at is not None


async def test_who_is_called_by_tls_is_told_by_tls(
    kept: Scanner, sessions: Sessions, settings: Settings, tmp_path: Path
) -> None:
    """With a certificate of ours, which it demands; nothing, where its own is not of the authority that was set."""
    authority, key = make_authority(tmp_path)
    for name in ("theirs", "ours"):
        issue(tmp_path, name, authority, key)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tmp_path / "ca.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_cert_chain(tmp_path / "theirs.pem", tmp_path / "theirs.key")
    shown = {"tls_cert": tmp_path / "ours.pem", "tls_key": tmp_path / "ours.key"}
    nearby = settings.model_copy(update={"pacs_networks": f"{HOST}/32", **shown})
    there = Reports(tls=tls)
    try:
        asked = await asked_and_left(kept, sessions, f"{HOST}:{there.port}")
        for pem, is_told in (("", False), ((tmp_path / "ca.pem").read_text(), True)):
            async with transaction(sessions) as session:
                peer = (await session.scalars(select(DicomPeer))).one()
                peer.reports_by_tls, peer.report_authority = True, pem
            with nullcontext() if is_told else pytest.raises(PacsFault):
                await try_reports(peer, nearby)
            with nullcontext() if is_told else pytest.raises(jobs.Unreported):
                await jobs.report(sessions, nearby, commitment_id=asked.id, is_last_try=False)
            assert len(there.heard) == is_told
    finally:
        there.close()


async def test_what_is_over_is_removed_after_a_while(
    peer: DicomPeer, cast: Cast, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In lots; what is still to be told stays, however old."""
    monkeypatch.setattr(pruning, "AT_ONCE", 2)
    old, new = now() - timedelta(days=31), now() - timedelta(days=29)
    ends = [(old, None), (None, old), (old, None), (new, None), (None, new), (None, None)]
    async with transaction(sessions) as session:
        session.add_all(
            StorageCommitment(
                organization_id=cast.rural.organization_id,
                dicom_peer_id=peer.id,
                transaction_uid=f"1.2.{number}",
                instances=[],
                asked_at=old,
                reported_at=reported_at,
                ended_at=ended_at,
            )
            for number, (reported_at, ended_at) in enumerate(ends)
        )
    assert [await pruning.prune(sessions, days=30) for _twice in range(2)] == [3, 0]
    assert sorted(one.transaction_uid for one in await rows(sessions)) == ["1.2.3", "1.2.4", "1.2.5"]


@pytest.mark.parametrize("place", ["127.0.0.1:1", "127.0.0.1:{}"])
async def test_trying_has_an_end_that_is_noted(
    kept: Scanner, sessions: Sessions, settings: Settings, place: str
) -> None:
    there = Reports(status=0x0110)
    nearby = settings.model_copy(update={"pacs_networks": f"{HOST}/32"})
    try:
        asked = await asked_and_left(kept, sessions, place.format(there.port))
        with pytest.raises(jobs.Unreported):
            await jobs.report(sessions, nearby, commitment_id=asked.id, is_last_try=False)
        await jobs.report(sessions, nearby, commitment_id=asked.id, is_last_try=True)
    finally:
        there.close()
    assert (await rows(sessions))[0].ended_at is not None
    assert (await acts(sessions))[-1][1]["reason"] in ("unreachable", "status 0110")


async def test_without_an_address_it_waits_on_its_own_line_alone(
    kept: Scanner, sessions: Sessions, settings: Settings
) -> None:
    asked = await asked_and_left(kept, sessions, "")
    await jobs.report(sessions, settings, commitment_id=asked.id, is_last_try=False)
    assert (await acts(sessions))[-1] == ("commitment-unreported", {"reason": "no-address"})


async def test_our_own_machine_is_no_place_for_reports(kept: Scanner, sessions: Sessions, settings: Settings) -> None:
    asked = await asked_and_left(kept, sessions, f"{HOST}:5432")
    await jobs.report(sessions, settings, commitment_id=asked.id, is_last_try=True)
    assert (await acts(sessions))[-1][1] == {"reason": "forbidden-place"}


async def test_many_are_looked_at_in_pieces(kept: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committing, "_AT_ONCE", 2)
    uids: Sequence[str] = [KEPT, *(f"{STUDY}.5.{number}" for number in range(300))]
    _event, told = await the_report(kept.port, request(*uids))
    assert (len(told.ReferencedSOPSequence), len(told.FailedSOPSequence)) == (1, 300)
