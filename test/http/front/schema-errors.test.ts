import { describe, expect, it } from "vitest";
import * as z from "zod";
import { answering, testFront } from "./support.ts";

/** What AuthHero's validator answers to a value that does not fit. */
const misfit = (schema: z.ZodType, value: unknown) => {
  const { success, error } = schema.safeParse(value);
  return Response.json({ success, error }, { status: 400, headers: { "x-kept": "1" } });
};
const told = async (answer: Response, path: string, init: RequestInit = {}) => {
  const response = await testFront({ inner: answering(() => answer) }).send("acme.localhost", path, init);
  return { status: response.status, headers: response.headers, body: await response.json().catch(() => null) };
};
const form = (body: string) => ({
  ...{
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", origin: "https://app.example" },
  },
  body,
});

const Grants = z.union([
  z.object({ grant_type: z.literal("one"), client_id: z.string() }),
  z.object({ grant_type: z.literal("two"), realm: z.literal("email"), code: z.string(), client_id: z.string() }),
]);
const asked = (body: string) =>
  told(misfit(Grants, Object.fromEntries(new URLSearchParams(body))), "/oauth/token", form(body));

describe("what does not fit the token endpoint", () => {
  it.each([
    ["client_id=a", "invalid_request", "grant_type: must be one of one, two"],
    ["grant_type=&client_id=a", "invalid_request", "grant_type: must be one of one, two"],
    ["grant_type=three&client_id=a", "unsupported_grant_type", "grant_type: must be one of one, two"],
    ["grant_type=one", "invalid_request", "client_id: is missing"],
    ["grant_type=two&client_id=a", "invalid_request", "realm: must be email; code: is missing"],
  ])("is answered to %s as RFC 6749 says", async (body, error, error_description) => {
    const answer = await asked(body);

    expect(answer).toMatchObject({ status: 400, body: { error, error_description } });
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://app.example");
    expect(answer.headers.get("x-kept")).toBe("1");
  });

  it("is told from an unknown grant in JSON, too", async () => {
    const json = (value: unknown) =>
      told(misfit(Grants, value), "/oauth/token", {
        ...{ method: "POST", headers: { "content-type": "application/json" } },
        body: JSON.stringify(value),
      });

    expect((await json({ grant_type: "three" })).body).toMatchObject({ error: "unsupported_grant_type" });
    expect((await json({ grant_type: 3 })).body).toMatchObject({ error: "invalid_request" });
    expect((await json([])).body).toMatchObject({ error_description: "body: expected object, received array" });
  });

  it("is told in words where AuthHero tells it in bare text", async () => {
    const bare = new Response("client_id is required", { status: 400, headers: { "content-type": "text/plain" } });

    expect((await told(bare, "/oauth/token", form("grant_type=one"))).body).toMatchObject({
      error: "invalid_request",
      error_description: "client_id is required",
    });
  });
});

describe("what does not fit another route", () => {
  const Schema = z.strictObject({
    name: z.string().refine((name) => name !== "hush", { error: ({ input }) => `not ${String(input)}` }),
    size: z.number().max(3),
    at: z.object({ place: z.enum(["here", "there"]) }),
  });
  const sent = { name: "hush", size: 5, at: { place: "hush" }, secret: "hush" };

  it.each([
    ["/dbconnections/signup", { error: "invalid_request", errorCode: "invalid_body" }, "error_description"],
    ["/oidc/register", { error: "invalid_client_metadata", errorCode: "invalid_body" }, "error_description"],
  ])("names the fields and repeats no value: %s", async (path, body, described) => {
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(sent) };

    const answer = await told(misfit(Schema, sent), path, init);

    expect(answer).toMatchObject({ status: 400, body });
    expect(Reflect.get(answer.body as object, described)).toMatch(/name: is not as expected/);
    expect(Reflect.get(answer.body as object, described)).toMatch(/size: .*<=3/);
    expect(Reflect.get(answer.body as object, described)).toMatch(/at\.place: must be one of here, there/);
    expect(JSON.stringify(answer.body)).not.toContain("hush");
  });

  it("is a page for people", async () => {
    const inner = answering(() => misfit(z.object({ client_id: z.string() }), {}));

    const response = await testFront({ inner }).send("acme.localhost", "/authorize");

    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(await response.text()).toContain("<p>client_id: is missing</p>");
  });

  it("is told as well where the issues are a member", async () => {
    const { error } = z.object({ token: z.string() }).safeParse({});
    const answer = Response.json(
      { success: false, error: { name: "ZodError", issues: error?.issues } },
      { status: 400 },
    );

    expect((await told(answer, "/oauth/revoke", form("a=b"))).body).toMatchObject({
      error_description: "token: is missing",
    });
  });
});

describe("what is left as it is", () => {
  const { error } = z.string().safeParse(1);
  it.each([
    ["a success", { success: false, error }, 200],
    ["another status", { success: false, error }, 422],
    ["another error", { success: false, error: { name: "Error", message: "[]" } }, 400],
    ["an error of OAuth's", { error: "invalid_grant" }, 400],
    ["what says it is a success", { success: true, error }, 400],
    ["a list", [{ success: false, error }], 400],
  ])("%s", async (_, body, status) => {
    const answer = await told(Response.json(body, { status }), "/oauth/token", form("grant_type=one"));

    expect({ status: answer.status, body: answer.body }).toEqual({ status, body: JSON.parse(JSON.stringify(body)) });
  });

  it("JSON that is none", async () => {
    const broken = new Response("{", { status: 400, headers: { "content-type": "application/json" } });
    const inner = answering(() => broken);

    const answer = await testFront({ inner }).send("acme.localhost", "/oauth/token", form("grant_type=one"));

    expect(await answer.text()).toBe("{");
  });
});
