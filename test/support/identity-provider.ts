import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Adapter, type AdapterPayload, type Configuration, Provider } from "oidc-provider";

/** An OpenID provider of somebody else's, on loopback, at which one person is signed in already. */
export interface IdentityProvider {
  readonly issuer: string;
  /** Who comes back from it. */
  readonly email: string;
  /** What a connection of strategy `oidc` needs. */
  readonly options: Readonly<Record<string, string>>;
  /** What its token endpoint was sent, each time: headers and body. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

const CLIENT = { client_id: "rowhouse", client_secret: "a-secret-of-the-identity-provider-0123456789" };

type AuthMethod = "client_secret_basic" | "client_secret_post";

/** Starts a real `oidc-provider` that knows one client with the given redirect URIs, and demands its secret. */
export async function startIdentityProvider(
  redirectUris: readonly string[],
  email: string,
  authMethod: AuthMethod = "client_secret_post",
): Promise<IdentityProvider> {
  const asked: string[] = [];
  let handle: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => response.end();
  const server = createServer((request, response) => handle(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, configuration(redirectUris, email, authMethod));
  const answer = provider.callback();
  handle = (request, response) => {
    // Nobody is asked anything: the person is signed in there.
    if (request.url?.startsWith("/interaction/")) {
      void provider.interactionFinished(request, response, { login: { accountId: "person" } });
      return;
    }
    if (request.url?.startsWith("/token")) {
      const at = asked.push(JSON.stringify(request.headers)) - 1;
      request.on("data", (chunk: Buffer) => {
        asked[at] += chunk.toString();
      });
    }
    void answer(request, response);
  };
  return {
    issuer,
    email,
    asked,
    options: {
      ...CLIENT,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      userinfo_endpoint: `${issuer}/me`,
      scope: "openid profile email",
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function configuration(redirectUris: readonly string[], email: string, authMethod: AuthMethod): Configuration {
  return {
    adapter: InMemory,
    clients: [{ ...CLIENT, redirect_uris: [...redirectUris], token_endpoint_auth_method: authMethod }],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    // AuthHero reads the id token and asks no further.
    conformIdTokenClaims: false,
    pkce: { required: () => false },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: () => ({ sub, email, email_verified: true, name: "A Person" }),
    }),
    async loadExistingGrant(ctx) {
      const { client, session } = ctx.oidc;
      if (!client || !session?.accountId) return undefined;
      const grant = new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope("openid profile email");
      await grant.save();
      return grant;
    },
    // Longer than any test; without them it says so on the console.
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
    cookies: { keys: ["a-key-of-the-test"] },
  };
}

/** What the provider remembers; its own memory adapter warns and forgets after a thousand. */
class InMemory implements Adapter {
  static readonly rows = new Map<string, AdapterPayload>();
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  upsert(id: string, payload: AdapterPayload) {
    InMemory.rows.set(`${this.name}:${id}`, payload);
    if (payload.uid) InMemory.rows.set(`uid:${payload.uid}`, payload);
    return Promise.resolve();
  }
  find = (id: string) => Promise.resolve(InMemory.rows.get(`${this.name}:${id}`));
  findByUid = (uid: string) => Promise.resolve(InMemory.rows.get(`uid:${uid}`));
  findByUserCode = () => Promise.resolve(undefined);
  consume(id: string) {
    const row = InMemory.rows.get(`${this.name}:${id}`);
    if (row) row.consumed = Math.floor(Date.now() / 1000);
    return Promise.resolve();
  }
  destroy(id: string) {
    InMemory.rows.delete(`${this.name}:${id}`);
    return Promise.resolve();
  }
  revokeByGrantId = () => Promise.resolve();
}
