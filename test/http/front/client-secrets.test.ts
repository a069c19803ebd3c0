import { createPublicKey } from "node:crypto";
import { exportSPKI, generateKeyPair, SignJWT } from "jose";
import { expect, it } from "vitest";
import { answering, NOW, testFront } from "./support.ts";

const { publicKey, privateKey } = await generateKeyPair("ES256");
const signers = { acme: { tenantId: "acme", publicKey: createPublicKey(await exportSPKI(publicKey)) } };
const tokenWith = (scope: string) =>
  new SignJWT({ sub: "acme|user", scope })
    .setProtectedHeader({ alg: "ES256", kid: "acme" })
    .setIssuedAt(NOW)
    .setExpirationTime(new Date(NOW.getTime() + 3_600_000))
    .sign(privateKey);

const one = { client_id: "app", name: "App", client_secret: "planted", client_metadata: { tier: "gold" } };
const { client_secret: _, ...shown } = one;

async function ask(method: string, path: string, body: unknown, scope = "read:clients update:clients") {
  const front = testFront({ signers, inner: answering(() => Response.json(body, { headers: { "x-total": "1" } })) });
  const headers = { authorization: `Bearer ${await tokenWith(scope)}` };
  const answer = await front.send("acme.localhost", path, {
    method,
    headers,
    ...(method === "PATCH" && { body: "{}" }),
  });
  expect([answer.status, answer.headers.get("x-total")]).toEqual([200, "1"]);
  return await answer.json();
}

it.each([
  ["the list", "GET", "/api/v2/clients", [one, one], [shown, shown]],
  [
    "a page",
    "GET",
    "/api/v2/clients?include_totals=true",
    { clients: [one], total: 1 },
    { clients: [shown], total: 1 },
  ],
  ["one", "GET", "/api/v2/clients/app", one, shown],
  ["one, oddly written", "GET", "/api/v2//Clients/app", one, shown],
  ["a change", "PATCH", "/api/v2/clients/app", one, shown],
])("an application's secret is not in %s without read:client_keys", async (_what, method, path, body, expected) => {
  expect(await ask(method, path, body)).toEqual(expected);
  expect(await ask(method, path, body, "read:clients read:client_keys")).toEqual(body);
});

it("is in the answer to who has made it, and other routes are left alone", async () => {
  expect(await ask("POST", "/api/v2/clients", one, "create:clients")).toEqual(one);
  expect(await ask("GET", "/api/v2/connections", [{ options: one }], "read:connections")).toEqual([{ options: one }]);
});
