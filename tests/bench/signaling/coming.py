"""`python -m tests.bench.signaling.coming [--sessions N]`: sessions that begin while others go on, and that all come
back when the server was killed.

How long `join` takes of who comes while everyone else signals, and what one costs, with few sessions and with many;
then how soon after the server is ready again everyone is in, each page trying by its own schedule
(`rtc/reconnecting.ts`).
"""

import argparse
import asyncio
import random
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import uvloop

from teleconsult.settings import Settings
from tests.bench.running import Installation, installation
from tests.bench.signaling.crowd import Client, Joined, by_socket, join, paired
from tests.bench.signaling.rooms import Booked, booked_rooms
from tests.bench.signaling.servers import Process
from tests.people import SECRET

SHARES: Final = (0.2, 0.5, 1.0)
A_SECOND: Final = 20
"""Sessions that begin in one."""
MESSAGES: Final = 1.0
"""Each socket sends in a second: more than a call needs, once it stands."""
SPACING: Final = (0.8, 1.2, 1.6, 2.0, 2.5)
"""Seconds, ± 50 %, as in `rtc/reconnecting.ts`."""
GOAL: Final = 1.0
BACK: Final = 5.0


@dataclass(slots=True)
class Crowd:
    """Who is in, in which room."""

    server: Process
    pairs: list[tuple[Client, Client]] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    """Seconds from `join` to its answer."""
    last: dict[uuid.UUID, int] = field(default_factory=dict)
    """By consult, what its pages have heard of its log."""

    async def begin(self, room: Booked) -> None:
        """A session begins: both connect, then enter."""
        clients = await by_socket(self.server, room.cookies[0]), await by_socket(self.server, room.cookies[1])
        joined = [await self._join(client, room) for client in clients]
        self.last[room.consult] = max(one.last for one in joined)
        self.pairs.append(paired(clients, [one.pid for one in joined]))

    async def talk(self) -> None:
        """Everybody who is in signals, until cancelled."""
        while True:
            began = time.perf_counter()
            for pair in list(self.pairs):
                for client in pair:
                    if not client.socket.is_gone:
                        client.send()
                await asyncio.sleep(0)
            await asyncio.sleep(max(0.0, 1 / MESSAGES - (time.perf_counter() - began)))

    async def _join(self, client: Client, room: Booked) -> Joined:
        began = time.perf_counter()
        joined = await join(client, room)
        self.took.append(time.perf_counter() - began)
        return joined


async def measure(count: int) -> None:
    """The table."""
    async with installation() as product:
        settings = Settings(secret_key=SECRET, data=product.site.data)
        rooms = await booked_rooms(product.sessions, settings, product.cast, count)
        crowd = Crowd(Process(product.site.server_pid, product.site.port))
        print("| sessions | join p50, ms | p95, ms | CPU a join, ms | CPU a session that signals, % of a core |")
        print("|---|---|---|---|---|", flush=True)
        talking = asyncio.create_task(crowd.talk())
        for share in SHARES:
            await _begin(crowd, rooms[len(crowd.pairs) : int(count * share)])
        talking.cancel()
        await _back(product, rooms, crowd.last)


async def _begin(crowd: Crowd, rooms: Sequence[Booked]) -> None:
    """So many more, at a steady rate."""
    crowd.took.clear()
    used, began = crowd.server.cpu(), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, room in enumerate(rooms):
            await asyncio.sleep(max(0.0, began + number / A_SECOND - time.perf_counter()))
            group.create_task(crowd.begin(room))
    joined, lasted = crowd.server.cpu() - used, time.perf_counter() - began
    used, began = crowd.server.cpu(), time.perf_counter()
    await asyncio.sleep(3)
    talks = (crowd.server.cpu() - used) / (time.perf_counter() - began)
    p50, p95 = _percentiles(crowd.took)
    each = max(0.0, joined - talks * lasted) / len(crowd.took)
    verdict = "✓" if p95 <= GOAL else f"✗ goal {GOAL * 1000:.0f}"
    print(
        f"| {len(crowd.pairs)} | {p50 * 1000:.0f} | {p95 * 1000:.0f} {verdict} | {each * 1000:.1f}"
        f" | {talks / len(crowd.pairs) * 100:.2f} |",
        flush=True,
    )


async def _back(product: Installation, rooms: Sequence[Booked], last: Mapping[uuid.UUID, int]) -> None:
    """The server is killed and started; everyone comes back by themselves."""
    product.site.kill_server()
    product.site.start_server()
    killed = time.perf_counter()
    ready = asyncio.create_task(asyncio.to_thread(product.site.wait_until_ready))
    pages = [asyncio.create_task(_return(product, room, seat, last[room.consult])) for room in rooms for seat in (0, 1)]
    await ready
    back = time.perf_counter()
    server = Process(product.site.server_pid, product.site.port)
    used = server.cpu()
    took = sorted(max(0.0, at - back) for at in await asyncio.gather(*pages))
    p50, p95 = _percentiles(took)
    used = server.cpu() - used
    print(
        f"{len(took)} sockets after a kill; ready again in {back - killed:.1f} s; in the room again, seconds after"
        f" that: p50 {p50:.1f}, p95 {p95:.1f}, last {took[-1]:.1f} (goal for one: {BACK:.0f}); server CPU"
        f" {used / len(took) * 1000:.1f} ms for each"
    )


async def _return(product: Installation, room: Booked, seat: int, since: int) -> float:
    """One page tries until it is in the room; when that was."""
    await asyncio.sleep(random.random())
    tries = 0
    while True:
        began = time.perf_counter()
        try:
            client = await by_socket(Process(product.site.server_pid, product.site.port), room.cookies[seat])
            await join(client, room, since)
            return time.perf_counter()
        except (OSError, TimeoutError):
            wait = SPACING[min(tries, len(SPACING) - 1)] * (0.5 + random.random())
            tries += 1
            await asyncio.sleep(max(0.0, began + wait - time.perf_counter()))


def _percentiles(took: list[float]) -> tuple[float, float]:
    ordered = sorted(took)
    return ordered[len(ordered) // 2], ordered[len(ordered) * 95 // 100]


def main(arguments: Sequence[str]) -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.signaling.coming", description=__doc__)
    parser.add_argument("--sessions", type=int, default=250)
    options = parser.parse_args(arguments)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(options.sessions))


if __name__ == "__main__":
    main(sys.argv[1:])
