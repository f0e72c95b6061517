"""`python -m tests.load.emergencies [HOW_MANY]`: so many emergencies at the same moment, each at a hospital of its own.

Every specialist on duty has one device signed in, over a real socket. Of every second emergency the first one rung says
no. Prints who was rung wrongly, and how long it took from the page to the ring.
"""

import asyncio
import re
import statistics
import sys
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import aiohttp
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import (
    DutyShift,
    HealthcareService,
    Organization,
    OrganizationKind,
    RoleCode,
    Specialty,
)
from teleconsult.emergencies.models import EmergencyPage
from teleconsult.settings import Settings
from tests.bench.running import installation
from tests.people import SECRET, Cast, another_person
from tests.signaling.conftest import COOKIES, cookie_of
from tests.signaling.visitors import Visitor
from tests.waiting import eventually
from web.csrf import HEADER, token_for

MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Hospital:
    """A service, who is on duty for it in turn, and the doctor who will call it."""

    service: HealthcareService
    duty: tuple[Actor, Actor]
    caller: Actor


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it; lists of roles that were treated wrongly are empty."""

    seconds: list[float]
    """From page to ring, of each device that rang."""
    wrong_first: list[uuid.UUID]
    of_another_house: list[uuid.UUID]
    rung_after_no: list[uuid.UUID]
    pages: int


class Device:
    """One person's browser: it hears, asks what rings, and says that it does."""

    def __init__(self, url: str, settings: Settings, cookie: str, http: aiohttp.ClientSession) -> None:
        headers = {"Cookie": f"{COOKIES.session}={cookie}", "Sec-Fetch-Site": "same-origin"}
        self._visitor = Visitor(url, namespace="/worklist", headers=headers)
        self._headers = headers | {HEADER: token_for(settings, cookie)}
        self._url, self._http = url, http

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Ring whenever something does, inside the block."""
        await self._visitor.connect()
        task = asyncio.create_task(self._listen())
        try:
            yield
        finally:
            task.cancel()
            await self._visitor.client.disconnect()

    async def post(self, path: str, **fields: str) -> int:
        """Send a form."""
        async with self._http.post(
            f"{self._url}{path}", headers=self._headers, data=fields, allow_redirects=False
        ) as answer:
            return answer.status

    async def _listen(self) -> None:
        told: set[str] = set()
        while True:
            event, message = await self._visitor.heard.get()
            if event != "changed" or message["what"] != "ring":
                continue
            async with self._http.get(f"{self._url}/emergencies/ringing", headers=self._headers) as answer:
                page = await answer.text()
            for ring in set(re.findall(r'data-ring="([^"]*)"', page)) - told:
                told.add(ring)
                await self.post(ring)


async def measure(url: str, settings: Settings, sessions: Sessions, cast: Cast, *, count: int) -> Outcome:
    """Press `count` buttons at once and look at who was rung."""
    hospitals = [await _hospital(sessions, cast, number) for number in range(count)]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http, AsyncExitStack() as stack:

        async def device(actor: Actor) -> Device:
            return Device(url, settings, await cookie_of(sessions, settings, actor), http)

        rung = {person.role_id: await device(person) for one in hospitals for person in one.duty}
        for one in rung.values():
            await stack.enter_async_context(one.listening())
        callers = [await device(one.caller) for one in hospitals]
        presses = (_press(caller, one) for caller, one in zip(callers, hospitals, strict=True))
        assert set(await asyncio.gather(*presses)) == {303}
        assert await eventually(lambda: _have_rung(sessions, count))
        first = {page.service_id: page for page in await _pages(sessions)}
        saying_no = hospitals[::2]
        await asyncio.gather(
            *(
                rung[one.duty[0].role_id].post(f"/emergencies/{first[one.service.id].emergency_id}/refusal")
                for one in saying_no
            )
        )
        assert await eventually(lambda: _have_rung(sessions, count + len(saying_no)))
    return _judged(hospitals, saying_no, await _pages(sessions))


def _judged(hospitals: Sequence[Hospital], saying_no: Sequence[Hospital], pages: Sequence[EmergencyPage]) -> Outcome:
    said_no = {(one.service.id, one.duty[0].role_id) for one in saying_no}
    by_service = {one.service.id: [page for page in pages if page.service_id == one.service.id] for one in hospitals}
    return Outcome(
        seconds=sorted((page.rung_at - page.paged_at).total_seconds() for page in pages if page.rung_at),
        wrong_first=[
            one.duty[0].role_id
            for one in hospitals
            if one.duty[0].role_id and by_service[one.service.id][0].practitioner_role_id != one.duty[0].role_id
        ],
        of_another_house=[
            page.practitioner_role_id for page in pages if page.role.organization_id != page.service.organization_id
        ],
        rung_after_no=[
            page.practitioner_role_id
            for page in pages
            if (page.service_id, page.practitioner_role_id) in said_no and page.declined_at is None
        ],
        pages=len(pages),
    )


async def _press(caller: Device, hospital: Hospital) -> int:
    return await caller.post(
        "/emergencies", key=str(uuid.uuid4()), what="Bleeds after a fall.", service=str(hospital.service.id), patient=""
    )


async def _hospital(sessions: Sessions, cast: Cast, number: int) -> Hospital:
    name, moment = f"hospital-{number}", now()
    async with transaction(sessions) as session:
        for place, kind in ((name, OrganizationKind.TERTIARY), (f"centre-{number}", OrganizationKind.HEALTH_CENTRE)):
            cast.organizations[place] = Organization(
                id=uuid.uuid4(), name=place, kind=kind, time_zone="America/Toronto", sharing_network="côte"
            )
            session.add(cast.organizations[place])
        service = HealthcareService(
            id=uuid.uuid4(),
            organization_id=cast.organizations[name].id,
            specialty=Specialty.TRAUMA,
            page_seconds=300,  # whatever the machine, nobody is rung but for the press and the refusal
        )
        await session.flush()
        session.add(service)
        people = [
            await another_person(session, cast, name, RoleCode.SPECIALIST, Specialty.TRAUMA) for _turn in range(2)
        ]
        caller = await another_person(session, cast, f"centre-{number}", RoleCode.DOCTOR, Specialty.GENERAL)
        for turn, person in enumerate(people):
            session.add(
                DutyShift(
                    service_id=service.id,
                    practitioner_role_id=person.role_id,
                    starts_at=moment - timedelta(hours=1 + turn),
                    ends_at=moment + timedelta(hours=8),
                    created_at=moment,
                )
            )
    return Hospital(service, (people[0], people[1]), caller)


async def _pages(sessions: Sessions) -> list[EmergencyPage]:
    async with transaction(sessions) as session:
        found = select(EmergencyPage).order_by(EmergencyPage.paged_at)
        return list(
            await session.scalars(found.options(joinedload(EmergencyPage.role), joinedload(EmergencyPage.service)))
        )


async def _have_rung(sessions: Sessions, count: int) -> bool:
    return sum(page.rung_at is not None for page in await _pages(sessions)) >= count


async def main(count: int) -> int:
    """Run it on an installation of its own; 0 where nobody was rung wrongly and the median is a second at the most."""
    async with installation() as running:
        settings = Settings(data=Path("/nonexistent"), secret_key=SECRET)
        outcome = await measure(running.site.url, settings, running.sessions, running.cast, count=count)
    median = statistics.median(outcome.seconds)
    print(f"emergencies at once            {count}")
    print(f"people paged                   {outcome.pages}")
    print(f"rung: median, slowest          {median:.2f} s, {outcome.seconds[-1]:.2f} s")
    print(f"rung first, and not in turn    {len(outcome.wrong_first)}")
    print(f"rung for another house         {len(outcome.of_another_house)}")
    print(f"rung again after a refusal     {len(outcome.rung_after_no)}")
    return int(bool(outcome.wrong_first or outcome.of_another_house or outcome.rung_after_no) or median > 1)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(min(int(sys.argv[1]) if len(sys.argv) > 1 else MOST, MOST))))
