"""An identity at the provider is linked to one's own account, proves who one is once more, and goes."""

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import func, select, update

from teleconsult.accounts.models import Account, FederatedIdentity, WebSession
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from tests.forging_provider import ForgingProvider
from tests.people import Cast
from tests.web.federation.steps import (
    Client,
    begin,
    begin_link,
    come_back,
    is_in,
    post,
    reasons,
    sign_in,
)


async def test_one_links_it_to_ones_account(
    client: Client, cast: Cast, provider: ForgingProvider, sessions: Sessions, settings: Settings
) -> None:
    await sign_in(client, cast, "rural")
    assert "Link it once" in await (await client.get("/account")).text()
    answer = await come_back(client, provider.authorize(await begin_link(client, settings)))
    assert (answer.status, answer.headers["Location"]) == (303, "/account")
    page = await (await client.get("/account")).text()
    assert "HELENE TREMBLAY" in page
    assert "899900000017" in page
    assert "Doctor, CENTRE DE SANTE DE L&#39;ANSE" in page
    client.session.cookie_jar.clear()
    assert (await come_back(client, provider.authorize(await begin(client)))).status == 303
    assert await is_in(client)


async def test_linking_wants_a_fresh_proof(client: Client, cast: Cast, sessions: Sessions, settings: Settings) -> None:
    await sign_in(client, cast, "rural")
    async with transaction(sessions) as session:
        await session.execute(update(WebSession).values(factor_at=now().replace(year=2020)))
    answer = await post(client, settings, "/account/identities")
    assert (answer.status, urlsplit(answer.headers["Location"]).path) == (303, "/step-up")


async def test_what_is_anothers_is_not_linked(
    client: Client, linked: Cast, provider: ForgingProvider, settings: Settings
) -> None:
    await sign_in(client, linked, "colleague")
    answer = await come_back(client, provider.authorize(await begin_link(client, settings)))
    assert answer.status == 422
    assert "another account here" in await answer.text()


async def test_a_link_begun_by_another_account_is_not_finished(
    client: Client, cast: Cast, provider: ForgingProvider, sessions: Sessions, settings: Settings
) -> None:
    await sign_in(client, cast, "rural")
    answer = provider.authorize(await begin_link(client, settings))
    await sign_in(client, cast, "colleague")
    assert (await come_back(client, answer)).status == 422
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(FederatedIdentity)) == 0


async def test_one_unlinks_ones_own_alone(client: Client, linked: Cast, sessions: Sessions, settings: Settings) -> None:
    async with transaction(sessions) as session:
        identity = (await session.scalars(select(FederatedIdentity.id))).one()
    await sign_in(client, linked, "colleague")
    assert (await post(client, settings, f"/account/identities/{identity}/removal")).status == 404
    await sign_in(client, linked, "rural")
    assert (await post(client, settings, f"/account/identities/{identity}/removal")).status == 303
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(FederatedIdentity)) == 0
        assert await session.scalar(select(AuditEvent.id).where(AuditEvent.action == "identity-unlinked"))


async def test_the_only_way_in_stays(client: Client, linked: Cast, sessions: Sessions, settings: Settings) -> None:
    await sign_in(client, linked, "rural")
    async with transaction(sessions) as session:
        identity = (await session.scalars(select(FederatedIdentity.id))).one()
        await session.execute(update(Account).values(password_hash=None))
    assert (await post(client, settings, f"/account/identities/{identity}/removal")).status == 409


async def test_it_proves_who_one_is_once_more(
    client: Client, linked: Cast, provider: ForgingProvider, sessions: Sessions
) -> None:
    await sign_in(client, linked, "rural")
    url = await begin(client, "/step-up/federated?next=/account")
    assert parse_qs(urlsplit(url).query)["prompt"] == ["login"]
    old = (await _factors(sessions))[-1]
    answer = await come_back(client, provider.authorize(url))
    assert (answer.status, answer.headers["Location"]) == (303, "/account")
    assert (await _factors(sessions))[-1] > old


async def _factors(sessions: Sessions) -> list[Any]:
    async with transaction(sessions) as session:
        return list(await session.scalars(select(WebSession.factor_at).order_by(WebSession.factor_at)))


@pytest.mark.parametrize("claims", [{"auth_time": int(time.time()) - 3600}, {"auth_time": None}, {"auth_time": "now"}])
async def test_an_old_proof_is_none(
    client: Client, linked: Cast, provider: ForgingProvider, sessions: Sessions, claims: dict[str, Any]
) -> None:
    await sign_in(client, linked, "rural")
    provider.claims = claims
    assert (await come_back(client, provider.authorize(await begin(client, "/step-up/federated")))).status == 422
    assert await reasons(sessions) == ["id-token-freshness"]


async def test_somebody_elses_proof_is_none(client: Client, linked: Cast, provider: ForgingProvider) -> None:
    await sign_in(client, linked, "colleague")
    answer = await come_back(client, provider.authorize(await begin(client, "/step-up/federated")))
    assert answer.status == 422
