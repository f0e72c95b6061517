"""Debian's Janus with a video room, in a process and with a configuration of its own, and its HTTP API."""

import contextlib
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiortc.sdp import SessionDescription

from tests.bench.signaling.servers import Process, free_port, started
from tests.signaling.media.peer import CODECS, Peer

PROGRAM: Final = Path("/usr/bin/janus")
_OTHERS: Final = (
    "libjanus_audiobridge.so,libjanus_duktape.so,libjanus_echotest.so,libjanus_lua.so,libjanus_nosip.so,"
    "libjanus_recordplay.so,libjanus_sip.so,libjanus_streaming.so,libjanus_textroom.so,libjanus_videocall.so,"
    "libjanus_voicemail.so"
)
_OTHER_DOORS: Final = (
    "libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so,libjanus_websockets.so"
)
_CORE: Final = f"""
general: {{ debug_level = 2 }}
media: {{ rtp_port_range = "20000-29999" }}
plugins: {{ disable = "{_OTHERS}" }}
transports: {{ disable = "{_OTHER_DOORS}" }}
loggers: {{ disable = "libjanus_jsonlog.so" }}
"""
_HTTP: Final = 'general: {{ json = "plain", base_path = "/janus", http = true, port = {port}, ip = "127.0.0.1" }}'
_QUIETLY: Final = 'exec "$0" "$@" >/dev/null 2>&1'
ROOM: Final = 1


@contextlib.contextmanager
def running() -> Iterator[Process]:
    """One, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="teleconsult-janus-") as folder:
        port = free_port()
        (Path(folder) / "janus.jcfg").write_text(_CORE)
        (Path(folder) / "janus.transport.http.jcfg").write_text(_HTTP.format(port=port))
        (Path(folder) / "janus.plugin.videoroom.jcfg").write_text("general: { }")
        command = ("sh", "-c", _QUIETLY, str(PROGRAM), "-F", folder, "-N", "-L", f"{folder}/log")
        with started(*command, port=port) as process:
            yield process


@dataclass
class Handle:
    """One conversation with the video room."""

    http: aiohttp.ClientSession
    address: str
    session: int = 0
    handle: int = 0

    async def attach(self) -> "Handle":
        """Begin it."""
        self.session = (await self._post("", janus="create"))["data"]["id"]
        attached = await self._post(f"/{self.session}", janus="attach", plugin="janus.plugin.videoroom")
        self.handle = attached["data"]["id"]
        return self

    async def ask(self, jsep: dict[str, str] | None = None, **body: Any) -> dict[str, Any]:
        """Ask the room; its event, or its answer where it answers at once."""
        more = {"jsep": jsep} if jsep else {}
        told = await self._post(f"/{self.session}/{self.handle}", janus="message", body=body, **more)
        while told["janus"] != "event" and told["janus"] != "success":
            async with self.http.get(f"{self.address}/{self.session}") as response:
                told = await response.json()
        problem = told["plugindata"]["data"].get("error")
        assert not problem, problem
        return told

    async def _post(self, path: str, **message: Any) -> dict[str, Any]:
        message["transaction"] = secrets.token_hex(8)
        async with self.http.post(self.address + path, json=message) as response:
            told: dict[str, Any] = await response.json()
        assert told["janus"] in ("success", "ack"), told
        return told


class Publishing:
    """The room as a publisher meets it; in place of a forwarder."""

    def __init__(self, http: aiohttp.ClientSession, port: int) -> None:
        self._handle = Handle(http, f"http://127.0.0.1:{port}/janus")
        self.feed = 0

    async def offer(self, _pid: object, sdp: str, _wants: object) -> str:
        """Make the room, join it, publish."""
        await self._handle.attach()
        await self._handle.ask(
            request="create", room=ROOM, publishers=1, videocodec="vp8", audiocodec="opus", bitrate=0
        )
        joined = await self._handle.ask(request="join", ptype="publisher", room=ROOM)
        self.feed = joined["plugindata"]["data"]["id"]
        told = await self._handle.ask({"type": "offer", "sdp": sdp}, request="configure", audio=True, video=True)
        answer: str = told["jsep"]["sdp"]
        return answer


class Subscriber(Peer):
    """A viewer of Janus: here the server offers."""

    async def subscribe(self, http: aiohttp.ClientSession, port: int, feed: int) -> None:
        """Join, answer, start, and wait until media pass."""
        handle = await Handle(http, f"http://127.0.0.1:{port}/janus").attach()
        told = await handle.ask(request="join", ptype="subscriber", room=ROOM, streams=[{"feed": feed}])
        self.answer = SessionDescription.parse(told["jsep"]["sdp"])
        await self.gatherer.gather()
        await handle.ask({"type": "answer", "sdp": self._answered()}, request="start")
        await self.open(is_controlling=False)

    def _answered(self) -> str:
        ice, dtls = self.gatherer.getLocalParameters(), self.dtls.getLocalParameters()
        mids = " ".join(media.rtp.muxId for media in self.answer.media)
        lines = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {mids}"]
        for media in self.answer.media:
            number = media.rtp.codecs[0].payloadType
            lines += [
                f"m={media.kind} 9 UDP/TLS/RTP/SAVPF {number}",
                "c=IN IP4 0.0.0.0",
                f"a=mid:{media.rtp.muxId}",
                f"a=ice-ufrag:{ice.usernameFragment}",
                f"a=ice-pwd:{ice.password}",
                "a=setup:active",
                f"a=fingerprint:sha-256 {dtls.fingerprints[0].value}",
                "a=rtcp-mux",
                f"a=rtpmap:{number} {CODECS[media.kind].split()[1]}",
                "a=recvonly",
            ]
            lines += [
                f"a=candidate:{one.foundation} 1 udp {one.priority} {one.ip} {one.port} typ host"
                for one in self.gatherer.getLocalCandidates()
            ]
        return "\r\n".join(lines) + "\r\n"
