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

describe("spent-codes", () => {
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

  it.each([
    ["another error", "/oauth/token", refusing({ error: "access_denied" }), form("authorization_code"), 403],
    ["no OAuth error", "/oauth/token", refusing({ message: "No" }), form("authorization_code"), 403],
    ["another status", "/oauth/token", refusing(REFUSED, 401), form("authorization_code"), 401],
    ["another conflict", "/oauth/token", failing("unique_violation"), form("authorization_code"), 409],
    ["another route", "/oauth/revoke", refusing(), form("authorization_code"), 403],
    ["another route's conflict", "/passwordless/start", failing("code_already_used"), JSON_BODY, 409],
  ])("leaves the status of %s alone", async (_case, path, front, init, status) => {
    const answer = await front.send("acme.localhost", path, init);

    expect(answer.status).toBe(status);
  });
});
