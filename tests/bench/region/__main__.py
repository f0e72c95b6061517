"""A simulated region: `python -m tests.bench.region`.

4,000 consults of a day of eight hours, their arrivals drawn by chance from a seed, with an hour that has three times
the others' mean. What is left out is waiting: nobody thinks, and a call lasts as long as its joining. First a few
consults one after the other: what each step costs of whose processor. Then the day's quietest and its busiest hour,
and more, each played at its true pace for half a minute: what one machine holds, and which part gives out first.
"""

import asyncio
import os
import random
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Final

from tests.bench.region.consult import Consult, Took
from tests.bench.region.stand import HUBS, SPOKES, Region, region

SEED: Final = 20261123
CONSULTS, HOURS, PEAK = 4000, 8, 3
ALONE: Final = int(os.environ.get("BENCH_ALONE", "6"))
WARM: Final = 4
SETTLES: Final = 1.0
"""Seconds in which what a step set off is done with."""
SECONDS: Final = float(os.environ.get("BENCH_SECONDS", "30"))
"""Of each rate."""
BEYOND: Final = (2, 4, 8)
"""Times the busiest hour's rate, as long as it holds."""
ENOUGH: Final = 2
"""Rates that are not held, after which no higher one is tried."""
GOAL: Final = 1.0
"""Seconds in which 95 of 100 pages and joins are answered."""
COUNTRY: Final = 64_000
"""Consults an hour."""
FULL: Final = 0.7
"""Of a processor's time that one plans with."""


Cost = dict[str, dict[str, float]]
"""Milliseconds of processor of each step, by part."""
HEAD: Final = (
    "| consults an hour | began, ended | pages | joins | printing | signing | in the file"
    " | servers | worker | PostgreSQL | |\n" + "|---" * 11 + "|"
)


def day(chance: random.Random) -> list[float]:
    """The second of each consult's request: a Poisson process, thinned from its peak (Lewis and Shedler, 1979)."""
    quiet = CONSULTS / (HOURS - 1 + PEAK) / 3600
    moments, at = list[float](), 0.0
    while at < HOURS * 3600:
        at += chance.expovariate(quiet * PEAK)
        is_peak = 2 <= at / 3600 < 3
        if at < HOURS * 3600 and chance.random() < (1 if is_peak else 1 / PEAK):
            moments.append(at)
    return moments


async def main() -> None:
    """Print all of it."""
    chance = random.Random(SEED)
    moments = day(chance)
    hours = [sum(hour <= moment / 3600 < hour + 1 for moment in moments) for hour in range(HOURS)]
    print(f"{len(moments)} consults in {HOURS} hours: {hours}; load {os.getloadavg()[0]:.1f}", flush=True)
    began = time.monotonic()
    async with region() as made:
        print(f"{SPOKES} health centres and {HUBS} hospitals in {time.monotonic() - began:.0f} s", flush=True)
        cost = await _one_by_one(made, chance)
        held, failed = 0.0, 0
        rates = [min(hours), max(hours), *(max(hours) * times for times in BEYOND)]
        print(f"\n{HEAD}", flush=True)
        for rate in rates:
            if await _at_rate(made, chance, rate):
                held = rate
            else:
                failed += 1
            if failed == ENOUGH:
                break
    print(f"\nHeld: {held:.0f} consults an hour on {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f} after")
    _on_paper(cost)


async def _one_by_one(made: Region, chance: random.Random) -> Cost:
    """What each step costs, without what the parts use while nobody does anything. Each server has gone through all
    of it before, twice: what is loaded once, and plans of the database's, are no part of a consult.
    """
    took, cost = Took(), Cost()
    for number in range(WARM + ALONE):
        if number == WARM:
            idle = await _idle(made)
        consult = _drawn(made, chance, took)
        await consult.come()
        for name, step in consult.steps.items():
            began, before = time.monotonic(), made.servers.used()
            await step()
            await asyncio.sleep(SETTLES)
            if number >= WARM:
                clock = time.monotonic() - began
                parts = cost.setdefault(name, dict.fromkeys(before, 0.0))
                for part, used in made.servers.used().items():
                    parts[part] += max(used - before[part] - idle[part] * clock, 0) / ALONE * 1000
    print("\nSlowest pages, one at a time: " + ", ".join(took.slowest()))
    print("\n| processor, ms | " + " | ".join(idle) + " |\n" + "|---" * 4 + "|")
    for name, parts in cost.items():
        print(f"| {name} | " + " | ".join(f"{used:.0f}" for used in parts.values()) + " |")
    print("| a consult | " + " | ".join(f"{_sum(cost, part) * 1000:.0f}" for part in idle) + " |")
    print(
        "| doing nothing, a second | " + " | ".join(f"{used * 1000:.0f}" for used in idle.values()) + " |", flush=True
    )
    return cost


async def _idle(made: Region) -> dict[str, float]:
    """Seconds of processor that each part uses in a second."""
    await asyncio.sleep(SETTLES)
    began, before = time.monotonic(), made.servers.used()
    await asyncio.sleep(10)
    clock, after = time.monotonic() - began, made.servers.used()
    return {part: (after[part] - before[part]) / clock for part in after}


def _sum(cost: Cost, part: str) -> float:
    """Seconds a consult."""
    return sum(parts[part] for parts in cost.values()) / 1000


async def _at_rate(made: Region, chance: random.Random, rate: float) -> bool:
    """Whether so many an hour are held: a line of the table."""
    took, before, began = Took(), made.servers.used(), time.monotonic()
    running: set[asyncio.Task[None]] = set()
    started, faults = 0, list[str]()
    due = began + chance.expovariate(rate / 3600)
    while due < began + SECONDS:
        await asyncio.sleep(max(due - time.monotonic(), 0))
        task = asyncio.create_task(_whole(_drawn(made, chance, took), faults))
        running.add(task)
        started += 1
        due += chance.expovariate(rate / 3600)
    _done, late = await asyncio.wait(running, timeout=SECONDS) if running else (set(), set())
    for task in late:
        task.cancel()
    clock, after = time.monotonic() - began, made.servers.used()
    shares = [f"{(after[part] - before[part]) / clock * 100:.0f} %" for part in after]
    pages, joins = _within(took.waits["page"]), _within(took.waits["join"])
    holds = bool(started) and not late and not faults and pages <= GOAL and joins <= GOAL
    others = " | ".join(f"{_within(took.waits[kind]):.2f} s" for kind in ("print", "sign", "deliver"))
    print(
        f"| {rate:.0f} | {started}, {took.ended} | {pages:.2f} s | {joins:.2f} s | {others} | {' | '.join(shares)}"
        f" | {'holds' if holds else faults[0] if faults else 'does not hold'} |",
        flush=True,
    )
    return holds


async def _whole(consult: Consult, faults: list[str]) -> None:
    try:
        await consult.come()
        for step in consult.steps.values():
            await step()
    except (AssertionError, TimeoutError, OSError) as error:
        faults.append(f"{type(error).__name__}: {error}"[:200])
        print(faults[-1], file=sys.stderr)


def _drawn(made: Region, chance: random.Random, took: Took) -> Consult:
    """Of any health centre, for the hospital that had the fewest."""
    hub = min(made.hubs, key=lambda one: len(one.booked))
    return Consult(made, chance.choice(made.spokes), hub, took)


def _within(waits: Sequence[float]) -> float:
    """95 of 100; all, where they are few."""
    return statistics.quantiles(waits, n=20)[18] if len(waits) > 20 else max(waits, default=0.0)


def _on_paper(cost: Cost) -> None:
    """What the sums come to; nothing was tried of it."""
    parts = list(next(iter(cost.values())))
    cores, whole = os.cpu_count() or 1, sum(_sum(cost, part) for part in parts)
    print(f"On paper, its processors {FULL:.0%} full: {cores * FULL * 3600 / whole:.0f} consults an hour")
    print(f"On paper, {COUNTRY:,} consults an hour:")
    for part in parts:
        print(f"  {part}: {_sum(cost, part):.2f} s a consult, {_sum(cost, part) * COUNTRY / 3600 / FULL:.0f} cores")


if __name__ == "__main__":
    asyncio.run(main())
