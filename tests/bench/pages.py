"""Pages and FHIR while many ask at once, beside an aiohttp handler that does nothing: `python -m tests.bench.pages`.

One process each, in the same run and in turn, so that whatever else the machine does falls on all. Authorization, the
database's walls and the audit log are as always: each reading of a file is a row of the log, committed.
"""

import asyncio
import gc
import os
import sys
import uuid
from collections.abc import Mapping
from typing import Final

import httpx
import psutil
import uvloop
from aiohttp import web

from teleconsult.access import Purpose
from teleconsult.clock import now
from teleconsult.db import transaction
from teleconsult.records.actions import file_entry
from tests.bench.asking import Asked, get, keep_asking, postmaster, processor
from tests.bench.running import Installation, installation
from tests.bench.signaling.servers import Process, started
from tests.consult_steps import booked
from tests.people import PASSWORD

ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "4"))
SECONDS: Final = 3.0
"""Of each thing in a round."""
AT_ONCE: Final = 8
"""Connections, each of which asks again as soon as it was answered."""
CONSULTS: Final = 12
OBSERVATIONS: Final = 60
BARE: Final = "a bare aiohttp handler"
GLUCOSE: Final = {"system": "http://loinc.org", "code": "2345-7"}


async def main() -> None:
    """Print the table."""
    print(f"load {os.getloadavg()[0]:.1f} before, {AT_ONCE} connections, {ROUNDS} rounds of {SECONDS:.0f} s each")
    async with installation() as running:
        requests, size = await _requests(running)
        asked = {name: Asked() for name in (BARE, *requests)}
        ours = psutil.Process(running.site.server_pid)
        database = postmaster(running.site.data.parent / "postgresql")
        with started(sys.executable, "-m", "tests.bench.pages", str(size)) as bare:
            for number in range(ROUNDS + 1):
                for name, counted in asked.items():
                    one = counted if number else Asked()  # connections and plans are made in the first round
                    port = bare.port if name == BARE else running.site.port
                    request = [get("/", bare.port)] if name == BARE else requests[name]
                    await _measured(one, port, request, bare if name == BARE else None, ours, database)
    print(_table(asked, size))
    print(f"load {os.getloadavg()[0]:.1f} after")


async def _measured(
    one: Asked, port: int, request: list[bytes], bare: Process | None, ours: psutil.Process, database: psutil.Process
) -> None:
    server = psutil.Process(bare.pid) if bare else ours
    before = processor([server]), processor([database])
    await keep_asking(one, port, request, at_once=AT_ONCE, seconds=SECONDS)
    one.server += processor([server]) - before[0]
    one.database += processor([database]) - before[1]


async def _requests(running: Installation) -> tuple[dict[str, list[bytes]], int]:
    """What is asked; and the bytes of the worklist, which the bare handler answers as many of."""
    consults = [await booked(running.cast, running.sessions, in_minutes=60 * n) for n in range(1, CONSULTS + 1)]
    entries = [await _observation(running, number) for number in range(OBSERVATIONS)]
    port, base = running.site.port, running.site.url
    async with httpx.AsyncClient(base_url=base, trust_env=False) as browser:
        form = {"email": running.cast.emails["specialist"], "password": PASSWORD}
        answer = await browser.post("/sign-in", data=form)
        assert answer.status_code == 303, answer.text[:500]
        page = await browser.get("/")
        assert str(consults[-1].number) in page.text, "the worklist has them"
        cookie = "; ".join(f"{one.name}={one.value}" for one in browser.cookies.jar)
    bearer = {"Authorization": f"Bearer {await running.bearer(Purpose.FILES)}", "Accept": "application/fhir+json"}
    signed_in = {"Cookie": cookie, "Accept": "text/html"}
    patient = running.cast.patient.id
    asked: Mapping[str, tuple[list[str], dict[str, str]]] = {
        f"the worklist ({CONSULTS} consults)": (["/"], signed_in),
        "a consult's page": ([f"/consults/{one.id}" for one in consults], signed_in),
        "FHIR search (20 observations of a patient)": (
            [f"/fhir/Observation?patient={patient}&code={GLUCOSE['code']}&_count=20"],
            bearer,
        ),
        "FHIR read (an observation)": ([f"/fhir/Observation/{one}" for one in entries], bearer),
    }
    made = {name: [get(path, port, **headers) for path in paths] for name, (paths, headers) in asked.items()}
    return made, len(page.content)


async def _observation(running: Installation, number: int) -> uuid.UUID:
    resource = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Glucose", "coding": [GLUCOSE]},
        "valueQuantity": {"value": 4 + number / 10, "unit": "mmol/L"},
    }
    async with transaction(running.sessions) as session:
        cast = running.cast
        made = await file_entry(
            session, cast.rural, patient_id=cast.patient.id, resource=resource, title="Glucose", effective_at=now()
        )
    return made.id


def _table(asked: Mapping[str, Asked], size: int) -> str:
    bare = asked[BARE]
    lines = [
        "| | a second | half within, ms | 99 of 100 within, ms | processor of the server, ms | of PostgreSQL, ms"
        " | times the bare one's processor |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, one in asked.items():
        server, database = one.milliseconds
        told = f"{name} ({size / 1000:.0f} KB)" if name == BARE else name
        times = "1" if name == BARE else f"{server / bare.milliseconds[0]:.0f}"
        database_told = "–" if name == BARE else f"{database:.2f}"
        lines.append(
            f"| {told} | {one.rate:.0f} | {one.within(50):.1f} | {one.within(99):.1f} | {server:.2f}"
            f" | {database_told} | {times} |"
        )
    return "\n".join(lines)


def answer(size: int, port: int) -> None:
    """The bare handler: as many bytes as a page of ours has, and nothing else."""
    body = b"x" * size

    async def handle(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", handle)
    gc.freeze()  # as `teleconsult serve` does
    gc.set_threshold(50_000, 20, 50)
    loop = uvloop.new_event_loop()
    web.run_app(app, host="127.0.0.1", port=port, loop=loop, access_log=None, print=None, shutdown_timeout=1)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        answer(int(sys.argv[1]), int(sys.argv[2]))
    else:
        asyncio.run(main())
