import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { exportJWK, generateKeyPair } from "jose";
import { type Configuration, Provider } from "oidc-provider";
import { APPLICATION, AUDIENCE, emailOf, MACHINE, PEOPLE, userIdOf } from "../support/acme.ts";
import { libsqlAdapter } from "./libsql-adapter.ts";
import { directory, endWithParent } from "./serving.ts";

/** `oidc-provider`, the standard of the field, with its clients, grants and sessions in a libSQL file. */
const { privateKey } = await generateKeyPair("RS256", { extractable: true });
const adapter = libsqlAdapter(join(mkdtempSync(join(directory, "oidc-provider-")), "stored.db"));
const clients = adapter("Client");
await clients.upsert(
  MACHINE.clientId,
  {
    client_id: MACHINE.clientId,
    client_secret: MACHINE.clientSecret,
    grant_types: ["client_credentials"],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: "client_secret_post",
  },
  0,
);
await clients.upsert(
  APPLICATION.clientId,
  {
    client_id: APPLICATION.clientId,
    client_secret: APPLICATION.clientSecret,
    grant_types: ["authorization_code", "refresh_token"],
    redirect_uris: [APPLICATION.redirectUri],
    token_endpoint_auth_method: "client_secret_post",
  },
  0,
);

const DAY = 86_400;
const configuration: Configuration = {
  adapter,
  jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: "RS256", use: "sig", kid: "kept" }] },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  cookies: { keys: ["a-key-of-the-measurement"] },
  pkce: { required: () => false },
  rotateRefreshToken: false,
  ttl: {
    AccessToken: DAY,
    AuthorizationCode: DAY,
    ClientCredentials: DAY,
    Grant: DAY,
    IdToken: DAY,
    Interaction: DAY,
    RefreshToken: DAY,
    Session: DAY,
  },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      // One API, whose tokens are signed as ours are.
      getResourceServerInfo: () => ({
        scope: "read:things",
        audience: AUDIENCE,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
  issueRefreshToken: (_, client) => client.grantTypeAllowed("refresh_token"),
  async loadExistingGrant({ oidc }) {
    const { client, session } = oidc;
    if (!client || !session?.accountId) return undefined;
    const known = session.grantIdFor(client.clientId);
    if (known) return await provider.Grant.find(known);
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid profile email offline_access");
    grant.addResourceScope(AUDIENCE, "read:things");
    await grant.save();
    return grant;
  },
  interactions: { url: (_, { uid }) => `/interaction/${uid}` },
  findAccount(_, sub) {
    const index = Array.from({ length: PEOPLE }, (_each, number) => number).find((number) => userIdOf(number) === sub);
    const email = emailOf(index ?? 0);
    return { accountId: sub, claims: () => ({ sub, email, email_verified: true, name: "A Person" }) };
  },
};

const server = createServer().listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
const provider = new Provider(`http://127.0.0.1:${port}`, configuration);
const answer = provider.callback();
server.on("request", (request, response) => {
  if (!request.url?.startsWith("/interaction/")) return void answer(request, response);
  // Nobody is asked anything: its pages are not measured.
  return void provider.interactionFinished(request, response, { login: { accountId: userIdOf(0) } });
});
endWithParent(() => server.close());
process.send?.(port);
