"""A page in a room, without a browser: it comes again whenever its line ends, as pages do (`rtc/reconnecting.ts`).

The wire by hand, so that what takes time is the servers': `docs/protocol.md`.
"""

import asyncio
import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from tests.bench.signaling.coming import SPACING
from tests.bench.signaling.rooms import Booked
from tests.bench.signaling.websocket import WebSocket, frame
from tests.proof.talking import End

ORIGIN: Final = "http://127.0.0.1:8080"
TRY: Final = 8.0
"""Seconds until a try is given up."""
PATIENCE: Final = 240.0
"""Seconds for what is no try: a machine that others use is slow."""


class GoneError(Exception):
    """The line is no more, or nobody is let in; `process` where the room lives, as far as it was said."""

    def __init__(self, why: str = "", process: str = "") -> None:
        super().__init__(why)
        self.process = process


class Seat:
    """One page in one room."""

    def __init__(self, room: Booked, cookie: str, ports: Mapping[str, int], first: str) -> None:
        self.room, self._cookie, self._ports, self._asked = room, cookie, ports, first
        self.page = uuid.uuid4()
        self.is_in, self.since, self.server, self.came = asyncio.Event(), 0.0, "", 0
        self.told, self.events = set[str](), dict[int, str]()
        """Lines that were answered for; by its number each line this page was told of, with what it says."""
        self.strange = list[str]()
        """What must not be: a line told twice, someone who is not of this room."""
        self.end: End | None = None
        """Of what is between the two, for those rooms where it is watched."""
        self.met = set[str]()
        """The pages of all who ever were there, too."""
        self._other = ""
        """Under which id the one that came last is called."""
        self._last: int | None = None
        self._socket: WebSocket | None = None
        self._answers, self._number = dict[int, asyncio.Future[Any]](), 0
        self._gone = asyncio.Event()
        self._signalling = set[asyncio.Task[None]]()

    async def stay(self) -> None:
        """Until it is cancelled."""
        tries = 0
        while True:
            with suppress(OSError, TimeoutError, GoneError):
                await self._come()
                tries = 0
                await self._gone.wait()
            self.is_in.clear()
            self._hang_up()
            spacing = SPACING[min(tries, len(SPACING)) - 1] * random.uniform(0.5, 1.5)
            await asyncio.sleep(spacing if tries else random.random())
            tries += 1

    async def _come(self) -> None:
        server = self._asked
        try:
            async with asyncio.timeout(TRY):
                await self._connect(self._ports[server])
                message = {"consult": str(self.room.consult), "page": str(self.page), "audio": True, "video": True}
                answer = await self._asking("join", message | ({} if self._last is None else {"since": self._last}))
        except (OSError, TimeoutError, GoneError) as error:
            led = error.process if isinstance(error, GoneError) else ""
            self._asked = led or random.choice([name for name in self._ports if name != server])
            raise
        if "error" in answer:
            raise GoneError(answer["error"])
        self._enter(answer)
        self.server, self.since, self.came = server, time.monotonic(), self.came + 1
        self.is_in.set()

    def _enter(self, joined: dict[str, Any]) -> None:
        for peer in joined["peers"]:
            self._meet(peer)
        log = joined["log"]
        for line in joined["chat"]:  # the first time: what stands there bears no numbers
            self.strange.append(f"a line before anybody spoke: {line['id']}")
        for event in log["events"]:
            self._hear(event["kind"], event["body"], event["number"])
        self._last = max(log["last"], self._last or 0)

    async def _connect(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        self._gone.clear()
        self._answers.clear()
        address = f"/socket.io/?EIO=4&transport=websocket&room={self.room.consult}"
        headers = {"Cookie": f"session={self._cookie}", "Origin": ORIGIN}
        _, self._socket = await loop.create_connection(lambda: WebSocket(address, headers), "127.0.0.1", port)
        self._socket.is_open.add_done_callback(lambda done: done.cancelled() or done.exception())
        let_in: asyncio.Future[None] = loop.create_future()
        socket = self._socket
        socket.heard = lambda text: self._take(text, let_in, socket)
        self._waiting = asyncio.create_task(self._wait(socket, let_in))
        await socket.is_open
        await let_in

    async def _wait(self, socket: WebSocket, let_in: "asyncio.Future[None]") -> None:
        """For the end of the line, which is the one text the client itself puts there."""
        await socket.texts.get()
        self._lose(let_in, GoneError("hung up"))

    def _lose(self, let_in: "asyncio.Future[None]", why: GoneError) -> None:
        for waiting in (let_in, *self._answers.values()):
            if not waiting.done():
                waiting.set_exception(why)
                waiting.exception()
        self._gone.set()

    def _take(self, text: bytes, let_in: "asyncio.Future[None]", socket: WebSocket) -> None:
        if socket is not self._socket:
            return
        if text.startswith(b"0{"):
            socket.transport.write(frame(b"40/room,"))
        elif text.startswith(b"40/room,") and not let_in.done():
            let_in.set_result(None)
        elif text.startswith(b"44/room,"):
            told = json.loads(text[len(b"44/room,") :])
            about = told.get("data") or {}
            process = about.get("process", "") if told.get("message") == "elsewhere" else ""
            self._lose(let_in, GoneError(str(told), process))
        elif text.startswith(b"43/room,"):
            number, _, rest = text[len(b"43/room,") :].partition(b"[")
            answered = self._answers.pop(int(number), None)
            if answered and not answered.done():
                answered.set_result(json.loads(b"[" + rest)[0])
        elif text.startswith(b"42/room,"):
            name, *content = json.loads(text[len(b"42/room,") :])
            self._told(name, content)
        elif text.startswith(b"41"):
            self._lose(let_in, GoneError("turned out"))

    def _told(self, name: str, content: list[Any]) -> None:
        if len(content) > 1 and content[1] is not None:
            self._hear(name, content[0], content[1])
        elif name == "peer" and content[0]["change"] == "joined":
            self._meet(content[0]["peer"])
        elif name == "signal" and self.end:
            task = asyncio.create_task(self._signalled(content[0]))
            self._signalling.add(task)
            task.add_done_callback(self._signalling.discard)

    def _meet(self, peer: dict[str, Any]) -> None:
        if page := peer.get("page"):  # who takes part, and has not come, has none
            self._other = peer["pid"]
            self.met.add(page)

    def _hear(self, kind: str, body: dict[str, Any], number: int) -> None:
        """An event of the log, which may come by two ways: it counts by its number."""
        self._last = max(number, self._last or 0)
        if kind != "chat" or number in self.events:
            return
        self.events[number] = body["id"]
        room, _, _page = body["text"].partition(" ")
        if room != str(self.room.consult):
            self.strange.append(f"a line of the room {room}")

    async def _asking(self, name: str, message: dict[str, Any]) -> Any:
        """The answer. Raises GoneError where the line ends before."""
        if self._socket is None or self._gone.is_set():
            raise GoneError("hung up")
        self._number += 1
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        told = json.dumps([name, message], separators=(",", ":"))
        self._socket.transport.write(frame(f"42/room,{self._number}{told}".encode()))
        return await answer

    async def say(self) -> str:
        """A line of its own, until it is answered for: then it is kept. Sent again, it bears the same id."""
        line, end = str(uuid.uuid4()), time.monotonic() + PATIENCE
        while line not in self.told:
            if time.monotonic() > end:
                raise TimeoutError("a line was never answered for")
            await asyncio.wait_for(self.is_in.wait(), PATIENCE)
            with suppress(GoneError):
                message = {"id": line, "text": f"{self.room.consult} {self.page}"}
                answer = await asyncio.wait_for(self._asking("chat", message), PATIENCE)
                if answer == {"ok": "yes"}:
                    self.told.add(line)
                    break
            await asyncio.sleep(0.1)
        return line

    def twice(self) -> list[str]:
        """Lines that stand in the log under two numbers."""
        return [line for line, times in Counter(self.events.values()).items() if times > 1]

    async def _signalled(self, message: dict[str, Any]) -> None:
        """A description of the other's: their ends meet, and know no server from then on."""
        if not self.end or not (description := message.get("description")):
            return
        if description["type"] == "offer":
            await self._signal(message["sender"], await self.end.answer(description))
        else:
            await self.end.settle(description)

    async def call(self) -> None:
        """Offer a connection to the other of the room."""
        assert self.end
        await self._signal(self._other, await self.end.offer())

    async def _signal(self, to: str, description: dict[str, str]) -> None:
        answer = await asyncio.wait_for(self._asking("signal", {"to": to, "description": description}), PATIENCE)
        if answer != {"ok": "yes"}:
            raise GoneError(str(answer))

    def _hang_up(self) -> None:
        if self._socket:
            self._waiting.cancel()
            self._socket.transport.abort()
            self._socket = None

    async def leave(self) -> None:
        """The line, and nothing more."""
        self._hang_up()
        if self.end:
            await self.end.close()
