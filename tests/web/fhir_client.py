"""A program at the FHIR door: with a bearer token, speaking JSON."""

from collections.abc import Mapping
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient

from teleconsult.accounts.actor import Actor
from teleconsult.db import Sessions, transaction
from tests.people import bearer_of

FHIR_JSON = "application/fhir+json"
Resource = dict[str, Any]


class Program:
    """Asks in somebody's role, and keeps what was asked last."""

    def __init__(self, client: TestClient[web.Request, web.Application], bearer: str) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}

    async def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[ClientResponse, Resource]:
        """The answer and its resource; nothing where there is no body."""
        sent: dict[str, Any] = {"headers": {**self.headers, "Accept": FHIR_JSON, **(headers or {})}}
        if isinstance(body, bytes):
            sent["data"] = body
            sent["headers"].setdefault("Content-Type", FHIR_JSON)
        elif body is not None:
            sent["json"] = body
        answer = await self.client.request(method, path, **sent)
        text = await answer.text()
        return answer, await answer.json(content_type=None) if text else {}

    async def get(self, path: str, **headers: str) -> Resource:
        """What a GET answers with 200."""
        answer, resource = await self.ask("GET", path, headers=headers)
        assert answer.status == 200, resource
        return resource

    async def all(self, path: str) -> list[Resource]:
        """The matches of a search, over all its pages."""
        found, address = [], path
        while address:
            bundle = await self.get(address)
            found += matches(bundle)
            links = {link["relation"]: link["url"] for link in bundle["link"]}
            address = "/" + links["next"].split("/", 3)[3] if "next" in links else ""
        return found


def matches(bundle: Resource) -> list[Resource]:
    """What was searched, without what came along."""
    return [entry["resource"] for entry in bundle.get("entry", []) if entry["search"]["mode"] == "match"]


def included(bundle: Resource) -> list[Resource]:
    """What came along."""
    return [entry["resource"] for entry in bundle.get("entry", []) if entry["search"]["mode"] == "include"]


async def program(client: TestClient[web.Request, web.Application], sessions: Sessions, actor: Actor | None) -> Program:
    """A program that acts for this person, or for nobody."""
    if actor is None:
        return Program(client, "")
    async with transaction(sessions) as session:
        return Program(client, await bearer_of(session, actor))
