"""The entries of a file: read one by one, written by hand, changed, marked as errors."""

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import func, select

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.records.actions import file_entry
from teleconsult.records.models import EntryStatus, Origin, RecordEntry
from teleconsult.scheduling.local_times import local_from_moment
from tests import glass_steps
from tests.conftest import Post, SignIn
from tests.people import Cast

Client = TestClient[web.Request, web.Application]
PENICILLIN = {"name": "Pénicilline", "criticality": "high", "reaction": "Anaphylaxie", "category": "medication"}


def vitals(cast: Cast, **values: str) -> dict[str, str]:
    time = local_from_moment(now() - timedelta(minutes=5), cast.rural.time_zone)
    return {"what": "vitals", "key": str(uuid.uuid4()), "time": time, **values}


def sheet(what: str, **values: str) -> dict[str, str]:
    return {"what": what, "key": str(uuid.uuid4()), **values}


async def entries(sessions: Sessions) -> list[RecordEntry]:
    async with sessions() as session:
        return list(await session.scalars(select(RecordEntry).order_by(RecordEntry.title)))


async def filed(sessions: Sessions, cast: Cast, title: str = "Créatinine", **more: Any) -> RecordEntry:
    resource = {"resourceType": "Observation", "status": "final", "code": {"text": title}}
    async with transaction(sessions) as session:
        return await file_entry(
            session,
            cast.rural,
            patient_id=cast.patient.id,
            resource=resource,
            title=title,
            effective_at=datetime(2026, 3, 1, tzinfo=UTC),
            **more,
        )


async def test_vital_signs_become_one_observation_each(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    await signed_in("rural")
    path = f"/patients/{cast.patient.id}/entries"
    page = await (await client.get(f"{path}/new")).text()
    assert 'name="systolic"' in page
    form = vitals(cast, systolic="182", diastolic="95", temperature="38,4", glasgow="14")
    answer = await post(path, **form)
    assert (answer.status, answer.headers["Location"]) == (303, f"/patients/{cast.patient.id}")
    found = {entry.code: entry for entry in await entries(sessions)}
    assert set(found) == {"85354-9", "8310-5", "9269-2"}
    assert found["8310-5"].value == 38.4
    assert found["8310-5"].resource["valueQuantity"]["code"] == "Cel"
    assert found["8310-5"].category == "vital-signs"
    parts = found["85354-9"].resource["component"]
    assert [part["valueQuantity"]["value"] for part in parts] == [182, 95]
    assert (found["9269-2"].origin, found["9269-2"].author_name) == (Origin.HAND, cast.rural.name)
    async with sessions() as session:
        filed_events = select(func.count()).where(AuditEvent.action == "entry-filed")
        assert await session.scalar(filed_events) == 3


async def test_the_same_form_sent_twice_is_written_once(
    signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    await signed_in("rural")
    path = f"/patients/{cast.patient.id}/entries"
    for form in (vitals(cast, weight="71"), sheet("allergy", **PENICILLIN)):
        for _ in range(2):
            assert (await post(path, **form)).status == 303
        assert (await post(path, **{**form, "note": "more", "weight": "72", "is_another": "yes"})).status == 303
    titles = [entry.title for entry in await entries(sessions)]
    assert titles == ["Pénicilline", "Pénicilline", "Weight", "Weight"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"diastolic": "80"}, "systolic"),
        ({"systolic": "80", "diastolic": "120"}, "diastolic"),
        ({"temperature": "384"}, "temperature"),
        ({"temperature": "-1"}, "temperature"),
        ({"heart-rate": "72.5"}, "heart-rate"),
        ({"weight": "a"}, "weight"),
        ({"weight": "1e3"}, "weight"),
        ({"oxygen-saturation": "101"}, "oxygen-saturation"),
        ({"weight": "70", "time": "2126-01-01T10:00"}, "time"),
        ({"weight": "70", "time": "yesterday"}, "time"),
    ],
)
async def test_what_cannot_be_stands_beside_its_field(
    signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions, wrong: dict[str, str], field: str
) -> None:
    await signed_in("rural")
    answer = await post(f"/patients/{cast.patient.id}/entries", **vitals(cast, **wrong))
    page = await answer.text()
    assert answer.status == 422
    assert f'id="field-{field}-error"' in page
    assert await entries(sessions) == []


async def test_an_empty_form_says_so(signed_in: SignIn, post: Post, cast: Cast) -> None:
    await signed_in("rural")
    path = f"/patients/{cast.patient.id}/entries"
    assert (await post(path, **vitals(cast))).status == 422
    assert (await post(path, **{**vitals(cast, weight="70"), "key": "x"})).status == 422
    assert (await post(path, **sheet("problem"))).status == 422
    assert (await post(path, **sheet("problem", name="x", status="dreadful"))).status == 422
    assert (await post(path, **sheet("medicine", name="x", since="soon"))).status == 422
    assert (await post(path, **sheet("medicine", name="x" * 201))).status == 422
    assert (await post(path, **sheet("allergy", name="x", reaction="x" * 1001))).status == 422
    assert (await post(path, **sheet("poem", name="x"))).status == 404


async def test_what_is_written_stands_in_the_file(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    await signed_in("rural")
    path = f"/patients/{cast.patient.id}"
    for what in ("vitals", "problem", "allergy", "medicine"):
        page = await (await client.get(f"{path}/entries/new", params={"what": what})).text()
        assert 'data-testid="write-form"' in page
    await post(f"{path}/entries", **sheet("allergy", **PENICILLIN))
    await post(f"{path}/entries", **sheet("problem", name="Fibrillation auriculaire", since="2019-04-02"))
    await post(f"{path}/entries", **sheet("medicine", name="Apixaban 5 mg", dosage="1 comprimé matin et soir"))
    page = await (await client.get(path)).text()
    for words in ("Pénicilline", "Anaphylaxie", "Fibrillation auriculaire", "1 comprimé matin et soir"):
        assert words in page
    assert "No current medicine" not in page
    allergy, problem, medicine = sorted(await entries(sessions), key=lambda entry: entry.resource_type)
    assert allergy.resource["criticality"] == "high"
    assert medicine.resource["dosage"] == [{"text": "1 comprimé matin et soir"}]
    assert problem.resource["onsetDateTime"] == "2019-04-02"


@pytest.mark.parametrize("what", ["allergy", "medicine"])
async def test_what_stands_already_is_written_again_only_when_it_is_meant(
    signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions, what: str
) -> None:
    await signed_in("rural")
    path = f"/patients/{cast.patient.id}/entries"
    assert (await post(path, **sheet(what, **PENICILLIN))).status == 303
    again = sheet(what, **{**PENICILLIN, "name": "penicilline"})
    answer = await post(path, **again)
    page = await answer.text()
    assert answer.status == 409
    assert 'data-testid="stands-already"' in page and 'value="penicilline"' in page
    assert len(await entries(sessions)) == 1
    for _press in range(2):
        assert (await post(path, **again, is_another="yes")).status == 303
    assert len(await entries(sessions)) == 2
    other = "medicine" if what == "allergy" else "allergy"
    assert (await post(path, **sheet(other, **PENICILLIN))).status == 303, "an allergy is no medicine"


@pytest.mark.parametrize("what", ["allergy", "medicine"])
async def test_what_is_over_does_not_stand(
    signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions, what: str
) -> None:
    await signed_in("rural")
    path = f"/patients/{cast.patient.id}/entries"
    over = {"allergy": "inactive", "medicine": "stopped"}[what]
    assert (await post(path, **sheet(what, **PENICILLIN, status=over))).status == 303
    assert (await post(path, **sheet(what, **PENICILLIN))).status == 303
    assert len(await entries(sessions)) == 2


@pytest.mark.parametrize("who", ["colleague", "nurse", "secretary", "specialist", "stranger", "admin"])
async def test_who_does_not_treat_writes_nothing(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions, who: str
) -> None:
    entry = await filed(sessions, cast)
    await signed_in(who)
    path = f"/patients/{cast.patient.id}/entries"
    for answer in (
        await client.get(f"{path}/new"),
        await client.get(f"{path}/{entry.id}"),
        await client.get(f"{path}/{entry.id}/change"),
        await post(path, **vitals(cast, weight="70")),
        await post(f"{path}/{entry.id}/change", version="1"),
        await post(f"{path}/{entry.id}/retraction", version="1", reason="Mine"),
    ):
        assert answer.status in (403, 404)
    [alone] = await entries(sessions)
    assert alone.version == 1


async def test_a_nurse_who_treats_writes(signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions) -> None:
    await signed_in("nurse")
    await post(f"/patients/{cast.patient.id}/care-relation", reason="inpatient")
    assert (await post(f"/patients/{cast.patient.id}/entries", **vitals(cast, weight="70"))).status == 303
    assert [entry.author_name for entry in await entries(sessions)] == [cast.nurse.name]


async def test_who_broke_the_glass_reads_and_writes_nothing(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    entry = await filed(sessions, cast)
    await glass_steps.opened(cast, sessions)
    await signed_in("specialist")
    path = f"/patients/{cast.patient.id}/entries"
    page = await (await client.get(f"{path}/{entry.id}")).text()
    assert "Créatinine" in page
    assert 'data-testid="retract-entry"' not in page
    assert 'data-testid="add-entry"' not in await (await client.get(f"/patients/{cast.patient.id}")).text()
    for answer in (
        await client.get(f"{path}/new"),
        await post(path, **vitals(cast, weight="70")),
        await post(f"{path}/{entry.id}/retraction", version="1", reason="Mine"),
    ):
        assert answer.status in (403, 404)


async def test_a_change_keeps_what_stood_before(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    await signed_in("rural")
    path = f"/patients/{cast.patient.id}/entries"
    await post(path, **sheet("allergy", **PENICILLIN))
    [entry] = await entries(sessions)
    page = await (await client.get(f"{path}/{entry.id}/change")).text()
    assert 'value="Anaphylaxie"' in page
    changed = {**PENICILLIN, "reaction": "Œdème", "version": "1"}
    assert (await post(f"{path}/{entry.id}/change", **changed)).status == 303
    page = await (await client.get(f"{path}/{entry.id}")).text()
    assert re.search(r'data-testid="versions".*Anaphylaxie', page, re.DOTALL)
    assert "changed on" in await (await client.get(f"/patients/{cast.patient.id}")).text()
    second = await post(f"{path}/{entry.id}/change", **changed)
    assert second.status == 409
    assert "Somebody changed this entry meanwhile" in await second.text()
    assert (await post(f"{path}/{entry.id}/change", **{**changed, "version": "2", "name": ""})).status == 422
    assert (await post(f"{path}/{entry.id}/change", **{**changed, "version": "x"})).status == 409
    async with sessions() as session:
        read = select(func.count()).where(AuditEvent.action == "file-opened", AuditEvent.outcome == "success")
        assert await session.scalar(read) == 6, "the change form, beside a refusal too, shows what the file says"


async def test_a_measure_changes_within_its_sign(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    await signed_in("rural")
    path = f"/patients/{cast.patient.id}/entries"
    await post(path, **vitals(cast, systolic="128", diastolic="80"))
    [entry] = await entries(sessions)
    page = await (await client.get(f"{path}/{entry.id}/change")).text()
    assert 'name="weight"' not in page
    assert 'value="128"' in page
    form = vitals(cast, systolic="182", diastolic="95", weight="70", version="1")
    assert (await post(f"{path}/{entry.id}/change", **form)).status == 303
    [entry] = await entries(sessions)
    assert [part["valueQuantity"]["value"] for part in entry.resource["component"]] == [182, 95]
    assert entry.resource["status"] == "amended"


async def test_an_error_stays_struck_through_with_its_reason(
    client: Client, signed_in: SignIn, post: Post, cast: Cast, sessions: Sessions
) -> None:
    entry = await filed(sessions, cast)
    await signed_in("rural")
    path = f"/patients/{cast.patient.id}/entries/{entry.id}"
    refused = await post(f"{path}/retraction", version="1", reason=" ")
    assert refused.status == 422
    assert (await post(f"{path}/retraction", version="7", reason="Other patient")).status == 409
    for _ in range(2):
        assert (await post(f"{path}/retraction", version="1", reason="Other patient")).status == 303
    for page in (await client.get(path), await client.get(f"/patients/{cast.patient.id}")):
        text = await page.text()
        assert "Other patient" in text
        assert "data-wrong" in text
    assert (await client.get(f"{path}/change")).status == 409
    [entry] = await entries(sessions)
    assert (entry.status, entry.version) == (EntryStatus.ENTERED_IN_ERROR, 2)


@pytest.mark.parametrize("more", [{"source_id": uuid.uuid4()}, {"origin": Origin.CONSULT}, {}])
async def test_what_no_form_of_ours_wrote_is_not_changed_by_one(
    client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions, more: dict[str, Any]
) -> None:
    entry = await filed(sessions, cast, **more)
    await signed_in("rural")
    path = f"/patients/{cast.patient.id}/entries/{entry.id}"
    assert 'data-testid="change-entry"' not in await (await client.get(path)).text()
    assert (await client.get(f"{path}/change")).status == 409


async def test_an_entry_of_another_file_is_not_there(
    client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions
) -> None:
    entry = await filed(sessions, cast)
    await signed_in("stranger")
    for patient_id in (cast.patient.id, cast.strangers_patient.id):
        assert (await client.get(f"/patients/{patient_id}/entries/{entry.id}")).status == 404


async def test_an_entry_says_by_which_door_it_came(
    client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions
) -> None:
    entry = await filed(sessions, cast, origin=Origin.HL7, source="LABO <b>")
    await signed_in("rural")
    for path in (f"/patients/{cast.patient.id}", f"/patients/{cast.patient.id}/entries/{entry.id}"):
        page = await (await client.get(path)).text()
        assert "Sent as an HL7 message (LABO &lt;b&gt;)" in page


async def test_a_file_is_narrowed_by_its_address(
    client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions
) -> None:
    await filed(sessions, cast, "Créatinine")
    await filed(sessions, cast, "Hémoglobine", organization_id=cast.organizations["provincial"].id)
    await signed_in("rural")
    path = f"/patients/{cast.patient.id}"
    provincial = str(cast.organizations["provincial"].id)
    for query, seen in (
        ({"q": "creat"}, {"Créatinine"}),
        ({"place": provincial}, {"Hémoglobine"}),
        ({"since": "2026-02-28", "until": "2026-02-28"}, {"Créatinine", "Hémoglobine"}),
        ({"since": "2026-03-02"}, set()),
        ({"q": "creat", "place": provincial}, set()),
        ({"until": "soon"}, {"Créatinine", "Hémoglobine"}),
    ):
        page = await (await client.get(path, params=query)).text()
        timeline = page[page.index('data-testid="timeline"') :]
        assert {name for name in ("Créatinine", "Hémoglobine") if f">{name}<" in timeline} == seen, query
        assert ("field-error" in page) == ("soon" in query.values())
    for wrong in ({"place": "x"}, {"episode": "x"}, {"episode": str(uuid.uuid4())}):
        assert (await client.get(path, params=wrong)).status == 404
