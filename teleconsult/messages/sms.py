"""SMS by an HTTP gateway, whichever: its request is described by settings. Without one, messages become files."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl, quote

import httpx

from teleconsult.clock import now
from teleconsult.messages.handing import hand_over, require_taken
from teleconsult.messages.message import Message, Undelivered, Unreachable
from teleconsult.settings import Settings

LONGEST: Final = 300
"""Characters of the words, before the link: two or three parts of a message."""
REFUSED: Final = frozenset({400, 410, 422})
"""What gateways answer for a number they cannot send to. 404 speaks of the gateway's own address."""
_PLACE: Final = re.compile(r"\{(to|text|secret)\}")


async def send(settings: Settings, message: Message, *, to: str) -> None:
    """Hand the message to the gateway, or write it to `sms/` in the data folder where there is none.

    `to` is E.164. Raises Unreachable for a number the gateway refuses, Undelivered else.
    """
    words = f"{message.subject[:LONGEST]}\n{message.link}"
    if settings.sms_url is None:
        await asyncio.to_thread(_write, settings, to, words)
        return
    values = {"to": to, "text": words, "secret": settings.sms_secret}
    try:
        request = _request(settings, values)
    except httpx.InvalidURL:
        raise Undelivered("The gateway's address is none.") from None
    status = await hand_over(request)
    if status in REFUSED:
        raise Unreachable
    require_taken(status)


def _request(settings: Settings, values: dict[str, str]) -> httpx.Request:
    """What the settings describe: `{to}`, `{text}` and `{secret}` filled in where they stand, as each place wants it.

    A secret that stands nowhere goes as a bearer token (RFC 6750).
    """
    assert settings.sms_url is not None, "asked for with a gateway only"
    url, body = settings.sms_url, settings.sms_body
    headers = {} if "{secret}" in url + body or not settings.sms_secret else _bearer(settings.sms_secret)
    address = _filled(url, values, lambda value: quote(value, safe=""))
    if not body:
        return httpx.Request("GET", address, headers=headers)
    if body.lstrip().startswith("{"):
        return httpx.Request("POST", address, headers=headers, json=_filled_in(json.loads(body), values))
    fields = {name: _filled(value, values, str) for name, value in parse_qsl(body, keep_blank_values=True)}
    return httpx.Request("POST", address, headers=headers, data=fields)


def _bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def _filled(template: str, values: dict[str, str], written: Callable[[str], str]) -> str:
    return _PLACE.sub(lambda place: written(values[place[1]]), template)


def _filled_in(content: Any, values: dict[str, str]) -> Any:
    if isinstance(content, dict):
        return {name: _filled_in(value, values) for name, value in content.items()}
    if isinstance(content, list):
        return [_filled_in(value, values) for value in content]
    return _filled(content, values, str) if isinstance(content, str) else content


def _write(settings: Settings, to: str, words: str) -> None:
    folder = settings.data / "sms"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"{now():%Y%m%dT%H%M%S%f}.txt"
    file.touch(mode=0o600)
    file.write_text(f"{to}\n{words}\n", encoding="utf-8")
