import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Standing } from "../../src/http/front/published.ts";
import { type Listener, listen } from "../../src/http/listening.ts";
import { freePort } from "../support/program.ts";
import { BEGAN, testFront } from "./front/support.ts";

/** What the server answers before anybody is waited for is what it would have answered anyway. */

const KEYS = "/.well-known/jwks.json";
const ACME = "acme.localhost";

let port: number;
let listener: Listener;
/** Requests that were asked about on the whole way. */
let passedOn: string[];
/** Of all requests: route, status. */
let counted: string[];
let logged: unknown[];
let standing: Standing | null;

beforeEach(async () => {
  passedOn = [];
  counted = [];
  logged = [];
  const placement = { state: "ready", began: BEGAN, organizationId: null, domains: [] } as const;
  standing = { placement, version: "1" };
  const log = { debug: (...line: unknown[]) => void logged.push(line), warn: () => {}, error: () => {} };
  const { fetch, atOnce } = testFront({
    inner: () =>
      Response.json({ keys: ["ü"] }, { headers: { "access-control-allow-origin": "*", "cache-control": "public" } }),
    versionOf: () => Promise.resolve(standing?.version ?? null),
    atHand: (tenantId) => (tenantId === "acme" ? standing : null),
    begun:
      () =>
      ({ route, method, status, seconds }) =>
        void counted.push(`${method} ${route} ${status} ${seconds >= 0}`),
    log,
  });
  const whole = (asked: Request, env?: object) => {
    passedOn.push(`${asked.method} ${new URL(asked.url).pathname}`);
    return fetch(asked, env);
  };
  port = await freePort();
  listener = await listen({ fetch: whole, atOnce }, { host: "127.0.0.1", port });
});
afterEach(() => listener.stop());

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

async function ask(path = KEYS, headers: Readonly<Record<string, string>> = {}, method = "GET"): Promise<Answer> {
  const outgoing = request({ host: "127.0.0.1", port, path, method, headers: { host: ACME, ...headers } });
  outgoing.end();
  const [incoming] = await once(outgoing, "response");
  let text = "";
  for await (const chunk of incoming.setEncoding("utf8")) text += chunk;
  return { status: incoming.statusCode, headers: incoming.headers, text };
}

/** Without what is another one each time. */
const steady = ({ status, headers: { date: _date, "x-request-id": _id, ...headers }, text }: Answer) => ({
  ...{ status, headers, text },
});

it("a document that was asked for before is answered as on the whole way, counted and logged", async () => {
  const answers = [await ask(), await ask(), await ask()];

  expect(passedOn).toHaveLength(1);
  expect(steady(answers[1] as Answer)).toEqual(steady(answers[0] as Answer));
  expect(answers[2]).toMatchObject({ status: 200, text: '{"keys":["ü"]}', headers: { "content-length": "15" } });
  expect(new Set(answers.map(({ headers }) => headers["x-request-id"])).size).toBe(3);
  expect(counted).toEqual(Array(3).fill("GET discovery 200 true"));
  const ids = answers.map(({ headers }) => headers["x-request-id"]);
  expect(logged).toEqual(
    ids.map((requestId) => [
      "request.answered",
      expect.objectContaining({ requestId, tenantId: "acme", path: KEYS, method: "GET", status: 200 }),
    ]),
  );
});

it("who has it already gets no body, in the words of the whole way", async () => {
  const { etag } = (await ask()).headers;
  const known = { "if-none-match": String(etag) };
  const [atOnce, whole] = [await ask(KEYS, known), await ask(KEYS, { ...known, "x-request-id": "other" })];

  expect(passedOn).toHaveLength(2);
  expect(steady(atOnce)).toEqual(steady(whole));
  expect(atOnce).toMatchObject({ status: 304, text: "", headers: { etag } });
});

it.each<[string, string, Record<string, string>, string?]>([
  ["another method", KEYS, {}, "HEAD"],
  ["a body", KEYS, { "content-length": "0" }],
  ["a body of unknown length", KEYS, { "transfer-encoding": "chunked" }],
  ["parameters", `${KEYS}?x=1`, {}],
  ["another spelling", "/.well-known/jwks%2Ejson", {}],
  ["a whole URL", `http://beta.localhost${KEYS}`, {}],
  ["another host", KEYS, { host: "beta.localhost" }],
  ["a token", KEYS, { authorization: "Bearer x.y.z" }],
  ["a tenant", KEYS, { "tenant-id": "beta" }],
  ["a forwarded host", KEYS, { "x-forwarded-host": "beta.localhost" }],
])("a request with %s goes the whole way", async (_, path, headers, method) => {
  await ask();
  await ask(path, headers, method);

  expect(passedOn).toHaveLength(2);
});

it("a request that names two hosts goes the whole way, and is refused", async () => {
  await ask();
  const socket = connect(port, "127.0.0.1").setEncoding("utf8");
  socket.end(`GET ${KEYS} HTTP/1.1\r\nHost: ${ACME}\r\nHost: beta.localhost\r\nConnection: close\r\n\r\n`);
  let answer = "";
  for await (const chunk of socket) answer += chunk;

  expect(answer).toMatch(/^HTTP\/1.1 4\d\d /);
});

it("when the tenant has changed, or would have to be asked for, it goes the whole way", async () => {
  await ask();
  standing = { placement: standing?.placement ?? null, version: "2" };
  await ask();
  expect(passedOn).toHaveLength(2);
  await ask();
  expect(passedOn).toHaveLength(2);

  standing = null;
  await ask();
  expect(passedOn).toHaveLength(3);
});

it("where nothing is answered at once, everything goes the whole way", async () => {
  await listener.stop();
  const asked: string[] = [];
  const fetch = ({ url }: Request) => {
    asked.push(new URL(url).pathname);
    return new Response("ok");
  };
  listener = await listen({ fetch }, { host: "127.0.0.1", port });

  for (const _ of [1, 2]) expect((await ask()).text).toBe("ok");
  expect(asked).toEqual([KEYS, KEYS]);
});
