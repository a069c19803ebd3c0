import * as oidc from "openid-client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createTenant, managementOf, managementToken } from "../support/clients.ts";
import { type RunningServer, startServer } from "../support/server.ts";

const AUDIENCE = "https://api.example";

let server: RunningServer;
let token: string;

beforeAll(async () => {
  server = await startServer();
  token = await managementToken(server);
  await createTenant(server, token, "acme");
  await managementOf(server, token, "acme").resourceServers.create({
    name: "API",
    identifier: AUDIENCE,
    scopes: [{ value: "read" }],
  });
});
afterAll(() => server?.remove());

it.each([
  ["plain", "secret"],
  ["dashed-under_scored", "a-secret_of%characters+that/are=encoded"],
  ["with%41percent", "x%2Bb"],
  ["co:lon", "se:cr:et"],
  ["ünïcode", "pässwörd"],
])("openid-client's ClientSecretBasic works for %s with the secret %s", async (clientId, secret) => {
  const { clients, clientGrants } = managementOf(server, token, "acme");
  await clients.create({
    client_id: clientId,
    client_secret: secret,
    name: "Machine",
    app_type: "non_interactive",
    grant_types: ["client_credentials"],
    token_endpoint_auth_method: "client_secret_basic",
  } as never);
  await clientGrants.create({ client_id: clientId, audience: AUDIENCE, scope: ["read"] } as never);
  const as = async (password: string) =>
    oidc.clientCredentialsGrant(
      await oidc.discovery(
        new URL(`http://acme.localhost:${server.port}/`),
        clientId,
        undefined,
        oidc.ClientSecretBasic(password),
        { execute: [oidc.allowInsecureRequests] },
      ),
      { audience: AUDIENCE },
    );

  expect((await as(secret)).access_token).toMatch(/^ey/);
  // Its library takes the challenge that RFC 6749, section 5.2, wants there.
  await expect(as(`${secret}x`)).rejects.toMatchObject({ status: 401, code: "OAUTH_WWW_AUTHENTICATE_CHALLENGE" });
});

it.each([
  ["an unknown client", { client_id: "nobody", client_secret: "x" }],
  ["a wrong secret", { client_id: "plain", client_secret: "x" }],
  ["no secret", { client_id: "plain", client_secret: undefined }],
])("%s is invalid_client to openid-client", async (_case, { client_id, client_secret }) => {
  const configuration = await oidc.discovery(
    new URL(`http://acme.localhost:${server.port}/`),
    client_id,
    undefined,
    client_secret === undefined ? oidc.None() : oidc.ClientSecretPost(client_secret),
    { execute: [oidc.allowInsecureRequests] },
  );

  await expect(oidc.clientCredentialsGrant(configuration, { audience: AUDIENCE })).rejects.toMatchObject({
    ...{ status: 401, error: "invalid_client" },
    error_description: "The client is unknown, or its credentials are missing or wrong",
  });
});
