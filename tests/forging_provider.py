"""An OpenID Provider on loopback that does as it is told: right by default, wrong in one thing where a test says so."""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from aiohttp import BasicAuth, web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

CLIENT_ID, CLIENT_SECRET = "teleconsult-tests", "a secret: with a colon & more"
ALGORITHMS = ["RS256", "ES256", "PS256", "EdDSA"]

PSC_USERINFO: dict[str, Any] = {
    "Secteur_Activite": "SA07^1.2.250.1.71.4.2.4",
    "SubjectOrganization": "CENTRE DE SANTE DE L'ANSE",
    "preferred_username": "899900000017",
    "given_name": "HELENE",
    "family_name": "TREMBLAY",
    "email": "somebody.else@example.test",
    "SubjectNameID": "899900000017",
    "SubjectRole": ["10^1.2.250.1.213.1.1.5.5"],
    "SubjectRefPro": {
        "codeCivilite": "MME",
        "exercices": [
            {
                "codeProfession": "10",
                "codeCategorieProfessionnelle": "C",
                "nomDexercice": "TREMBLAY",
                "prenomDexercice": "HELENE",
                "codeTypeSavoirFaire": "S",
                "codeSavoirFaire": "SM26",
                "activities": [
                    {
                        "codeModeExercice": "S",
                        "codeSecteurDactivite": "SA07",
                        "codeRole": "",
                        "raisonSocialeSite": "CENTRE DE SANTE DE L'ANSE",
                        "identifiantTechniqueDeLaStructure": "R81311",
                    }
                ],
            }
        ],
    },
}
"""In the shape Pro Santé Connect sends; the numbers are nobody's."""


@dataclass
class Key:
    """A signing key, and how it stands in the JWKS."""

    kid: str
    private: Any
    algorithm: str

    def public_jwk(self) -> dict[str, Any]:
        algorithm = jwt.get_algorithm_by_name(self.algorithm)
        public: dict[str, Any] = algorithm.to_jwk(self.private.public_key(), as_dict=True)
        return public | {"kid": self.kid, "use": "sig"}


_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
"""One for the whole run: making them is slow."""


def new_key(algorithm: str = "EdDSA") -> Key:
    """A key for that algorithm under a new `kid`."""
    make: dict[str, Callable[[], Any]] = {
        "RS256": lambda: _RSA,
        "PS256": lambda: _RSA,
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
    }
    return Key(secrets.token_hex(4), make[algorithm](), algorithm)


@dataclass
class ForgingProvider:
    """What it says and how; change a field, and it says otherwise."""

    issuer: str = ""
    subject: str = "f:550dc1c8:899900000017"
    key: Key = field(default_factory=new_key)
    published: list[dict[str, Any]] | None = None
    """Its JWKS, where it is not the key's."""
    metadata: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    """Over those of a right ID token; None leaves one out."""
    userinfo: dict[str, Any] = field(default_factory=lambda: dict(PSC_USERINFO))
    make_id_token: Callable[["ForgingProvider", dict[str, Any]], str] | None = None
    respond: Callable[[str], web.Response | None] = lambda _path: None
    """Says something else altogether at that path."""
    asked: list[str] = field(default_factory=list)
    """The paths asked for, in turn."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def authorize(self, url: str, **changed: str | None) -> dict[str, str]:
        """What the browser brings back, the person having agreed at `url`."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query, strict_parsing=True).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.issuer} | changed
        return {name: value for name, value in answer.items() if value is not None}

    def app(self) -> web.Application:
        """Its endpoints."""
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/jwks", self._jwks)
        app.router.add_post("/token", self._token)
        app.router.add_get("/userinfo", self._userinfo)
        app.middlewares.append(self._as_told)
        return app

    @web.middleware
    async def _as_told(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append(request.path)
        return self.respond(request.path) or await handler(request)

    async def _discovery(self, _request: web.Request) -> web.Response:
        said = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "id_token_signing_alg_values_supported": [*ALGORITHMS, "HS256", "none"],
            "authorization_response_iss_parameter_supported": True,
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }
        return web.json_response(said | self.metadata)

    async def _jwks(self, _request: web.Request) -> web.Response:
        keys = self.published if self.published is not None else [self.key.public_jwk()]
        return web.json_response({"keys": keys})

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        asked = self.codes.pop(str(form["code"]), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(str(form["code_verifier"]).encode()).digest())
        if (
            asked is None
            or asked["redirect_uri"] != form["redirect_uri"]
            or asked["code_challenge"] != challenge.decode().rstrip("=")
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        if not self._is_client(request, form):
            return web.json_response({"error": "invalid_client"}, status=401)
        access_token = secrets.token_urlsafe(16)
        claims = self.right_claims(asked["nonce"], access_token) | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        id_token = self.make_id_token(self, claims) if self.make_id_token else self.signed(claims)
        return web.json_response({"access_token": access_token, "token_type": "Bearer", "id_token": id_token})

    def _is_client(self, request: web.Request, form: Any) -> bool:
        if "Authorization" not in request.headers:
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        given = BasicAuth.decode(request.headers["Authorization"])
        return (given.login, given.password) == (CLIENT_ID, "a%20secret%3A%20with%20a%20colon%20%26%20more")

    def right_claims(self, nonce: str, access_token: str) -> dict[str, Any]:
        """Of an ID token that holds."""
        moment = int(time.time())
        hashed = (hashlib.sha512 if self.key.algorithm == "EdDSA" else hashlib.sha256)(access_token.encode()).digest()
        half = base64.urlsafe_b64encode(hashed[: len(hashed) // 2]).decode().rstrip("=")
        return {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": CLIENT_ID,
            "azp": CLIENT_ID,
            "iat": moment,
            "exp": moment + 300,
            "auth_time": moment,
            "nonce": nonce,
            "at_hash": half,
            "acr": "eidas1",
        }

    def signed(self, claims: dict[str, Any], **header: Any) -> str:
        """With its own key."""
        return jwt.encode(
            claims, self.key.private, algorithm=self.key.algorithm, headers={"kid": self.key.kid, **header}
        )

    async def _userinfo(self, _request: web.Request) -> web.Response:
        return web.json_response({"sub": self.subject, **self.userinfo})
