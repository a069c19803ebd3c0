import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Application, authorize, createTenant, discover, furnish, managementToken } from "../support/clients.ts";
import { type RunningServer, startServer } from "../support/server.ts";

let server: RunningServer;
let application: Application;

beforeAll(async () => {
  server = await startServer();
  const token = await managementToken(server);
  await createTenant(server, token, "acme");
  application = await furnish(server, token, "acme");
});
afterAll(() => server?.remove());

const login = async () =>
  authorize(application, await discover(application.issuer, application.clientId, application.clientSecret));

/** The token endpoint as a browser's application calls it. */
async function token(grant: Record<string, string>) {
  const { clientId, clientSecret, issuer } = application;
  const answer = await fetch(`${issuer}oauth/token`, {
    method: "POST",
    headers: { origin: "http://app.localhost" },
    body: new URLSearchParams({ ...grant, client_id: clientId, client_secret: clientSecret }),
  });
  const body = (await answer.json()) as Record<string, string>;
  return { status: answer.status, body, allowed: answer.headers.get("access-control-allow-origin") };
}

const redeem = ({ code, verifier }: Awaited<ReturnType<typeof login>>) =>
  token({ grant_type: "authorization_code", code, code_verifier: verifier, redirect_uri: application.redirectUri });

const refresh = (refreshToken: string | undefined) =>
  token({ grant_type: "refresh_token", refresh_token: refreshToken ?? "" });

describe("an authorization code", () => {
  it("is redeemed once of many times at once, and the winner has nothing to refresh", async () => {
    const made = await login();

    const answers = await Promise.all([redeem(made), redeem(made), redeem(made), redeem(made)]);

    const [winner, ...others] = answers.sort((one, other) => one.status - other.status);
    expect(winner?.status).toBe(200);
    for (const other of others) {
      expect([other.status, other.body.error]).toEqual([400, "invalid_grant"]);
      expect(other.body).not.toHaveProperty("access_token");
      expect(other.allowed).toBe("http://app.localhost");
    }
    const refreshed = await refresh(winner?.body.refresh_token);
    expect([refreshed.status, refreshed.body.error]).toEqual([400, "invalid_grant"]);
  });

  it("is refused when it comes again later, and what it gave ends", async () => {
    const made = await login();
    const first = await redeem(made);
    expect((await refresh(first.body.refresh_token)).status).toBe(200);

    const replay = await redeem(made);

    expect([first.status, replay.status, replay.body.error]).toEqual([200, 400, "invalid_grant"]);
    const refreshed = await refresh(first.body.refresh_token);
    expect([refreshed.status, refreshed.body.error]).toEqual([400, "invalid_grant"]);
  });

  it("does no harm to another login of the same user", async () => {
    const [one, other] = [await login(), await login()];
    const kept = await redeem(other);
    await redeem(one);

    await redeem(one);

    expect((await refresh(kept.body.refresh_token)).status).toBe(200);
  });
});
