import { describe, expect, it } from "vitest";
import { testFront } from "./support.ts";

const front = testFront();
const post = (path: string, type: string | null, body?: string) =>
  front.send("acme.localhost", path, {
    method: "POST",
    ...(type !== null && { headers: { "content-type": type } }),
    ...(body !== undefined && { body }),
  });

describe("body-type", () => {
  it.each([
    "/oauth/token",
    "/oauth//token",
    "/oauth/revoke",
    "/oidc/register",
    "/dbconnections/signup",
    "/passwordless/start",
    "/co/authenticate",
  ])("refuses a POST to %s without a body that is read, and says what is", async (path) => {
    for (const [type, body] of [[null], ["text/plain", "x"], ["application/jsonx", "{}"]] as const) {
      const answer = await post(path, type, body);

      expect(answer.status).toBe(400);
      expect(await answer.json()).toEqual({
        error: "invalid_request",
        error_description: expect.stringContaining(
          /oauth\/+(?:token|revoke)/.test(path)
            ? "application/x-www-form-urlencoded or application/json"
            : "must be application/json",
        ),
        errorCode: "invalid_content_type",
      });
    }
  });

  it.each([
    ["application/json", "{}"],
    ["Application/JSON; charset=utf-8", "{}"],
    ["application/x-www-form-urlencoded", "grant_type=x"],
  ])("lets %s through", async (type, body) => {
    expect(await (await post("/oauth/token", type, body)).json()).toMatchObject({ method: "POST", body });
  });

  it.each(["/oidc/register", "/dbconnections/signup", "/passwordless/start", "/co/authenticate"])(
    "refuses a form at %s, of which AuthHero reads nothing",
    async (path) => {
      const answer = await post(path, "application/x-www-form-urlencoded", "client_id=x");

      expect([answer.status, await answer.json()]).toMatchObject([400, { errorCode: "invalid_content_type" }]);
    },
  );

  it.each(["{", "", "client_id=x"])("refuses %j, which is said to be JSON and is none", async (body) => {
    const answer = await post("/oauth/token", "application/json", body);

    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { error: "invalid_request", error_description: "body: is no JSON" },
    ]);
  });

  it("leaves routes alone that need no body", async () => {
    expect((await post("/u/login/identifier", null)).status).not.toBe(400);
  });
});
