import { randomBytes } from "node:crypto";
import type { ActionInsert, HookInsert } from "@authhero/adapter-interfaces";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createKeyRing } from "../../src/db/seal.ts";
import { createEntities } from "../../src/entities/index.ts";
import { type FreshStore, freshStore } from "../support/store.ts";

let fresh: FreshStore;
let now: Date;
let all: ReturnType<typeof createEntities>;

beforeEach(async () => {
  now = new Date("2026-01-01T00:00:00.000Z");
  const keyRing = createKeyRing({ current: { id: "k1", key: randomBytes(32) } });
  fresh = await freshStore({ clock: () => now, keyRing });
  all = createEntities(fresh.store);
});

afterEach(() => fresh.close());

const later = () => {
  now = new Date(now.getTime() + 1000);
};

/** Whether a column holds nothing that can be read. */
const isSealed = async (table: string, column: string): Promise<boolean> => {
  const { rows } = await sql<{ value: string }>`
    select ${sql.ref(column)} as value from ${sql.table(table)}
  `.execute(fresh.store.db);
  return rows.length > 0 && rows.every(({ value }) => value.startsWith("rh1."));
};

describe("hooks", () => {
  const hook = (url: string, rest: object = {}) => ({ trigger_id: "post-user-login", url, ...rest }) as HookInsert;

  it("run by priority, then by age; those without a priority last", async () => {
    for (const [url, priority] of [["https://d"], ["https://b", 5], ["https://c", 5], ["https://a", 9]] as const) {
      await all.hooks.create("acme", hook(url, priority ? { priority } : {}));
      later();
    }

    const { hooks } = await all.hooks.list("acme");

    expect(hooks.map((one) => "url" in one && one.url)).toEqual(["https://a", "https://b", "https://c", "https://d"]);
    expect(hooks.at(-1)).toEqual({
      hook_id: expect.stringMatching(/^h_[0-9a-z]{17}$/),
      trigger_id: "post-user-login",
      url: "https://d",
      enabled: false,
      synchronous: false,
      created_at: "2026-01-01T00:00:00.000Z",
      updated_at: "2026-01-01T00:00:00.000Z",
    });
  });

  it("are found by trigger and by code, of their own tenant", async () => {
    await all.hooks.create("acme", hook("https://a", { enabled: true }));
    await all.hooks.create("acme", { trigger_id: "post-user-login", code_id: "hc_1" } as HookInsert);
    await all.hooks.create("other", hook("https://a"));
    const count = async (q: string) => (await all.hooks.list("acme", { q })).hooks.length;

    expect(await count('trigger_id:"post-user-login"')).toBe(2);
    expect(await count('code_id:"hc_1"')).toBe(1);
    expect(await count("enabled:true")).toBe(1);
    expect(await count("tenant_id:other")).toBe(2);
    expect(await all.hooks.list("acme", { include_totals: true, per_page: 1 })).toMatchObject({ limit: 1, length: 2 });
  });

  it("are changed and removed where they are", async () => {
    const { hook_id } = await all.hooks.create(
      "acme",
      hook("https://a", { priority: 1, metadata: { inherited: null } }),
    );

    expect(await all.hooks.update("acme", hook_id, { priority: null, synchronous: true } as never)).toBe(true);
    expect(await all.hooks.update("other", hook_id, { enabled: true })).toBe(false);

    expect(await all.hooks.get("acme", hook_id)).toMatchObject({ synchronous: true, metadata: { inherited: null } });
    expect(await all.hooks.get("acme", hook_id)).not.toHaveProperty("priority");
    expect(await all.hooks.remove("acme", hook_id)).toBe(true);
    expect(await all.hooks.remove("acme", hook_id)).toBe(false);
  });
});

describe("hook code", () => {
  it("shows its tenant and seals its secrets", async () => {
    const created = await all.hookCode.create("acme", { code: "exports.x = 1", secrets: { KEY: "s3cret" } });

    expect(created).toMatchObject({ tenant_id: "acme", secrets: { KEY: "s3cret" } });
    expect(created.id).toMatch(/^hc_/);
    expect(await isSealed("hook_code", "secrets")).toBe(true);
    expect(await all.hookCode.update("acme", created.id, { code: "exports.x = 2" })).toBe(true);
    expect(await all.hookCode.get("acme", created.id)).toMatchObject({
      code: "exports.x = 2",
      secrets: { KEY: "s3cret" },
    });
    expect(await all.hookCode.get("other", created.id)).toBeNull();
  });
});

describe("actions", () => {
  const action = (rest: Partial<ActionInsert> = {}): ActionInsert => ({ name: "greet", code: "exports.x", ...rest });

  it("are built at once; who makes one does not get its secrets back, who reads one does", async () => {
    const secrets = [{ name: "KEY", value: "s3cret" }];
    const created = await all.actions.create("acme", action({ secrets }));

    expect(created).toMatchObject({
      id: expect.stringMatching(/^act_/),
      tenant_id: "acme",
      status: "built",
      is_system: false,
      inherit: false,
      secrets: [{ name: "KEY" }],
    });
    expect(created.secrets?.[0]).not.toHaveProperty("value");
    expect(await all.actions.get("acme", created.id)).toMatchObject({ secrets });
    expect((await all.actions.list("acme", { q: 'name:"greet"' })).actions).toMatchObject([{ secrets }]);
    expect(await isSealed("actions", "secrets")).toBe(true);
  });

  it("keep the value of a secret that comes without one, and lose those that do not come", async () => {
    const secrets = ["A", "B", "C"].map((name) => ({ name, value: `value of ${name}` }));
    const { id } = await all.actions.create("acme", action({ secrets }));

    const patch = { code: "exports.y", secrets: [{ name: "C", value: "new" }, { name: "A" }, { name: "D" }] };
    expect(await all.actions.update("acme", id, patch)).toBe(true);

    expect(await all.actions.get("acme", id)).toMatchObject({
      code: "exports.y",
      secrets: [{ name: "C", value: "new" }, { name: "A", value: "value of A" }, { name: "D" }],
    });
    expect(await all.actions.update("other", id, patch)).toBe(false);
    await all.actions.update("acme", id, { name: "renamed" });
    expect((await all.actions.get("acme", id))?.secrets).toHaveLength(3);
  });

  it("take their versions along", async () => {
    const { id } = await all.actions.create("acme", action());
    await all.actionVersions.create("acme", { action_id: id, code: "x", deployed: true });

    await all.actions.remove("acme", id);

    expect((await all.actionVersions.list("acme", id)).versions).toEqual([]);
  });
});

describe("versions of an action", () => {
  const version = (code: string, rest: object = {}) => ({ action_id: "act_1", code, ...rest }) as never;
  const versions = async (action = "act_1") =>
    (await all.actionVersions.list("acme", action)).versions.map(({ number, deployed }) => [number, deployed]);

  it("are numbered from 1 for each action, also when many come at once, and one is deployed", async () => {
    await Promise.all(Array.from({ length: 6 }, (_, n) => all.actionVersions.create("acme", version(`v${n}`))));
    await all.actionVersions.create("acme", version("other", { action_id: "act_2", deployed: false }));

    const deployed = await versions();

    expect(deployed).toEqual([6, 5, 4, 3, 2, 1].map((number) => [number, number === 6]));
    expect(await versions("act_2")).toEqual([[1, false]]);
    expect(await all.actionVersions.list("acme", "act_1", { include_totals: true, per_page: 2 })).toMatchObject({
      limit: 2,
      length: 6,
    });
  });

  it("made without being deployed leave the deployed one alone; an import moves nobody's time", async () => {
    const first = await all.actionVersions.create("acme", version("v1", { secrets: [{ name: "KEY", value: "v" }] }));
    later();
    await all.actionVersions.create("acme", version("v2", { deployed: false }));
    expect(await versions()).toEqual([
      [2, false],
      [1, true],
    ]);

    const importMetadata = { id: "ver_old", created_at: "2020-01-01T00:00:00.000Z" };
    expect(await all.actionVersions.create("acme", version("v3"), { importMetadata })).toMatchObject({
      id: "ver_old",
      number: 3,
      tenant_id: "acme",
      ...{ created_at: importMetadata.created_at, updated_at: importMetadata.created_at },
    });

    const stored = await all.actionVersions.get("acme", "act_1", first.id);
    expect(stored).toEqual({ ...first, deployed: false });
    later();
    await all.actionVersions.create("acme", version("v4"));
    const imported = await all.actionVersions.get("acme", "act_1", "ver_old");
    expect(imported).toMatchObject({ deployed: false, updated_at: now.toISOString() });
    expect(await all.actionVersions.get("acme", "act_2", first.id)).toBeNull();
    expect(await all.actionVersions.removeForAction("acme", "act_1")).toBe(4);
  });

  it("can be made inside a transaction", async () => {
    await fresh.store.transaction(async (inside) => {
      const { actionVersions } = createEntities(inside);
      await actionVersions.create("acme", version("v1"));
      await actionVersions.create("acme", version("v2"));
    });

    expect(await versions()).toEqual([
      [2, true],
      [1, false],
    ]);
  });
});

describe("flows", () => {
  it("answer an update with what they are then, or null", async () => {
    const flow = await all.flows.create("acme", { name: "verify" } as never);
    later();

    expect(flow).toMatchObject({ id: expect.stringMatching(/^af_/), actions: [] });
    expect(await all.flows.update("acme", flow.id, { name: "check" })).toEqual({
      ...flow,
      name: "check",
      updated_at: "2026-01-01T00:00:01.000Z",
    });
    expect(await all.flows.update("other", flow.id, { name: "mine" })).toBeNull();
  });
});

describe("forms", () => {
  it("keep all of their parts", async () => {
    const parts = {
      messages: { errors: { e: "no" } },
      languages: { primary: "en" },
      translations: { de: { a: null } },
      style: { css: "x" },
    };
    const created = await all.forms.create("acme", { name: "consent", ...parts } as never);

    expect(created).toMatchObject({ ...parts, nodes: [], start: {}, ending: {} });
    expect(await all.forms.get("acme", created.id)).toEqual(created);
    expect(await all.forms.update("acme", created.id, { name: "renamed" })).toBe(true);
    expect((await all.forms.list("acme")).forms).toMatchObject([{ name: "renamed", ...parts }]);
  });
});

describe("log streams", () => {
  it("are active unless said otherwise, and seal where they lead", async () => {
    const sink = { httpEndpoint: "https://log", httpAuthorization: "Bearer s3cret" };
    const created = await all.logStreams?.create("acme", { name: "siem", type: "http", sink } as never);

    expect(created).toMatchObject({ id: expect.stringMatching(/^lst_/), status: "active", sink });
    expect(await isSealed("log_streams", "sink")).toBe(true);
    expect(await all.logStreams?.update("acme", created?.id ?? "", { status: "paused" })).toBe(true);
    expect(await all.logStreams?.list("acme")).toMatchObject([{ status: "paused", sink }]);
    expect(await all.logStreams?.list("other")).toEqual([]);
  });
});

describe("migration sources", () => {
  it("are enabled unless said otherwise, and seal their credentials", async () => {
    const credentials = { domain: "old.example", client_id: "id", client_secret: "s3cret" };
    const source = { name: "old", provider: "auth0", connection: "con_1", credentials };
    const created = await all.migrationSources?.create("acme", source as never);

    expect(created).toMatchObject({ ...source, id: expect.stringMatching(/^mig_/), enabled: true });
    expect(await isSealed("migration_sources", "credentials")).toBe(true);
    expect(await all.migrationSources?.update("acme", created?.id ?? "", { enabled: false })).toBe(true);
    expect(await all.migrationSources?.list("acme")).toMatchObject([{ enabled: false, credentials }]);
  });
});

describe("SCIM", () => {
  it("configurations are one per connection", async () => {
    const { scimConfigurations } = all;
    const created = await scimConfigurations?.create("acme", { connection_id: "con_1" } as never);

    expect(created).toMatchObject({ user_id_attribute: "externalId", mapping: [] });
    await expect(scimConfigurations?.create("acme", { connection_id: "con_1" } as never)).rejects.toMatchObject({
      status: 409,
    });
    const mapping = [{ scim: "userName", auth0: "username" }];
    expect(await scimConfigurations?.update("acme", "con_1", { mapping })).toBe(true);
    expect(await scimConfigurations?.get("acme", "con_1")).toMatchObject({ mapping });
    expect(await scimConfigurations?.remove("other", "con_1")).toBe(false);
    expect(await scimConfigurations?.remove("acme", "con_1")).toBe(true);
  });

  it("tokens are found by their hash, and remember when they were last used, again and again", async () => {
    const { scimTokens } = all;
    const token = { token_id: "t1", connection_id: "con_1", token_hash: "hash" };
    await scimTokens?.create("acme", token as never);

    for (const at of ["2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"]) {
      expect(await scimTokens?.markUsed("acme", "t1", at)).toBe(true);
      expect(await scimTokens?.getByHash("acme", "hash")).toMatchObject({ ...token, scopes: [], last_used_at: at });
    }

    expect(await scimTokens?.getByHash("other", "hash")).toBeNull();
    expect(await scimTokens?.markUsed("acme", "t2", now.toISOString())).toBe(false);
    expect(await scimTokens?.listByConnection("acme", "con_1")).toHaveLength(1);
    await expect(scimTokens?.create("acme", { ...token, token_id: "t2" } as never)).rejects.toMatchObject({
      status: 409,
    });
  });

  it("external ids are one per user and one user per id, within a connection", async () => {
    const { scimExternalIds } = all;
    const one = { connection_id: "con_1", user_id: "scim|a", external_id: "e1" };
    await scimExternalIds?.create("acme", one);
    await scimExternalIds?.create("acme", { ...one, connection_id: "con_2" });

    await expect(scimExternalIds?.create("acme", { ...one, user_id: "scim|b" })).rejects.toMatchObject({ status: 409 });
    await expect(scimExternalIds?.create("acme", { ...one, external_id: "e2" })).rejects.toMatchObject({ status: 409 });
    expect(await scimExternalIds?.getByExternalId("acme", "con_1", "e1")).toMatchObject(one);
    expect(await scimExternalIds?.getByUserId("acme", "con_1", "scim|a")).toMatchObject(one);
    expect(await scimExternalIds?.getByUserId("other", "con_1", "scim|a")).toBeNull();
    expect(await scimExternalIds?.remove("acme", "con_1", "scim|a")).toBe(true);
    expect(await scimExternalIds?.remove("acme", "con_1", "scim|a")).toBe(false);
    expect(await scimExternalIds?.getByUserId("acme", "con_2", "scim|a")).not.toBeNull();
  });
});
