import type { Connection, DataAdapters } from "@authhero/adapter-interfaces";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { withFallback } from "../../src/fallback/fallback.ts";
import { createLender, type Lender } from "../../src/fallback/lender.ts";
import { CONTROL_PLANE, twoHouses } from "../support/houses.ts";

const GOOGLE = "google-oauth2";
const PLATFORM = {
  client_id: "platform",
  client_secret: "the-platforms-secret",
  token_endpoint: "https://platform.example/token",
  scope: "openid",
};

let houses: Awaited<ReturnType<typeof twoHouses>>;
let merged: DataAdapters;
let lender: Lender | null;

beforeEach(async () => {
  houses = await twoHouses();
  lender = createLender({
    tenantId: CONTROL_PLANE,
    adapters: houses.house(CONTROL_PLANE),
    remember: (_key, read) => read(),
  });
  merged = withFallback(houses.auth, async (tenantId) => (tenantId === CONTROL_PLANE ? null : lender));
});
afterEach(() => houses.remove());

interface Made extends Partial<Omit<Connection, "options">> {
  readonly options?: object;
}

async function make(tenantId: string, values: Made = {}): Promise<{ readonly id: string }> {
  const { connections } = houses.house(tenantId);
  const { id = "" } = await connections.create(tenantId, { name: GOOGLE, strategy: GOOGLE, options: {}, ...values });
  return { id };
}
const lend = (values: Made = {}) => make(CONTROL_PLANE, { options: PLATFORM, ...values });
const stored = async (id: string) => (await houses.house("acme").connections.get("acme", id))?.options;
const read = async (id: string) => (await merged.connections.get("acme", id))?.options;

describe("which connection of the control plane a tenant gets", () => {
  it("the one of the same strategy, by every way to read", async () => {
    await lend();
    const { id } = await make("acme");
    await houses.house("acme").clients.create("acme", { client_id: "app", name: "App", connections: [id] });

    const [byClient] = await merged.clientConnections.listByClient("acme", "app");
    const { connections } = await merged.connections.list("acme");
    const inside = await merged.transaction((trx) => trx.connections.get("acme", id));

    const expected = { id, options: PLATFORM };
    expect(await merged.connections.get("acme", id)).toMatchObject(expected);
    expect([byClient, connections[0], inside]).toMatchObject([expected, expected, expected]);
  });

  it.each<[string, Made[]]>([
    ["there is none", []],
    ["there are two", [{}, { name: "second" }]],
    ["it is of another strategy", [{ strategy: "facebook" }]],
    ["it is not to be inherited", [{ metadata: { inheritable: false } }]],
  ])("none where %s", async (_why, there) => {
    for (const values of there) await lend(values);
    const { id } = await make("acme");

    expect(await read(id)).toEqual({});
  });

  it("the one of two that may be inherited", async () => {
    await lend({ metadata: { inheritable: false }, options: { client_id: "not this" } });
    await lend({ name: "second" });
    const { id } = await make("acme");

    expect(await read(id)).toEqual(PLATFORM);
  });

  it.each(["oidc", "oauth2", "samlp", "waad", "adfs", "okta", "auth0", "email", "a-new-one"])(
    "none by the strategy %s",
    async (strategy) => {
      await lend({ strategy });
      const { id } = await make("acme", { strategy });

      expect(await read(id)).toEqual({});
    },
  );

  it("none where the tenant has opted out", async () => {
    await lend();
    const { id } = await make("acme");
    lender = null;

    expect(await read(id)).toEqual({});
  });

  it("none for a tenant without a connection of its own", async () => {
    await lend();

    expect((await merged.connections.list("acme")).connections).toEqual([]);
  });
});

describe("a copy that was made of a connection of the control plane", () => {
  const copies = new Map<string, string>();
  beforeEach(() => {
    lender = createLender({
      tenantId: CONTROL_PLANE,
      adapters: houses.house(CONTROL_PLANE),
      remember: (_key, read) => read(),
      originIdOf: (id) => Promise.resolve(copies.get(id) ?? null),
    });
  });

  /** A copy of a connection that is lent: what it holds of its own counts for nothing. */
  async function copyOf(values: Made, own: Made = {}) {
    const lent = await lend(values);
    const { strategy = GOOGLE } = values;
    const copy = await make("acme", { strategy, is_system: true, options: { scope: "old", client_id: "own" }, ...own });
    copies.set(copy.id, lent.id);
    return { lent, copy };
  }

  it("inherits that one by its origin, whatever else there is of the strategy, and nothing of it is its own", async () => {
    await lend({ name: "second", options: { client_id: "not this" } });
    const { copy } = await copyOf({});

    expect(await read(copy.id)).toEqual(PLATFORM);
  });

  it.each<[string, Made]>([
    ["it is of an enterprise strategy", { strategy: "oidc" }],
    ["it is not to be inherited", { metadata: { inheritable: false, sync: true } }],
    ["it is to stay on the control plane", { metadata: { sync: false } }],
  ])("inherits nothing when %s", async (_why, values) => {
    const { copy } = await copyOf(values, { options: {} });

    expect(await read(copy.id)).toEqual({});
  });

  it("of an enterprise strategy inherits where the control plane has said so", async () => {
    const { copy } = await copyOf({ strategy: "oidc", metadata: { sync: true } });

    expect(await read(copy.id)).toEqual(PLATFORM);
  });

  it("whose origin is gone inherits nothing, nor the next one of the strategy", async () => {
    const { lent, copy } = await copyOf({}, { options: {} });
    await lend({ name: "second" });
    await houses.house(CONTROL_PLANE).connections.remove(CONTROL_PLANE, lent.id);

    expect(await read(copy.id)).toEqual({});
  });

  it("takes no change of its own", async () => {
    const { copy } = await copyOf({}, { options: {} });
    const changed = merged.connections.update("acme", copy.id, { options: { ...PLATFORM, scope: "more" } });

    await expect(changed).rejects.toMatchObject({ reason: "inherited_connection" });
    await merged.connections.update("acme", copy.id, { options: PLATFORM });
    expect(await stored(copy.id)).toEqual({});
  });
});

describe("what a tenant gets of it", () => {
  it("all options as one, with the tenant's own harmless ones over them", async () => {
    await lend({ display_name: "Google", show_as_button: true });
    const options = {
      scope: "openid profile",
      icon_url: "https://acme.example/i.png",
      domain_aliases: ["acme.example"],
    };
    const { id } = await make("acme", { display_name: "Acme's Google", options });

    expect(await merged.connections.get("acme", id)).toMatchObject({
      display_name: "Acme's Google",
      show_as_button: true,
      options: { ...PLATFORM, ...options },
    });
  });

  it("what is blank as if it were not there", async () => {
    await lend();
    const { id } = await make("acme", { options: { client_id: "", client_secret: " ", domain_aliases: [] } });

    expect(await read(id)).toEqual(PLATFORM);
  });

  it.each([
    "authorization_endpoint",
    "client_id",
    "client_secret",
    "disable_signup",
    "issuer",
    "kid",
    "token_endpoint",
  ])("nothing beside a %s of its own", async (key) => {
    await lend();
    const { id } = await make("acme", { options: { [key]: "own" } });

    expect(await read(id)).toEqual({ [key]: "own" });
  });
});

describe("a write through what is inherited", () => {
  it("leaves out what it carries of it", async () => {
    await lend();
    const { id } = await make("acme", { options: { scope: "openid email" } });
    const options = (await read(id)) ?? {};

    await merged.connections.update("acme", id, { options: { ...options, icon_url: "https://acme.example/i.png" } });
    await merged.transaction((trx) => trx.connections.update("acme", id, { options }));

    expect(await stored(id)).toEqual({ scope: "openid email" });
  });

  it("is refused when it might carry a secret that has just been changed", async () => {
    const lent = await lend();
    const { id } = await make("acme");
    const options = (await read(id)) ?? {};
    const changed = { options: { ...PLATFORM, client_secret: "a-newer-one" } };
    await houses.house(CONTROL_PLANE).connections.update(CONTROL_PLANE, lent.id, changed);

    await expect(merged.connections.update("acme", id, { options })).rejects.toMatchObject({
      code: "conflict",
      reason: "inherited_connection",
      message: expect.stringContaining("options.client_secret"),
    });
    expect(await stored(id)).toEqual({});
  });

  it("changes a connection of the tenant's own as it says", async () => {
    await lend();
    const { id } = await make("acme", { options: { client_id: "own" } });

    await merged.connections.update("acme", id, { options: { client_id: "own", client_secret: "own too" } });
    await merged.connections.update("acme", id, { display_name: "Ours" });

    expect(await stored(id)).toEqual({ client_id: "own", client_secret: "own too" });
  });
});
