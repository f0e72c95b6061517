"""One of two servers is killed (`kill -9`) while fifty consults are live in it.

`python -m tests.proof.killed_node`: a hundred pages come again by the other server, each by its own schedule, and sit
in their own rooms; every line that was answered for is in the log, once. Nobody is in another's room.

Sound and picture of two people go from one to the other, past every server: in four of the rooms that connection stands
(ICE, DTLS and SCTP, made through the room), packets go over it all the while, and are counted; the others have their
line to the server alone. What goes through a server (recordings, four people or more) breaks off with it, and pages
make it anew.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from migrations import migrate
from teleconsult.db import make_sessions, transaction
from teleconsult.embedded import DatabaseUrls, embedded_postgresql
from teleconsult.settings import load_settings
from tests.bench.signaling.rooms import Booked, booked_rooms
from tests.hasty import hasty_engine
from tests.people import SECRET, make_cast
from tests.proof.figures import Bound, Figure, limit, run
from tests.proof.nodes import Busy, Server
from tests.proof.place import in_the_end
from tests.proof.seats import PATIENCE, GoneError, Seat
from tests.proof.talking import SECOND, End

KILLS: Final = int(limit(3, 20))
SECONDS: Final = 150.0, 3600.0
ROOMS: Final = 50
ASIDE: Final = 4
"""Rooms of the server that is not killed first: nothing may happen there."""
OF_ONE: Final = 6
"""Rooms of one doctor: a line that broke counts as theirs until it is found out, and twenty are all they may have."""
AT_ONCE: Final = 8
WITHIN: Final = 10.0
"""Seconds until both are in their room again."""
SPOKEN: Final = 0.3
"""Seconds after which a hundred lines are about answered for."""
BUSY: Final = 0.8
"""Of the processors: where so much of them was taken, it is they who were waited for."""
CALLS: Final = 5
WATCHED: Final = 4
"""Rooms where something goes between the two all the while: a machine has to carry both ends of it."""


@asynccontextmanager
async def seated(rooms: Sequence[Booked], servers: dict[str, Server], first: str) -> AsyncIterator[list[Seat]]:
    """Two pages in each room, all of them in one server."""
    ports = {name: server.port for name, server in servers.items()}
    seats = [Seat(room, cookie, ports, first) for room in rooms for cookie in room.cookies]
    async with asyncio.TaskGroup() as staying:
        tasks = list[asyncio.Task[None]]()
        try:
            for at in range(0, len(seats), AT_ONCE):  # a day's consults do not begin in one moment
                coming = seats[at : at + AT_ONCE]
                tasks += [staying.create_task(seat.stay()) for seat in coming]
                await asyncio.wait_for(asyncio.gather(*(seat.is_in.wait() for seat in coming)), PATIENCE)
            yield seats
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*(seat.leave() for seat in seats), return_exceptions=True)


def prove(folder: Path) -> Figure:
    """Again and again the one of the two is killed in which the rooms are."""
    figure = Figure(f"node killed with {ROOMS} live consults", KILLS, "kills")
    (folder / "data").mkdir()
    with embedded_postgresql(folder / "data") as urls:
        migrate(urls.owner)
        servers = {name: Server(name, urls, folder, lives=KILLS // 2 + 2) for name in ("one", "two")}
        try:
            asyncio.run(_prove(folder, urls, servers, figure))
        finally:
            for server in servers.values():
                server.end()
    return figure


async def _prove(folder: Path, urls: DatabaseUrls, servers: dict[str, Server], figure: Figure) -> None:
    engine = hasty_engine(urls.app)
    sessions = make_sessions(engine, acting="system")
    settings = load_settings(data=folder / "data", database_url=urls.app, secret_key=SECRET)
    async with transaction(sessions) as session:
        cast = await make_cast(session)
    rooms = list[Booked]()
    while len(rooms) < ROOMS + ASIDE:
        rooms += await booked_rooms(sessions, settings, cast, min(OF_ONE, ROOMS + ASIDE - len(rooms)))
    await engine.dispose()
    assert await in_the_end(lambda: all(server.answers() for server in servers.values())), "a server did not begin"
    async with seated(rooms[:ROOMS], servers, "one") as seats, seated(rooms[ROOMS:], servers, "two") as aside:
        ends = await _call(seats[: 2 * WATCHED])
        await _Killing(servers, seats, aside, figure).run()
        _listen(ends, figure)


async def _call(seats: list[Seat]) -> list[tuple[End, End]]:
    """The two of each of these rooms are connected, and send; whose line breaks meanwhile begins anew, as pages do."""
    ends = list[tuple[End, End]]()
    for caller, called in zip(seats[::2], seats[1::2], strict=True):
        for _try in range(CALLS):
            caller.end, called.end = End(), End()
            try:
                await caller.call()
                await asyncio.gather(caller.end.is_open(), called.end.is_open())
            except (TimeoutError, GoneError):
                await asyncio.gather(caller.end.close(), called.end.close())
            else:
                ends.append((caller.end, called.end))
                break
    assert ends, "nobody could be called"
    return ends


def _listen(ends: list[tuple[End, End]], figure: Figure) -> None:
    """What one sent, the other heard, servers or no servers."""
    gaps = [heard.longest_gap(sent.sent) for pair in ends for heard, sent in (pair, pair[::-1])]
    broke = sum(bool({"failed", "disconnected", "closed"} & {*end.states}) for pair in ends for end in pair)
    interrupted = sum(gap > SECOND for gap in gaps) + broke
    if interrupted:
        figure.fault(f"{interrupted} of {2 * len(ends)} ways between two people were interrupted")
    figure.found |= {
        "ways between two people, watched": len(gaps),
        "packets over them": sum(end.sent for pair in ends for end in pair),
        "most of them lost in a row": max(gaps),
        "interrupted": interrupted,
    }


class _Killing:
    """Kill after kill, and what came of it."""

    def __init__(self, servers: dict[str, Server], seats: list[Seat], aside: list[Seat], figure: Figure) -> None:
        self._servers, self._seats, self._aside, self._figure = servers, seats, aside, figure
        self._took, self._busiest, self._joins, self._wrong = list[float](), 0.0, list[float](), 0
        self._fewest, self._disturbed = ROOMS, 0

    async def run(self) -> None:
        """Until there were enough, or the time is over."""
        bound, figure, busy = Bound(*SECONDS), self._figure, Busy()
        try:
            while figure.tried < KILLS and not (bound.is_over and figure.tried):
                await self._kill()
                await self._look()
                figure.tried += 1
        except TimeoutError as error:
            if busy.share < BUSY:
                figure.fault(str(error))
            figure.found["given up, as the machine was too slow"] = str(error)
        self._tell()
        if not figure.tried:
            figure.skipped = "the machine was too slow"
            return
        figure.found |= {
            "pages that came again": len(self._took),
            "slowest, s": round(max(self._took), 1),
            "half of them within, s": round(sorted(self._took)[len(self._took) // 2], 1),
            "processor of the other server for each, ms": round(1000 * sum(self._joins) / len(self._took), 1),
            "processors taken meanwhile, at most, %": round(100 * self._busiest),
            "of so many rooms in the one that was killed, at least": self._fewest,
            "pages of the other server that came anew meanwhile": self._disturbed,
            "wrongly rejoined": self._wrong,
            "lines answered for": sum(len(seat.told) for seat in self._seats),
        }

    async def _kill(self) -> None:
        await asyncio.gather(*(seat.say() for seat in self._seats))  # all are in
        victim = self._servers[max(self._servers, key=lambda name: sum(one.server == name for one in self._seats))]
        (other,) = (server for server in self._servers.values() if server is not victim)
        live = sum(seat.server == victim.name for seat in self._seats) // 2
        undisturbed = [(seat, seat.came) for seat in self._aside if seat.server == other.name]
        speaking = [asyncio.create_task(seat.say()) for seat in self._seats]
        await asyncio.sleep(random.uniform(0, SPOKEN))  # some are answered for, some on their way, some not yet said
        came, busy, used, began = [seat.came for seat in self._seats], Busy(), other.cpu(), time.monotonic()
        victim.kill()
        took = await asyncio.gather(*(_again(*one, began) for one in zip(self._seats, came, strict=True)))
        share = busy.share
        self._joins.append(other.cpu() - used)
        self._took += took
        self._busiest = max(self._busiest, share)
        late = sum(one > WITHIN for one in took)
        self._disturbed += sum(seat.came != before for seat, before in undisturbed)
        self._fewest = min(self._fewest, live)
        if late and share < BUSY:
            self._figure.fault(f"{late} pages were not in their rooms within {WITHIN:.0f} s: {max(took):.1f} s")
        await asyncio.gather(*speaking)
        victim.start()
        assert await in_the_end(victim.answers), "a server did not begin again"

    async def _look(self) -> None:
        """Each has every line of its room once, and the other of its room beside it; of other rooms, nothing."""
        pairs = list(zip(self._seats[::2], self._seats[1::2], strict=True))

        def is_whole() -> bool:
            return all(
                one.told | other.told == {*one.events.values()} == {*other.events.values()}
                and str(one.page) in other.met
                and str(other.page) in one.met
                for one, other in pairs
            )

        await asyncio.gather(*(seat.say() for seat in self._seats))
        if await in_the_end(is_whole):
            return
        for one, other in pairs:
            said, heard = one.told | other.told, {*one.events.values()} & {*other.events.values()}
            if said != heard:
                self._figure.fault(f"{one.room.consult}: {len(said - heard)} lines lost, {len(heard - said)} too many")

    def _tell(self) -> None:
        """What any of them saw that must not be."""
        everybody = [*self._seats, *self._aside]
        for seat, other in [(one, everybody[at ^ 1]) for at, one in enumerate(everybody)]:
            strange = [*seat.strange, *(f"met {page}" for page in seat.met - {str(other.page)})]
            self._wrong += bool(strange)
            for what in (*strange, *(f"twice: {line}" for line in seat.twice())):
                self._figure.fault(f"{seat.room.consult}: {what}")


async def _again(seat: Seat, came: int, began: float) -> float:
    """Seconds until it sat in its room again."""
    end = began + PATIENCE
    while (seat.came == came or not seat.is_in.is_set()) and time.monotonic() < end:  # noqa: ASYNC110  (a clock, beside a hundred others)
        await asyncio.sleep(0.01)
    return (seat.since if seat.came > came else time.monotonic()) - began


def main() -> list[Figure]:
    """The figure of one run."""
    with tempfile.TemporaryDirectory(prefix="teleconsult-proof-") as folder:
        return [prove(Path(folder))]


if __name__ == "__main__":
    run(main)
