"""A conversation with Janus, another program that passes media on: its JSON API by WebSocket or by HTTP.

https://janus.conf.meetecho.com/docs/rest.html. Held to Debian's 1.1.2. Every wait for it ends by itself.
"""

import asyncio
import contextlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import aiohttp
import structlog

ANSWERS_WITHIN: Final = 5.0
"""Seconds for whatever is asked."""
POLLED_WITHIN: Final = 45.0
"""Seconds; by HTTP it answers after thirty where there is nothing to tell."""
MOST_OF_A_POLL: Final = 10
PLUGIN: Final = "janus.plugin.videoroom"
SCHEMES: Final = frozenset({"ws", "wss", "http", "https"})

Message = dict[str, Any]
log = structlog.get_logger(__name__)


class JanusError(Exception):
    """It did not do what was asked."""


class JanusLost(JanusError):
    """It does not answer, or has forgotten us."""


class JanusRefused(JanusError):
    """It says no; the text is its own."""


class Wire(Protocol):
    """Messages there and back."""

    async def send(self, message: Message) -> None:
        """Raises JanusLost."""

    async def receive(self) -> Message:
        """The next one. Raises JanusLost where there is none to come."""

    async def close(self) -> None:
        """Twice changes nothing."""


async def connected(http: aiohttp.ClientSession, url: str, secret: str) -> Wire:
    """A wire to Janus by the scheme its address has. Raises JanusLost."""
    if not url.startswith("ws"):
        return _Polling(http, url.rstrip("/"), secret)
    try:
        async with asyncio.timeout(ANSWERS_WITHIN):
            return _WebSocket(await http.ws_connect(url, protocols=("janus-protocol",)))
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise JanusLost(f"not reached: {type(error).__name__}") from error


class _WebSocket:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, message: Message) -> None:
        try:
            await self._socket.send_str(json.dumps(message))
        except (aiohttp.ClientError, OSError) as error:
            raise JanusLost("hung up") from error

    async def receive(self) -> Message:
        told = await self._socket.receive()
        if told.type is not aiohttp.WSMsgType.TEXT:
            raise JanusLost("hung up")
        return _read(told.data)

    async def close(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWERS_WITHIN):
                await self._socket.close()


class _Polling:
    def __init__(self, http: aiohttp.ClientSession, url: str, secret: str) -> None:
        self._http, self._url, self._secret = http, url, secret
        self._told: asyncio.Queue[Message | None] = asyncio.Queue()
        self._polling: asyncio.Task[None] | None = None

    async def send(self, message: Message) -> None:
        session, handle = message.get("session_id"), message.get("handle_id")
        place = "".join(f"/{one}" for one in (session, handle) if one is not None)
        answer = _read(await self._asked("POST", self._url + place, ANSWERS_WITHIN, json=message))
        if session is None and answer.get("janus") == "success":
            self._polling = asyncio.create_task(self._poll(f"{self._url}/{answer['data']['id']}"))
        self._told.put_nowait(answer)

    async def receive(self) -> Message:
        told = await self._told.get()
        if told is None:
            raise JanusLost("hung up")
        return told

    async def close(self) -> None:
        if self._polling is not None:
            self._polling.cancel()

    async def _poll(self, url: str) -> None:
        try:
            while True:
                query = {"maxev": str(MOST_OF_A_POLL)} | ({"apisecret": self._secret} if self._secret else {})
                text = await self._asked("GET", url, POLLED_WITHIN, params=query)
                several = json.loads(text)
                for told in several if isinstance(several, list) else [several]:
                    self._told.put_nowait(told)
        except (JanusLost, ValueError):
            self._told.put_nowait(None)

    async def _asked(self, method: str, url: str, seconds: float, **more: Any) -> str:
        try:
            timeout = aiohttp.ClientTimeout(total=seconds)
            async with self._http.request(method, url, timeout=timeout, **more) as response:
                return await response.text()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise JanusLost(f"not reached: {type(error).__name__}") from error


def _read(text: str) -> Message:
    try:
        told = json.loads(text)
    except ValueError as error:
        raise JanusLost("that is no Janus") from error
    if not isinstance(told, dict):
        raise JanusLost("that is no Janus")
    return told


@dataclass(frozen=True, slots=True)
class Reply:
    """What the video room answers: its own words, and a session description where there is one."""

    data: Message
    sdp: str


@dataclass(frozen=True, slots=True)
class _Question:
    verb: str
    answer: asyncio.Future[Message]


class Handle:
    """One line of media at the video room. `noticed` hears `webrtcup`, `hangup` and `detached` of it."""

    def __init__(self, session: "JanusSession", number: int, noticed: Callable[[str], None]) -> None:
        self.number, self.noticed = number, noticed
        self._session = session

    async def ask(self, request: str, *, offer: str = "", answer: str = "", **body: Any) -> Reply:
        """Ask the video room, with a session description or without. Raises JanusError."""
        more: Message = {"body": {"request": request, **body}}
        if offer or answer:
            more["jsep"] = {"type": "offer" if offer else "answer", "sdp": offer or answer, "trickle": False}
        told = await self._session.ask("message", handle_id=self.number, **more)
        data = told.get("plugindata", {}).get("data", {})
        if "error" in data:
            raise JanusRefused(f"{request}: {data['error']}")
        return Reply(data, str(told.get("jsep", {}).get("sdp", "")))

    async def detach(self) -> None:
        """End it. Where Janus is gone, so is it."""
        self._session.forget(self)
        with contextlib.suppress(JanusError):
            await self._session.ask("detach", handle_id=self.number)


class JanusSession:
    """Ours with Janus: it ends with the wire, or where it is not kept alive, and everything in it too."""

    def __init__(self, wire: Wire, secret: str) -> None:
        self._wire, self._secret = wire, secret
        self._id: int | None = None
        self._waiting: dict[str, _Question] = {}
        self._handles: dict[int, Handle] = {}
        self._listening: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Raises JanusError: JanusRefused where the secret is not Janus'."""
        self._listening = asyncio.create_task(self._listen())
        self._id = int((await self.ask("create"))["data"]["id"])

    async def ask(self, verb: str, **more: Any) -> Message:
        """Its answer, which for a message to a plugin comes after its acknowledgement. Raises JanusError."""
        transaction = secrets.token_hex(8)
        message = {"janus": verb, "transaction": transaction, **more}
        message |= {"session_id": self._id} if self._id is not None else {}
        message |= {"apisecret": self._secret} if self._secret else {}
        question = self._waiting[transaction] = _Question(verb, asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                if self._listening is None or self._listening.done():
                    raise JanusLost("hung up")
                await self._wire.send(message)
                told = await question.answer
        except TimeoutError as error:
            raise JanusLost(f"no answer to {verb}") from error
        finally:
            del self._waiting[transaction]
        if told["janus"] == "error":
            raise JanusRefused(f"{verb}: {told.get('error', {}).get('reason')}")
        return told

    async def attach(self, noticed: Callable[[str], None] = lambda _what: None) -> Handle:
        """Another line at the video room. Raises JanusError."""
        told = await self.ask("attach", plugin=PLUGIN)
        handle = Handle(self, int(told["data"]["id"]), noticed)
        self._handles[handle.number] = handle
        return handle

    def forget(self, handle: Handle) -> None:
        """Hear nothing more of it."""
        self._handles.pop(handle.number, None)

    async def keep(self, seconds: float) -> None:
        """Stay in the conversation for so long. Raises JanusLost as soon as it is over."""
        assert self._listening is not None
        done, _ = await asyncio.wait({self._listening}, timeout=seconds)
        if done:
            raise JanusLost("hung up")
        await self.ask("keepalive")

    async def end(self) -> None:
        """Say goodbye, as far as it is heard."""
        with contextlib.suppress(JanusError):
            await self.ask("destroy")
        await self.drop()

    async def drop(self) -> None:
        """End it without a word."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait({self._listening})
        await self._wire.close()

    async def _listen(self) -> None:
        try:
            while True:
                self._take(await self._wire.receive())
        except JanusLost as lost:
            for question in self._waiting.values():
                if not question.answer.done():
                    question.answer.set_exception(JanusLost(str(lost)))

    def _take(self, told: Message) -> None:
        kind, question = told.get("janus"), self._waiting.get(str(told.get("transaction")))
        if kind in ("timeout", "destroyed") and told.get("session_id") == self._id and "sender" not in told:
            raise JanusLost("our session is over")
        if kind in ("webrtcup", "hangup", "detached"):
            handle = self._handles.get(int(told.get("sender", 0)))
            if handle is not None:
                handle.noticed(kind)
        elif question is not None and not question.answer.done() and (kind != "ack" or question.verb == "keepalive"):
            question.answer.set_result(told)
