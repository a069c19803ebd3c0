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
  await expect(as(`${secret}x`)).rejects.toThrow();
});
