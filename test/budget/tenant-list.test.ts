import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CompiledQuery, Kysely } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fillRegistry } from "../../bench/support/registry-rows.ts";
import { createRegistry } from "../../provisioning/registry.ts";
import { migrate } from "../../src/db/migrate.ts";
import { openFile } from "../../src/db/native.ts";
import { createKeyRing } from "../../src/db/seal.ts";
import { systemClock } from "../../src/domain/clock.ts";
import { createStore } from "../../src/entities/store.ts";
import { ListTenants } from "../../src/http/tenants/schemas.ts";
import type { Viewer } from "../../src/http/tenants/service.ts";
import { createTenantList } from "../../src/wiring/tenant-list.ts";
import { watched } from "./watched.ts";

const FEW = 100;
const MANY = 10_000;
const MEMBER: Viewer = { userId: "auth2|member", organizationId: undefined };

/** A control plane with so many tenants; the member belongs to the organizations of every tenth of the first hundred. */
async function streetOf(directory: string, count: number) {
  const database = await openFile(join(directory, `${count}.db`), { create: true });
  await migrate(database, ["tenant", "shared", "control-plane"]);
  const db = new Kysely<never>({ dialect: database.dialect });
  await fillRegistry(database, count);
  const asked: CompiledQuery[] = [];
  const seen = watched(database, (query) => void asked.push(query));
  const keyRing = createKeyRing({ current: { id: "k1", key: Buffer.alloc(32, 7) } });
  const registry = createRegistry({ database: seen, keyRing, clock: systemClock });
  const store = createStore(seen, { clock: systemClock, keyRing });
  const list = createTenantList({ tenantId: "control_plane", database: seen, registry, store });
  return {
    database,
    async list(query: object, viewer: Viewer = "everything") {
      asked.length = 0;
      const page = await list(ListTenants.parse(query), viewer);
      return { ids: page.tenants.map(({ id }) => id), page, asked: [...asked] };
    },
    /** What SQLite reads for a statement. */
    async plan(query: CompiledQuery): Promise<string> {
      const explained = { ...query, sql: `explain query plan ${query.sql}` };
      const { rows } = await db.executeQuery<{ detail: string }>(explained);
      return rows.map(({ detail }) => detail).join("\n");
    },
  };
}

let directory: string;
let few: Awaited<ReturnType<typeof streetOf>>;
let many: Awaited<ReturnType<typeof streetOf>>;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "tenant-list-"));
  few = await streetOf(directory, FEW);
  many = await streetOf(directory, MANY);
});
afterAll(async () => {
  await Promise.all([few?.database.close(), many?.database.close()]);
  rmSync(directory, { recursive: true, force: true });
});

const QUERIES: readonly [name: string, query: object, viewer: Viewer, statements: number][] = [
  ["a page", {}, "everything", 3],
  ["the largest page", { per_page: 100 }, "everything", 3],
  ["a page by name", { sort: "friendly_name:-1" }, "everything", 3],
  ["a page by key", { take: 50 }, "everything", 3],
  ["a page with totals", { include_totals: "true" }, "everything", 4],
  ["a search", { q: "tenant-0000" }, "everything", 3],
  ["a search by name", { q: "name 0000" }, "everything", 3],
  ["a member's page", {}, MEMBER, 3],
  ["a member's search", { q: "Name" }, MEMBER, 3],
];

describe("a list of tenants", () => {
  it.each(QUERIES)(
    "%s takes as many statements for 10,000 tenants as for 100",
    async (_, query, viewer, statements) => {
      expect((await few.list(query, viewer)).asked).toHaveLength(statements);
      expect((await many.list(query, viewer)).asked).toHaveLength(statements);
    },
  );

  it.each(QUERIES)("%s is found by indexes", async (_, query, viewer) => {
    const { asked } = await many.list(query, viewer);

    const plans = await Promise.all(asked.map(many.plan));
    // To walk an index is fine, to read the table is not.
    for (const plan of plans) expect(plan).not.toMatch(/SCAN (?!.*USING (?:COVERING )?INDEX)/);
  });

  it("shows a member the tenants of their organizations; a search narrows and never widens", async () => {
    const own = Array.from({ length: 10 }, (_, i) => `tenant-${String(i * 10).padStart(5, "0")}`);

    expect((await many.list({}, MEMBER)).ids).toEqual(own);
    expect((await many.list({ include_totals: "true" }, MEMBER)).page.total).toBe(10);
    expect((await many.list({ q: "tenant-0001" }, MEMBER)).ids).toEqual(["tenant-00010"]);
    expect((await many.list({ q: "tenant-00011" }, MEMBER)).ids).toEqual([]);
    expect((await many.list({ q: "" }, MEMBER)).ids).toEqual(own);
    expect((await many.list({}, { userId: "auth2|nobody", organizationId: undefined })).ids).toEqual([]);
    // What somebody is by their token, besides their memberships.
    const machine = { userId: "machine", organizationId: "org_00007" };
    expect((await many.list({}, machine)).ids).toEqual(["tenant-00007"]);
  });

  it("takes the beginning of an id or a name, in any case, for what it is", async () => {
    expect((await many.list({ q: "TENANT-00001" })).ids).toEqual(["tenant-00001"]);
    expect((await many.list({ q: "nAmE 00001" })).ids).toEqual(["tenant-09999"]);
    expect((await many.list({ q: "00001" })).ids).toEqual([]);
    for (const q of ["%", "_", "' or 1=1 --", "tenant-0000_", "Name%"])
      expect((await many.list({ q })).ids).toEqual([]);
  });

  it("goes through all of them by key, each once", async () => {
    const seen: string[] = [];
    let from: string | undefined;
    do {
      const { ids, page } = await many.list({
        take: 100,
        sort: "friendly_name:1",
        ...(from !== undefined && { from }),
      });
      seen.push(...ids);
      from = page.next;
    } while (from !== undefined);

    expect(seen).toHaveLength(MANY);
    expect(new Set(seen).size).toBe(MANY);
  });
});
