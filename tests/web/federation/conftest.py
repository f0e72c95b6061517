"""An OpenID Provider that says whatever a test wants, and a site that knows it."""

import pytest
from pytest_aiohttp.plugin import AiohttpServer

from teleconsult.accounts.models import FederatedIdentity
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.settings import Settings
from tests.forging_provider import CLIENT_ID, CLIENT_SECRET, ForgingProvider
from tests.people import Cast
from tests.web.federation.steps import Client
from web.i18n import LOCALE_COOKIE


@pytest.fixture
async def provider(aiohttp_server: AiohttpServer) -> ForgingProvider:
    provider = ForgingProvider()
    server = await aiohttp_server(provider.app())
    provider.issuer = f"http://127.0.0.1:{server.port}"
    return provider


@pytest.fixture
def settings(settings: Settings, provider: ForgingProvider) -> Settings:
    return settings.model_copy(
        update={
            "oidc_issuer": provider.issuer,
            "oidc_name": "Pro Santé Connect",
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": CLIENT_SECRET,
            "oidc_scope": "openid scope_all",
        }
    )


@pytest.fixture(autouse=True)
def in_english(client: Client) -> None:
    """Before sign-in, too."""
    client.session.cookie_jar.update_cookies({LOCALE_COOKIE: "en"})


@pytest.fixture
async def linked(sessions: Sessions, cast: Cast, provider: ForgingProvider) -> Cast:
    """The rural doctor's account is linked to the provider's subject."""
    async with transaction(sessions) as session:
        session.add(
            FederatedIdentity(
                account_id=cast.rural.account_id,
                issuer=provider.issuer,
                subject=provider.subject,
                claims={},
                linked_at=now(),
            )
        )
    return cast
