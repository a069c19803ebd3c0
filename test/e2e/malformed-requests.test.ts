import * as oidc from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTenant, discover, furnish, managementToken } from "../support/clients.ts";
import { type RunningServer, startServer } from "../support/server.ts";

let server: RunningServer;
let clientId: string;
let configuration: oidc.Configuration;

beforeAll(async () => {
  server = await startServer();
  await createTenant(server, await managementToken(server), "acme");
  const application = await furnish(server, await managementToken(server), "acme");
  clientId = application.clientId;
  configuration = await discover(application.issuer, application.clientId, application.clientSecret);
});
afterAll(() => server?.remove());

const FORM = "application/x-www-form-urlencoded";
const ask = async (path: string, body: string, type = "application/json", method = "POST") => {
  const url = `http://acme.localhost:${server.port}${path}`;
  const answer = await fetch(url, { method, headers: { "content-type": type }, body });
  const text = await answer.text();
  expect(text).not.toMatch(/ZodError|hush/);
  return { status: answer.status, body: JSON.parse(text), cache: answer.headers.get("cache-control") };
};
const refused = (error: string, description: RegExp) => ({
  status: 400,
  body: { error, error_description: expect.stringMatching(description) },
  cache: "no-store",
});

describe("what lacks something, or has something wrong in it", () => {
  it.each([
    ["nothing at all", "", "invalid_request", /^grant_type: must be one of client_credentials, authorization_code/],
    ["no grant", "client_id=a&client_secret=hush", "invalid_request", /^grant_type: must be one of /],
    ["an unknown grant", "grant_type=hush&client_id=a", "unsupported_grant_type", /^grant_type: must be one of /],
    [
      "no code",
      "grant_type=authorization_code&client_id=a&client_secret=hush",
      "invalid_request",
      /^code: is missing$/,
    ],
    ["no refresh token", "grant_type=refresh_token&client_id=a", "invalid_request", /^refresh_token: is missing$/],
    ["no client", "grant_type=client_credentials&client_secret=hush", "invalid_request", /client_id/],
    [
      "a part of one grant",
      "grant_type=http%3A%2F%2Fauth0.com%2Foauth%2Fgrant-type%2Fpasswordless%2Fotp&client_id=a&otp=hush",
      "invalid_request",
      /^username: is missing; realm: must be one of email, sms$/,
    ],
  ])("at the token endpoint, as a form: %s", async (_, body, error, description) => {
    expect(await ask("/oauth/token", body, FORM)).toMatchObject(refused(error, description));
  });

  it.each([
    ["/oauth/token", { grant_type: 7, client_secret: "hush" }, "invalid_request", /^grant_type: must be one of /],
    ["/oauth/token", { grant_type: "hush" }, "unsupported_grant_type", /^grant_type: must be one of /],
    ["/oauth/token", [], "invalid_request", /^body: expected object, received array$/],
    ["/oauth/revoke", { client_id: "hush" }, "invalid_request", /^token: is missing$/],
    ["/oidc/register", [], "invalid_client_metadata", /^body: expected object, received array$/],
    ["/dbconnections/signup", {}, "invalid_request", /^client_id: is missing; connection: must be Username-Password/],
    [
      "/dbconnections/signup",
      { client_id: "a", connection: "hush", email: "a@example.com", password: ["hush"] },
      "invalid_request",
      /^connection: must be Username-Password-Authentication; password: expected string, received array$/,
    ],
    ["/dbconnections/change_password", {}, "invalid_request", /client_id: /],
    ["/passwordless/start", { connection: "hush" }, "invalid_request", /^connection: must be one of email, sms$/],
    ["/passwordless/start", { connection: "email", client_id: "a" }, "invalid_request", /email: is missing/],
    ["/co/authenticate", { password: "hush" }, "invalid_request", /^credential_type: must be one of http/],
  ])("at %s, as JSON: %j", async (path, body, error, description) => {
    expect(await ask(path, JSON.stringify(body))).toMatchObject(refused(error, description));
  });

  it.each([
    "/oauth/token",
    "/oauth/revoke",
    "/oidc/register",
    "/dbconnections/signup",
    "/passwordless/start",
    "/co/authenticate",
  ])("at %s, JSON that is none", async (path) => {
    expect(await ask(path, '{"password":"hush"')).toMatchObject(refused("invalid_request", /^body: is no JSON$/));
  });

  it.each(["/authorize", "/u/login/identifier", "/callback", "/v2/logout"])(
    "at %s, for people a page",
    async (path) => {
      const answer = await fetch(`http://acme.localhost:${server.port}${path}`);

      expect([answer.status, answer.headers.get("content-type")]).toEqual([400, "text/html; charset=utf-8"]);
      expect(await answer.text()).toMatch(/<p>(?:client_id|state): is missing<\/p>/);
    },
  );

  it("is an error of OAuth's to openid-client", async () => {
    const unknown = oidc.genericGrantRequest(configuration, "urn:example:hush", {});
    await expect(unknown).rejects.toMatchObject({ error: "unsupported_grant_type", status: 400 });

    const incomplete = oidc.genericGrantRequest(configuration, "refresh_token", {});
    await expect(incomplete).rejects.toMatchObject({
      error: "invalid_request",
      error_description: "refresh_token: is missing",
    });
  });

  it("is nothing that a well-made request has", async () => {
    const answer = await fetch(`http://acme.localhost:${server.port}/dbconnections/signup`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        ...{ client_id: clientId, connection: "Username-Password-Authentication" },
        ...{ email: "new@example.com", password: "Corr3ct-h0rse!" },
      }),
    });

    expect([answer.status, await answer.json()]).toMatchObject([200, { email: "new@example.com" }]);
  });
});
