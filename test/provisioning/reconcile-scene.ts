import { join } from "node:path";
import { openPlaced } from "../../provisioning/ownership.ts";
import type { Placement } from "../../provisioning/placements.ts";
import type { Address } from "./sites.ts";
import { ask, type Street } from "./street.ts";

/** A street with the tenants `acme` and `beta` in order, and the ways to bring it into disorder. */
export interface Scene {
  readonly street: Street;
  readonly kind: Address["kind"];
  /** Whether a tenant's creation fails. */
  readonly broken: Set<string>;
  /** Whether the databases cannot be listed. */
  readonly isUnlistable: { now: boolean };
  readonly madeAt: Map<string, string>;
  readonly acme: Placement;
}

/** One disagreement, made by hand. */
export interface Case {
  readonly what: string;
  /** Where it can be; default: everywhere. */
  readonly on?: readonly Address["kind"][];
  /** Answers what is to be found, in the lines of `shown`. */
  readonly plant: (scene: Scene) => Promise<readonly string[]>;
  /** What is still found after a repair; default: nothing where the kind can be repaired, everything where it cannot. */
  readonly left?: (scene: Scene) => readonly string[];
}

export const LISTING = ["file", "turso"] as const;
export const FILES = ["file"] as const;
export const MINUTE_MS = 60_000;

export const sql = ({ street }: Scene, text: string, ...parameters: unknown[]) =>
  ask(street.database, text, ...parameters);

export const pathOf = ({ street }: Scene, ...parts: string[]) => join(street.directory, "tenants", ...parts);

/** The tenant goes from the registry and its database stays: what a purge of a lost process leaves. */
export async function purgeButKeep(scene: Scene): Promise<string> {
  for (const table of ["rh_placements", "rh_operations"])
    await sql(scene, `delete from ${table} where tenant_id = 'acme'`);
  await sql(scene, "delete from organizations where name = 'acme'");
  await sql(scene, "delete from tenants where id = 'acme'");
  await sql(scene, "update rh_retired_tags set retired_at = '2026-01-01T00:00:00.000Z' where tenant_id = 'acme'");
  await scene.street.pool.evict("acme");
  return scene.acme.database;
}

export async function inDatabase({ street, acme }: Scene, text: string): Promise<void> {
  const database = await openPlaced(street.providers, acme);
  await ask(database, text);
  await database.close();
}

export const LONG_AGO = "2025-12-31T00:00:00.000Z";
