import { describe, expect, it } from "vitest";
import { createFleet } from "../../provisioning/fleet.ts";
import { createOrganizationsJob } from "../../provisioning/fleet-organizations.ts";
import { ask, organizationOf, type Street, streets } from "./street.ts";

const { street, restart } = streets();

const organizationsOf = ({ database }: Street) => ask(database, "select id, name from organizations order by name");

/** Tenants as they were made before there were organizations. */
async function olderStreet(...tenantIds: readonly string[]) {
  const made = await street();
  for (const id of tenantIds) await made.create(id);
  await ask(made.database, "delete from organizations");
  await ask(made.database, "update rh_placements set organization_id = null");
  return made;
}

const runJob = (made: Street) =>
  createFleet(made).run(createOrganizationsJob({ registry: made.registry, organizationOf }));

describe("a tenant's organization", () => {
  it("is made with the tenant, kept while it is deleted, and gone with it", async () => {
    const made = await street();
    const { organizationId } = await made.create("acme");
    expect(await organizationsOf(made)).toEqual([{ id: organizationId, name: "acme" }]);
    expect(await made.registry.findByOrganization(organizationId ?? "")).toMatchObject({ tenantId: "acme" });

    await made.remove("acme");
    expect(await organizationsOf(made)).toHaveLength(1);
    expect((await made.undelete("acme")).organizationId).toBe(organizationId);

    await made.purge("acme");
    expect(await organizationsOf(made)).toEqual([]);
    expect((await made.create("acme")).organizationId).not.toBe(organizationId);
  });

  it("is never one that was there before: the tenant is refused, and nothing has changed", async () => {
    const made = await street();
    await ask(made.database, "insert into organizations values ('org_theirs', 'acme')");

    await expect(made.create("acme")).rejects.toMatchObject({ code: "conflict", reason: "organization_exists" });

    expect(await made.registry.read("acme")).toBeNull();
    for (const table of ["tenants", "rh_operations", "rh_retired_tags"]) {
      expect(await ask(made.database, `select count(*) as n from ${table}`)).toEqual([{ n: 0 }]);
    }
    expect(await organizationsOf(made)).toEqual([{ id: "org_theirs", name: "acme" }]);
  });

  it("nor one that came between the claim and the step", async () => {
    const made = await street({
      steps: {
        seedDefaults: () =>
          ask(made.database, "insert or ignore into organizations values ('org_theirs', 'acme')").then(() => {}),
      },
    });

    await expect(made.create("acme")).rejects.toMatchObject({ code: "conflict", reason: "organization_exists" });
    expect(await made.registry.read("acme")).toMatchObject({ state: "provisioning", organizationId: null });

    await ask(made.database, "delete from organizations");
    expect(await made.resume("acme")).toMatchObject({ state: "ready" });
    expect(await organizationsOf(made)).toHaveLength(1);
  });

  it("is not made by a process that has lost its lease", async () => {
    const made = await street({
      steps: {
        organization: async (placement, creator) => {
          await ask(made.database, "update rh_operations set fence = fence + 1");
          return await organizationOf(placement, creator);
        },
      },
    });

    await expect(made.create("acme")).rejects.toMatchObject({ reason: "operation_overtaken" });

    expect(await organizationsOf(made)).toEqual([]);
    expect((await restart(made).then(({ registry }) => registry.read("acme")))?.organizationId).toBeNull();
  });
});

describe("the fleet job for tenants without an organization", () => {
  it("gives one to each that is served or may come back, once", async () => {
    const made = await olderStreet("acme", "beta", "gamma");
    await made.remove("gamma");

    expect(await runJob(made)).toMatchObject({ state: "done", done: 3, failed: 0 });

    expect((await organizationsOf(made)).map(({ name }) => name)).toEqual(["acme", "beta", "gamma"]);
    for (const { id, name } of await organizationsOf(made)) {
      expect((await made.registry.read(String(name)))?.organizationId).toBe(id);
    }
    expect(await runJob(made)).toMatchObject({ state: "done", jobId: null });
  });

  it("takes none over that somebody else has made, and does not keep the others waiting", async () => {
    const made = await olderStreet("acme", "beta");
    await ask(made.database, "insert into organizations values ('org_theirs', 'acme')");

    expect(await runJob(made)).toMatchObject({ state: "done", done: 1, failed: 1 });

    expect((await made.registry.read("acme"))?.organizationId).toBeNull();
    expect((await made.registry.read("beta"))?.organizationId).not.toBeNull();
  });
});
