"""Chromium through the forwarder: what it makes of our answers, our numbers and our feedback."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Page, async_playwright

from signaling.media import layers
from signaling.media.forwarder import Forwarder, Wanted
from signaling.media.member import Member
from tests.browser.conftest import CHROMIUM, FLAGS, LONGEST
from tests.signaling.media.peer import until

pytestmark = pytest.mark.browser

PAGE: Final = (Path(__file__).parent / "page.html").read_text()
ADDRESS: Final = "http://localhost/"
SMALL: Final = 120
"""Pixels: a busy machine's Chromium halves the larger size, never the smaller one twice."""
LIMIT: Final = 120_000
"""bit/s"""
Figures = list[dict[str, Any]]


@dataclass
class Person:
    """A page in the room."""

    page: Page
    pid: uuid.UUID
    stream: str = ""

    async def connect(self, **sent: Any) -> None:
        """Open a connection, with camera and microphone."""
        await self.page.evaluate("connect()")
        self.stream = await self.page.evaluate("sent => send(sent)", sent)
        await self.page.evaluate("offer()")

    async def only_watch(self, *others: "Person") -> None:
        """Open a connection to see them."""
        await self.page.evaluate("connect()")
        await self.watch(*others)

    async def watch(self, *others: "Person") -> None:
        """Want them all."""
        for other in others:
            await self.page.evaluate("([pid, stream]) => want(pid, stream)", [str(other.pid), other.stream])
        await self.page.evaluate("offer()")

    async def figures(self, kind: str) -> Figures:
        """Of each track of a kind it gets."""
        return [one for one in await self.page.evaluate("figures()") if one["kind"] == kind]

    async def until(self, kind: str, is_so: Callable[[Figures], bool]) -> Figures:
        """Wait until its figures say so."""
        async with asyncio.timeout(LONGEST / 1000):
            while not is_so(figures := await self.figures(kind)):  # noqa: ASYNC110  (the page tells nothing by itself)
                await asyncio.sleep(0.1)
        return figures


Come = Callable[[], Awaitable[Person]]


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One for all tests."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, "--autoplay-policy=no-user-gesture-required"]
        )
        yield chromium
        await chromium.close()


@pytest.fixture
async def come(browser: Browser, forwarder: Forwarder) -> AsyncIterator[Come]:
    """Have somebody open the page."""
    context = await browser.new_context()
    await context.route(ADDRESS, lambda route: route.fulfill(body=PAGE, content_type="text/html"))

    async def come() -> Person:
        person = Person(await context.new_page(), uuid.uuid4())

        async def offer(sdp: str, wants: dict[str, dict[str, str]]) -> str:
            wanted = {
                mid: Wanted(uuid.UUID(one["pid"]), one["kind"], one["stream"] or "") for mid, one in wants.items()
            }
            return await forwarder.offer(person.pid, sdp, wanted)

        await person.page.expose_function("forwarder", offer)
        await person.page.goto(ADDRESS)
        return person

    yield come
    await context.close()


def all_seen(figures: Figures) -> bool:
    """Whether pictures move."""
    return bool(figures) and all(one["frames"] > 5 for one in figures)


def all_heard(figures: Figures) -> bool:
    """Whether there is sound in it."""
    return bool(figures) and all(one["energy"] > 0 for one in figures)


async def test_three_see_and_hear_each_other_and_one_leaves(come: Come, forwarder: Forwarder) -> None:
    people = [await come() for _ in range(3)]
    for person in people:
        await person.connect()
    for person in people:
        await person.watch(*(other for other in people if other is not person))
    for person in people:
        assert len(await person.until("video", lambda those: len(those) == 2 and all_seen(those))) == 2
        assert len(await person.until("audio", lambda those: len(those) == 2 and all_heard(those))) == 2
    first, second, third = people
    await forwarder.leave(third.pid)
    before = {one["mid"]: one["frames"] for one in await first.figures("video")}
    await first.until("video", lambda those: sum(one["frames"] > before[one["mid"]] + 5 for one in those) == 1)
    assert forwarder.is_open(second.pid)


async def test_who_comes_late_sees_at_once_and_says_what_the_line_takes(come: Come, forwarder: Forwarder) -> None:
    sender, viewer = await come(), await come()
    await sender.connect()
    await asyncio.sleep(0.5)
    began = time.monotonic()
    await viewer.only_watch(sender)
    await viewer.until("video", lambda those: bool(those) and those[0]["frames"] > 0)
    assert time.monotonic() - began < 5
    await until(lambda: forwarder._members[viewer.pid].downlink._estimate)


async def test_another_connection_goes_on_on_the_same_lines(come: Come, forwarder: Forwarder) -> None:
    sender, viewer = await come(), await come()
    await sender.connect()
    await viewer.only_watch(sender)
    [before] = await viewer.until("video", all_seen)
    first = forwarder._members[sender.pid]
    await sender.connect()
    await until(lambda: forwarder._members[sender.pid] is not first)
    [after] = await viewer.until("video", lambda those: those[0]["frames"] > before["frames"] + 10)
    assert after["mid"] == before["mid"]
    assert forwarder.is_open(sender.pid)


async def test_a_viewer_is_turned_to_the_smaller_size_and_back(
    come: Come, forwarder: Forwarder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "PATIENCE", 2.0)
    sender, viewer = await come(), await come()
    await sender.connect(sizes=[1, 4])
    await viewer.only_watch(sender)
    await viewer.until("video", lambda those: bool(those) and those[0]["width"] > SMALL)
    seen = forwarder._members[viewer.pid]
    seen.downlink.lost(0.9)
    await viewer.until("video", lambda those: those[0]["width"] < SMALL)
    [before] = await viewer.figures("video")
    [after] = await viewer.until("video", lambda those: those[0]["width"] > SMALL)
    assert after["frames"] > before["frames"]
    assert after["lost"] <= 5, "the numbers go on"


async def test_a_sender_keeps_to_the_limit_it_is_told(
    come: Come, forwarder: Forwarder, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = await come()
    await sender.connect()
    await sender.until("sent", lambda those: bool(those) and those[0]["rate"] > LIMIT)
    monkeypatch.setattr(Member, "limit", LIMIT)
    await sender.until("sent", lambda those: 0 < those[0]["rate"] <= LIMIT)
    monkeypatch.undo()
    await sender.until("sent", lambda those: those[0]["rate"] > LIMIT)
