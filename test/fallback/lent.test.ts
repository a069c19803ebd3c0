import type { DataAdapters, EmailProvider, Hook, ResourceServer } from "@authhero/adapter-interfaces";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_THEME } from "../../src/auth/theme.ts";
import { withFallback } from "../../src/fallback/fallback.ts";
import { createLender, type Lender } from "../../src/fallback/lender.ts";
import { CONTROL_PLANE, twoHouses } from "../support/houses.ts";

let houses: Awaited<ReturnType<typeof twoHouses>>;
let merged: DataAdapters;
let own: DataAdapters;
let shared: DataAdapters;
let lender: Lender | null;

beforeEach(async () => {
  houses = await twoHouses();
  own = houses.house("acme");
  shared = houses.house(CONTROL_PLANE);
  lender = createLender({
    ...{ tenantId: CONTROL_PLANE, clientId: "street", adapters: shared },
    remember: (_key, read) => read(),
  });
  const lenderOf = (tenantId: string) => Promise.resolve(tenantId === CONTROL_PLANE ? null : lender);
  merged = withFallback(houses.auth, lenderOf, DEFAULT_THEME);
});
afterEach(() => houses.remove());

describe("a client", () => {
  beforeEach(async () => {
    const callbacks = ["https://street.example/cb", "https://both.example/cb"];
    const lent = { callbacks, web_origins: ["https://street.example"] };
    await shared.clients.create(CONTROL_PLANE, { client_id: "street", name: "Street", ...lent });
    const mine = { callbacks: ["https://acme.example/cb", "https://both.example/cb"] };
    await own.clients.create("acme", { client_id: "app", name: "App", ...mine });
  });

  const expected = {
    callbacks: ["https://street.example/cb", "https://both.example/cb", "https://acme.example/cb"],
    web_origins: ["https://street.example"],
    allowed_origins: [],
  };

  it("has the addresses of the control plane's before its own, each once, by every way to read", async () => {
    const inside = await merged.transaction((trx) => trx.clients.get("acme", "app"));

    expect(await merged.clients.get("acme", "app")).toMatchObject(expected);
    expect(inside).toMatchObject(expected);
    expect((await merged.clients.list("acme")).clients).toMatchObject([expected]);
  });

  it("that is read and written back keeps its own", async () => {
    const read = await merged.clients.get("acme", "app");
    const callbacks = [...(read?.callbacks ?? []), "https://new.example/cb"];

    await merged.clients.update("acme", "app", { ...read, callbacks });

    expect(await own.clients.get("acme", "app")).toMatchObject({
      callbacks: ["https://both.example/cb", "https://acme.example/cb", "https://new.example/cb"],
      web_origins: [],
    });
  });

  it("of a tenant that has opted out, and the control plane's own, have their own", async () => {
    lender = null;

    expect((await merged.clients.get("acme", "app"))?.web_origins).toEqual([]);
    expect((await merged.clients.get(CONTROL_PLANE, "street"))?.callbacks).toHaveLength(2);
  });
});

describe("a system API", () => {
  const scope = (value: string, description: string) => ({ value, description });
  const api = { name: "API", identifier: "urn:api" };
  const make = (is_system: boolean) =>
    own.resourceServers.create("acme", { ...api, scopes: [scope("both", "own"), scope("mine", "own")], is_system });

  beforeEach(async () => {
    const scopes = [scope("lent", "lent"), scope("both", "lent")];
    await shared.resourceServers.create(CONTROL_PLANE, { ...api, scopes });
    await shared.resourceServers.create(CONTROL_PLANE, { ...api, identifier: "urn:api:2", scopes: [] });
  });

  const read = async (id: string) => (await merged.resourceServers.get("acme", id))?.scopes;

  it("has the scopes of the control plane's besides its own; its own word counts", async () => {
    const { id = "" } = await make(true);
    const expected = [scope("lent", "lent"), scope("both", "own"), scope("mine", "own")];

    expect(await read(id)).toEqual(expected);
    expect((await merged.resourceServers.list("acme")).resource_servers[0]?.scopes).toEqual(expected);
  });

  it("that is read and written back keeps its own", async () => {
    const { id = "" } = await make(true);

    await merged.resourceServers.update("acme", id, { scopes: await read(id) } as Partial<ResourceServer>);

    expect((await own.resourceServers.get("acme", id))?.scopes?.map(({ value }) => value)).toEqual(["both", "mine"]);
  });

  it("of the tenant's own has its own", async () => {
    const { id = "" } = await make(false);

    expect((await read(id))?.map(({ value }) => value)).toEqual(["both", "mine"]);
  });
});

describe("hooks", () => {
  const hook = (url: string, more: object = {}) =>
    ({ trigger_id: "post-user-login", enabled: true, url, ...more }) as unknown as Parameters<
      DataAdapters["hooks"]["create"]
    >[1];
  const inheritable = { metadata: { inheritable: true } };
  const urls = (hooks: readonly Hook[]) => hooks.map((each) => ("url" in each ? each.url : null));

  it("of the control plane that are to be inherited run behind the tenant's own, and cannot be changed there", async () => {
    const lent = await shared.hooks.create(CONTROL_PLANE, hook("https://street.example/", inheritable));
    await shared.hooks.create(CONTROL_PLANE, hook("https://private.example/"));
    await shared.hooks.create(CONTROL_PLANE, hook("https://no.example/", { metadata: { inheritable: "true" } }));
    const registration = { ...inheritable, trigger_id: "post-user-registration" };
    await shared.hooks.create(CONTROL_PLANE, hook("https://other.example/", registration));
    await own.hooks.create("acme", hook("https://acme.example/"));

    const { hooks } = await merged.hooks.list("acme", { q: "trigger_id:post-user-login" });

    expect(urls(hooks)).toEqual(["https://acme.example/", "https://street.example/"]);
    expect(urls((await merged.hooks.list("acme")).hooks)).toHaveLength(3);
    expect(urls((await merged.hooks.list("acme", { page: 1 })).hooks)).toEqual([]);
    expect(await merged.hooks.get("acme", lent.hook_id)).toMatchObject({ url: "https://street.example/" });
    expect(await merged.hooks.update("acme", lent.hook_id, { enabled: false })).toBe(false);
    expect(await merged.hooks.remove("acme", lent.hook_id)).toBe(false);
    expect(await shared.hooks.get(CONTROL_PLANE, lent.hook_id)).toMatchObject({ enabled: true });
  });

  it("that need a form or code of the control plane's are not lent", async () => {
    for (const where of [{ form_id: "f" }, { code_id: "c" }]) {
      await shared.hooks.create(CONTROL_PLANE, hook("", { ...inheritable, url: undefined, ...where }));
    }

    expect((await merged.hooks.list("acme")).hooks).toEqual([]);
  });
});

describe("how pages look", () => {
  it("is the control plane's for as long as a tenant has chosen nothing", async () => {
    await shared.branding.set(CONTROL_PLANE, { colors: { primary: "#111111" } } as never);
    await shared.promptSettings.set(CONTROL_PLANE, { identifier_first: false });
    await shared.themes.create(CONTROL_PLANE, { ...DEFAULT_THEME, displayName: "Street" }, "default");
    await own.themes.create("acme", DEFAULT_THEME, "default");
    const looks = async () => [
      (await merged.branding.get("acme"))?.colors,
      (await merged.promptSettings.get("acme")).identifier_first,
      (await merged.themes.get("acme", "default"))?.displayName,
    ];

    expect(await looks()).toEqual([{ primary: "#111111" }, false, "Street"]);

    await merged.branding.set("acme", { colors: { primary: "#222222" } } as never);
    await merged.promptSettings.set("acme", { password_first: true });
    await merged.themes.update("acme", "default", { displayName: "Acme" });
    expect(await looks()).toEqual([{ primary: "#222222" }, true, "Acme"]);
  });

  it("is what it was where the control plane has chosen nothing either", async () => {
    await own.themes.create("acme", DEFAULT_THEME, "default");

    expect(await merged.branding.get("acme")).toBeNull();
    expect(await merged.themes.get("acme", "default")).toMatchObject(DEFAULT_THEME);
    expect(await merged.promptSettings.get("acme")).toMatchObject({ identifier_first: true });
  });
});

describe("an e-mail provider", () => {
  const lent: EmailProvider = {
    ...{ name: "mailgun", enabled: true, default_from_address: "a@street.example" },
    credentials: { api_key: "the-streets", domain: "street.example" },
  };
  beforeEach(() => shared.emailProviders.create(CONTROL_PLANE, lent));

  it("is the control plane's where a tenant has none, and the tenant's as a whole where it has one", async () => {
    expect(await merged.emailProviders.get("acme")).toMatchObject(lent);

    await merged.emailProviders.create("acme", { name: "postmark", enabled: false, credentials: {} });
    const read = await merged.emailProviders.get("acme");
    expect(read).toMatchObject({ name: "postmark", enabled: false, credentials: {} });
    expect(read).not.toHaveProperty("default_from_address");
  });

  it("that is inherited is never written into the tenant's database", async () => {
    const read = await merged.emailProviders.get("acme");
    const refused = { code: "conflict", reason: "inherited_mail_provider" };

    await expect(merged.emailProviders.update("acme", { ...read, enabled: false })).rejects.toMatchObject(refused);
    await expect(merged.emailProviders.create("acme", { ...lent, enabled: false })).rejects.toMatchObject(refused);
    expect(await own.emailProviders.get("acme")).toBeNull();
  });
});
