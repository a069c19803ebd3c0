import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OpenApiDocument } from "../../src/http/reference/document.ts";
import { OPERATION_TEXTS, UNAVAILABLE } from "../../src/http/reference/texts.ts";
import { openApiDocument } from "../../src/wiring/openapi.ts";
import { type HouseInProcess, openInProcess } from "../support/in-process.ts";
import { UNAVAILABLE as REFUSED } from "./matrix/visits.ts";

let house: HouseInProcess;
let document: OpenApiDocument;
beforeAll(async () => {
  house = await openInProcess();
  document = await house.made<OpenApiDocument>("/spec");
});
afterAll(() => house?.close());

const described = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ route: `${method.toUpperCase()} ${path}`, ...operation })),
  );
const find = (route: string) => described().find((operation) => operation.route === route);

describe("the OpenAPI document", () => {
  it("is valid", async () => {
    const { valid, errors } = await new Validator().validate({ ...document });

    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
  });

  it("has every route there is, and no other", () => {
    const routes = house.routes
      .filter(({ method, path }) => method !== "ALL" && path.startsWith("/api/v2/"))
      .map(({ method, path }) => `${method} ${path.slice("/api/v2".length).replace(/:(\w+)(?:\{[^}]*\})?/g, "{$1}")}`)
      .map((route) => route.replace(/(.)\/$/, "$1"));

    // The document itself, which asks for nothing.
    const all = new Set(routes.filter((route) => route !== "GET /spec"));
    expect(all.size).toBeGreaterThan(200);
    expect(
      described()
        .map(({ route }) => route)
        .sort(),
    ).toEqual([...all].sort());
  });

  it("says of every route what it is called, which scope it takes, and what it answers to those it does not let in", () => {
    const ids = described().map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { route, security = [], description = "", responses } of described()) {
      const scopes = security.flatMap(({ Bearer = [] }) => Bearer);
      expect(scopes.length, route).toBeGreaterThan(0);
      for (const scope of scopes) expect(description, route).toContain(`\`${scope}\``);
      expect(Object.keys(responses), route).toEqual(expect.arrayContaining(["401", "403", "503"]));
    }
  });

  it("has a summary for each route about tenants, their teams, their domains and operations", () => {
    const ours = described().filter(({ route }) => / \/(?:tenants|operations|tenant-members)\b/.test(route));

    expect(ours.length).toBeGreaterThan(20);
    for (const { route, summary } of ours) expect(summary, route).toMatch(/^[A-Z]/);
    for (const route of Object.keys(OPERATION_TEXTS)) expect(find(route)?.summary, route).toBeDefined();
  });

  it("marks what is not available here, and only that", () => {
    const marked = described().filter(({ summary }) => summary === "Not available here");

    expect(marked.map(({ route }) => route).sort()).toEqual(Object.keys(UNAVAILABLE).sort());
    for (const route of Object.keys(UNAVAILABLE)) expect(REFUSED, route).toHaveProperty([route]);
    for (const [route, { status }] of Object.entries(REFUSED))
      if (status !== 404) expect(UNAVAILABLE).toHaveProperty([route]);
  });

  it("gives examples that the routes take", async () => {
    const token = await house.machineToken();
    const bodyOf = (route: string) => OPERATION_TEXTS[route]?.example as object;
    const create = { ...bodyOf("POST /tenants"), admin: undefined };
    const ask = async (method: string, path: string, json: object) =>
      (await house.api(path, { method, token, json })).status;

    expect(await ask("POST", "/tenants", create)).toBe(201);
    expect(await ask("PATCH", "/tenants/settings", bodyOf("PATCH /tenants/settings"))).toBe(200);
    expect(await ask("PATCH", "/tenants/acme", bodyOf("PATCH /tenants/{id}"))).toBe(200);
    const client = bodyOf("POST /tenants/{id}/management-client");
    expect(await ask("POST", "/tenants/acme/management-client", client)).toBe(201);
    expect(await ask("POST", "/tenants/acme/operations", bodyOf("POST /tenants/{id}/operations"))).toBe(202);
    expect(await ask("POST", "/operations", bodyOf("POST /operations"))).toBe(200);
    const claim = { token, json: bodyOf("POST /custom-domains"), headers: { "tenant-id": "acme" } };
    expect((await house.api("/custom-domains", claim)).status).toBe(201);
    // Only the invitation wants somebody who sends mail.
    const withAdmin = { ...bodyOf("POST /tenants"), id: "beta" };
    expect([201, 400]).toContain(await ask("POST", "/tenants", withAdmin));
  });

  it("names the host that was asked as its server", async () => {
    const { origin } = new URL(house.issuer);
    expect(document.servers).toEqual([{ url: `${origin}/api/v2` }]);

    const ofAcme = await house.made<OpenApiDocument>("/spec", { at: "acme" });
    expect(ofAcme.servers).toEqual([{ url: `${origin.replace("//", "//acme.")}/api/v2` }]);
    expect(ofAcme.paths).toEqual(document.paths);
  });

  it("is the same without a house", () => {
    expect(JSON.parse(JSON.stringify(openApiDocument(new URL(house.issuer))))).toEqual(document);
  });
});

describe("/docs", () => {
  const host = () => new URL(house.issuer).host;

  it("is a page without inline scripts, whose policy allows nothing from elsewhere", async () => {
    const answer = await house.send(host(), "/docs");
    const html = await answer.text();

    expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const policy = answer.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(html).not.toMatch(/<script(?! src="\/docs\/)|<style|\bon\w+=|https?:/);
  });

  it("serves what the page loads, to be kept for ever, and compressed for those who take it", async () => {
    const html = await (await house.send(host(), "/docs/")).text();
    const paths = [...html.matchAll(/(?:src|href)="(\/docs\/[^"]+)"/g)].map(([, path = ""]) => path);

    expect(paths).toHaveLength(3);
    for (const path of paths) {
      const plain = await house.send(host(), path);
      expect(plain.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      const zipped = await house.send(host(), path, { headers: { "accept-encoding": "gzip, br" } });
      expect(zipped.headers.get("content-encoding")).toBe("gzip");
      const unzipped = new Response(zipped.body?.pipeThrough(new DecompressionStream("gzip")));
      expect(await unzipped.text()).toBe(await plain.text());
    }
  });

  it("serves nothing else, and nobody whose host is unknown", async () => {
    expect((await house.send(host(), "/docs/../package.json")).status).toBe(404);
    expect((await house.send(host(), "/docs/package.json")).status).toBe(404);
    expect((await house.send(host(), "/docs", { method: "POST" })).status).toBe(404);
    expect((await house.send("nobody.localhost:3000", "/docs")).status).toBe(404);
  });
});
