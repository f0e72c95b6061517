"""One consult from its request to its delivery, by HTTP and sockets, as three browsers would."""

import asyncio
import re
import statistics
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from teleconsult.clock import now
from teleconsult.db import transaction
from teleconsult.delivery.models import Delivery
from tests.bench.region.stand import PROCESSES, Hub, Region, Spoke
from tests.bench.signaling.crowd import by_socket, join
from tests.bench.signaling.rooms import Booked
from tests.people import PASSWORD

ADDRESS: Final = re.compile(r"/(?:consults|notes)/([0-9a-f-]{36})")
ID: Final = re.compile(r"[0-9a-f-]{36}")
SHOWN: Final = re.compile(rb'name="shown" value="([0-9a-f]{64})"')
VERSION: Final = re.compile(rb'name="version" value="(\d+)"')
SESSION: Final = timedelta(minutes=40)
"""Between two of a specialist's sessions."""
DELIVERED_WITHIN: Final = 60.0
"""Seconds, after which it counts as held up."""


@dataclass
class Took:
    """Seconds of each answer, by kind: pages, joins, printing, signing, and until it stood in the file."""

    waits: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    ended: int = 0

    def slowest(self) -> list[str]:
        """Pages, by the median of each, without what only each first of a process takes."""
        pages = {kind: statistics.median(waits) for kind, waits in self.waits.items() if " " in kind}
        return [f"{kind} {pages[kind] * 1000:.0f} ms" for kind in sorted(pages, key=lambda one: -pages[one])[:4]]

    @asynccontextmanager
    async def timed(self, kind: str) -> AsyncIterator[None]:
        """Add what happens within."""
        began = time.perf_counter()
        yield
        self.waits[kind].append(time.perf_counter() - began)


Step = Callable[[], Awaitable[None]]


class Consult:
    """The steps, in order; each may be called once."""

    def __init__(self, region: Region, spoke: Spoke, hub: Hub, took: Took) -> None:
        self._region, self._spoke, self._hub, self._took = region, spoke, hub, took
        self._cookies: dict[str, str] = {}
        self._id = self._note = ""
        number = sum(len(one.booked) for one in region.hubs)
        self._process = PROCESSES[number % len(PROCESSES)]
        hub.booked.append(number)
        self._starts_at = self._time(len(hub.booked))

    @property
    def steps(self) -> Mapping[str, Step]:
        """By name."""
        return {
            "request": self.request,
            "accept, schedule": self.schedule,
            "join, two sockets": self.meet,
            "write the note": self.write,
            "print it to be read": self.look,
            "sign": self.sign,
            "deliver": self.deliver,
        }

    async def come(self) -> None:
        """All three signed in earlier."""
        who = {"doctor": self._spoke.doctor, "coordinator": self._hub.coordinator, "specialist": self._hub.specialist}
        self._cookies = {name: await self._region.cookie(actor) for name, actor in who.items()}

    async def request(self) -> None:
        """From the patient's file to the request that is sent."""
        await self._get("doctor", f"/patients/{self._spoke.patient_id}")
        self._id = await self._post("doctor", "/consults", patient_id=str(self._spoke.patient_id))
        await self._get("doctor", self._path)
        await self._post(
            "doctor",
            f"{self._path}/submission",
            service=str(self._hub.service_id),
            urgency="urgent",
            question="Three weeks of headache. Is a scan needed?",
            basis="patient",
            consent="yes",
        )

    async def schedule(self) -> None:
        """The board, a time, the worklist, an acceptance, a booking."""
        await self._get("coordinator", "/")
        await self._post("coordinator", f"{self._path}/proposal", time=self._starts_at)
        await self._get("specialist", "/")
        await self._get("specialist", self._path)
        await self._post("specialist", f"{self._path}/acceptance")
        await self._post("coordinator", f"{self._path}/booking")

    async def meet(self) -> None:
        """Both open the room and join; they leave again by themselves."""
        server = self._region.servers.process(self._process)
        room = Booked(uuid.UUID(self._id), (self._cookies["doctor"], self._cookies["specialist"]))
        clients = []
        for who in ("doctor", "specialist"):
            await self._get(who, f"{self._path}/room")
            async with self._took.timed("join"):
                clients.append(await by_socket(server, self._cookies[who]))
                await join(clients[-1], room)
        for client in clients:
            client.say('42/room,["leave",{}]')
            client.socket.transport.close()

    async def write(self) -> None:
        """Begin it, and save it twice."""
        self._note = await self._post("specialist", f"{self._path}/note")
        page = await self._get("specialist", f"/notes/{self._note}")
        version = VERSION.search(page)
        assert version, "the editor says which version it shows"
        for _ in range(2):
            await self._post(
                "specialist",
                f"/notes/{self._note}/draft",
                version=version[1].decode(),
                opinion=f"Tension headache ({uuid.uuid4()}).",
                plan="Rest.",
            )
            version = VERSION.search(await self._get("specialist", f"/notes/{self._note}"))
            assert version

    async def look(self) -> None:
        """As it will be signed."""
        async with self._took.timed("print"):
            page = await self._get("specialist", f"/notes/{self._note}/signature", kind="")
        shown, version = SHOWN.search(page), VERSION.search(page)
        assert shown and version, page[-3000:]
        self._shown, self._version = shown[1].decode(), version[1].decode()

    async def sign(self) -> None:
        """With the password once more."""
        async with self._took.timed("sign"):
            await self._post(
                "specialist",
                f"/notes/{self._note}/signature",
                kind="",
                shown=self._shown,
                version=self._version,
                password=PASSWORD,
            )

    async def deliver(self) -> None:
        """Until the worker has written it into the file."""
        owed = select(func.count()).where(
            Delivery.composition_id == uuid.UUID(self._note), Delivery.delivered_at.is_(None)
        )
        end = time.monotonic() + DELIVERED_WITHIN
        async with self._took.timed("deliver"):
            while True:
                async with transaction(self._region.sessions) as session:
                    if not await session.scalar(owed):
                        break
                if time.monotonic() > end:
                    raise TimeoutError("not delivered")
                await asyncio.sleep(0.2)
        await self._get("doctor", self._path)
        self._took.ended += 1

    @property
    def _path(self) -> str:
        return f"/consults/{self._id}"

    @staticmethod
    def _time(number: int) -> str:
        starts: datetime = now().replace(second=0, microsecond=0) + number * SESSION
        return starts.strftime("%Y-%m-%dT%H:%M+00:00")

    async def _get(self, who: str, path: str, *, kind: str = "page") -> bytes:
        return await self._ask("GET", who, path, kind)

    async def _post(self, who: str, path: str, *, kind: str = "page", **form: str) -> str:
        """The id in the address it leads to."""
        return (await self._ask("POST", who, path, kind, form)).decode()

    async def _ask(self, method: str, who: str, path: str, kind: str, form: Mapping[str, str] | None = None) -> bytes:
        url = f"http://127.0.0.1:{self._region.servers.ports[self._process]}{path}"
        headers = {**self._region.headers(self._cookies[who]), "Accept-Encoding": "identity"}
        began = time.perf_counter()
        async with self._region.http.request(method, url, headers=headers, data=form, allow_redirects=False) as answer:
            content = await answer.read()
        if kind:
            self._took.waits[kind].append(time.perf_counter() - began)
        self._took.waits[f"{method} {ID.sub('…', path)}"].append(time.perf_counter() - began)
        assert answer.status == (200 if method == "GET" else 303), (
            f"{method} {path}: {answer.status} {content[:2000]!r}"
        )
        if method == "GET":
            return content
        found = ADDRESS.search(answer.headers["Location"])
        return found[1].encode() if found else b""
