import type { TenantOperationInsert } from "@authhero/adapter-interfaces";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createActionExecutions } from "../../src/entities/action-executions.ts";
import { createRateLimit } from "../../src/entities/rate-limit.ts";
import { createRollouts } from "../../src/entities/rollouts.ts";
import { createTenantOperationEvents } from "../../src/entities/tenant-operation-events.ts";
import { createTenantOperations } from "../../src/entities/tenant-operations.ts";
import { type FreshStore, freshStore } from "../support/store.ts";

let fresh: FreshStore;
let now: Date;

beforeEach(async () => {
  now = new Date("2026-01-01T12:00:00.000Z");
  fresh = await freshStore({ clock: () => now });
});

afterEach(() => fresh.close());

const later = (seconds: number) => {
  now = new Date(now.getTime() + seconds * 1000);
};

describe("an action's execution", () => {
  it("comes back as it was written, with its tenant and in no other", async () => {
    const executions = createActionExecutions(fresh.store);
    const results = [{ action_name: "a", error: null, started_at: "then", ended_at: "now" }];
    const given = { id: "e1", trigger_id: "post-login", status: "final", results } as const;

    const created = await executions.create("acme", { ...given, results });

    expect(created).toMatchObject({ ...given, tenant_id: "acme", created_at: "2026-01-01T12:00:00.000Z" });
    expect(await executions.get("acme", "e1")).toEqual(created);
    expect(await executions.get("other", "e1")).toBeNull();
  });

  it("is swept by its age in every tenant, never by a date nobody can read", async () => {
    const executions = createActionExecutions(fresh.store);
    await executions.create("acme", { id: "e1", trigger_id: "t", status: "final", results: [] });
    await executions.create("other", { id: "e1", trigger_id: "t", status: "final", results: [] });
    later(60);
    await executions.create("acme", { id: "e2", trigger_id: "t", status: "final", results: [] });

    await expect(executions.cleanup?.("soon")).rejects.toMatchObject({ reason: "invalid_date" });
    expect(await executions.cleanup?.("2026-01-01T12:00:01.000Z")).toBe(2);

    expect(await executions.get("acme", "e2")).not.toBeNull();
  });
});

describe("a tenant operation", () => {
  const operation = (rest: Partial<TenantOperationInsert> = {}): TenantOperationInsert => ({
    tenant_id: "acme",
    kind: "provision",
    engine: "inline",
    ...rest,
  });

  it("begins pending, is found by its id alone, and belongs to no tenant where it names none", async () => {
    const operations = createTenantOperations(fresh.store);

    const created = await operations.create(operation({ initiated_by: "me", rollout_id: "rol_1" }));
    const fleet = await operations.create(operation({ tenant_id: null }));

    expect(created).toMatchObject({ status: "pending", tenant_id: "acme", rollout_id: "rol_1", initiated_by: "me" });
    expect(created.id).toMatch(/^op_/);
    expect(await operations.get(created.id)).toEqual(created);
    expect(await operations.get(fleet.id)).toMatchObject({ tenant_id: null });
    expect(await operations.get("op_unknown")).toBeNull();
  });

  it("is listed newest first, and by everything its list can be asked for", async () => {
    const operations = createTenantOperations(fresh.store);
    const first = await operations.create(operation());
    later(1);
    const second = await operations.create(operation({ tenant_id: "other", rollout_id: "rol_1" }));
    later(1);
    await operations.update(second.id, { status: "running", current_step: "one" });
    const ids = async (params: Parameters<typeof operations.list>[0]) =>
      (await operations.list(params)).operations.map(({ id }) => id);

    expect(await operations.list({ per_page: 1 })).toMatchObject({ start: 0, limit: 1, length: 1 });
    expect(await ids({})).toEqual([second.id, first.id]);
    expect(await ids({ tenant_id: "acme" })).toEqual([first.id]);
    expect(await ids({ rollout_id: "rol_1", kind: "provision", engine: "inline" })).toEqual([second.id]);
    expect(await ids({ status: "pending" })).toEqual([first.id]);
    expect(await ids({ status: ["pending", "running"] })).toEqual([second.id, first.id]);
    expect(await ids({ updated_before: "2026-01-01T12:00:02.000Z" })).toEqual([first.id]);
    expect(await ids({ updated_before: "2026-01-01T12:00:00.000Z" })).toEqual([]);
  });

  it("changes what it is told to, clears with null, and takes its events with it", async () => {
    const operations = createTenantOperations(fresh.store);
    const events = createTenantOperationEvents(fresh.store);
    const { id } = await operations.create(operation());
    const other = await operations.create(operation());
    await events.create({ operation_id: id, step: "one", outcome: "succeeded" });
    await events.create({ operation_id: other.id, step: "one", outcome: "succeeded" });
    later(1);

    expect(await operations.update(id, { error: "broken", status: "failed" })).toBe(true);
    expect(await operations.get(id)).toMatchObject({ error: "broken", updated_at: "2026-01-01T12:00:01.000Z" });
    await operations.update(id, { error: null });
    expect(await operations.get(id)).not.toHaveProperty("error");
    expect(await operations.update("op_unknown", { status: "failed" })).toBe(false);

    expect(await operations.remove(id)).toBe(true);
    expect(await operations.remove(id)).toBe(false);
    expect((await events.listByOperation(id)).events).toEqual([]);
    expect((await events.listByOperation(other.id)).events).toHaveLength(1);
  });

  it("tells its events in the order they happened, also within a millisecond", async () => {
    const events = createTenantOperationEvents(fresh.store);
    const steps = Array.from({ length: 12 }, (_, index) => `step ${index}`);
    for (const step of steps) await events.create({ operation_id: "op", step, outcome: "started", detail: { step } });

    const listed = await events.listByOperation("op");

    expect(listed.events.map(({ step }) => step)).toEqual(steps);
    expect(listed.events[0]).toMatchObject({ attempt: 1, detail: { step: "step 0" } });
    expect(listed).toMatchObject({ start: 0, limit: 100, length: 12 });
  });
});

describe("a rollout", () => {
  it("goes in waves of ten unless told otherwise, and is created, listed, changed, removed", async () => {
    const rollouts = createRollouts(fresh.store);

    const created = await rollouts.create({ kind: "upgrade", canary_tenant_ids: ["acme"], filter: { a: null } });

    expect(created).toMatchObject({
      status: "pending",
      wave_size: 10,
      canary_tenant_ids: ["acme"],
      filter: { a: null },
    });
    expect(created.id).toMatch(/^rol_/);
    expect(await rollouts.update(created.id, { wave_size: 3, canary_tenant_ids: null })).toBe(true);
    expect(await rollouts.get(created.id)).toMatchObject({ wave_size: 3 });
    expect(await rollouts.get(created.id)).not.toHaveProperty("canary_tenant_ids");
    expect(await rollouts.list()).toMatchObject({ rollouts: [{ id: created.id }], start: 0, limit: 50, length: 1 });
    expect(await rollouts.remove(created.id)).toBe(true);
    expect(await rollouts.get(created.id)).toBeNull();
  });
});

describe("a rate limit", () => {
  const limits = { "pre-login": { attempts: 3, windowMs: 60_000 } };

  it("allows so many attempts in a window, then tells how long to wait", async () => {
    const { consume } = createRateLimit(fresh.store, limits);
    for (let attempt = 0; attempt < 3; attempt++)
      expect(await consume("pre-login", "acme:127.0.0.1")).toEqual({ allowed: true });
    later(20);

    expect(await consume("pre-login", "acme:127.0.0.1")).toEqual({ allowed: false, retryAfterSeconds: 40 });
    expect(await consume("pre-login", "acme:127.0.0.2")).toEqual({ allowed: true });

    later(40);
    expect(await consume("pre-login", "acme:127.0.0.1")).toEqual({ allowed: true });
  });

  it("counts every one of many attempts at the same time", async () => {
    const { consume } = createRateLimit(fresh.store, limits);

    const answers = await Promise.all(Array.from({ length: 20 }, () => consume("pre-login", "acme:127.0.0.1")));

    expect(answers.filter(({ allowed }) => allowed)).toHaveLength(3);
  });

  it("lets a scope pass for which none is set", async () => {
    const { consume } = createRateLimit(fresh.store, limits);

    for (let attempt = 0; attempt < 5; attempt++)
      expect(await consume("brute-force", "acme:ann")).toEqual({ allowed: true });
  });

  it("leaves no rows behind for good", async () => {
    const { consume } = createRateLimit(fresh.store, limits);
    for (let index = 0; index < 12; index++) await consume("pre-login", `acme:10.0.0.${index}`);
    later(61);

    for (let attempt = 0; attempt < 3; attempt++) await consume("pre-login", "acme:127.0.0.1");

    const rows = await fresh.store.db.selectFrom("rate_limits").select("key").execute();
    expect(rows).toEqual([{ key: "acme:127.0.0.1" }]);
  });
});
