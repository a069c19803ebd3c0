import {
  rolloutSchema,
  type TenantOperationsAdapter,
  tenantOperationEventSchema,
  tenantOperationSchema,
} from "@authhero/adapter-interfaces";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFleet } from "../../provisioning/fleet.ts";
import { contractOperations } from "../../src/tenancy/contract-operations.ts";
import { routed } from "../../src/tenancy/routing.ts";
import { createDirectory } from "../../src/wiring/directory.ts";
import { openStreet, type Street } from "../provisioning/street.ts";
import { asRequestOf, CONTROL_PLANE, twoHouses } from "../support/houses.ts";

let street: Street;
let houses: Awaited<ReturnType<typeof twoHouses>>;
let failing = false;

const faceOf = ({ journal, registry, database, clock }: Street) =>
  contractOperations({
    controlPlaneTenantId: CONTROL_PLANE,
    journal,
    fleet: createFleet({ registry, database, clock }).history,
  });
let face: ReturnType<typeof faceOf>;

/** Two tenants that were made, one of them deleted and purged again, one that cannot be made, and two fleet jobs. */
beforeAll(async () => {
  houses = await twoHouses();
  street = await openStreet({
    attemptsMax: 1,
    steps: { signingKey: () => (failing ? Promise.reject(new Error("no key")) : Promise.resolve()) },
  });
  await street.create("acme");
  await street.create("beta");
  await street.lifecycle.suspend("acme", { initiator: "test" });
  await street.remove("beta");
  await street.purge("beta");
  failing = true;
  await street.create("gamma").catch(() => {});
  const fleet = createFleet(street);
  const job = { kind: "migrate", skips: () => null, errorBudget: 0 } as const;
  await fleet.run({ ...job, target: "one", work: () => Promise.resolve() });
  await fleet.run({ ...job, target: "two", work: () => Promise.reject(new Error("broken")) });
  face = faceOf(street);
});
afterAll(async () => {
  await street.close();
  await houses.remove();
});

const operations = (params?: Parameters<TenantOperationsAdapter["list"]>[0]) =>
  asRequestOf(CONTROL_PLANE, () => face.tenantOperations.list(params));
const shown = async (params?: Parameters<TenantOperationsAdapter["list"]>[0]) =>
  (await operations(params)).operations.map(({ tenant_id, kind, status }) => `${tenant_id} ${kind} ${status}`);

const ALL = [
  "gamma provision failed",
  "beta deprovision succeeded",
  "beta deprovision succeeded",
  "beta provision succeeded",
  "acme provision succeeded",
];

describe("the contract's tenant operations", () => {
  it("are ours in its words, newest first, and only those it has words for", async () => {
    expect(await shown()).toEqual(ALL);
    for (const operation of (await operations()).operations)
      expect(() => tenantOperationSchema.parse(operation)).not.toThrow();
  });

  it("are found by every filter of the contract", async () => {
    expect(await shown({ tenant_id: "acme" })).toEqual(["acme provision succeeded"]);
    expect(await shown({ kind: "deprovision" })).toEqual(ALL.slice(1, 3));
    expect(await shown({ kind: "backup" })).toEqual([]);
    expect(await shown({ status: "failed" })).toEqual(ALL.slice(0, 1));
    expect(await shown({ status: ["failed", "succeeded"] })).toEqual(ALL);
    expect(await shown({ status: "pending" })).toEqual([]);
    expect(await shown({ engine: "cloudflare-workflows" })).toEqual([]);
    expect(await shown({ rollout_id: "any" })).toEqual([]);
    expect(await shown({ updated_before: "2026-01-01T00:00:00.000Z" })).toEqual([]);
    expect(await shown({ updated_before: "2026-01-01T00:00:00.001Z" })).toEqual(ALL);
    expect(await shown({ updated_before: "nonsense" })).toEqual([]);
  });

  it("come a page at a time", async () => {
    expect(await shown({ page: 1, per_page: 2 })).toEqual(ALL.slice(2, 4));
    expect(await operations({ page: 2, per_page: 2 })).toMatchObject({ start: 4, limit: 2, length: 1 });
  });

  it("are found by their id, with their steps", async () => {
    const [failed] = (await operations({ status: "failed" })).operations;
    const id = failed?.id ?? "";

    const { events, length } = await asRequestOf(CONTROL_PLANE, () => face.tenantOperationEvents.listByOperation(id));

    expect(await asRequestOf(CONTROL_PLANE, () => face.tenantOperations.get(id))).toEqual(failed);
    expect(failed).toMatchObject({ current_step: "signing-key", error: "internal: Error", initiated_by: "test" });
    expect(events.map(({ step, outcome, attempt }) => [step, outcome, attempt]).at(-1)).toEqual([
      "signing-key",
      "failed",
      1,
    ]);
    expect(length).toBe(events.length);
    expect(new Set(events.map((event) => event.id)).size).toBe(events.length);
    for (const event of events) expect(() => tenantOperationEventSchema.parse(event)).not.toThrow();
    expect(await asRequestOf(CONTROL_PLANE, () => face.tenantOperations.get("nonsense"))).toBeNull();
    const none = await asRequestOf(CONTROL_PLANE, () => face.tenantOperationEvents.listByOperation("nonsense"));
    expect(none.events).toEqual([]);
  });

  it("show a suspension neither in the list nor by its id", async () => {
    const [suspension] = await street.journal.list("acme");

    expect(suspension?.kind).toBe("suspend");
    expect(await asRequestOf(CONTROL_PLANE, () => face.tenantOperations.get(suspension?.id ?? ""))).toBeNull();
  });
});

describe("the contract's rollouts", () => {
  it("are the migrations of the fleet", async () => {
    const { rollouts, length } = await asRequestOf(CONTROL_PLANE, () => face.rollouts.list());

    expect(rollouts.map(({ kind, status, target_database_version: target }) => [kind, status, target])).toEqual([
      ["upgrade", "paused", "two"],
      ["upgrade", "done", "one"],
    ]);
    expect(length).toBe(2);
    for (const rollout of rollouts) {
      expect(() => rolloutSchema.parse(rollout)).not.toThrow();
      expect(await asRequestOf(CONTROL_PLANE, () => face.rollouts.get(rollout.id))).toEqual(rollout);
    }
  });
});

describe("a request of a tenant", () => {
  it("sees its own operations, and nobody else's", async () => {
    const all = (await operations()).operations;
    const others = all.find(({ tenant_id }) => tenant_id === "gamma")?.id ?? "";
    const [job] = (await asRequestOf(CONTROL_PLANE, () => face.rollouts.list())).rollouts;

    await asRequestOf("acme", async () => {
      const own = await face.tenantOperations.list();
      expect(own.operations.map(({ tenant_id }) => tenant_id)).toEqual(["acme"]);
      await expect(face.tenantOperations.list({ tenant_id: "beta" })).rejects.toMatchObject({ code: "forbidden" });
      expect(await face.tenantOperations.get(others)).toBeNull();
      expect((await face.tenantOperationEvents.listByOperation(others)).events).toEqual([]);
      expect((await face.rollouts.list()).rollouts).toEqual([]);
      expect(await face.rollouts.get(job?.id ?? "")).toBeNull();
    });
  });
});

describe("the router", () => {
  it("gives them to the login surface only, and nobody writes through them", async () => {
    const routing = {
      controlPlaneTenantId: CONTROL_PLANE,
      controlPlane: houses.house(CONTROL_PLANE),
      directory: createDirectory(houses.registry),
      withChild: () => Promise.reject(new Error("nobody asks for a child")),
      operations: face,
    };
    const { tenantOperations, tenantOperationEvents, rollouts } = routed({ ...routing, surface: "auth" });
    const management = routed({ ...routing, surface: "management" });
    const refused = { code: "forbidden", reason: "operations_read_only" };

    for (const member of ["tenantOperations", "tenantOperationEvents", "rollouts"]) {
      expect(management).not.toHaveProperty(member);
    }
    const operation = { tenant_id: "acme", kind: "provision", engine: "inline" } as const;
    await expect(tenantOperations?.create(operation)).rejects.toMatchObject(refused);
    await expect(tenantOperations?.update("id", { status: "failed" })).rejects.toMatchObject(refused);
    await expect(tenantOperations?.remove("id")).rejects.toMatchObject(refused);
    const event = { operation_id: "id", step: "s", outcome: "succeeded" as const, attempt: 1 };
    await expect(tenantOperationEvents?.create(event)).rejects.toMatchObject(refused);
    await expect(rollouts?.create({ kind: "upgrade", wave_size: 1 })).rejects.toMatchObject(refused);
    await expect(rollouts?.update("id", { status: "done" })).rejects.toMatchObject(refused);
    await expect(rollouts?.remove("id")).rejects.toMatchObject(refused);
  });
});
