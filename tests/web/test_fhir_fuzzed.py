"""What comes to the FHIR door from nowhere good: made-up requests, the same ones each time. Never a 5xx."""

import json
from typing import Any, Final
from urllib.parse import quote

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from teleconsult.db import Sessions
from tests.people import Cast
from tests.web.fhir_client import Program, Resource, program
from tests.web.test_fhir_bundles import bundle, entry
from tests.web.test_fhir_writing import weight

Client = TestClient[web.Request, web.Application]
EXAMPLES: Final = 200

WORDS = st.sampled_from(
    [
        "Observation",
        "Patient",
        "Condition",
        "Encounter",
        "metadata",
        "_search",
        "_history",
        "$match",
        "$everything",
        "Provenance",
        "AuditEvent",
        "Binary",
        "inside",
        "DocumentReference",
        "ServiceRequest",
        "Task",
        "{patient}",
        "{observation}",
        "1",
        "0",
        "x",
        "..",
        "é",
        "%00",
        " ",
        "a" * 70,
    ]
)
NAMES = st.sampled_from(
    [
        "patient",
        "subject",
        "code",
        "date",
        "_id",
        "_count",
        "_sort",
        "_include",
        "_revinclude",
        "_total",
        "_summary",
        "_elements",
        "_position",
        "_lastUpdated",
        "encounter",
        "category",
        "status",
        "identifier",
        "name",
        "family",
        "birthdate",
        "patient.identifier",
        "gender",
        "_format",
        "_since",
        "_type",
        "start",
        "clinical-status",
        "code:not",
        "authored",
    ]
)
VALUES = st.one_of(
    st.sampled_from(
        [
            "{patient}",
            "Patient/{patient}",
            "{observation}",
            "ge2026",
            "ne2026-11",
            "9999-12-31",
            "0001-01-01",
            "ap2026",
            "2026-02-30",
            "2026-11-20T08:30:00-23:59",
            "|",
            "a|b",
            "|b",
            "a|",
            ",",
            "-date",
            "Observation:subject",
            "-1",
            "1e9",
            "count",
            "MjAyNiB4",
            "'",
            "%",
            "İ",
            "∞",
            "1" * 400,
            "\\,",
        ]
    ),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(("", "Patient/{patient}", "Patient?identifier=a|b", "Observation?", "2026", "x", "\x00", "\ud800")),
)
KEYS = st.sampled_from(
    (
        "coding",
        "reference",
        "code",
        "system",
        "value",
        "start",
        "end",
        "div",
        "attachment",
        "data",
        "size",
        "hash",
        "tag",
    )
)
JSONS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
ELEMENTS = st.sampled_from(
    [
        "resourceType",
        "id",
        "meta",
        "identifier",
        "status",
        "code",
        "subject",
        "encounter",
        "effectiveDateTime",
        "text",
        "effectivePeriod",
        "valueQuantity",
        "category",
        "component",
        "contained",
        "note",
        "extension",
        "content",
    ]
)
HEADERS = st.dictionaries(
    st.sampled_from(("If-Match", "If-None-Match", "If-None-Exist", "Prefer")),
    st.sampled_from(('W/"1"', "x", "identifier=a|b", "identifier=", "handling=strict", "return=minimal", '"', "&=&")),
    max_size=2,
)
REQUESTS = st.tuples(
    st.sampled_from(("GET", "GET", "POST", "PUT", "DELETE", "PATCH")),
    st.lists(WORDS, max_size=4),
    st.lists(st.tuples(NAMES, VALUES), max_size=4),
    HEADERS,
    st.dictionaries(ELEMENTS, JSONS, max_size=3),
)


def requests_made_up() -> list[Any]:
    """As many as there are examples, always the same ones."""
    made: list[Any] = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(REQUESTS)
    def keep(request: Any) -> None:
        made.append(request)

    keep()
    return made


@pytest.fixture
async def rural(client: Client, sessions: Sessions, cast: Cast) -> Program:
    return await program(client, sessions, cast.rural)


async def test_nothing_made_up_is_a_failure_of_ours(rural: Program, cast: Cast) -> None:
    _answer, kept = await rural.ask("POST", "/fhir/Observation", weight(cast.patient.id))
    ids = {"{patient}": str(cast.patient.id), "{observation}": kept["id"]}

    def filled(text: str) -> str:
        for name, id_ in ids.items():
            text = text.replace(name, id_)
        return text

    failed = []
    for method, words, query, headers, changes in requests_made_up():
        path = "/fhir/" + "/".join(quote(filled(word), safe="$%") for word in words)
        asked = "&".join(f"{name}={quote(filled(value))}" for name, value in query)
        body = None
        if method in ("POST", "PUT"):
            resource: Resource = {**weight(cast.patient.id), "id": kept["id"], **changes}
            body = filled(json.dumps(resource)).encode()
            if words[:1] == ["DocumentReference"]:
                body = filled(json.dumps({**resource, "resourceType": words[0]})).encode()
            if not words:
                kind = "transaction" if len(query) % 2 else "batch"
                body = json.dumps(bundle(kind, entry("POST", "Observation", json.loads(body)))).encode()
        answer, _resource = await rural.ask(method, f"{path}?{asked}", body, headers=headers)
        if answer.status >= 500:
            failed.append((method, path, asked, headers, body, answer.status))
    assert not failed
