"""`python -m tests.bench.recording [--quick]`: what recording one person's sound and picture costs the server, with
receiving them: ours, and aiortc's MediaRecorder, each a process of its own, in one run and in turns. Medians.
"""

import argparse
import asyncio
import statistics
import sys
from collections.abc import Sequence
from typing import Any, Final

import aiohttp

from tests.bench.forwarding.__main__ import Posted, going
from tests.bench.forwarding.stream import FACE, VOICE, Sending, encoded
from tests.bench.signaling.servers import started
from tests.signaling.media.peer import Peer
from tests.waiting import eventually

SETTLING: Final = 2.0
"""Seconds until both write."""
GOAL: Final = 0.25


async def measured(http: aiohttp.ClientSession, module: str, frames: list[list[bytes]], seconds: float) -> float:
    """Percent of a core. Raises TimeoutError where nothing is written."""
    with started(sys.executable, "-m", module) as process:
        room: Any = Posted(http, process.port)
        sender = Peer(room, sends=[FACE, VOICE])
        await sender.offer()
        await sender.open()
        async with going([], Sending(sender, frames)):
            await asyncio.sleep(SETTLING)
            used = process.cpu()
            await asyncio.sleep(seconds)
            used = process.cpu() - used
            if not await eventually(lambda: _is_written(http, process.port)):
                raise TimeoutError(f"{module} writes nothing")
    return used / seconds * 100


async def _is_written(http: aiohttp.ClientSession, port: int) -> bool:
    """Theirs holds much of it back."""
    async with http.get(f"http://127.0.0.1:{port}/") as answer:
        return bool(await answer.json())


async def measure(rounds: int, seconds: float) -> None:
    """The line."""
    frames = encoded()
    told: dict[str, list[float]] = {"ours": [], "theirs": []}
    async with aiohttp.ClientSession() as http:
        for turn in range(rounds):
            for name in sorted(told, reverse=bool(turn % 2)):
                told[name].append(await measured(http, f"tests.bench.recording.{name}", frames, seconds))
    ours, theirs = statistics.median(told["ours"]), statistics.median(told["theirs"])
    ratio = ours / max(theirs, 0.1)
    print(
        f"Recording one sender: {ours:.1f} % of a core, MediaRecorder {theirs:.1f}: {ratio:.2f} (goal ≤ {GOAL} "
        f"{'✓' if ratio <= GOAL else '✗'})"
    )


def main(arguments: Sequence[str]) -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.recording", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of four seconds")
    options = parser.parse_args(arguments)
    asyncio.run(measure(1, 4.0) if options.quick else measure(3, 10.0))


if __name__ == "__main__":
    main(sys.argv[1:])
