"""How the authorization matrix asks and compares: every address, filled with ids of the world or with nobody's."""

import re
import uuid
from collections.abc import Iterator
from typing import Any, Final

from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select

from teleconsult.accounts.actor import Actor
from teleconsult.db import Sessions
from teleconsult.settings import Settings
from teleconsult.tables import metadata
from tests.people import PASSWORD, Cast
from tests.web.test_hostile_requests import cookie_of
from web.csrf import HEADER, token_for
from web.requests import ANYONE, NEEDS

Client = TestClient[web.Request, web.Application]

NOBODYS: Final = {
    "id": str(uuid.UUID(int=1)), "uid": "1.2.3", "sop": "1.2.3.4", "guest": str(uuid.UUID(int=2)),
    "entry": str(uuid.UUID(int=4)), "type": "Condition", "version": "1",
    "series": "1.2.3.5", "frames": "1", "path": "7FE00010",
    "token": "nobodys", "file": str(uuid.UUID(int=6)), "case": str(uuid.UUID(int=7)),
}  # fmt: skip
CHANGING_ANYWAY: Final = {"audit_event", "audit_chain", "web_session", "sign_in_attempt"}

KINDS: Final = {
    "/account/devices/": "device",
    "/account/identities/": "identity",
    "/account/passkeys/": "passkey",
    "/account/sessions/": "session",
    "/account/signing-keys/": "signing key",
    "/account/tokens/": "token",
    "/admin/audit-check/": "check",
    "/admin/dicom/": "dicom peer",
    "/admin/endpoints/": "endpoint",
    "/admin/fhir-clients/": "fhir client",
    "/admin/hl7/": "sender",
    "/admin/mailbox-imports/": "mailbox import",
    "/admin/hl7-messages/": "message",
    "/admin/imports/": "import",
    "/admin/pacs/": "pacs",
    "/admin/people/": "practitioner",
    "/admin/roles/": "role",
    "/admin/services/": "service",
    "/admin/sessions/": "session",
    "/admin/signing-keys/": "signing key",
    "/admin/tokens/": "token",
    "/agenda/invitations/": "invited session",
    "/audit/break-glass/": "opening",
    "/audit/notes/": "withdrawn note",
    "/break-glass/": "opening",
    "/consults/{id}/guests/{guest}": "guest",
    "/consults/{id}/chat/{file}": "chat file",
    "/consults/": "consult",
    "/dicomweb/studies/": "study",
    "/deliveries/": "delivery",
    "/duty/": "own shift",
    "/emergencies/": "emergency",
    "/emergency-pages/": "emergency page",
    "/fhir/AuditEvent/": "event",
    "/fhir/Consent/": "consent",
    "/fhir/Binary/": "binary",
    "/fhir/Bundle/": "fhir document",
    "/fhir/DocumentReference/": "resource",
    "/fhir/Patient": "fhir patient",
    "/fhir/ServiceRequest/": "consult",
    "/fhir/Task/": "task",
    "/fhir/{type}": "resource",
    "/hours/": "hours",
    "/identity-cases/": "identity case",
    "/join/chat/": "chat file",
    "/network/establishments/": "organization",
    "/note-phrases/": "note phrase",
    "/note-templates/": "note template",
    "/meetings/{id}/cases/{case}": "meeting case",
    "/meetings/": "meeting",
    "/notes/": "note",
    "/pacs-fetches/": "pacs fetch",
    "/patients/{id}/entries/{entry}": "entry",
    "/patient-links/": "patient link",
    "/patient-numbers/": "patient number",
    "/patients/": "patient",
    "/received/": "received message",
    "/recordings/files/": "recording file",
    "/recordings/": "recording",
    "/roster/shifts/": "shift",
    "/studies/": "study",
    "/studies-to-match/": "waiting study",
    "/transfers/": "transfer",
}
"""What the ids in an address name, by how it begins. A route with an id that is not here fails the build."""
SECRETS: Final = {"token"}
"""Places that hold a secret, not an id."""

FIELDS: Final = {
    "reason": "Because consultation is wanted.", "time": "2026-12-24T10:00", "minutes": "30", "version": "1",
    "opinion": "Mine now.", "question": "Mine now?", "consent": "yes", "basis": "patient", "password": PASSWORD,
    "family": "Roy", "given": "Aline", "gender": "female", "return": "home", "kind": "interpreter", "name": "Mine",
    "decision": "justified", "note": "Mine now.", "status": "off", "role": "nurse", "email": "mine@example.test",
    "registration_number": "12345678901", "time_zone": "America/Toronto", "specialty": "", "accept": "yes",
}  # fmt: skip
"""What the forms of all routes ask for, so that nobody is stopped by a missing field."""
FIELDS_OF: Final = {
    "/admin/services/{id}/promise": {
        **dict.fromkeys(("routine", "urgent", "asap", "stat"), "5"),
        "follow_up_days": "9",
    },
    "/admin/imports/{id}/decisions": {"all": "accepted"},
    "/admin/mailbox-imports/{id}/decisions": {"all": "accepted"},
    "/received/{id}/filing": {"patient": str(uuid.UUID(int=3))},
    "/consults/{id}/recipients": {"mailbox": str(uuid.UUID(int=3))},
    "/consults/{id}/recipients/signed-note": {"address": "app@anse.mssante.fr"},
    "/notes/{id}/audience": {"audience": "not-patient-yet"},
    "/consults/{id}/recipients/removal": {"correspondent": str(uuid.UUID(int=3))},
    "/consults/{id}/recipients/family-doctor": {"number": "10003456789"},
    "/consults/{id}/follow-up": {"done": "yes-no", "course": "better"},
    "/consults/{id}/information": {"text": "Mine now."},
    "/consults/{id}/information-request": {"text": "Mine now?"},
    "/consults/{id}/messages": {"text": "Mine now."},
    "/consults/{id}/mode": {"mode": "advice"},
    "/consults/{id}/calming": {"mode": "video"},
    "/consults/{id}/redirection": {"service": str(uuid.UUID(int=3))},
    "/consults/{id}/export": {"reason": "care", "format": "document"},
    "/patients/{id}/export": {"reason": "care", "format": "document"},
    "/audit/break-glass/{id}/decision": {"verdict": "justified"},
    "/break-glass/opening": {"kind": "danger"},
    "/hours/{id}/exceptions": {"kind": "away"},
    "/duty/{id}/handover": {"role": str(uuid.UUID(int=3))},
    "/identity-cases/{id}/decision": {"decision": "two-people"},
    "/meetings/{id}/cases/{case}/place": {"to": "1"},
    "/meetings/{id}/cases/{case}/removal": {"then": "remove"},
    "/network/establishments/{id}": {"kind": "clinic"},
    "/notes/{id}/retraction": {"reason": "error", "explanation": "Mine now."},
    "/patient-numbers/{id}/check": {"source": "Passport"},
    "/patients/{id}/entries": {"what": "problem", "status": "active", "key": str(uuid.UUID(int=5))},
    "/patients/{id}/entries/{entry}/change": {"status": "active"},
    "/roster/shifts/{id}/handover": {"role": str(uuid.UUID(int=3))},
}
"""Where a field of that name means something else."""

SHARED_BY_THE_WALL: Final = {
    ("rural", "patient elsewhere"),  # who treats a person may know what establishments that share know of them
    ("specialist", "fhir patient"),
    ("privacy", "patient elsewhere"),  # what their own people did to others' patients
    ("specialist", "patient"),  # whose consult it is: the patient's identity stands on it
    ("specialist", "patient's consent"),  # what they read rests on it
    ("colleague", "patient's link"),  # who registers patients here may know which of them are linked
    ("nurse", "patient's link"),
    ("operator", "rural's session"),  # ends sessions anywhere, at the console of the network
    ("operator", "specialist's session"),
}
"""What the wall rightly lets somebody have, and the application does not show at these addresses."""

PAGES: Final = (
    *("/identity-cases/{id}", "/patient-links/{id}", "/patients/{id}/label"),
    *("/consults/{id}", "/patients/{id}", "/notes/{id}", "/studies/{uid}", "/studies/{uid}/thumbnail"),
    *("/studies-to-match/{id}", "/recordings/{id}", "/recordings/files/{file}"),
    *("/consults/{id}/chat/{file}", "/consults/{id}/chat/{file}/preview"),
    *("/admin/mailbox-imports/{id}", "/received/{id}"),
    *("/admin/people/{id}", "/admin/imports/{id}", "/network/establishments/{id}", "/fhir/AuditEvent/{id}"),
    "/admin/fhir-clients/{id}",
    *("/fhir/Patient/{id}", "/fhir/{type}/{id}", "/fhir/{type}/{id}/_history", "/fhir/{type}/{id}/_history/{version}"),
    *("/fhir/Consent/{id}", "/fhir/ServiceRequest/{id}", "/fhir/Binary/{id}", "/admin/hl7-messages/{id}"),
)
"""What shows a thing to whoever may know of it, in whatever state it is."""


async def answer(
    client: Client, settings: Settings, method: str, pattern: str, parts: dict[str, str], **given: str
) -> tuple[int, str]:
    """The status and the page, without what differs from one request to the next."""
    path = pattern.replace(r"{frame:\d{1,6}}", "1").format_map({**parts, "frame": "1"})
    data: object = {**FIELDS, **FIELDS_OF.get(pattern, {}), **given} if method != "GET" else None
    headers = {HEADER: token_for(settings, cookie_of(client)), "Accept": "text/html"}
    if path.endswith("/images") and method == "POST":
        headers["Content-Type"] = "multipart/form-data; boundary=x"
        data = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\na\r\n--x--\r\n'
    if "/uploads" in path:
        headers |= {"Tus-Resumable": "1.0.0", "Upload-Length": "1", "Upload-Offset": "0"}
        headers["Content-Type"], data = "application/offset+octet-stream", b"a"
    query = given if method == "GET" else {}
    found = await client.request(method, path, params=query, data=data, headers=headers, allow_redirects=False)
    body = re.sub(r'(content|value)="[\w=-]{88}"', "", (await found.read()).decode(errors="replace"))
    for name, value in sorted(parts.items(), key=lambda part: -len(part[1])):
        body = body.replace(value, name)
    return found.status, body


def deviates(filters: str, seen: tuple[int, str], nothing: tuple[int, str]) -> bool:
    """As the application is, the answers must be the same. With its filters open, nothing may be shown or done."""
    return seen != nothing if filters == "filters-on" else seen[0] < 400 and seen != nothing


def routes_with_ids(app: web.Application) -> Iterator[tuple[str, str, str]]:
    """Method, pattern and kind of everything that is named by every route that answers the signed in."""
    for route, need in app[NEEDS].items():
        pattern = pattern_of(route)
        if "{" in pattern.replace("{type}", "") and need is not ANYONE and route.method != "HEAD":
            yield route.method, pattern, kind_of(pattern)


def pattern_of(route: web.AbstractRoute) -> str:
    """The address with its places: `/consults/{id}`."""
    described: Any = route.get_info()
    return str(described.get("formatter", "")) or (route.resource.canonical if route.resource else "")


def kind_of(pattern: str) -> str:
    """What the ids of an address name; "" where nothing says so."""
    return next((kind for start, kind in KINDS.items() if pattern.startswith(start)), "")


def actor(cast: Cast, person: str) -> Actor:
    """That person; the second neurologist may what the first may."""
    found = getattr(cast, "specialist" if person == "second" else person)
    assert isinstance(found, Actor)
    return found


async def everything(sessions: Sessions) -> dict[str, list[tuple[Any, ...]]]:
    """All rows there are, but those that every request may add to."""
    async with sessions() as session:
        return {
            table.name: [tuple(row) for row in await session.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
            if table.name not in CHANGING_ANYWAY
        }
