"""What must never be in the log: cookies, passwords, names, what somebody searched for."""

import asyncio
import logging

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from web.logs import without_content

Client = TestClient[web.Request, web.Application]
SECRET = b"tremblay"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /patients?q=" + SECRET + b"\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nCookie: session=" + SECRET + b"\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: " + SECRET + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + SECRET + b"\r\n",
        SECRET + b"\r\n\r\n",
        b"GET /" + SECRET * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
async def test_a_malformed_request_is_not_quoted(
    client: Client, caplog: pytest.LogCaptureFixture, request_bytes: bytes
) -> None:
    logger = logging.getLogger("aiohttp.server")
    logger.addFilter(without_content)
    caplog.set_level("DEBUG")
    try:
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(request_bytes)
        assert b" 400 " in await asyncio.wait_for(reader.readline(), 5)
        writer.close()
    finally:
        logger.removeFilter(without_content)
    assert "Refused a malformed request" in caplog.text
    assert SECRET.decode() not in caplog.text
