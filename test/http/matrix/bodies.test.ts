import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ApiInit, type HouseInProcess, openInProcess } from "../../support/in-process.ts";
import { managementRoutes, nameOf } from "./routes.ts";

/** Some hundreds of requests, on a machine that may have other things to do. */
const PATIENCE_MS = 300_000;

/** SQLite's words, and ours for what we did not expect. */
const UNSAID = /constraint|sqlite|\bsql\b|NOT NULL|undefined cannot|unexpected error/i;

let house: HouseInProcess;
let token: string;
let routes: readonly { readonly method: string; readonly path: string }[];
const required = new Map<string, readonly string[]>();

interface OpenApi {
  readonly paths: Record<string, Record<string, { requestBody?: { content: Record<string, Described> } }>>;
}
interface Described {
  readonly schema?: { readonly required?: readonly string[] };
}

beforeAll(async () => {
  house = await openInProcess({ DEV_MAILBOX: "1" });
  token = await house.machineToken();
  await house.made("/tenants", { token, json: { id: "acme", friendly_name: "Acme" } });
  routes = (await managementRoutes(house)).filter(({ method }) => ["POST", "PUT", "PATCH", "DELETE"].includes(method));
  const { paths } = await house.made<OpenApi>("/spec");
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, { requestBody }] of Object.entries(methods)) {
      const names = requestBody?.content["application/json"]?.schema?.required ?? [];
      if (names.length > 0) required.set(`${method.toUpperCase()} ${path}`, names);
    }
  }
}, PATIENCE_MS);
afterAll(() => house?.close());

const answersTo = async (body: ApiInit) => {
  const answers: { route: string; status: number; text: string }[] = [];
  for (const route of routes) {
    const path = route.path.replace(/\{\w+\}/g, "none");
    const answer = await house.api(path, { headers: { "tenant-id": "acme" }, ...body, method: route.method, token });
    answers.push({ route: nameOf(route), status: answer.status, text: await answer.text() });
  }
  return answers;
};
const badlyPut = ({ status, text }: { status: number; text: string }) =>
  (status >= 500 && status !== 501) || (status >= 400 && UNSAID.test(text));

describe("a request to change something", { timeout: PATIENCE_MS }, () => {
  it.each<[string, ApiInit]>([
    ["without a body", {}],
    ["with an empty object", { json: {} }],
  ])("%s is refused by the names of what is missing", async (_, body) => {
    const answers = await answersTo(body);

    expect(answers.filter(badlyPut)).toEqual([]);
    const unnamed = answers.filter(({ route, status, text }) => {
      const names = required.get(route) ?? [];
      return status === 400 && names.length > 0 && !names.every((name) => text.includes(`${name}: `)) && !isOther(text);
    });
    expect(unnamed).toEqual([]);
    expect(answers.filter(({ status }) => status === 400).length).toBeGreaterThan(30);
    expect(answers.filter(({ route, status }) => required.has(route) && status < 400)).toEqual([]);
  });

  it.each<[string, ApiInit]>([
    ["with a list", { json: [] }],
    ["with null", { json: null }],
    ["with a body of another kind", { text: "name=x", headers: { "tenant-id": "acme", "content-type": "text/plain" } }],
    ["with broken JSON", { text: "{", headers: { "tenant-id": "acme", "content-type": "application/json" } }],
  ])("%s is refused in words of ours", async (_, body) => {
    expect((await answersTo(body)).filter(badlyPut)).toEqual([]);
  });
});

/** Refused for another reason, before anybody looks at the body. */
const isOther = (text: string) => /"errorCode":"(?!invalid_body)\w+"/.test(text);
