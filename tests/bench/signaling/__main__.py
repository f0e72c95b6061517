"""`python -m tests.bench.signaling [--quick]`: messages relayed between two in a room, by us and by two npm servers.

One Markdown table: our server as it is (signed in, row-level security behind the join, every message's form checked,
allowances), the same server with nothing behind it, npm socket.io, npm peer. All in one run, in turns; medians.
"""

import argparse
import asyncio
import contextlib
import gc
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uvloop

from migrations import migrate
from teleconsult.db import make_engine, make_sessions, transaction
from teleconsult.embedded import embedded_postgresql
from teleconsult.settings import Settings
from tests.bench.signaling import servers
from tests.bench.signaling.crowd import AT_ONCE, Client, as_fast_as_it_can, at_a_rate, by_peerjs, by_socketio
from tests.bench.signaling.rooms import Booked, booked_rooms
from tests.bench.signaling.servers import Process, bare, free_port, started
from tests.people import SECRET, make_cast

RATE: Final = 1000
"""Messages a second, where it is measured how long each takes."""
WARM: Final = 40
"""Clients that come before memory is counted."""
ENOUGH: Final = 1000
"""Clients, for their memory to stand out of what a process gives back and takes by itself."""
IDLE: Final = 3.0
"""Seconds: as often as the product looks at everyone."""
SETTLED_WITHIN: Final = 120.0
QUIET: Final = 0.3
"""Seconds: of processor in two."""
OURS, BARE, SOCKETIO, PEER = "ours", "ours, bare", "npm socket.io", "npm peer"
Enter = Callable[[Process, Booked], Awaitable[tuple[Client, Client]]]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of what is measured."""

    clients: tuple[int, ...] = (200, 1000, 2000)
    rounds: int = 5
    messages: int = 10_000
    seconds: float = 5.0


FIRST: Final = Sizes(clients=(WARM,), messages=WARM * 20, seconds=1.0)
"""Within what so few may send."""
QUICK: Final = Sizes(clients=(200,), rounds=3, messages=4000, seconds=2.0)


@dataclass(slots=True)
class Side:
    """One server and its clients."""

    name: str
    server: Process
    enter: Enter
    rooms: list[Booked]
    clients: list[Client] = field(default_factory=list)
    empty: float = 0.0

    async def fill(self, count: int) -> None:
        """Let clients in until there are so many."""
        rooms = iter(self.rooms[len(self.clients) // 2 : count // 2])

        async def enter() -> None:
            for room in rooms:
                self.clients.extend(await self.enter(self.server, room))

        await asyncio.gather(*(enter() for _ in range(AT_ONCE // 4)))
        await self.settled()

    async def settled(self) -> None:
        """Wait until what the clients' coming set going is done."""
        end = time.monotonic() + SETTLED_WITHIN
        while time.monotonic() < end:
            used = self.server.cpu()
            await asyncio.sleep(2)
            if self.server.cpu() - used < QUIET:
                return

    async def idle(self) -> float:
        """What it uses while nobody says anything: pings, and the product's looks at who may still be connected."""
        used, began = self.server.cpu(), time.perf_counter()
        await asyncio.sleep(IDLE)
        return (self.server.cpu() - used) / (time.perf_counter() - began)

    async def measured(self, sizes: Sizes) -> dict[str, float]:
        """One round."""
        idle = await self.idle()
        used = self.server.cpu()
        took = await as_fast_as_it_can(self.clients, sizes.messages)
        used = self.server.cpu() - used - idle * took
        late = await at_a_rate(self.clients, RATE, sizes.seconds)
        return {
            "idle, % of a core": idle * 100,
            "CPU, µs a message": used / sizes.messages * 1e6,
            "as fast as it can, messages/s": sizes.messages / took,
            "p50 at 1,000 messages/s, ms": late[len(late) // 2] * 1000,
            "p99 at 1,000 messages/s, ms": late[len(late) * 99 // 100] * 1000,
        }

    def kilobytes(self) -> float:
        """Resident memory for each client past the first few."""
        return (self.server.memory() - self.empty) / (len(self.clients) - WARM)


GOALS: Final = {"CPU, µs a message": 1.0, "p99 at 1,000 messages/s, ms": 1.5, "KB a client": 0.9}


async def measure(sizes: Sizes, *, product: bool) -> None:
    """The table, a line as soon as it is known."""
    async with contextlib.AsyncExitStack() as stack:
        most = max(sizes.clients)
        sides: list[Side] = []
        if product:
            server, rooms = await stack.enter_async_context(installed(most // 2))
            sides.append(Side(OURS, server, by_socketio, rooms))
        strangers = [Booked(uuid.uuid4(), ("", "")) for _ in range(most // 2)]
        npm = [stack.enter_context(started("node", name)) for name in ("socketio.mjs", "peer.mjs")]
        sides += [
            Side(BARE, stack.enter_context(bare()), by_socketio, strangers),
            Side(SOCKETIO, npm[0], by_socketio, strangers),
            Side(PEER, npm[1], by_peerjs, strangers),
        ]
        print(f"| clients | | {' | '.join(side.name for side in sides)} | first / socket.io | goal | |")
        print("|---|---|" + "---|" * (len(sides) + 3), flush=True)
        for side in sides:
            await side.fill(WARM)
            await side.measured(FIRST)
            side.empty = side.server.memory()
        for count in sizes.clients:
            for side in sides:
                await side.fill(count)
            if count >= ENOUGH:
                tell(count, "KB a client", [side.kilobytes() for side in sides])
            told: list[list[dict[str, float]]] = [[] for _ in sides]
            for turn in range(sizes.rounds):
                for index in [(turn + step) % len(sides) for step in range(len(sides))]:
                    gc.collect()
                    told[index].append(await sides[index].measured(sizes))
            for what in told[0][0]:
                tell(count, what, [statistics.median(one[what] for one in rounds) for rounds in told])
        await shards(sizes, strangers)


async def shards(sizes: Sizes, rooms: list[Booked]) -> None:
    """One process beside two that have half of the rooms each, with nothing behind them."""
    count = sizes.clients[0]
    with bare() as whole, bare() as left, bare() as right:
        one = Side("one", whole, by_socketio, rooms)
        two = [Side("left", left, by_socketio, rooms), Side("right", right, by_socketio, rooms)]
        await one.fill(count)
        for side in two:
            await side.fill(count // 2)
        both = [client for pair in zip(*(side.clients for side in two), strict=True) for client in pair]
        ratios = []
        for _ in range(sizes.rounds):
            alone = await as_fast_as_it_can(one.clients, sizes.messages)
            ratios.append(alone / await as_fast_as_it_can(both, sizes.messages))
        print(f"Two processes with half of the rooms each: {statistics.median(ratios):.2f}x one (goal 1.3x)")


def tell(clients: int, what: str, figures: Sequence[float]) -> None:
    """A line of the table."""
    shown = " | ".join(f"{one:.0f}" if one >= 100 else f"{one:.1f}" for one in figures)
    ratio, goal = figures[0] / figures[-2] if figures[-2] else 0, GOALS.get(what)
    verdict = "– | " if goal is None else f"≤ {goal} | {'✓' if ratio <= goal else '✗'}"
    print(f"| {clients} | {what} | {shown} | {ratio:.2f} | {verdict} |", flush=True)


@contextlib.asynccontextmanager
async def installed(count: int) -> AsyncIterator[tuple[Process, list[Booked]]]:
    """The product over a database of its own, with so many rooms in it."""
    with tempfile.TemporaryDirectory(prefix="teleconsult-bench-") as folder, embedded_postgresql(Path(folder)) as urls:
        migrate(urls.owner)
        engine = make_engine(urls.app)
        sessions = make_sessions(engine, acting="system")
        async with transaction(sessions) as session:
            cast = await make_cast(session)
        port = free_port()
        environment = {
            **servers.environment(),
            "TELECONSULT_DATABASE_URL": urls.app,
            "TELECONSULT_DATA": str(Path(folder) / "data"),
            "TELECONSULT_PORT": str(port),
            "TELECONSULT_SECRET_KEY": SECRET,
            "TELECONSULT_LOG_LEVEL": "WARNING",
        }
        rooms = await booked_rooms(sessions, Settings(secret_key=SECRET, data=Path(folder)), cast, count)
        await engine.dispose()
        with started(sys.executable, "-m", "web", "serve", environment=environment, port=port) as product:
            yield product, rooms


def main(arguments: Sequence[str]) -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.signaling", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="200 clients alone, about a minute")
    parser.add_argument(
        "--bare", action="store_true", help="leave the product out: thousands of rooms take long to enter"
    )
    options = parser.parse_args(arguments)
    if not (servers.PEERS / "node_modules").exists():
        sys.exit(f"The npm servers are not installed: npm ci --prefix {servers.PEERS}")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(QUICK if options.quick else Sizes(), product=not options.bare))


if __name__ == "__main__":
    main(sys.argv[1:])
