"""Mailboxes, received documents and recipients, as pages show them."""

import re
from pathlib import Path

from aiohttp import FormData, web
from aiohttp.test_utils import TestClient

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.mailboxes.models import Mailbox, MailboxType
from teleconsult.directory.models import ConnectionType, Endpoint, Organization
from teleconsult.notes.drafting import open_note
from teleconsult.objects import Objects, open_store
from teleconsult.received.reading import read_mail
from teleconsult.received.taking import take_message
from teleconsult.settings import Settings
from tests import consult_steps, mailbox
from tests.conftest import Post, SignIn
from tests.people import Cast
from tests.teleconsult.directory.mailboxes.files import FINESS, RPPS, bundle, organization, practitioner, role, telecom
from tests.teleconsult.received.mails import mail, xdm
from web.csrf import token_for

Client = TestClient[web.Request, web.Application]


async def send(client: Client, settings: Settings, content: bytes) -> str:
    cookie = client.session.cookie_jar.filter_cookies(client.make_url("/")).get("session")
    form = FormData()
    form.add_field("csrf_token", token_for(settings, cookie.value if cookie else ""))
    form.add_field("whole", "yes")
    form.add_field("file", content, filename="mailboxes.json", content_type="application/json")
    answer = await client.post("/admin/mailboxes", data=form, allow_redirects=False)
    return answer.headers["Location"] if answer.status == 303 else f"{answer.status} {await answer.text()}"


async def page(client: Client, path: str) -> str:
    answer = await client.get(path)
    assert answer.status == 200, path
    return await answer.text()


async def test_a_file_is_read_by_the_worker_and_decided_on(
    client: Client, signed_in: SignIn, post: Post, settings: Settings, sessions: Sessions, cast: Cast
) -> None:
    await signed_in("admin")
    assert "Choose a FHIR Bundle" in await send(client, settings, b"PK nothing of ours")
    here = await send(
        client,
        settings,
        bundle(
            [
                organization(FINESS, telecom("app@chru.mssante.fr", "APP")),
                practitioner(RPPS, telecom("a@m.mssante.fr"), telecom("jm@gmail.com", marked=False)),
                practitioner("10009999999", telecom("a@m.mssante.fr"), family="MARTIN"),
                role(RPPS, FINESS, telecom("b@chru.mssante.fr"), telecom("c@chru.mssante.fr")),
            ]
        ),
    )
    assert 'data-testid="stop-import"' in await page(client, here)
    await mailbox.work(settings, sessions)
    shown = await page(client, f"{here}?kind=added")
    assert shown.count('data-kind="added"') == 6
    one = re.search(r'name="accepted" value="([^"]+)"', shown)
    assert one
    assert (await post(f"{here}/decisions?kind=added", accepted=one[1])).status == 303
    assert (await post(f"{here}/decisions?kind=added", whole="accepted")).status == 303
    await mailbox.work(settings, sessions)
    assert "Nothing waits for a decision" in await page(client, here)
    found = await page(client, "/admin/mailboxes?q=dup+nan")
    assert found.count('data-testid="mailbox-row"') == 2
    assert "Not secure" in await page(client, "/admin/mailboxes")
    same = await page(client, "/admin/mailboxes/questions")
    assert "a@m.mssante.fr" in same
    assert "jm@gmail.com" in same
    several = await page(client, "/admin/mailboxes/questions?kind=several-boxes")
    subject = f"{RPPS}@{FINESS}"
    assert f'value="{subject}"' in several
    chosen = {"kind": "several-boxes", "subject": subject, "address": "c@chru.mssante.fr"}
    assert (await post("/admin/mailboxes/questions", **{**chosen, "address": "x@gmail.com"})).status == 422
    assert (await post("/admin/mailboxes/questions", **{**chosen, "subject": "1@2"})).status == 404
    assert (await post("/admin/mailboxes/questions", **chosen)).status == 303
    assert f'value="{subject}"' not in await page(client, "/admin/mailboxes/questions?kind=several-boxes")
    assert await page(client, "/admin/mailboxes/questions?kind=near-names")
    assert (await post("/admin/mailboxes/number", number="12")).status == 422
    assert (await post("/admin/mailboxes/number", number=f"1{FINESS}")).status == 303
    assert FINESS in await page(client, "/admin/mailboxes")


async def test_what_was_mailed_to_us_is_filed_by_a_person(
    client: Client, signed_in: SignIn, post: Post, settings: Settings, sessions: Sessions, cast: Cast, tmp_path: Path
) -> None:
    path = tmp_path / "mail"
    for number, attached in enumerate((xdm(), None)):
        path.write_bytes(bytes(mail(attached, number=number)))
        head, body = read_mail(path)
        async with transaction(sessions) as session:
            assert cast.rural.organization_id
            await take_message(
                session,
                Objects(open_store(None, settings.data)),
                organization_id=cast.rural.organization_id,
                head=head,
                body=body,
                raw=path.read_bytes(),
            )
    await signed_in("secretary")
    assert "Received documents (1)" in await page(client, "/patients")
    listed = await page(client, "/received")
    (here,) = set(re.findall(r"/received/[0-9a-f-]{36}", listed))
    shown = await page(client, here)
    assert "BÉLANGER" in shown
    assert 'data-testid="likely-patient"' in shown
    assert (await post(f"{here}/filing")).status == 422
    assert (await post(f"{here}/filing", patient=str(cast.strangers_patient.id))).status == 404
    assert (await post(f"{here}/rejection", reason="")).status == 422
    answer = await post(f"{here}/filing", patient=str(cast.patient.id))
    assert answer.status == 303, await answer.text()
    assert (await post(f"{here}/filing", patient=str(cast.patient.id))).status in (404, 409)
    await signed_in("rural")
    assert "Compte rendu" in await page(client, f"/patients/{cast.patient.id}")
    unread = await page(client, "/received?status=unreadable")
    (broken,) = set(re.findall(r"/received/[0-9a-f-]{36}", unread))
    assert "There is no IHE_XDM.ZIP" in await page(client, broken)
    assert (await post(f"{broken}/rejection", reason="Only a greeting.")).status == 303
    for who in ("stranger", "coordinator"):
        await signed_in(who)
        assert (await client.get(here)).status == 404
        assert "/received/" not in await page(client, "/received")
    await signed_in("privacy")
    assert (await client.get("/received")).status == 404


async def test_both_sides_say_who_receives_the_note(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions, cast: Cast
) -> None:
    from tests.teleconsult.delivery.test_mailing import box

    consult = await consult_steps.accepted(cast, sessions)
    here = f"/consults/{consult.id}/recipients"
    async with transaction(sessions) as session:
        mailbox_of = box(cast, "dupont@medecin.mssante.fr", registration_number=RPPS)
        session.add(mailbox_of)
    assert isinstance(mailbox_of, Mailbox)
    await signed_in("rural")
    assert "no secure mailbox yet" in await page(client, here)
    assert "dupont@medecin.mssante.fr" in await page(client, f"{here}?q=dup")
    assert (await post(here, mailbox=str(mailbox_of.id))).status == 303
    shown = await page(client, here)
    correspondent = re.search(r'name="correspondent" value="([^"]+)"', shown)
    assert correspondent
    assert (await post(f"{here}/family-doctor", name="Dr Roy", number="1")).status == 422
    assert (await post(f"{here}/family-doctor", name="Dr Roy", number=RPPS)).status == 303
    assert (await post(f"{here}/opposition", patient="yes")).status == 303
    assert re.search(r'name="patient"[^>]*checked', await page(client, here))
    await signed_in("specialist")
    assert (await post(f"{here}/opposition", patient="yes")).status == 404
    assert (await post(f"{here}/choice", key="1@2", address="x")).status == 404
    assert (await post(f"{here}/removal", correspondent=correspondent[1])).status == 303
    assert 'name="correspondent"' not in await page(client, here)
    for who in ("stranger", "oncall", "secretary", "admin"):
        await signed_in(who)
        assert (await client.get(here)).status == 404, who
        assert (await post(here, mailbox=str(mailbox_of.id))).status == 404, who


async def test_of_two_addresses_the_specialist_says_which(
    client: Client, signed_in: SignIn, post: Post, sessions: Sessions, cast: Cast
) -> None:
    from tests.teleconsult.delivery.test_mailing import box

    async with transaction(sessions) as session:
        rural = await session.get_one(Organization, cast.rural.organization_id)
        rural.structure_number = FINESS
        own = {"organization_id": cast.specialist.organization_id, "name": "MSSanté", "updated_at": now()}
        session.add(Endpoint(connection_type=ConnectionType.SECURE_MAIL, address="chu@chu.mssante.fr", **own))
        for address in ("app@anse.mssante.fr", "urgences@anse.mssante.fr"):
            session.add(box(cast, address, MailboxType.APPLICATION, structure_number=FINESS))
    consult = await consult_steps.accepted(cast, sessions)
    here = f"/consults/{consult.id}/recipients"
    await signed_in("rural")
    assert 'name="address"' not in await page(client, here)
    await signed_in("specialist")
    shown = await page(client, here)
    key = re.search(r'name="key" value="([^"]+)"', shown)
    assert key
    assert "urgences@anse.mssante.fr" in shown
    assert (await post(f"{here}/choice", key=key[1])).status == 422
    assert (await post(f"{here}/choice", key=key[1], address="urgences@anse.mssante.fr")).status == 303
    answer = await post(f"{here}/choice", key=key[1], address="urgences@anse.mssante.fr")
    assert answer.status == 303, "pressed twice it is said in words"
    shown = await page(client, here)
    assert "An address was chosen already" in shown
    assert 'name="address"' not in shown
    assert "urgences@anse.mssante.fr" in shown
    assert 'data-testid="note-audience"' not in shown, "nothing is written yet"
    async with transaction(sessions) as session:
        note = await open_note(session, cast.specialist, consult_id=consult.id)
    assert re.search(r'value="everybody"[^>]*checked', await page(client, here))
    audience = f"/notes/{note.id}/audience"
    assert (await post(audience, audience="x")).status == 422
    assert (await post(audience, audience="not-patient-yet")).status == 303
    assert re.search(r'value="not-patient-yet"[^>]*checked', await page(client, here))
    assert (await post(f"{here}/signed-note", address="urgences@anse.mssante.fr")).status == 303
    assert "They have the signed note already" in await page(client, here), "there is none to send"
    await signed_in("rural")
    assert (await post(audience, audience="everybody")).status == 404
    assert 'data-testid="note-audience"' not in await page(client, here)
