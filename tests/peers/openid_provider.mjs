// A certified OpenID Provider on loopback, with one client and claims in the shape of Pro Santé Connect.
// Reads its settings as JSON from the first argument; prints its issuer once it listens.

import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";

import Provider from "oidc-provider";

const { clientId, clientSecret, redirectUri, algorithm, tokenAuth, userinfo } = JSON.parse(process.argv[2]);

const newKey = (kind, options) => generateKeyPairSync(kind, options).privateKey.export({ format: "jwk" });
const keys = [
  { ...newKey("rsa", { modulusLength: 2048 }), use: "sig", kid: "rsa" },
  { ...newKey("ec", { namedCurve: "P-256" }), use: "sig", kid: "ec" },
  { ...newKey("ed25519"), use: "sig", kid: "ed" },
];

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        response_types: ["code"],
        grant_types: ["authorization_code"],
        id_token_signed_response_alg: algorithm,
        token_endpoint_auth_method: tokenAuth,
      },
    ],
    clientAuthMethods: [tokenAuth],
    enabledJWA: { idTokenSigningAlgValues: ["RS256", "PS256", "ES256", "EdDSA"] },
    scopes: ["openid", "scope_all"],
    claims: { openid: ["sub"], scope_all: Object.keys(userinfo) },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ ...userinfo, sub: id }) }),
    pkce: { required: () => true },
    jwks: { keys },
    cookies: { keys: [clientSecret] },
    ttl: { AccessToken: 300, AuthorizationCode: 60, Grant: 300, IdToken: 300, Interaction: 300, Session: 300 },
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
