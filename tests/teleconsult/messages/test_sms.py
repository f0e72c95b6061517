"""An SMS at the wire, as the settings describe the gateway; a file where there is none."""

import json
import traceback
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import ValidationError
from pytest_aiohttp.plugin import AiohttpServer

from teleconsult.messages import sms
from teleconsult.messages.message import Message, Undelivered, Unreachable
from teleconsult.settings import Settings
from tests.fake_gateways import Gateway, gateway

MESSAGE = Message('Demande n° 1042 : l’horaire & "{secret}"', "…", "https://here.test/consults/1", "t", 60)
TEXT = f"{MESSAGE.subject}\n{MESSAGE.link}"
TO = "+14185550123"
IN_THE_ADDRESS = "/send?to={to}&text={text}&key={secret}"


@pytest.fixture
async def server(aiohttp_server: AiohttpServer) -> Gateway:
    return await gateway(aiohttp_server)


def by(settings: Settings, server: Gateway, path: str = "/send", **changes: Any) -> Settings:
    return settings.model_copy(update={"sms_url": server.url + path, "sms_secret": "s3cret", **changes})


async def test_as_json(settings: Settings, server: Gateway) -> None:
    body = '{"messages": [{"to": "{to}", "content": "{text}", "parts": 2}]}'
    await sms.send(by(settings, server, sms_body=body), MESSAGE, to=TO)
    [arrived] = server.arrived
    assert json.loads(arrived.body) == {"messages": [{"to": TO, "content": TEXT, "parts": 2}]}
    assert (arrived.method, arrived.headers["authorization"]) == ("POST", "Bearer s3cret")


async def test_as_a_form_with_the_secret_in_it(settings: Settings, server: Gateway) -> None:
    await sms.send(by(settings, server, sms_body="key={secret}&to={to}&message={text}"), MESSAGE, to=TO)
    [arrived] = server.arrived
    assert parse_qs(arrived.body.decode()) == {"key": ["s3cret"], "to": [TO], "message": [TEXT]}
    assert "authorization" not in arrived.headers


async def test_in_the_address(settings: Settings, server: Gateway) -> None:
    await sms.send(by(settings, server, "/send?to={to}&text={text}"), MESSAGE, to=TO)
    [arrived] = server.arrived
    assert (arrived.method, arrived.query) == ("GET", {"to": TO, "text": TEXT})


@pytest.mark.parametrize("status", [400, 410, 422])
async def test_a_number_it_refuses(settings: Settings, server: Gateway, status: int) -> None:
    server.status = status
    with pytest.raises(Unreachable):
        await sms.send(by(settings, server, "/send?to={to}&text={text}"), MESSAGE, to=TO)


@pytest.mark.parametrize("status", [302, 401, 404, 429, 503])
async def test_what_may_work_later(settings: Settings, server: Gateway, status: int) -> None:
    server.status = status
    with pytest.raises(Undelivered) as raised:
        await sms.send(by(settings, server, IN_THE_ADDRESS), MESSAGE, to=TO)
    assert len(server.arrived) == 1, "no redirect is followed: the secret stays where it was meant for"
    assert str(status) in str(raised.value)
    assert_nothing_is_told(raised.value)


async def test_who_does_not_answer(settings: Settings, server: Gateway, unused_tcp_port: int) -> None:
    server.url = f"http://127.0.0.1:{unused_tcp_port}"
    with pytest.raises(Undelivered) as raised:
        await sms.send(by(settings, server, IN_THE_ADDRESS), MESSAGE, to=TO)
    assert_nothing_is_told(raised.value)


def assert_nothing_is_told(error: Exception) -> None:
    """The log of a failed job holds the whole error: neither secret, nor number, nor words may stand in it."""
    said = "".join(traceback.format_exception(error))
    assert not any(word in said for word in ("s3cret", TO[1:], "1042"))


async def test_without_a_gateway_it_is_a_file_of_ours_alone(settings: Settings) -> None:
    await sms.send(settings, MESSAGE, to=TO)
    [file] = (settings.data / "sms").glob("*.txt")
    assert file.read_text() == f"{TO}\n{TEXT}\n"
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sms_url": "http://gateway.test/{to}/{text}"}, "https"),
        ({"sms_url": "https://gateway.test/"}, "{to}"),
        ({"sms_url": "https://gateway.test/{to}", "sms_body": '{"text": {text}}'}, "JSON"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(changes: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Settings(**changes)
