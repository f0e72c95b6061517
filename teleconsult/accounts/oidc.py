"""An OpenID Provider, as we speak with it: code flow with PKCE (OpenID Connect Core 1.0, RFC 7636, RFC 9207).

Discovery and keys are fetched over TLS, with an end to waiting, size and frequency, and kept for an hour.
"""

import asyncio
import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import httpx
import jwt
import structlog

from teleconsult.accounts.id_tokens import ALGORITHMS, NotConfirmed, check_id_token, header_of, key_for
from teleconsult.errors import Unavailable
from teleconsult.settings import Settings, is_safe_address

log = structlog.get_logger(__name__)

PATIENCE: Final = 10
"""Seconds for one question and its whole answer."""
LARGEST: Final = 256 * 1024
"""Bytes of an answer."""
KEPT_FOR: Final = 3600
"""Seconds until discovery and keys are fetched anew."""
REFRESH_EVERY: Final = 60
"""Seconds at least between two fetches of the keys because of a `kid` we do not know."""
LONGEST_CODE: Final = 4096


class ProviderAway(Unavailable):
    """The provider does not answer, or not as one."""

    def __init__(self) -> None:
        super().__init__("This sign-in service does not answer now. Sign in another way, or try again in a moment.")


@dataclass(frozen=True, slots=True)
class Challenge:
    """What binds an answer to our question: nobody else can know these before."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def draw(cls) -> "Challenge":
        """A new one, 256 random bits each."""
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(32))


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the provider says of itself (OpenID Connect Discovery 1.0 §3), of it what we use."""

    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    jwks_uri: str
    algorithms: frozenset[str]
    names_itself: bool
    """It says in each answer which provider it is (RFC 9207): one that does not is then somebody else's."""
    takes_basic: bool


class Provider:
    """The provider of the settings. One a process; close it at the end."""

    def __init__(self, settings: Settings) -> None:
        assert settings.oidc_issuer
        self.issuer = settings.oidc_issuer
        self.redirect_uri = f"{settings.base_url}/sign-in/federated/callback"
        self._settings = settings
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(5, connect=3), headers={"Accept": "application/json", "Accept-Encoding": "identity"}
        )
        self._lock = asyncio.Lock()
        self._metadata: Metadata | None = None
        self._metadata_at = 0.0
        self._away_until = 0.0
        self._keys: Sequence[Mapping[str, Any]] = ()
        self._keys_at = 0.0
        self._keys_asked_at = -float(REFRESH_EVERY)

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()

    async def authorization_url(self, challenge: Challenge, *, is_fresh: bool = False) -> str:
        """Where to send the browser. `is_fresh`: they shall prove themselves again, even if signed in there.

        Raises ProviderAway.
        """
        metadata = await self._discover()
        asked = {
            "response_type": "code",
            "client_id": self._settings.oidc_client_id,
            "redirect_uri": self.redirect_uri,
            "scope": self._settings.oidc_scope,
            "state": challenge.state,
            "nonce": challenge.nonce,
            "code_challenge": _s256(challenge.verifier),
            "code_challenge_method": "S256",
        }
        if self._settings.oidc_acr:
            asked["acr_values"] = self._settings.oidc_acr
        if is_fresh:
            asked |= {"prompt": "login", "max_age": "0"}
        joint = "&" if urlsplit(metadata.authorization_endpoint).query else "?"
        return f"{metadata.authorization_endpoint}{joint}{urlencode(asked, quote_via=quote)}"

    async def redeem(
        self, challenge: Challenge, answer: Mapping[str, str], *, is_fresh: bool = False
    ) -> dict[str, Any]:
        """Who came back: the claims of the ID token and of userinfo.

        `answer` is what the browser brought, its `state` being the challenge's. Raises NotConfirmed for anything that
        is not the answer to our question, ProviderAway.
        """
        metadata = await self._discover()
        if answer.get("iss", "" if metadata.names_itself else self.issuer) != self.issuer:
            raise NotConfirmed("issuer")
        if "error" in answer:
            raise NotConfirmed("refused-there")
        code = answer.get("code", "")
        if not code or len(code) > LONGEST_CODE:
            raise NotConfirmed("code")
        id_token, access_token = await self._exchange(metadata, code, challenge.verifier)
        claims = check_id_token(
            id_token,
            await self._key_of(metadata, id_token),
            issuer=self.issuer,
            client_id=self._settings.oidc_client_id,
            nonce=challenge.nonce,
            access_token=access_token,
            acr=self._settings.oidc_acr,
            is_fresh=is_fresh,
        )
        return {**await self._userinfo(metadata, access_token, str(claims["sub"])), **claims}

    async def _exchange(self, metadata: Metadata, code: str, verifier: str) -> tuple[str, str]:
        """The ID token and the access token for a code. A code counts once: that is the provider's to watch over."""
        settings = self._settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": verifier,
        }
        headers = {}
        if metadata.takes_basic:  # each part form-encoded first (RFC 6749 §2.3.1)
            pair = f"{quote(settings.oidc_client_id, safe='')}:{quote(settings.oidc_client_secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": settings.oidc_client_id, "client_secret": settings.oidc_client_secret}
        status, body = await self._ask("POST", metadata.token_endpoint, form=form, headers=headers)
        if status != httpx.codes.OK:
            log.warning("oidc.code_refused", status=status, error=str(body.get("error", ""))[:60])
            raise NotConfirmed("code-refused")
        id_token, access_token = body.get("id_token"), body.get("access_token")
        if not (isinstance(id_token, str) and isinstance(access_token, str) and access_token.isascii()):
            raise NotConfirmed("no-tokens")
        if str(body.get("token_type", "")).lower() != "bearer":
            raise NotConfirmed("token-type")
        return id_token, access_token

    async def _userinfo(self, metadata: Metadata, access_token: str, subject: str) -> dict[str, Any]:
        if not metadata.userinfo_endpoint:
            return {}
        status, claims = await self._ask(
            "GET", metadata.userinfo_endpoint, headers={"Authorization": f"Bearer {access_token}"}
        )
        if status != httpx.codes.OK:
            raise NotConfirmed("userinfo-refused")
        if claims.get("sub") != subject:  # a token of somebody else's, slipped in (Core §5.3.2)
            raise NotConfirmed("userinfo-subject")
        return claims

    async def _key_of(self, metadata: Metadata, id_token: str) -> jwt.PyJWK:
        header = header_of(id_token, allowed=metadata.algorithms)
        async with self._lock:
            moment = time.monotonic()
            key = key_for(header, self._keys) if moment - self._keys_at < KEPT_FOR else None
            if key is None and moment - self._keys_asked_at >= REFRESH_EVERY:
                self._keys_asked_at = moment
                self._keys, self._keys_at = await self._fetch_keys(metadata), moment
                key = key_for(header, self._keys)
        if key is None:
            raise NotConfirmed("id-token-key")
        return key

    async def _fetch_keys(self, metadata: Metadata) -> Sequence[Mapping[str, Any]]:
        status, body = await self._ask("GET", metadata.jwks_uri)
        keys = body.get("keys")
        if status != httpx.codes.OK or not isinstance(keys, list):
            raise ProviderAway
        return [key for key in keys if isinstance(key, dict)]

    async def _discover(self) -> Metadata:
        async with self._lock:
            moment = time.monotonic()
            if self._metadata is not None and moment - self._metadata_at < KEPT_FOR:
                return self._metadata
            if moment < self._away_until:
                raise ProviderAway
            self._away_until = moment + PATIENCE  # whoever comes meanwhile need not wait to hear the same
            status, said = await self._ask("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            if status != httpx.codes.OK or said.get("issuer") != self.issuer:
                log.warning("oidc.not_the_issuer", issuer=self.issuer, status=status)
                raise ProviderAway
            self._metadata, self._metadata_at, self._away_until = _metadata_from(said, self.issuer), moment, 0.0
            return self._metadata

    async def _ask(
        self,
        method: str,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON object of one answer; redirects are not followed. Raises ProviderAway."""
        try:
            async with (
                asyncio.timeout(PATIENCE),
                self._client.stream(method, url, data=form, headers=headers) as response,
            ):
                body = b""
                async for part in response.aiter_raw():
                    body += part
                    if len(body) > LARGEST:
                        raise ProviderAway
            content = json.loads(body) if body else {}
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, RecursionError) as error:
            log.warning("oidc.no_answer", url=url, error=type(error).__name__)
            raise ProviderAway from error
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR or not isinstance(content, dict):
            log.warning("oidc.bad_answer", url=url, status=response.status_code)
            raise ProviderAway
        return response.status_code, content


def _metadata_from(said: Mapping[str, Any], issuer: str) -> Metadata:
    def address(name: str, *, needed: bool = True) -> str:
        value = said.get(name)
        if value is None and not needed:
            return ""
        if not isinstance(value, str) or not is_safe_address(value):
            log.warning("oidc.unusable_address", issuer=issuer, name=name)
            raise ProviderAway
        return value

    def words(name: str, default: Sequence[str]) -> frozenset[str]:
        value = said.get(name, default)
        return frozenset(word for word in value if isinstance(word, str)) if isinstance(value, list) else frozenset()

    return Metadata(
        authorization_endpoint=address("authorization_endpoint"),
        token_endpoint=address("token_endpoint"),
        userinfo_endpoint=address("userinfo_endpoint", needed=False),
        jwks_uri=address("jwks_uri"),
        algorithms=words("id_token_signing_alg_values_supported", ["RS256"]) & ALGORITHMS.keys(),
        names_itself=said.get("authorization_response_iss_parameter_supported") is True,
        takes_basic="client_secret_basic" in words("token_endpoint_auth_methods_supported", ["client_secret_basic"]),
    )


def _s256(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
