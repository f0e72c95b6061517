"""Another FHIR server, on loopback with TLS: keeps what it is sent, as R4 §3.1.0 says, or fails as it is told.

It is the world outside: transactions with conditional creates and updates as creates, `_search` by identifier, PATCH.
"""

import json
import socket
import ssl
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl

from aiohttp import web

from tests.certificates import Certificate

Resource = dict[str, Any]


@dataclass
class FhirPeer:
    """What it has, by kind and id, and how it misbehaves."""

    port: int = 0
    held: dict[str, Resource] = field(default_factory=dict)
    transactions: list[Resource] = field(default_factory=list)
    authorizations: set[str] = field(default_factory=set)
    fails_with: int = 0
    says: str = "no"
    redirects_to: str = ""
    drops_after_writing: bool = False
    knows_patch: bool = True

    @property
    def address(self) -> str:
        """As an Endpoint has it."""
        return f"https://127.0.0.1:{self.port}/r4"

    def of_kind(self, kind: str) -> list[Resource]:
        """All of one kind."""
        return [one for one in self.held.values() if one["resourceType"] == kind]

    def add_patient(self, system: str, value: str) -> None:
        """One that it knows by this number."""
        self._keep({"resourceType": "Patient", "id": uuid.uuid4().hex, "identifier": [_number(system, value)]})

    async def transact(self, request: web.Request) -> web.StreamResponse:
        """`POST [base]`."""
        self.authorizations.add(request.headers.get("Authorization", ""))
        if self.redirects_to:
            raise web.HTTPTemporaryRedirect(self.redirects_to)
        if self.fails_with:
            said = {"resourceType": "OperationOutcome", "issue": [{"diagnostics": self.says}]}
            return _answer(said, self.fails_with)
        bundle = json.loads(await request.text())
        self.transactions.append(bundle)
        answers = [self._entry(one) for one in bundle["entry"]]
        if self.drops_after_writing:
            assert request.transport
            request.transport.abort()
        entries = [{"response": {"status": status, "location": f"{name}/_history/1"}} for status, name in answers]
        return _answer({"resourceType": "Bundle", "type": "transaction-response", "entry": entries})

    def _entry(self, entry: Resource) -> tuple[str, str]:
        request, resource = entry["request"], entry["resource"]
        kind = resource["resourceType"]
        if request["method"] == "PUT":
            is_new = request["url"] not in self.held
            self._keep(resource)
            return "201 Created" if is_new else "200 OK", request["url"]
        (wanted,) = parse_qs(request["ifNoneExist"])["identifier"]
        found = self._found(kind, wanted)
        if found:
            return "200 OK", f"{kind}/{found[0]['id']}"
        made = {**resource, "id": uuid.uuid4().hex}
        self._keep(made)
        return "201 Created", f"{kind}/{made['id']}"

    async def search(self, request: web.Request) -> web.StreamResponse:
        """`POST [base]/[kind]/_search`."""
        query = dict(parse_qsl(await request.text()))
        found = self._found(request.match_info["kind"], query["identifier"])
        return _answer({"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in found]})

    async def patch(self, request: web.Request) -> web.StreamResponse:
        """One operation on one element."""
        if not self.knows_patch:
            return _answer({"resourceType": "OperationOutcome"}, 405)
        (change,) = json.loads(await request.text())
        self.held[_name(request)][change["path"].removeprefix("/")] = change["value"]
        return _answer(self.held[_name(request)])

    async def read(self, request: web.Request) -> web.StreamResponse:
        """`GET [base]/[kind]/[id]`."""
        return _answer(self.held[_name(request)])

    async def put(self, request: web.Request) -> web.StreamResponse:
        """`PUT [base]/[kind]/[id]`, of the version that was read."""
        assert request.headers["If-Match"] == 'W/"1"'
        self._keep(json.loads(await request.text()))
        return _answer(self.held[_name(request)])

    def _keep(self, resource: Resource) -> None:
        self.held[f"{resource['resourceType']}/{resource['id']}"] = resource

    def _found(self, kind: str, wanted: str) -> list[Resource]:
        def numbers(one: Resource) -> list[str]:
            every = [*one.get("identifier", []), *filter(None, [one.get("masterIdentifier")])]
            return [f"{each.get('system', '')}|{each['value']}" for each in every]

        return [one for one in self.of_kind(kind) if wanted in numbers(one)]


@asynccontextmanager
async def fhir_peer(certificate: Certificate, *, at: socket.socket | None = None) -> AsyncIterator[FhirPeer]:
    """One on loopback, or `at` a socket that listens elsewhere, inside the block."""
    peer = FhirPeer()
    app = web.Application(client_max_size=32 * 1024 * 1024)
    app.router.add_post("/r4", peer.transact)
    app.router.add_post("/r4/{kind}/_search", peer.search)
    app.router.add_patch("/r4/{kind}/{id}", peer.patch)
    app.router.add_get("/r4/{kind}/{id}", peer.read)
    app.router.add_put("/r4/{kind}/{id}", peer.put)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.certificate, certificate.key)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.SockSite(runner, at or socket.create_server(("127.0.0.1", 0)), ssl_context=context)
    await site.start()
    peer.port = runner.addresses[0][1]
    try:
        yield peer
    finally:
        await runner.cleanup()


def _name(request: web.Request) -> str:
    return f"{request.match_info['kind']}/{request.match_info['id']}"


def _number(system: str, value: str) -> dict[str, str]:
    return {"system": system, "value": value}


def _answer(resource: Resource, status: int = 200) -> web.Response:
    return web.json_response(resource, status=status, content_type="application/fhir+json", headers={"ETag": 'W/"1"'})
