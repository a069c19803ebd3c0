import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { openOwned } from "../../provisioning/ownership.ts";
import type { Placement } from "../../provisioning/placements.ts";
import { ask, type Street } from "./street.ts";

/**
 * What holds between any two operations, whatever has happened: a row per tenant in both tables, an organization and a
 * database per tenant and none besides, in the place its state says and with its owner's name inside; nothing
 * unfinished; no tag used twice.
 */
export async function expectOrder(street: Street): Promise<void> {
  const placements = await street.registry.list({ take: 100 });
  const names = (rows: readonly Record<string, unknown>[]) => rows.map(({ id }) => String(id)).toSorted();

  expect(await ask(street.database, "select * from rh_operations where state in ('running', 'failed')")).toEqual([]);
  expect(names(await ask(street.database, "select id from tenants"))).toEqual(
    placements.map(({ tenantId }) => tenantId).toSorted(),
  );
  expect(await ask(street.database, "select id, name from organizations order by name")).toEqual(
    placements.map(({ tenantId, organizationId }) => ({ id: organizationId, name: tenantId })),
  );
  expect(await databasesOf(street)).toEqual(placements.map(({ database }) => database).toSorted());
  for (const placement of placements) await expectHome(street, placement);
  const living = await ask(street.database, "select tag from rh_retired_tags where retired_at is null order by tag");
  expect(living.map(({ tag }) => tag)).toEqual(placements.map(({ tag }) => tag).toSorted());
}

async function expectHome(street: Street, placement: Placement): Promise<void> {
  const { tenantId, tag, generation, nonce, state, database } = placement;
  const tenants = join(street.directory, "tenants");
  const kept = readdirSync(join(tenants, "deleted")).includes(`${database}.db`);
  const served = readdirSync(tenants).includes(`${database}.db`);
  expect({ tenantId, kept, served }).toEqual({ tenantId, kept: state === "deleted", served: state !== "deleted" });
  expect(placement.purgeAt === null).toBe(state !== "deleted");
  if (state === "deleted") return;

  const opened = await openOwned(street.providers, placement);
  try {
    expect(await ask(opened, "select tenant_id, tag, generation, nonce from database_identity")).toEqual([
      { tenant_id: tenantId, tag, generation, nonce },
    ]);
    expect(await ask(opened, "select body from notes")).toEqual([{ body: "seeded" }]);
  } finally {
    await opened.close();
  }
}

/** All databases but the templates. */
async function databasesOf({ provider }: Street): Promise<string[]> {
  const found: string[] = [];
  for await (const name of provider.list()) if (!name.startsWith("template-")) found.push(name);
  return found.toSorted();
}
