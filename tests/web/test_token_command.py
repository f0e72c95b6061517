"""`teleconsult token`: prints the token and nothing else; `token rotate` changes the key."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from tests.people import Cast
from web.__main__ import main

Client = TestClient[web.Request, web.Application]


@pytest.fixture
def installation(command_environment: None, cast: Cast) -> Cast:
    """The environment of an installation that has the cast."""
    return cast


async def say(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    import asyncio

    status = await asyncio.to_thread(main, ["token", *arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


async def answer_to(client: Client, token: str, path: str) -> int:
    return (await client.get(path, headers={"Authorization": f"Bearer {token}"})).status


async def test_it_prints_only_the_token(client: Client, installation: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = await say(capsys, "--account", installation.emails["rural"])
    assert (status, err, out.count("\n")) == (0, "", 1)
    assert await answer_to(client, out.strip(), "/patients") == 200
    assert await answer_to(client, out.strip(), "/consults") == 200


async def test_for_one_purpose_in_one_role(
    client: Client, installation: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--account", installation.emails["rural"], "--role", "doctor", "--purpose", "consults")
    _status, out, _err = await say(capsys, *arguments, "--minutes", "5")
    assert await answer_to(client, out.strip(), "/consults") == 200
    assert await answer_to(client, out.strip(), "/patients") == 404


@pytest.mark.parametrize(
    "arguments",
    [(), ("--account", "nobody@example.test"), ("--account", "RURAL", "--role", "nurse"),
     ("--account", "RURAL", "--minutes", "0")],
)  # fmt: skip
async def test_it_says_why_not(
    installation: Cast, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    given = [installation.emails["rural"] if word == "RURAL" else word for word in arguments]
    status, out, err = await say(capsys, *given)
    assert (status, out) == (1, "")
    assert err.count("\n") == 1


async def test_a_new_key_overlaps_and_a_leaked_one_does_not(
    client: Client, installation: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    token = (await say(capsys, "--account", installation.emails["rural"]))[1].strip()
    assert (await say(capsys, "rotate"))[0] == 0
    assert await answer_to(client, token, "/patients") == 200
    assert (await say(capsys, "rotate", "--at-once"))[0] == 0
    assert await answer_to(client, token, "/patients") == 401
