import { describe, expect, it } from "vitest";
import { testFront } from "./support.ts";

const front = testFront();
const basic = (pair: string) => ({ authorization: `Basic ${Buffer.from(pair).toString("base64")}` });
const token = (headers: Record<string, string>, body: string | URLSearchParams, path = "/oauth/token") =>
  front.seen("acme.localhost", path, { method: "POST", headers, body });
const grant = () => new URLSearchParams({ grant_type: "client_credentials" });

describe("basic-credentials", () => {
  it.each([
    ["plain:secret", "plain", "secret"],
    ["a%2Db%5Fc:s%2De%5Fc", "a-b_c", "s-e_c"],
    ["id:a%25b%2Bc+d", "id", "a%b+c d"],
    ["co%3Alon:sec%3Aret", "co:lon", "sec:ret"],
    ["id:sec:ret", "id", "sec:ret"],
    ["%C3%BCn%C3%AF:p%C3%A4ss", "ünï", "päss"],
    ["id:100%", "id", "100%"],
    ["id:", "id", ""],
  ])("passes %s on as its client and secret", async (pair, clientId, clientSecret) => {
    const echo = await token(basic(pair), grant());

    const sent = new URLSearchParams(echo.body);
    expect(Object.fromEntries(sent)).toEqual({
      grant_type: "client_credentials",
      client_id: clientId,
      client_secret: clientSecret,
    });
    expect(echo.headers).not.toHaveProperty("authorization");
    expect(echo.headers).not.toHaveProperty("content-length");
  });

  it("does so in JSON, and where tokens are revoked", async () => {
    const json = { ...basic("a%2Db:c"), "content-type": "application/json" };

    expect(JSON.parse((await token(json, '{"token":"t"}', "/oauth/revoke")).body)).toEqual({
      token: "t",
      client_id: "a-b",
      client_secret: "c",
    });
  });

  it.each<[string, Record<string, string>, string | URLSearchParams]>([
    ["credentials of another client than the body's", basic("one:s"), new URLSearchParams({ client_id: "two" })],
    ["something that is not Basic", { authorization: "Bearer abc" }, grant()],
    ["something without a colon", basic("one"), grant()],
  ])("leaves %s as it is", async (_, headers, body) => {
    const echo = await token(headers, body);

    expect(echo.headers.authorization).toBe(headers.authorization);
    expect(echo.body).toBe(String(body));
  });

  it.each([
    ["another type of body", "text/plain", "invalid_content_type"],
    ["broken JSON", "application/json", "invalid_body"],
  ])("does not read %s, which is refused", async (_, type, errorCode) => {
    const headers = { ...basic("one:s"), "content-type": type };
    const answer = await front.send("acme.localhost", "/oauth/token", { method: "POST", headers, body: "{" });

    expect([answer.status, await answer.json()]).toMatchObject([400, { errorCode }]);
  });

  it("touches no other route", async () => {
    const echo = await front.seen("acme.localhost", "/u/login/identifier", { headers: basic("one:s") });

    expect(echo.headers.authorization).toBe(basic("one:s").authorization);
  });
});
