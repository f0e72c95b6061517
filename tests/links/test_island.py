"""An island: power is back after a night and the way to the world is not. All goes on; what is owed outside waits.

The product starts cold, its database too, in a network that knows no way but to the two people on it. What it owes goes
to three systems that nobody has a route to, until the route is there again: each note once, in its order.
"""

import asyncio
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from aiosmtpd.smtp import SMTP
from playwright.async_api import Page, expect

from migrations import migrate
from teleconsult.cda.naming import oid_of
from teleconsult.clock import now
from teleconsult.db import Sessions, make_engine, make_sessions, transaction
from teleconsult.delivery.hl7v2_channel import control_id
from teleconsult.delivery.models import ARRIVED, Channel, Delivery
from teleconsult.delivery.reasons import Reason
from teleconsult.directory.mailboxes.models import MailboxType
from teleconsult.directory.models import ConnectionType, Endpoint, Organization
from teleconsult.documents.press import Press
from teleconsult.embedded import DatabaseUrls, embedded_postgresql
from teleconsult.notes.signing import Signing
from teleconsult.objects import Objects, open_store
from teleconsult.scheduling.booking import book_appointment, propose_time
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings
from tests import delivery_steps, note_steps
from tests.browser import test_spine as spine
from tests.browser.conftest import eventually as appears
from tests.browser.site import Site
from tests.certificates import Certificate, make_certificate
from tests.fhir_peer import FhirPeer, fhir_peer
from tests.links.conftest import OpenOver
from tests.links.link import HUB, Hub, Place
from tests.mllp_peers import MllpPeer, mllp_peer
from tests.people import SECRET, Cast, make_cast
from tests.teleconsult.delivery.test_mailing import FINESS, box
from tests.teleconsult.delivery.test_secure_mail import Office, secured
from tests.waiting import eventually

MLLP, HTTPS, SMTPS = 2575, 8443, 465
OUTSIDE: Final = (Channel.HL7V2, Channel.FHIR, Channel.SECURE_MAIL)


class Island(Site):
    """`teleconsult run` with nothing beside it: it brings its own database up."""

    def __init__(self, data: Path, hub: Hub, environment: dict[str, str]) -> None:
        self._told = environment
        super().__init__(DatabaseUrls(app="", owner=""), data, host=HUB, inside=hub.inside)

    def _start(self) -> None:
        del self.environment["TELECONSULT_DATABASE_URL"]
        self.environment |= self._told
        self._processes = [self._run("run")]


@dataclass(frozen=True, slots=True)
class World:
    """The systems outside, and what came to each."""

    hl7: MllpPeer
    fhir: FhirPeer
    mail: Office

    def came(self) -> dict[Channel, list[str]]:
        """In which order, by what each calls a message."""
        documents = [
            entry["resource"]["masterIdentifier"]["value"].removeprefix("urn:oid:")
            for bundle in self.fhir.transactions
            for entry in bundle["entry"]
            if entry["resource"]["resourceType"] == "DocumentReference"
        ]
        mails = [str(one.content).partition("Message-ID: <")[2].partition("@")[0] for one in self.mail.envelopes]
        return {Channel.HL7V2: self.hl7.control_ids(), Channel.FHIR: documents, Channel.SECURE_MAIL: mails}


@dataclass(frozen=True, slots=True)
class Cold:
    """What was there before the night."""

    data: Path
    cast: Cast
    certificate: Certificate
    away: Place


@pytest.fixture
async def cold(hub: Hub, tmp_path: Path) -> AsyncIterator[Cold]:
    """An installation that does not run, and systems outside that it has no way to."""
    folder = Path(tempfile.mkdtemp(prefix="teleconsult-island-"))
    away = hub.place("away")
    away.vanish()
    certificate = make_certificate(tmp_path / "away", address=away.address)
    with embedded_postgresql(folder) as urls:
        await asyncio.to_thread(migrate, urls.owner)
        engine = make_engine(urls.app)
        sessions = make_sessions(engine, acting="system")
        async with transaction(sessions) as session:
            cast = await make_cast(session)
        await note_steps.enrol(sessions, Settings(data=folder, secret_key=SECRET), cast.specialist)
        await spine.give_the_patient_a_file(sessions, cast)
        await _name_systems(sessions, cast, away.address, certificate)
        await engine.dispose()
    yield Cold(folder, cast, certificate, away)
    hub.leave(away)
    shutil.rmtree(folder, ignore_errors=True)


async def _name_systems(sessions: Sessions, cast: Cast, address: str, certificate: Certificate) -> None:
    await delivery_steps.endpoint(sessions, cast, ConnectionType.HL7V2, f"{address}:{MLLP}")
    await delivery_steps.endpoint(
        sessions,
        cast,
        ConnectionType.FHIR,
        f"https://{address}:{HTTPS}/r4",
        authority=certificate.certificate.read_text(),
    )
    async with transaction(sessions) as session:
        (await session.get_one(Organization, cast.rural.organization_id)).structure_number = FINESS
        ours = Endpoint(
            organization_id=cast.specialist.organization_id,
            connection_type=ConnectionType.SECURE_MAIL,
            name="Ours",
            address="us@chu.mssante.fr",
            updated_at=now(),
        )
        session.add_all([ours, box(cast, "app@anse.mssante.fr", MailboxType.APPLICATION, structure_number=FINESS)])


@pytest.fixture
def cast(cold: Cold) -> Cast:
    """Those of the island."""
    return cold.cast


@pytest.fixture
def site(cold: Cold, hub: Hub) -> "Site":
    """The power is back: everything starts, and nothing is told where the world is."""
    told = {
        "TELECONSULT_DELIVERY_EVIDENCE_MINUTES": "0",
        "TELECONSULT_SECURE_MAIL_URL": f"smtps://{cold.away.address}:{SMTPS}",
        "TELECONSULT_SECURE_MAIL_FROM": "us@chu.mssante.fr",
        "TELECONSULT_SECURE_MAIL_CA": str(cold.certificate.certificate),
    }
    return Island(cold.data, hub, told)


@pytest.fixture
async def signing(site: Site, cold: Cold) -> AsyncIterator[Signing]:
    """The running installation, as another of its processes has it."""
    site.wait_until_ready()
    settings = Settings(data=cold.data, secret_key=SECRET)
    with embedded_postgresql(cold.data) as urls:
        engine, press = make_engine(urls.app), Press()
        sessions = make_sessions(engine, acting="system")
        yield Signing(sessions, settings, Objects(open_store(None, cold.data)), Sealer(SECRET), press)
        press.close()
        await engine.dispose()
        await asyncio.to_thread(site.stop)


async def test_without_any_way_out_all_goes_on_and_what_is_owed_goes_once_when_the_way_is_back(
    signing: Signing, cold: Cold, hub: Hub, open_over: OpenOver, cast: Cast
) -> None:
    asked: set[str] = set()
    rural, specialist = [(await open_over(who)).page for who in ("rural", "specialist")]
    for page in (rural, specialist):
        page.on("request", lambda request: asked.add(request.url))
    consult_url = await spine.request_a_consult(rural, cast)
    await specialist.reload()
    await spine.accept(specialist)
    await _book(signing.sessions, cast, uuid.UUID(consult_url.rpartition("/")[2]))
    await spine.see_and_hear_each_other(rural, specialist, consult_url)
    await spine.write_the_note(specialist)
    await spine.the_note_survives_a_closed_tab(specialist, consult_url)
    await spine.sign(specialist)
    await _is_acknowledged(rural, consult_url)
    await spine.the_note_stands_in_the_file(rural, cast)
    elsewhere = {url for url in asked if urlsplit(url).scheme in ("http", "https", "ws", "wss")}
    assert {urlsplit(url).hostname for url in elsewhere} == {HUB}, f"asked of others: {sorted(elsewhere)}"

    await note_steps.signed(cast, signing)
    sessions = signing.sessions
    for channel in OUTSIDE:
        assert await eventually(partial(_has_no_way, sessions, channel)), await _told(sessions)

    async with _the_world(cold, cast) as world:
        cold.away.appear()
        assert await eventually(partial(_have_all_arrived, sessions)) or await eventually(
            partial(_have_all_arrived, sessions)
        ), await _told(sessions)
        assert world.came() == {
            Channel.HL7V2: [control_id(one.id) for one in await delivery_steps.deliveries(sessions, Channel.HL7V2)],
            Channel.FHIR: await _documents(sessions),
            Channel.SECURE_MAIL: [one.id.hex for one in await delivery_steps.deliveries(sessions, Channel.SECURE_MAIL)],
        }


async def _book(sessions: Sessions, cast: Cast, consult_id: uuid.UUID) -> None:
    """As the coordinator does, whose browser would take as long as both others."""
    async with transaction(sessions, cast.coordinator) as session:
        starts_at = now() + timedelta(minutes=10)
        await propose_time(session, cast.coordinator, consult_id=consult_id, starts_at=starts_at)
    async with transaction(sessions, cast.coordinator) as session:
        await book_appointment(session, cast.coordinator, consult_id=consult_id)


async def _is_acknowledged(rural: Page, consult_url: str) -> None:
    await rural.goto(consult_url)
    await appears(lambda: spine.acknowledged_is_offered(rural))
    await rural.get_by_test_id("acknowledge").click()
    await expect(rural.get_by_test_id("flash")).to_be_visible()


async def _has_no_way(sessions: Sessions, channel: Channel) -> bool:
    """The first was tried in vain; the second, of the same patient, stays behind it."""
    owed = await delivery_steps.deliveries(sessions, channel)
    return [(one.reason, one.attempts > 0) for one in owed] == [(Reason.UNREACHABLE, True), (owed[-1].reason, False)]


async def _have_all_arrived(sessions: Sessions) -> bool:
    return all(one.status in ARRIVED for one in await delivery_steps.deliveries(sessions))


async def _told(sessions: Sessions) -> list[str]:
    owed: Sequence[Delivery] = await delivery_steps.deliveries(sessions)
    return [f"{one.channel} {one.attempts}: {delivery_steps.described(one)}" for one in owed]


async def _documents(sessions: Sessions) -> list[str]:
    owed = await delivery_steps.deliveries(sessions, Channel.FHIR)
    return [oid_of(str(one.composition_id)) for one in owed]


@asynccontextmanager
async def _the_world(cold: Cold, cast: Cast) -> AsyncIterator[World]:
    """The three systems, where they always were."""
    address, office, tls = cold.away.address, Office(), secured(cold.certificate)
    async with AsyncExitStack() as kept:
        hl7 = await kept.enter_async_context(mllp_peer(at=cold.away.listen(address, MLLP)))
        fhir = await kept.enter_async_context(fhir_peer(cold.certificate, at=cold.away.listen(address, HTTPS)))
        fhir.add_patient(f"urn:oid:{oid_of(str(cast.patient.organization_id))}", cast.patient.local_number)
        mail = await asyncio.get_running_loop().create_server(
            lambda: SMTP(office, enable_SMTPUTF8=True), sock=cold.away.listen(address, SMTPS), ssl=tls
        )
        kept.callback(mail.close)
        yield World(hl7, fhir, office)
