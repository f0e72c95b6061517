"""`python -m tests.bench.forwarding [--quick]`: what passing one sender's sound and picture on costs the server.

One Markdown table: our forwarder, Debian's Janus, aiortc's MediaRelay, each a process of its own, in one run and in
turns; then the uplink a browser finds after three seconds, through the server and straight to another. Medians.
"""

import argparse
import asyncio
import contextlib
import math
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from aiortc.rtp import RtcpReceiverInfo, RtcpRrPacket

from signaling.media.forwarder import Wanted
from tests.bench.forwarding import janus
from tests.bench.forwarding.stream import FACE, VOICE, Sending, encoded
from tests.bench.forwarding.uplink import uplinks
from tests.bench.signaling.servers import Process, started
from tests.signaling.media.peer import Peer, until

SETTLING: Final = 2.0
"""Seconds after the last viewer came."""
OURS, JANUS, RELAY = "ours", "Janus", "MediaRelay"
GOALS: Final = {(3, JANUS): 1.3, (8, JANUS): 1.0, (3, RELAY): 0.12, (8, RELAY): 0.12}
TRIES: Final = 2
LEAST_SEEN: Final = 0.7
"""Of what was sent: a server that passes less on did not do the work."""
Start = Callable[[], contextlib.AbstractContextManager[Process]]
Enter = Callable[[Process, int], Awaitable[tuple[Peer, list[Peer]]]]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of what is measured."""

    viewers: tuple[int, ...] = (3, 8)
    rounds: int = 3
    seconds: float = 10.0


QUICK: Final = Sizes(viewers=(3,), rounds=1, seconds=4.0)


class Posted:
    """A server that answers offers over HTTP; in place of a forwarder."""

    def __init__(self, http: aiohttp.ClientSession, port: int) -> None:
        self._http, self._address = http, f"http://127.0.0.1:{port}/"

    async def offer(self, pid: object, sdp: str, wants: dict[str, Wanted]) -> str:
        """Its answer."""
        named = {mid: {"pid": str(one.pid), "kind": one.kind} for mid, one in wants.items()}
        async with self._http.post(self._address, json={"pid": str(pid), "sdp": sdp, "wants": named}) as response:
            response.raise_for_status()
            return await response.text()


class Engines:
    """How one gets into each."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def posted(self, process: Process, viewers: int) -> tuple[Peer, list[Peer]]:
        """Ours and the relay."""
        room: Any = Posted(self._http, process.port)
        sender = Peer(room, sends=[FACE, VOICE])
        await sender.offer()
        await sender.open()
        wants = [Wanted(sender.pid, "video"), Wanted(sender.pid, "audio")]
        peers = [Peer(room, wants=wants) for _ in range(viewers)]
        for peer in peers:
            await peer.offer()
            await peer.open()
        return sender, peers

    async def janus(self, process: Process, viewers: int) -> tuple[Peer, list[Peer]]:
        """Janus."""
        room: Any = janus.Publishing(self._http, process.port)
        sender = Peer(room, sends=[FACE, VOICE])
        await sender.offer()
        await sender.open()
        peers = [janus.Subscriber(room) for _ in range(viewers)]
        for peer in peers:
            await peer.subscribe(self._http, process.port, room.feed)
        return sender, list(peers)


@contextlib.asynccontextmanager
async def going(peers: Sequence[Peer], sending: Sending) -> AsyncIterator[None]:
    """Everybody does what they do until the block ends."""
    tasks = [asyncio.create_task(sending.go()), asyncio.create_task(_report(peers))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for peer in (sending.peer, *peers):
            await peer.close()


async def _report(peers: Sequence[Peer]) -> None:
    while True:
        await asyncio.sleep(1)
        for peer in peers:
            got = {one.ssrc: one.sequence for one in peer.packets}
            told = [
                RtcpReceiverInfo(
                    ssrc=ssrc, fraction_lost=0, packets_lost=0, highest_sequence=highest, jitter=0, lsr=0, dlsr=0
                )
                for ssrc, highest in got.items()
            ]
            await peer.report(RtcpRrPacket(ssrc=1, reports=told))


async def measured(start: Start, enter: Enter, viewers: int, frames: list[list[bytes]], seconds: float) -> float:
    """Percent of a core. Not a number where the viewers did not get what was sent: it did not do the work."""
    for _ in range(TRIES):
        with start() as process:
            used, share = await _once(process, enter, viewers, frames, seconds)
        if share > LEAST_SEEN:
            return used
    return math.nan


async def _once(
    process: Process, enter: Enter, viewers: int, frames: list[list[bytes]], seconds: float
) -> tuple[float, float]:
    """Percent of a core, and how much of what was sent the worst off viewer got."""
    sender, peers = await enter(process, viewers)
    sending = Sending(sender, frames)
    async with going(peers, sending):
        await until(lambda: all(peer.packets for peer in peers))
        await asyncio.sleep(SETTLING)
        for peer in peers:
            peer.packets.clear()
        used, sent = process.cpu(), sending.packets
        await asyncio.sleep(seconds)
        used, sent = process.cpu() - used, sending.packets - sent
        got = min(len(peer.packets) for peer in peers)
    return used / seconds * 100, got / max(1, sent)


async def measure(sizes: Sizes) -> None:
    """The tables."""
    frames = encoded()
    async with aiohttp.ClientSession() as http:
        engines = Engines(http)
        module = "tests.bench.forwarding"
        made: dict[str, tuple[Start, Enter]] = {
            OURS: (lambda: started(sys.executable, "-m", f"{module}.ours"), engines.posted),
            JANUS: (janus.running, engines.janus),
            RELAY: (lambda: started(sys.executable, "-m", f"{module}.relay"), engines.posted),
        }
        print(f"| viewers | | {' | '.join(made)} | ours / Janus | goal | ours / MediaRelay | goal |")
        print("|---|---|---|---|---|---|---|---|---|", flush=True)
        for viewers in sizes.viewers:
            told: dict[str, list[float]] = {name: [] for name in made}
            for turn in range(sizes.rounds):
                names = list(made)
                for name in names[turn % 3 :] + names[: turn % 3]:
                    start, enter = made[name]
                    told[name].append(await measured(start, enter, viewers, frames, sizes.seconds))
            tell(viewers, {name: median(values) for name, values in told.items()})
    await tell_uplinks(sizes.rounds)


def median(values: Sequence[float]) -> float:
    """Of those that are numbers, where any is."""
    known = [one for one in values if not math.isnan(one)]
    return statistics.median(known) if known else math.nan


def tell(viewers: int, figures: dict[str, float]) -> None:
    """A line of the table."""
    shown = " | ".join("could not keep up" if math.isnan(one) else f"{one:.1f}" for one in figures.values())
    ratios = []
    for other in (JANUS, RELAY):
        ratio, goal = figures[OURS] / figures[other], GOALS[viewers, other]
        verdict = "" if math.isnan(ratio) else "✓" if ratio <= goal else "✗"
        ratios.append(f"{'–' if math.isnan(ratio) else f'{ratio:.2f}'} | ≤ {goal} {verdict}")
    print(f"| {viewers} | CPU, % of a core | {shown} | {' | '.join(ratios)} |", flush=True)


async def tell_uplinks(rounds: int) -> None:
    """What a browser found that it may send after three seconds."""
    through, direct = await uplinks(rounds)
    ratio = through / max(direct, 1)
    print(
        f"\nUplink at 3 s: {through / 1000:.0f} kbit/s through the server, {direct / 1000:.0f} straight: "
        f"{ratio:.2f} (goal ≥ 0.95 {'✓' if ratio >= 0.95 else '✗'})"
    )


def main(arguments: Sequence[str]) -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.forwarding", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three viewers, one round, under a minute")
    options = parser.parse_args(arguments)
    if not janus.PROGRAM.exists():
        sys.exit("Janus is not installed: ./packages.sh bench")
    asyncio.run(measure(QUICK if options.quick else Sizes()))


if __name__ == "__main__":
    main(sys.argv[1:])
