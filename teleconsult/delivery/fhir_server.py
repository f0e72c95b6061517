"""Another's FHIR server, asked: one address that was checked, no redirect followed, answers read up to a bound."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx

from teleconsult.delivery.lines import NoLine, checked_address, tls_to, unsent
from teleconsult.delivery.models import DeliveryStatus
from teleconsult.delivery.parcel import Means, Outcome, Place
from teleconsult.delivery.reasons import Reason
from teleconsult.sealing import SealBroken

CONNECT: Final = 10.0
WITHIN: Final = 60.0
"""Seconds of one request, from its first byte to its answer's last."""
LARGEST_ANSWER: Final = 4 * 1024 * 1024
JSON: Final = "application/fhir+json"
FORM: Final = "application/x-www-form-urlencoded"
PATCH: Final = "application/json-patch+json"


class Unanswered(Exception):
    """It was written, at least in part, and no answer came, or none that can be read."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Response:
    """Status, and the resource where there is one."""

    status: int
    resource: Mapping[str, Any]
    etag: str = ""

    @property
    def is_good(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300

    def entries(self) -> list[Mapping[str, Any]]:
        """Of a Bundle."""
        found = self.resource.get("entry")
        return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []

    @property
    def said(self) -> str:
        """What an OperationOutcome says is wrong, in its own words."""
        issues = self.resource.get("issue")
        told = [
            str(issue.get("diagnostics") or (issue.get("details") or {}).get("text") or issue.get("code") or "")
            for issue in (issues if isinstance(issues, list) else [])
            if isinstance(issue, Mapping) and isinstance(issue.get("details") or {}, Mapping)
        ]
        return "; ".join(filter(None, told)) or str(self.status)


class FhirServer:
    """The server at a place, for the length of one attempt."""

    def __init__(self, client: httpx.AsyncClient, base: str, host: str) -> None:
        self._client, self._base, self._host = client, base, host

    async def search(self, kind: str, **query: str) -> Response:
        """`POST [base]/{kind}/_search` (R4 §3.1.1.1): what is looked for stands in no address."""
        return await self.ask("POST", f"/{kind}/_search", urlencode(query).encode(), content_type=FORM)

    async def ask(
        self, method: str, path: str, resource: Any = None, *, content_type: str = JSON, if_match: str = ""
    ) -> Response:
        """Raises NoLine where nothing was sent, and Unanswered where it may have been done all the same."""
        headers = {"Accept": JSON} | ({"If-Match": if_match} if if_match else {})
        content = None
        if resource is not None:
            headers["Content-Type"] = content_type
            is_written = isinstance(resource, bytes)
            content = resource if is_written else json.dumps(resource, ensure_ascii=False, allow_nan=False).encode()
        request = self._client.build_request(method, self._base + path, content=content, headers=headers)
        request.extensions["sni_hostname"] = self._host
        try:
            async with asyncio.timeout(WITHIN):
                return await self._sent(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NoLine(unsent(error)) from error
        except (httpx.TimeoutException, TimeoutError) as error:
            raise Unanswered(Reason.SILENT) from error
        except httpx.HTTPError as error:
            raise Unanswered(Reason.LOST) from error

    async def _sent(self, request: httpx.Request) -> Response:
        response = await self._client.send(request, stream=True)
        body = bytearray()
        try:
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise Unanswered(Reason.NOT_UNDERSTOOD)
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > LARGEST_ANSWER:
                    raise Unanswered(Reason.TOO_MUCH)
        finally:
            await response.aclose()
        try:
            resource = json.loads(body) if body else {}
        except (ValueError, RecursionError):
            resource = {}
        return Response(
            response.status_code,
            resource if isinstance(resource, Mapping) else {},
            response.headers.get("ETag", ""),
        )


@asynccontextmanager
async def fhir_server(place: Place, means: Means) -> AsyncIterator[FhirServer]:
    """Ready to be asked. Raises NoLine."""
    parts = urlsplit(place.address)
    host = parts.hostname or ""
    address = await checked_address(host, parts.port or 443, means.settings)
    machine = f"[{address}]" if ":" in address else address
    base = f"https://{machine}{f':{parts.port}' if parts.port else ''}{parts.path.rstrip('/')}"
    headers = {"Host": parts.netloc, "Accept-Encoding": "identity", "User-Agent": "teleconsult"}
    if place.credential_sealed is not None:
        try:
            headers["Authorization"] = means.sealer.open(place.credential_sealed).decode()
        except (SealBroken, UnicodeDecodeError) as error:
            raise NoLine(Outcome(DeliveryStatus.DEAD, reason=Reason.SEALED)) from error
    async with httpx.AsyncClient(
        verify=tls_to(place, means.settings),
        headers=headers,
        timeout=httpx.Timeout(WITHIN, connect=CONNECT),
        trust_env=False,
        follow_redirects=False,
    ) as client:
        yield FhirServer(client, base, host)
