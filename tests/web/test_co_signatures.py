"""The pages of a conclusion that several people sign: asking, the list of what waits, signing, what a check tells."""

from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.db import Sessions
from teleconsult.documents.press import Press
from teleconsult.notes.signing import Signing
from teleconsult.objects import Objects, open_store
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings
from tests import meeting_steps, note_steps
from tests.conftest import Post, SignIn
from tests.people import PASSWORD, Cast
from tests.web.test_verify import upload

Client = TestClient[web.Request, web.Application]


async def test_the_chair_asks_and_the_member_signs(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn, post: Post
) -> None:
    for person in (cast.specialist, cast.oncall):
        await note_steps.enrol(sessions, settings, person)
    press = Press()
    signing = Signing(sessions, settings, Objects(open_store(None, settings.data)), Sealer(settings.secret_key), press)
    try:
        note = await meeting_steps.concluded(cast, signing)
    finally:
        press.close()
    address = f"/notes/{note.id}"

    await signed_in("specialist")
    page = await (await client.get(address)).text()
    assert "Dr Paul Girard" in page
    assert 'data-testid="ask-co-signers"' in page
    for wrong in ({}, {"member": "nobody"}, {"member": str(cast.rural.role_id)}):
        assert (await post(f"{address}/co-signers", **wrong)).status == 303
    assert 'data-testid="co-signature"' not in await (await client.get(address)).text()
    assert (await post(f"{address}/co-signers", member=str(cast.oncall.role_id))).status == 303
    page = await (await client.get(address)).text()
    assert 'data-testid="co-signature"' in page
    assert 'data-testid="ask-co-signers"' not in page, "nobody is left to be asked"
    assert (await client.get(f"{address}/co-signature")).status == 404, "they signed it already"

    await signed_in("oncall")
    assert 'data-testid="to-co-sign"' in await (await client.get("/")).text()
    assert 'data-testid="co-sign"' in await (await client.get(address)).text()
    page = await (await client.get(f"{address}/co-signature")).text()
    assert "Stroke board" in page
    shown = await client.get(f"{address}/co-signature/pdf")
    assert (shown.status, shown.content_type) == (200, "application/pdf")
    wrong_word = await post(f"{address}/co-signature", password="not mine")
    assert wrong_word.status == 422
    done = await post(f"{address}/co-signature", password=PASSWORD)
    assert (done.status, done.headers["Location"]) == (303, address)
    again = await post(f"{address}/co-signature", password=PASSWORD)
    assert (again.status, again.headers["Location"]) == (303, address)
    assert 'data-testid="to-co-sign"' not in await (await client.get("/")).text()

    pdf = await (await client.get(f"{address}/pdf")).read()
    exported = await (await client.get(f"{address}/bundle")).read()
    for file in (pdf, exported):
        token = (await (await client.get("/verify")).text()).split('name="csrf_token" value="')[-1].split('"')[0]
        checked = await client.post("/verify", data=upload(file, token=token))
        page = await checked.text()
        assert 'data-outcome="good"' in page
        assert page.count('data-testid="co-signer"') == 1
        assert "Dr Paul Girard" in page
