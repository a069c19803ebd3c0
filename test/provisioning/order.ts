import { expect } from "vitest";
import { openOwned } from "../../provisioning/ownership.ts";
import type { Placement } from "../../provisioning/placements.ts";
import { every, reconcilerOf } from "./reconciling.ts";
import { ask, filesOf, retainedOf, type Street } from "./street.ts";

/**
 * What holds between any two operations, whatever has happened: a row per tenant in both tables, an organization and a
 * database per tenant and none besides, in the place its state says and with its owner's name inside; nothing
 * unfinished; no tag used twice. And reconciling finds nothing to say.
 *
 * `names`: every database where the street's are, seen from outside; default: what the provider lists.
 */
export async function expectOrder(street: Street, names?: readonly string[]): Promise<void> {
  await expectAgreement(street, names);
  const placements = await street.registry.list({ take: 100 });
  const idsIn = (rows: readonly Record<string, unknown>[]) => rows.map(({ id }) => String(id)).toSorted();

  expect(await ask(street.database, "select * from rh_operations where state in ('running', 'failed')")).toEqual([]);
  expect(idsIn(await ask(street.database, "select id from tenants"))).toEqual(
    placements.map(({ tenantId }) => tenantId).toSorted(),
  );
  expect(await ask(street.database, "select id, name from organizations order by name")).toEqual(
    placements.map(({ tenantId, organizationId }) => ({ id: organizationId, name: tenantId })),
  );
  expect(await databasesOf(street, names)).toEqual(placements.map(({ database }) => database).toSorted());
  for (const placement of placements) await expectHome(street, placement);
  const living = await ask(street.database, "select tag from rh_retired_tags where retired_at is null order by tag");
  expect(living.map(({ tag }) => tag)).toEqual(placements.map(({ tag }) => tag).toSorted());
}

/** Of a place that several streets share, what others have there is unknown to each. */
async function expectAgreement(street: Street, names?: readonly string[]): Promise<void> {
  const found = await every(reconcilerOf(street).report());
  expect(found.filter(({ kind }) => !(names && kind === "database_unknown"))).toEqual([]);
}

async function expectHome(street: Street, placement: Placement): Promise<void> {
  const { tenantId, tag, generation, nonce, state } = placement;
  expect(placement.purgeAt === null).toBe(state !== "deleted");
  if (street.provider.name === "file") {
    // Kept or served, and never both.
    const file = `${placement.database}.db`;
    expect(retainedOf(street).includes(file)).toBe(state === "deleted");
    expect(filesOf(street).includes(file)).toBe(state !== "deleted");
  }
  if (state === "deleted") {
    // It is kept, but nobody gets in.
    await expect(openOwned(street.providers, placement)).rejects.toMatchObject({ reason: "database_missing" });
    return;
  }

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

export const isTemplate = (name: string): boolean => name.startsWith("template-");

/** All databases but the templates; of a place that several streets share, those whose tag is from this street. */
async function databasesOf({ provider, database }: Street, names?: readonly string[]): Promise<string[]> {
  if (names) {
    const tags = (await ask(database, "select tag from rh_retired_tags")).map(({ tag }) => String(tag));
    return names.filter((name) => tags.some((tag) => name.startsWith(`t-${tag}-`))).toSorted();
  }
  const found: string[] = [];
  for await (const name of provider.list()) if (!isTemplate(name)) found.push(name);
  return found.toSorted();
}
