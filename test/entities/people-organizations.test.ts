import type { GrantInsert, InviteInsert } from "@authhero/adapter-interfaces";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createGrants } from "../../src/entities/grants.ts";
import { createInvites } from "../../src/entities/invites.ts";
import { createOrganizationConnections } from "../../src/entities/organization-connections.ts";
import { createOrganizations } from "../../src/entities/organizations.ts";
import { createUserOrganizations } from "../../src/entities/user-organizations.ts";
import { createUserPermissions } from "../../src/entities/user-permissions.ts";
import { createUserRoles } from "../../src/entities/user-roles.ts";
import { type FreshStore, freshStore } from "../support/store.ts";

let fresh: FreshStore;
let now: Date;

beforeEach(async () => {
  now = new Date("2026-01-01T00:00:00.000Z");
  fresh = await freshStore({ clock: () => now });
});

afterEach(() => fresh.close());

const later = () => {
  now = new Date(now.getTime() + 1000);
};
const importMetadata = { created_at: "2020-01-01T00:00:00.000Z" };
const api = (permission_name: string) => ({ resource_server_identifier: "https://api", permission_name });

describe("organizations", () => {
  it("answer creation with what was given, and readers with {} and [] for the rest", async () => {
    const organizations = createOrganizations(fresh.store);

    const created = await organizations.create("acme", { name: "Team", metadata: { tier: "gold" } });

    const { id } = created;
    expect(id).toMatch(/^org_[0-9a-z]{17}$/);
    const times = { created_at: now.toISOString(), updated_at: now.toISOString() };
    expect(created).toEqual({ id, name: "Team", metadata: { tier: "gold" }, ...times });
    expect(await organizations.get("acme", id)).toEqual({
      ...created,
      branding: {},
      enabled_connections: [],
      token_quota: {},
    });
    await expect(organizations.create("acme", { name: "Team" })).rejects.toMatchObject({ status: 409 });
  });

  it("are found by id first, then by name", async () => {
    const organizations = createOrganizations(fresh.store);
    await organizations.create("acme", { id: "one", name: "two" });
    await organizations.create("acme", { id: "two", name: "three" });

    expect(await organizations.get("acme", "two")).toMatchObject({ id: "two" });
    expect(await organizations.get("acme", "three")).toMatchObject({ id: "two" });
    expect(await organizations.get("other", "two")).toBeNull();
  });

  it("are listed by ten, newest first, searched by both names, and counted twice over", async () => {
    const organizations = createOrganizations(fresh.store);
    for (let n = 0; n < 12; n++) {
      await organizations.create("acme", { name: `team-${n}`, display_name: n === 3 ? "Sales" : "Other" });
      later();
    }

    const { organizations: firstPage, ...counters } = await organizations.list("acme");
    const walk = await organizations.list("acme", { take: 2 });

    expect(firstPage[0]).toMatchObject({ name: "team-11" });
    expect(counters).toEqual({ start: 0, limit: 10, length: 10, total: 10 });
    expect(await organizations.list("acme", { include_totals: true })).toMatchObject({ length: 10, total: 12 });
    expect((await organizations.list("acme", { q: "SALE" })).organizations).toMatchObject([{ name: "team-3" }]);
    expect((await organizations.list("acme", { q: "name:team-1" })).organizations).toHaveLength(1);
    expect(walk).toMatchObject({ start: 0, limit: 2, length: 2, total: 2, next: expect.any(String) });
  });

  it("take along their connections, members, invitations, and the rights held in them", async () => {
    const { store } = fresh;
    const { id } = await createOrganizations(store).create("acme", { name: "Team" });
    await createOrganizationConnections(store).create("acme", id, { connection_id: "c1" } as never);
    await createUserOrganizations(store).create("acme", { user_id: "u", organization_id: id });
    await createInvites(store).create("acme", inviteOf({ organization_id: id }));
    await createUserRoles(store).create("acme", "u", "r1", id);
    await createUserRoles(store).create("acme", "u", "r1");
    await createUserPermissions(store).create("acme", "u", { user_id: "u", ...api("read") }, id);

    expect(await createOrganizations(store).remove("acme", id)).toBe(true);

    expect(await createOrganizationConnections(store).list("acme", id)).toEqual([]);
    expect((await createUserOrganizations(store).list("acme")).userOrganizations).toEqual([]);
    expect((await createInvites(store).list("acme")).invites).toEqual([]);
    expect(await createUserPermissions(store).list("acme", "u")).toEqual([]);
    expect(await store.db.selectFrom("user_roles").select("organization_id").execute()).toEqual([
      { organization_id: "" },
    ]);
  });
});

describe("connections of an organization", () => {
  it("come with the connection's name and strategy, defaults filled in, all in one statement", async () => {
    const id = "con_1";
    const row = { tenant_id: "acme", id, name: "google", strategy: "google-oauth2", created_at: 0, updated_at: 0 };
    await fresh.store.db.insertInto("connections").values(row).execute();
    const links = createOrganizationConnections(fresh.store);

    const created = await links.create("acme", "org_1", { connection_id: id } as never);

    expect(created).toEqual({
      connection_id: id,
      assign_membership_on_login: false,
      show_as_button: true,
      is_signup_enabled: true,
      connection: { name: "google", strategy: "google-oauth2" },
      created_at: now.toISOString(),
      updated_at: now.toISOString(),
    });
    expect(await links.list("acme", "org_1")).toEqual([created]);
    expect(await links.get("acme", "org_1", id)).toEqual(created);
    expect(await links.get("acme", "org_2", id)).toBeNull();
  });

  it("are unique, and changed and removed in their organization alone", async () => {
    const links = createOrganizationConnections(fresh.store);
    await links.create("acme", "org_1", { connection_id: "c1" } as never, {
      importMetadata: { id: "x", ...importMetadata },
    });
    await links.create("acme", "org_2", { connection_id: "c1" } as never);

    await expect(links.create("acme", "org_1", { connection_id: "c1" } as never)).rejects.toMatchObject({
      status: 409,
    });
    const updated = await links.update("acme", "org_1", "c1", { show_as_button: false });

    expect(updated).toMatchObject({ connection_id: "c1", show_as_button: false, ...importMetadata });
    expect(updated).not.toHaveProperty("connection");
    expect(await links.get("acme", "org_2", "c1")).toMatchObject({ show_as_button: true });
    expect(await links.update("acme", "org_3", "c1", { show_as_button: false })).toBeNull();
    expect(await links.remove("acme", "org_1", "c1")).toBe(true);
    expect(await links.remove("acme", "org_1", "c1")).toBe(false);
    expect(await links.list("acme", "org_2")).toHaveLength(1);
  });
});

describe("members of organizations", () => {
  it("are members once, and listed with the total from either side", async () => {
    const members = createUserOrganizations(fresh.store);
    const odd = 'saml|Ann "A" Smith';
    for (const user_id of ["u", "v", odd]) await members.create("acme", { user_id, organization_id: "org_1" });
    await members.create("acme", { user_id: "u", organization_id: "org_2" });

    const again = members.create("acme", { user_id: "u", organization_id: "org_1" });

    await expect(again).rejects.toMatchObject({ status: 409 });
    expect(await members.list("acme", { q: "organization_id:org_1", per_page: 1 })).toMatchObject({
      start: 0,
      limit: 1,
      length: 3,
      userOrganizations: { length: 1 },
    });
    expect((await members.list("acme", { q: "user_id:u" })).length).toBe(2);
    expect((await members.list("acme", { q: `user_id:${odd}` })).userOrganizations).toMatchObject([{ user_id: odd }]);
    expect((await members.list("other")).length).toBe(0);
  });

  it("see their organizations whole, the one joined last first", async () => {
    const members = createUserOrganizations(fresh.store);
    const organizations = createOrganizations(fresh.store);
    for (const id of ["org_1", "org_2", "org_3"]) await organizations.create("acme", { id, name: id });
    await members.create("acme", { user_id: "u", organization_id: "org_2" });
    later();
    await members.create("acme", { user_id: "u", organization_id: "org_1" });

    const found = await members.listUserOrganizations("acme", "u");

    expect(found).toMatchObject({ start: 0, limit: 50, length: 2 });
    expect(found.organizations).toEqual([
      { ...(await organizations.get("acme", "org_1")), joined_at: now.toISOString() },
      expect.objectContaining({ id: "org_2", metadata: {} }),
    ]);
  });

  it("leave by the row's id", async () => {
    const members = createUserOrganizations(fresh.store);
    const { id } = await members.create("acme", { user_id: "u", organization_id: "org_1" });

    expect(await members.remove("other", id)).toBe(false);
    expect(await members.remove("acme", id)).toBe(true);
    expect(await members.get("acme", id)).toBeNull();
  });
});

const inviteOf = (rest: Partial<InviteInsert> = {}): InviteInsert => ({
  organization_id: "org_1",
  inviter: { name: "Ann" },
  invitee: { email: "b@x.io" },
  invitation_url: "https://login/invitation?x=1",
  client_id: "client",
  ...rest,
});

describe("invitations", () => {
  it("expire after a week unless told otherwise, and a new time to live counts from now", async () => {
    const invites = createInvites(fresh.store);

    const invite = await invites.create("acme", inviteOf());
    later();
    const short = await invites.create("acme", inviteOf({ ttl_sec: 60 }), { importMetadata });

    expect(invite).toMatchObject({
      ttl_sec: 604_800,
      expires_at: "2026-01-08T00:00:00.000Z",
      send_invitation_email: true,
    });
    expect(short).toMatchObject({ expires_at: "2020-01-01T00:01:00.000Z", ...importMetadata });
    expect(await invites.update("acme", invite.id, { ttl_sec: 10 })).toBe(true);
    expect(await invites.get("acme", invite.id)).toMatchObject({ ttl_sec: 10, expires_at: "2026-01-01T00:00:11.000Z" });
    expect(await invites.update("acme", invite.id, {})).toBe(true);
    expect(await invites.update("acme", "inv_none", {})).toBe(false);
    await expect(invites.create("acme", inviteOf({ id: invite.id }))).rejects.toMatchObject({ status: 409 });
  });

  it("count pages from 1, and 0 is the first as well; without a page size they are one page", async () => {
    const invites = createInvites(fresh.store);
    for (const id of ["one", "two", "three"]) {
      await invites.create("acme", inviteOf({ id }));
      later();
    }
    const pageOf = async (page: number) => {
      const { invites: found, ...counters } = await invites.list("acme", { page, per_page: 2 });
      return [found.map(({ id }) => id), counters];
    };

    expect(await pageOf(0)).toEqual([["three", "two"], { start: 0, limit: 2, length: 2 }]);
    expect(await pageOf(1)).toEqual(await pageOf(0));
    expect(await pageOf(2)).toEqual([["one"], { start: 2, limit: 2, length: 1 }]);
    expect(await invites.list("acme")).toMatchObject({ start: 0, limit: 3, length: 3 });
    expect(await invites.list("other")).toMatchObject({ invites: [], length: 0 });
  });
});

describe("grants", () => {
  const grantOf = (scope: string[], rest: Partial<GrantInsert> = {}): GrantInsert => ({
    user_id: "u",
    clientID: "client",
    audience: "https://api",
    scope,
    ...rest,
  });

  it("add up: the same consent again is one grant with the scopes of both", async () => {
    const grants = createGrants(fresh.store);
    const first = await grants.create("acme", grantOf(["openid", "profile", "openid"]));

    const second = await grants.create("acme", grantOf(["email", "openid"]));

    expect(second).toEqual({ ...first, scope: ["openid", "profile", "email"] });
    expect(await grants.get("acme", "u", "client", "https://api")).toEqual(second);
    expect(await grants.get("other", "u", "client", "https://api")).toBeNull();
  });

  it("lose no scope when consent is given many times at once", async () => {
    const grants = createGrants(fresh.store);
    const scopes = Array.from({ length: 20 }, (_, n) => `s${n}`);

    await Promise.all(scopes.map((scope) => grants.create("acme", grantOf([scope]))));

    const { grants: found } = await grants.list("acme");
    expect(found).toHaveLength(1);
    expect(new Set(found[0]?.scope)).toEqual(new Set(scopes));
  });

  it("without an audience are one of their own, and say nothing of it", async () => {
    const grants = createGrants(fresh.store);
    const { audience: _none, ...plain } = grantOf(["openid"]);

    await grants.create("acme", plain);
    const again = await grants.create("acme", plain);

    expect(again).not.toHaveProperty("audience");
    expect(await grants.get("acme", "u", "client")).toEqual(again);
    expect(await grants.get("acme", "u", "client", "https://api")).toBeNull();
  });

  it("are found by user and by application under both of its names, and go with the user", async () => {
    const grants = createGrants(fresh.store);
    await grants.create("acme", grantOf(["a"]));
    await grants.create("acme", grantOf(["a"], { user_id: "v" }));
    const found = async (q: string) => (await grants.list("acme", { q, include_totals: true })).length;

    expect(await Promise.all(["user_id:v", "client_id:client", "clientID:client", "clientID:x"].map(found))).toEqual([
      1, 2, 2, 0,
    ]);
    expect(await grants.removeByUser("acme", "v")).toBe(true);
    expect(await grants.removeByUser("acme", "v")).toBe(false);
    expect(await found("")).toBe(1);
  });
});
