"""What must never be in the log: cookies, passwords, names, what somebody searched for."""

import asyncio
import logging
import warnings

import pytest
from aiohttp import parse_content_disposition, web
from aiohttp.test_utils import TestClient

from web.logs import quote_no_file_names, without_content

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
        assert b" 400 " in await asyncio.wait_for(reader.readline(), 30)
        writer.close()
    finally:
        logger.removeFilter(without_content)
    assert "Refused a malformed request" in caplog.text
    assert SECRET.decode() not in caplog.text


@pytest.mark.parametrize("header", ["form-data; filename*=utf-8''tremblay%ff", "form-data; tremblay"])
def test_the_name_of_a_file_in_a_malformed_header_is_not_quoted(header: str) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        parse_content_disposition(header)
        assert "tremblay" in str(said[0].message), "the library would"
        quote_no_file_names()
        parse_content_disposition(header)
    assert len(said) == 1
