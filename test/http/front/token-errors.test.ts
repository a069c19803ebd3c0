import { describe, expect, it } from "vitest";
import { PlatformError } from "../../../src/domain/errors.ts";
import { rememberFailure } from "../../../src/tenancy/context.ts";
import { answering, testFront } from "./support.ts";

const CORS = { "access-control-allow-origin": "http://app.localhost", vary: "Origin" };
const REFUSED = { error: "invalid_grant", error_description: "Invalid authorization code" };

/** What AuthHero says of a code that was redeemed before. */
const refusing = (body: object = REFUSED, status = 403) =>
  testFront({ inner: answering(() => Response.json(body, { status, headers: CORS })) });

/** What it says when an adapter has failed. */
const failing = (reason: string) =>
  testFront({
    inner: answering(() => {
      rememberFailure(new PlatformError("conflict", reason, "This code has been used already"));
      return new Response("Internal Server Error", { status: 500 });
    }),
  });

const form = (grant_type: string): RequestInit => ({
  method: "POST",
  headers: { origin: "http://app.localhost" },
  body: new URLSearchParams({ grant_type, code: "spent" }),
});

/** /passwordless/start reads nothing else. */
const JSON_BODY: RequestInit = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };

describe("token-errors", () => {
  it.each([
    ["a code redeemed before", refusing(), form("authorization_code"), "Invalid authorization code"],
    [
      "a refresh token that has ended",
      refusing({ error: "invalid_grant", error_description: "Refresh token has been revoked" }),
      form("refresh_token"),
      "Refresh token has been revoked",
    ],
    [
      "a code that is being redeemed",
      failing("code_already_used"),
      form("authorization_code"),
      "This code has been used already",
    ],
    [
      "a one-time password that is being redeemed",
      failing("code_already_used"),
      form("http://auth0.com/oauth/grant-type/passwordless/otp"),
      "This code has been used already",
    ],
  ])("answers %s with 400 invalid_grant and CORS headers", async (_case, front, init, error_description) => {
    const answer = await front.send("acme.localhost", "/oauth/token", init);

    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({ error: "invalid_grant", error_description });
    expect(Object.fromEntries(answer.headers)).toMatchObject({ ...CORS, "cache-control": "no-store" });
    expect(answer.headers.get("x-request-id")).toBeTruthy();
    expect(front.log).toEqual([]);
  });

  const CLIENT = {
    error: "invalid_client",
    error_description: expect.stringMatching(/^The client is unknown, or its/),
  };
  const CREDENTIALS = { message: "Invalid client credentials" };

  it.each([
    ["an unknown client", { message: "Client not found" }, 403, "client_credentials"],
    ["a client without its secret", { message: "client_secret is required" }, 401, "client_credentials"],
    ["a wrong secret", CREDENTIALS, 403, "client_credentials"],
    ["a wrong secret with a refresh token", { error: "invalid_client", error_description: "No" }, 403, "refresh_token"],
    ["an unknown client with a code", { message: "Client not found" }, 403, "authorization_code"],
  ])("answers %s with 401 invalid_client, and no word on which of it", async (_case, body, status, grant) => {
    const answer = await refusing(body, status).send("acme.localhost", "/oauth/token", form(grant));

    expect([answer.status, await answer.json()]).toEqual([401, CLIENT]);
    expect(Object.fromEntries(answer.headers)).toMatchObject({ ...CORS, "cache-control": "no-store" });
    expect(answer.headers.get("www-authenticate")).toBeNull();
  });

  it.each(["/oauth/token", "/oauth/revoke"])("names the scheme at %s to who came with the header", async (path) => {
    const front = refusing({ error: "invalid_client" }, 401);
    const headers = { authorization: `Basic ${btoa("web:wrong")}` };
    const body = new URLSearchParams({ token: "x", grant_type: "client_credentials" });

    const answer = await front.send("acme.localhost", path, { method: "POST", headers, body });

    expect([answer.status, await answer.json()]).toEqual([401, CLIENT]);
    expect(answer.headers.get("www-authenticate")).toMatch(/^Basic realm=/);
  });

  it.each([
    ["a code or what came with it", CREDENTIALS, 403, 400, "invalid_grant"],
    ["another redirect_uri", { message: "Invalid redirect uri" }, 403, 400, "invalid_grant"],
    ["anything else of a request", { message: "Invalid username format" }, 400, 400, "invalid_request"],
    ["anything else that is refused", { message: "Users of this connection may not" }, 403, 403, "access_denied"],
  ])("gives the answer to %s a code of OAuth's", async (_case, body, given, status, error) => {
    const front = refusing(body, given);
    const answer = await front.send("acme.localhost", "/oauth/token", form("authorization_code"));

    expect(answer.status).toBe(status);
    expect(await answer.json()).toEqual({ error, error_description: expect.stringMatching(/\w/) });
  });

  it.each([
    ["another error", "/oauth/token", refusing({ error: "access_denied" }), form("authorization_code"), 403],
    ["another status", "/oauth/token", refusing({ message: "Too many" }, 429), form("authorization_code"), 429],
    ["another conflict", "/oauth/token", failing("unique_violation"), form("authorization_code"), 409],
    ["another route", "/oauth/revoke", refusing(), form("authorization_code"), 403],
    ["another route's conflict", "/passwordless/start", failing("code_already_used"), JSON_BODY, 409],
  ])("leaves the status of %s alone", async (_case, path, front, init, status) => {
    const answer = await front.send("acme.localhost", path, init);

    expect(answer.status).toBe(status);
  });
});
