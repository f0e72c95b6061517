"""A WebSocket client (RFC 6455) that costs next to nothing, so that what is measured is the server."""

import asyncio
import base64
import os
from collections.abc import Callable
from typing import cast

SMALL, MEDIUM = 126, 127


class WebSocket(asyncio.Protocol):
    """One connection. Texts wait in `texts`, unless `heard` is to do something else with each as it comes; Engine.IO's
    pings are answered.
    """

    def __init__(self, address: str, headers: dict[str, str]) -> None:
        self._address, self._headers = address, headers
        self._begun: bytes | None = b""
        self._rest = b""
        self.texts: asyncio.Queue[bytes] = asyncio.Queue()
        self.heard: Callable[[bytes], None] = self.texts.put_nowait
        self.is_open = asyncio.get_running_loop().create_future()
        self.is_gone = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self.transport = cast("asyncio.Transport", transport)
        asked = {
            "Host": "127.0.0.1",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            **self._headers,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in asked.items())
        self.transport.write(f"GET {self._address} HTTP/1.1\r\n{lines}\r\n".encode())

    def data_received(self, data: bytes) -> None:
        """Take the texts apart; frames of our servers are whole messages."""
        if self._begun is not None:
            self._begun += data
            head, end, data = self._begun.partition(b"\r\n\r\n")
            if not end:
                return
            self._begun = None
            if b" 101 " not in head.split(b"\r\n", 1)[0]:
                self.is_open.set_exception(ConnectionError(head[:200].decode(errors="replace")))
                return
            if not self.is_open.done():  # whoever waited has given up
                self.is_open.set_result(None)
        data = self._rest + data
        at = 0
        while len(data) - at >= 2:
            length, begins = data[at + 1], at + 2
            if length == SMALL:
                length, begins = int.from_bytes(data[at + 2 : at + 4]), at + 4
            elif length == MEDIUM:
                length, begins = int.from_bytes(data[at + 2 : at + 10]), at + 10
            if len(data) < begins + length:
                break
            if data[at] & 15 == 1:
                self._take(data[begins : begins + length])
            at = begins + length
        self._rest = data[at:]

    def _take(self, text: bytes) -> None:
        if text == b"2":
            self.transport.write(frame(b"3"))
        else:
            self.heard(text)

    def connection_lost(self, _error: Exception | None) -> None:
        """The server is gone, or we are."""
        self.is_gone = True
        self.texts.put_nowait(b"")
        if not self.is_open.done():
            self.is_open.set_exception(ConnectionError("hung up"))


def frame(text: bytes) -> bytes:
    """A text as a client sends it, under the mask that changes nothing."""
    if len(text) < SMALL:
        return bytes((0x81, 0x80 | len(text))) + bytes(4) + text
    return bytes((0x81, 0x80 | SMALL)) + len(text).to_bytes(2) + bytes(4) + text
