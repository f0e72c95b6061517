"""`python -m tests.bench.calls [--quick | --page]`: how soon two see each other, what is heard over a thin line, how
soon the page of a call is there. Beside a page that does nothing but call, in the same run and in turns; medians. Needs
root.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from playwright.async_api import Page, expect

from tests.bench.calls.stand import PERFECT, Stand, heard, marked, standing
from tests.links.line import Terms
from tests.links.link import why_not

FAR: Final = Terms(rate=1_000_000, delay=0.15, loss=0.05)
THIN: Final = Terms(rate=120_000, delay=0.1)
THINNEST: Final = Terms(rate=60_000, delay=0.1, backlog=2.0)
LISTENING: Final = 20.0
"""Seconds."""
STAYED: Final = 30.0
"""Seconds, in which what comes after the call comes, too."""
KILOBYTES: Final = 80.0


def tell(what: str, measured: str, goal: str, *, is_met: bool) -> None:
    """A line of the table."""
    print(f"| {what} | {measured} | {goal} | {'✓' if is_met else '✗'} |", flush=True)


async def measure(rounds: int) -> None:
    """The table, a line as soon as it is known."""
    with tempfile.TemporaryDirectory(prefix="teleconsult-calls-") as folder:
        async with standing(Path(folder)) as stand:
            print("| | measured | goal | |\n|---|---|---|---|", flush=True)
            straight = await first_frames(stand, rounds)
            await through(stand, rounds, straight)
            await far(stand, rounds)
            await thin(stand)
    await pages()


async def pages() -> None:
    """How soon the page is there: asked of the server itself in the clear, and of nginx in front of it as shipped."""
    for as_shipped, how in ((False, "in the clear"), (True, "as shipped")):
        with tempfile.TemporaryDirectory(prefix="teleconsult-calls-") as folder:
            async with standing(Path(folder), as_shipped=as_shipped) as stand:
                await cold(stand, how)


async def first_frame(stand: Stand, address: str) -> tuple[float, float]:
    """Seconds until who comes second sees the other: from `join`, and from the press."""
    waiting = await stand.specialist.opens(address)
    await marked(waiting, "joined")
    await asyncio.sleep(1)
    coming = await stand.rural.opens(address)
    seen = await marked(coming, "seen")
    took = seen - await marked(coming, "joined"), seen
    for page in (coming, waiting):
        await page.close()
    return took


async def first_frames(stand: Stand, rounds: int) -> float:
    """Over perfect lines, beside the bare page."""
    took: dict[str, list[tuple[float, float]]] = {stand.room: [], stand.bare: []}
    for turn in range(rounds + 1):
        for address, kept in took.items():
            one = await first_frame(stand, address)
            if turn:  # the first fills caches
                kept.append(one)
    ours, bare = (statistics.median(joined for joined, _ in kept) for kept in took.values())
    pressed, bare_pressed = (statistics.median(press for _, press in kept) for kept in took.values())
    measured = f"{ours * 1000:.0f} ms, bare {bare * 1000:.0f} ms: {ours / bare:.2f}"
    tell("`join` → first picture, perfect line", measured, "≤ 1.1 × bare", is_met=ours <= 1.1 * bare)
    print(
        f"| the same, from the press | {pressed * 1000:.0f} ms, bare {bare_pressed * 1000:.0f} ms | – | |", flush=True
    )
    return ours


async def through(stand: Stand, rounds: int, straight: float) -> None:
    """The same where everything goes through the server: nothing gets from one place to the other."""
    stand.hub.set("ipv4/ip_forward", 0)
    waiting = await stand.specialist.opens(stand.room)
    coming = await stand.rural.opens(stand.room)
    for page in (waiting, coming):
        room = page.locator("[data-controller~=room]")
        await expect(room).to_have_attribute("data-path", "server", timeout=60_000)
    await marked(coming, "seen")
    took = []
    for _ in range(rounds):
        await coming.close()
        await asyncio.sleep(1)
        coming = await stand.rural.opens(stand.room)
        seen = await marked(coming, "seen")
        took.append(seen - await marked(coming, "joined"))
    for page in (coming, waiting):
        await page.close()
    stand.hub.set("ipv4/ip_forward", 1)
    ours = statistics.median(took)
    measured = f"{ours * 1000:.0f} ms: {ours / straight:.2f}"
    tell("the same through the server", measured, "≤ 1.2 × from person to person", is_met=ours <= 1.2 * straight)


async def far(stand: Stand, rounds: int) -> None:
    """300 ms there and back, one in twenty lost, 1 Mbit/s, with the page in the cache."""
    took: dict[str, list[float]] = {stand.room: [], stand.bare: []}
    stand.rural.line.terms = FAR
    for _ in range(rounds):
        for address, kept in took.items():
            kept.append((await first_frame(stand, address))[0])
    stand.rural.line.terms = PERFECT
    ours, bare = (statistics.median(kept) for kept in took.values())
    measured = f"{ours:.1f} s, bare {bare:.1f} s"
    tell("the same, 300 ms, 5 % lost, 1 Mbit/s", measured, "≤ 2.0 s", is_met=ours <= 2.0)


async def thin(stand: Stand) -> None:
    """120 kbit/s: what is heard while pictures move, and what does not fit into the line."""
    drops = []
    rates = []
    for address in (stand.room, stand.bare):
        waiting, coming = await _in_a_call(stand, address)
        stand.rural.line.terms = THIN
        before = stand.rural.line.up.lost
        rates.append(await _rate(waiting))
        drops.append(stand.rural.line.up.lost - before)
        if address == stand.room:
            await coming.get_by_test_id("audio-only").click()
            await asyncio.sleep(3)
            rates.append(await _rate(waiting))
        stand.rural.line.terms = PERFECT
        for page in (coming, waiting):
            await page.close()
    ours, alone, bare = rates
    measured = f"{ours:.1f} kbit/s, alone {alone:.1f}: {ours / alone:.2f}; bare {bare:.1f}"
    tell("120 kbit/s: sound while pictures move", measured, "≥ 0.95 × alone", is_met=ours >= 0.95 * alone)
    measured = f"{drops[0]}, bare {drops[1]}"
    tell(f"120 kbit/s: dropped in {LISTENING:.0f} s", measured, "≤ 0.1 × bare", is_met=drops[0] <= 0.1 * drops[1])


async def _in_a_call(stand: Stand, address: str) -> tuple[Page, Page]:
    waiting = await stand.specialist.opens(address)
    await marked(waiting, "joined")
    coming = await stand.rural.opens(address)
    for page in (waiting, coming):
        await marked(page, "seen")
    return waiting, coming


async def _rate(page: Page) -> float:
    before = await heard(page)
    await asyncio.sleep(LISTENING)
    return (await heard(page) - before) * 8 / LISTENING / 1000


async def cold(stand: Stand, how: str) -> None:
    """The page of a call over 60 kbit/s: until it has asked to join, with nothing in the browser and then again, after
    a call as long as `STAYED`. The first browser is not counted: the server has the page ready then.
    """
    waiting = await stand.specialist.opens(stand.room)
    await marked(waiting, "joined")
    await waiting.close()
    context = await stand.fresh(stand.rural)
    page = await context.new_page()
    line = stand.rural.line
    line.terms = THINNEST
    goals = {"with nothing in the browser": 12.0, "the second time": 2.0}
    for when, goal in goals.items():
        carried = line.down.carried
        await page.goto(stand.room, wait_until="commit")
        took = await marked(page, "joined")
        kilobytes = (line.down.carried - carried) / 1000
        measured = f"{took:.1f} s, {kilobytes:.0f} KB"
        is_met = took <= goal and kilobytes <= KILOBYTES
        tell(f"60 kbit/s, {how}: page ready, {when}", measured, f"≤ {goal:g} s, {KILOBYTES:g} KB", is_met=is_met)
        await asyncio.sleep(STAYED)
        await page.goto("about:blank")
    line.terms = PERFECT
    await context.close()


def main(arguments: Sequence[str]) -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.calls", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="each once")
    parser.add_argument("--page", action="store_true", help="how soon the page is there, and nothing else")
    options = parser.parse_args(arguments)
    if reason := why_not():
        sys.exit(f"Calls are not measured: {reason}")
    asyncio.run(pages() if options.page else measure(1 if options.quick else 5))


if __name__ == "__main__":
    main(sys.argv[1:])
