"""Retrieve Capabilities: what DICOMweb says it offers is what it answers, and nothing that who asks may not."""

from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient
from lxml import etree

from teleconsult.access import Purpose
from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from tests.people import Cast, bearer_of
from tests.system_steps import let_in, system_program
from tests.web.dicomweb_steps import Asker, asker
from web.api.capabilities import OFFERS, WADL
from web.api.dicomweb import READ

Client = TestClient[web.Request, web.Application]
NAMESPACE = {"w": "http://wadl.dev.java.net/2009/02"}


async def told(who: Asker, accept: str = "application/json") -> dict[str, Any]:
    answer = await who.client.options("/dicomweb/", headers={**who.headers, "Accept": accept})
    assert (answer.status, answer.content_type) == (200, "application/json"), await answer.text()
    resources = (await answer.json())["application"]["resources"]
    assert resources["@base"].endswith("/dicomweb/")
    return {one["@path"]: {method["@name"]: method for method in one["method"]} for one in resources["resource"]}


async def test_a_doctor_is_told_all_there_is(client: Client, sessions: Sessions, cast: Cast) -> None:
    offered = await told(await asker(client, sessions, cast.rural))
    assert set(offered["studies"]) == {"GET", "POST"}
    assert offered["studies"]["POST"]["request"]["representation"][0]["@mediaType"].startswith("multipart/related")
    names = {param["@name"] for param in offered["studies"]["GET"]["request"]["param"]}
    assert names >= {"Accept", "PatientName", "StudyDate", "limit"}
    assert "SOPInstanceUID" not in names
    assert {view for _path, view in READ} <= set(OFFERS), "a new transaction has to be told, too"
    for path in ("studies/{uid}/rendered", "studies/{uid}/series/{series}/thumbnail", "studies/{uid}/metadata"):
        assert path in offered


async def test_who_may_not_store_is_not_told_to(
    client: Client, sessions: Sessions, cast: Cast, settings: Settings
) -> None:
    offered = await told(await asker(client, sessions, cast.specialist))
    assert set(offered["studies"]) == {"GET"}
    scopes = {"system/ImagingStudy.c": {"POST"}, "system/ImagingStudy.s": {"GET"}}
    for scope, methods in scopes.items():
        system = await let_in(sessions, cast.rural.organization_id, scope=scope, name=scope)
        program = await system_program(client, settings, system, scope=scope)
        offered = await told(Asker(client, program.headers["Authorization"].removeprefix("Bearer ")))
        assert set(offered["studies"]) == methods, scope
        assert "studies/{uid}/metadata" not in offered


async def test_it_is_wadl_unless_another_is_asked_for(client: Client, sessions: Sessions, cast: Cast) -> None:
    who = await asker(client, sessions, cast.rural)
    for path, accept in (("/dicomweb", "*/*"), ("/dicomweb/", WADL)):
        answer = await client.options(path, headers={**who.headers, "Accept": accept})
        assert (answer.status, answer.content_type) == (200, WADL)
    whole = etree.fromstring(await answer.read())
    (resources,) = whole.findall("w:resources", NAMESPACE)
    assert resources.get("base", "").endswith("/dicomweb/")
    methods = resources.findall("w:resource[@path='studies']/w:method", NAMESPACE)
    assert {method.get("id") for method in methods} == {"SearchForStudies", "StoreInstances"}
    assert (await client.options("/dicomweb/", headers={**who.headers, "Accept": "text/html"})).status == 406


async def test_nobody_else_is_told_anything(client: Client, sessions: Sessions, cast: Cast) -> None:
    assert (await client.options("/dicomweb/")).status == 401
    async with transaction(sessions) as session:
        other = await bearer_of(session, cast.rural, Purpose.FILES)
    headers = {"Authorization": f"Bearer {other}"}
    assert (await client.options("/dicomweb/", headers=headers)).status == 404
