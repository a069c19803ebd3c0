import type { DataAdapters, SigningKey } from "@authhero/adapter-interfaces";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asRequestOf, CONTROL_PLANE, twoHouses } from "../support/houses.ts";

let houses: Awaited<ReturnType<typeof twoHouses>>;

beforeAll(async () => {
  houses = await twoHouses();
});
afterAll(() => houses.remove());

const role = (name: string) => ({ name });
const aClient = (clientId: string, name: string) =>
  ({ client_id: clientId, name }) as Parameters<DataAdapters["clients"]["create"]>[1];
const aLogin = { authParams: { client_id: "default" }, csrf_token: "t", expires_at: "2999-01-01T00:00:00.000Z" };
const anAuthLogin = aLogin as Parameters<DataAdapters["loginSessions"]["create"]>[1];

describe("calls that name a tenant", () => {
  it("reach that tenant's database and no other", async () => {
    const made = await houses.auth.roles.create("acme", role("porter"));

    expect(await houses.house("acme").roles.get("acme", made.id)).toMatchObject({ name: "porter" });
    expect(await houses.house("beta").roles.get("acme", made.id)).toBeNull();
    expect(await houses.auth.roles.get("beta", made.id)).toBeNull();
  });

  it("are refused for no tenant and for another than the request's", async () => {
    await expect(houses.auth.roles.list("")).rejects.toMatchObject({ reason: "tenant_missing" });
    const foreign = asRequestOf("acme", () => houses.auth.roles.list("beta"));

    await expect(foreign).rejects.toMatchObject({ code: "forbidden", reason: "foreign_tenant" });
  });
});

describe("clients looked up by id alone", () => {
  beforeAll(async () => {
    await houses.auth.clients.create("acme", aClient("default", "acme's"));
    await houses.auth.clients.create("beta", aClient("default", "beta's"));
    await houses.auth.clients.create("beta", aClient("only-here", "beta's other"));
  });

  it("are the request's tenant's, when two tenants have one of that id", async () => {
    const [acme, beta] = await Promise.all(
      ["acme", "beta"].map((tenant) => asRequestOf(tenant, () => houses.auth.clients.getByClientId("default"))),
    );

    expect(acme).toMatchObject({ tenant_id: "acme", name: "acme's" });
    expect(beta).toMatchObject({ tenant_id: "beta", name: "beta's" });
  });

  it("are never another tenant's in a request that has one", async () => {
    expect(await asRequestOf("acme", () => houses.auth.clients.getByClientId("only-here"))).toBeNull();
  });

  it("are found without a request if exactly one tenant has the id, and never guessed", async () => {
    expect(await houses.auth.clients.getByClientId("only-here")).toMatchObject({ tenant_id: "beta" });
    expect(await houses.auth.clients.getByClientId("default")).toBeNull();
    expect(await houses.auth.clients.getByClientId("nobody's")).toBeNull();
  });

  it("leave the directory when they are removed", async () => {
    await houses.auth.clients.create("acme", aClient("short-lived", "soon gone"));
    await houses.auth.clients.remove("acme", "short-lived");

    expect(await houses.registry.directories.tenantsOfClient("short-lived")).toEqual([]);
  });

  it("cannot take the id that AuthHero looks up for itself", async () => {
    const taken = houses.auth.clients.create("acme", aClient("DEFAULT_CLIENT", "x"));

    await expect(taken).rejects.toMatchObject({ reason: "reserved_client_id" });
  });
});

describe("artefacts looked up without a tenant", () => {
  it("find home by the tag in their id, and teach the request whose it is", async () => {
    const made = await houses.auth.loginSessions.create("acme", anAuthLogin);

    const { session, client } = await asRequestOf(CONTROL_PLANE, async () => ({
      session: await houses.auth.loginSessions.get("", made.id),
      client: await houses.auth.clients.getByClientId("default"),
    }));

    expect(session?.id).toBe(made.id);
    expect(client).toMatchObject({ tenant_id: "acme" });
  });

  it("are nobody's on another tenant's host", async () => {
    const made = await houses.auth.loginSessions.create("acme", anAuthLogin);

    expect(await asRequestOf("beta", () => houses.auth.loginSessions.get("", made.id))).toBeNull();
    expect(await asRequestOf("beta", () => houses.auth.loginSessions.get("beta", made.id))).toBeNull();
    expect(await asRequestOf("beta", () => houses.auth.loginSessions.get("", "any string"))).toBeNull();
  });

  it("find home by the state directory, when AuthHero made their id", async () => {
    await houses.auth.codes.create("acme", {
      code_id: "state-of-acme",
      code_type: "oauth2_state",
      login_id: "some-login",
      expires_at: "2999-01-01T00:00:00.000Z",
    });

    const found = await asRequestOf(CONTROL_PLANE, () => houses.auth.codes.get("", "state-of-acme", "oauth2_state"));
    const elsewhere = await asRequestOf("beta", () => houses.auth.codes.get("", "state-of-acme", "oauth2_state"));

    expect(found?.login_id).toBe("some-login");
    expect(elsewhere).toBeNull();
  });
});

describe("signing keys", () => {
  const key = (kid: string, tenantId?: string): SigningKey => ({
    kid,
    cert: "certificate",
    fingerprint: kid,
    thumbprint: kid,
    type: "jwt_signing",
    ...(tenantId && { tenant_id: tenantId }),
  });

  beforeAll(async () => {
    const { keys } = houses.house(CONTROL_PLANE);
    await keys.create(key("of-control-plane"));
    await keys.create(key("of-acme", "acme"));
    await keys.create(key("of-beta", "beta"));
  });

  const kids = async (adapters: DataAdapters, tenant: string, q?: string) => {
    const { signingKeys } = await asRequestOf(tenant, () => adapters.keys.list(q ? { q } : {}));
    return signingKeys.map(({ kid }) => kid).sort();
  };

  it("are a tenant's own where it signs and publishes", async () => {
    expect(await kids(houses.auth, "acme")).toEqual(["of-acme"]);
    expect(await kids(houses.auth, "acme", "type:jwt_signing AND -_exists_:tenant_id")).toEqual([]);
    expect(await kids(houses.auth, CONTROL_PLANE)).toEqual(["of-control-plane"]);
  });

  it("include the control plane's where operators' tokens are verified, and never another tenant's", async () => {
    expect(await kids(houses.management, "acme")).toEqual(["of-acme", "of-control-plane"]);
    expect(await kids(houses.management, "acme", "tenant_id:beta")).toEqual([]);
  });

  it("are no other tenant's for a query with alternatives, as a kid from a path may smuggle in", async () => {
    const smuggled = "type:jwt_signing AND kid:of-beta OR type:jwt_signing";

    expect(await kids(houses.auth, "acme", smuggled)).not.toContain("of-beta");
    expect(await kids(houses.management, "acme", smuggled)).not.toContain("of-beta");
    expect(await kids(houses.auth, CONTROL_PLANE, smuggled)).not.toContain("of-beta");
  });

  it("can be changed and made by their owner only", async () => {
    const now = new Date().toISOString();
    const revoke = (kid: string) => asRequestOf("acme", () => houses.management.keys.update(kid, { revoked_at: now }));

    expect(await revoke("of-beta")).toBe(false);
    expect(await revoke("of-control-plane")).toBe(false);
    const planted = asRequestOf("acme", () => houses.management.keys.create(key("planted", "beta")));
    await expect(planted).rejects.toMatchObject({ reason: "foreign_key" });
  });
});

describe("transactions", () => {
  it("belong to the first tenant named inside, and roll back wholly", async () => {
    const failing = houses.auth.transaction(async (inside) => {
      await inside.roles.create("acme", role("never-was"));
      throw new Error("changed my mind");
    });

    await expect(failing).rejects.toThrow("changed my mind");
    const { roles } = await houses.auth.roles.list("acme", { q: "name:never-was" });
    expect(roles).toEqual([]);
  });

  it("refuse a second tenant, and keep nothing of the first", async () => {
    const spanning = houses.auth.transaction(async (inside) => {
      await inside.roles.create("acme", role("spanning"));
      await inside.roles.create("beta", role("spanning"));
    });

    await expect(spanning).rejects.toMatchObject({ reason: "transaction_spans_tenants" });
    expect((await houses.auth.roles.list("acme", { q: "name:spanning" })).roles).toEqual([]);
  });

  it("write the client directory outside, where it does not wait for them", async () => {
    await houses.auth.transaction((inside) => inside.clients.create("acme", aClient("registered", "by DCR")));

    expect(await houses.registry.directories.tenantsOfClient("registered")).toEqual(["acme"]);
  });

  it("work on the control plane itself, and one inside another is the same one", async () => {
    const made = await houses.auth.transaction((inside) =>
      inside.transaction((nested) => nested.clients.create(CONTROL_PLANE, aClient("operators", "console"))),
    );

    expect(await houses.auth.clients.get(CONTROL_PLANE, made.client_id)).toMatchObject({ name: "console" });
  });

  it("answer what went wrong at the beginning to whoever is inside", async () => {
    const unknown = houses.auth.transaction((inside) => inside.roles.list("nobody"));

    await expect(unknown).rejects.toThrow("no house nobody");
  });
});

describe("calls that name nobody", () => {
  it("need a request or a job to belong to", async () => {
    const { outbox } = houses.auth;

    await expect(outbox?.getUnprocessed(10)).rejects.toMatchObject({ reason: "tenant_missing" });
    expect(await asRequestOf("acme", () => outbox?.getUnprocessed(10))).toEqual([]);
  });

  it("cannot make or remove tenants behind the lifecycle's back", async () => {
    await expect(houses.auth.tenants.create({ friendly_name: "x" })).rejects.toMatchObject({ reason: "use_lifecycle" });
    await expect(houses.auth.tenants.remove("acme")).rejects.toMatchObject({ reason: "use_lifecycle" });
  });
});
