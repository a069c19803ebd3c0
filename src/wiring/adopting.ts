import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Kysely } from "kysely";
import { adoptionStanding, type Standing } from "../../provisioning/adoption.ts";
import { isRunning } from "../../provisioning/providers/running.ts";
import { copyTenant, rehearse } from "../adopt/copying.ts";
import { createFindings, type Findings, type Hindrance, type Remark } from "../adopt/findings.ts";
import { copyKeys, keysIn, ownersOfKeys } from "../adopt/keys.ts";
import { KINDS, LEFT, SIGNING_KEYS, TENANT } from "../adopt/kinds.ts";
import { mapRow } from "../adopt/mapping.ts";
import type { Source } from "../adopt/source.ts";
import type { Config } from "../config.ts";
import type { Database } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import { openFile } from "../db/native.ts";
import { createKeyRing } from "../db/seal.ts";
import { systemClock } from "../domain/clock.ts";
import { PlatformError } from "../domain/errors.ts";
import type { Row } from "../entities/entity.ts";
import { createStore, type Tables } from "../entities/store.ts";
import { CreateTenant } from "../http/tenants/schemas.ts";
import type { Adopt, Adoption } from "./adoption.ts";
import { refuseOwnHost } from "./creations.ts";
import { hostRules } from "./host-rules.ts";

/** What became of a tenant of the source, or would. */
export interface Adoptee {
  readonly id: string;
  readonly name: string;
  /** there: it was adopted before, and is served. */
  readonly state: "adoptable" | "hindered" | "adopted" | "there" | "failed";
  /** How many rows of what are taken. */
  readonly taken: Readonly<Record<string, number>>;
  readonly hindrances: readonly Hindrance[];
  readonly left: readonly Remark[];
  /** What is taken, and is not quite what it was. */
  readonly changes: readonly Remark[];
  /** Why it has failed. */
  readonly error?: string;
}

/** Where tenants come from and where they would go. */
export interface Grounds {
  readonly source: Source;
  readonly config: Config;
  /** The control plane's. */
  readonly database: Database;
  /** Only these; null for all. */
  readonly tenantIds: readonly string[] | null;
}

interface Examined {
  readonly adoptee: Adoptee;
  readonly standing: Standing;
  readonly tenant: CreateTenant | null;
}

/** Says of each tenant what would be taken, what stands in the way, and what would stay behind. Changes nothing. */
export async function* planAdoptions(grounds: Grounds): AsyncIterable<Adoptee> {
  for await (const { adoptee } of examined(grounds)) yield adoptee;
}

/** Adopts every tenant that nothing hinders, one after the other. One that fails does not stop the next. */
export async function* runAdoptions(grounds: Omit<Grounds, "database">, adoption: Adoption): AsyncIterable<Adoptee> {
  for await (const { adoptee, standing, tenant } of examined({ ...grounds, database: adoption.database })) {
    if (adoptee.state !== "adoptable" || !tenant) {
      yield adoptee;
      continue;
    }
    try {
      const begun = standing === "unfinished" ? await adoption.resume(adoptee.id) : await adoption.begin(tenant);
      await begun?.ended;
      yield { ...adoptee, state: "adopted" };
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      yield { ...adoptee, state: "failed", error: `${error.reason}: ${error.message}` };
    }
  }
}

/** What copies a tenant from a source, as a step of its making. */
export const adoptFrom =
  (source: Source): Adopt =>
  async ({ tenantId, store, controlPlane }) => {
    const { addClient } = controlPlane.registry.directories;
    await copyTenant({
      ...{ source, store, tenantId },
      // Before the clients themselves: a leftover row is harmless, a missing one hides a client.
      clientsComing: async (ids) => void (await Promise.all(ids.map((id) => addClient(tenantId, id)))),
    });
    await copyKeys(source, controlPlane.store, tenantId);
  };

/** The tenants that were asked for. Throws `invalid` (`unknown_tenant`) for one that the source does not have. */
async function* examined(grounds: Grounds): AsyncIterable<Examined> {
  const { source, tenantIds } = grounds;
  const missing = new Set(tenantIds);
  if (missing.size > 0) {
    for await (const { id } of source.tenants()) missing.delete(String(id));
  }
  if (missing.size > 0) {
    const message = `--tenant: ${source.place} has no tenant ${[...missing].join(", ")}`;
    throw new PlatformError("invalid", "unknown_tenant", message);
  }
  for await (const row of source.tenants()) {
    if (!tenantIds || tenantIds.includes(String(row.id))) yield await examine(grounds, row);
  }
}

async function examine(grounds: Grounds, row: Row): Promise<Examined> {
  const id = String(row.id);
  const findings = createFindings();
  const standing = await adoptionStanding(grounds.database, id);
  const tenant = tenantOf(row, findings);
  if (standing !== "adopted") {
    await checkNames(grounds, id, standing, findings);
    await rehearsal(grounds, id, findings);
    await checkKeys(grounds, id, findings);
    await noteTables(grounds.source, id, findings);
  }
  const { hindrances, leftovers, changes, counts } = findings;
  const state = standing === "adopted" ? "there" : hindrances.length > 0 ? "hindered" : "adoptable";
  const name = String(row.friendly_name ?? id);
  return { adoptee: { id, name, state, taken: counts, hindrances, left: leftovers, changes }, standing, tenant };
}

/** The tenant's row as `POST /tenants` takes it. */
function tenantOf(row: Row, findings: Findings): CreateTenant | null {
  const own = createFindings();
  const values = mapRow(TENANT, row, own);
  for (const { what, why } of own.leftovers) findings.leaves(what, why);
  // What is wrong with it says what takes it.
  const { data, error } = CreateTenant.safeParse(values);
  for (const { path, message } of error?.issues ?? []) {
    findings.hinders({ of: TENANT.name, message: `${path.join(".") || "its row"}: ${message}` });
  }
  return data ?? null;
}

async function checkNames({ config, database }: Grounds, id: string, standing: Standing, findings: Findings) {
  const rules = hostRules(config, {});
  const hinders = (message: string) => findings.hinders({ of: TENANT.name, message });
  if (standing === "taken") hinders(`id: there is a tenant ${id} here already`);
  try {
    refuseOwnHost(id, rules);
  } catch (error) {
    // What reserves an id otherwise was said of its form.
    if (error instanceof PlatformError && findings.hindrances.length === 0) hinders(error.message);
  }
  if (standing !== "free") return;
  const organization = await new Kysely<Tables>({ dialect: database.dialect })
    .selectFrom("organizations")
    .select("id")
    .where("tenant_id", "=", rules.controlPlaneTenantId)
    .where("name", "=", id)
    .executeTakeFirst();
  if (organization) hinders(`id: the control plane has an organization ${id}, which is none of a tenant's`);
}

async function checkKeys({ source, database }: Grounds, id: string, findings: Findings): Promise<void> {
  const keys = await keysIn(source, id, findings);
  const kids = keys.map(({ kid }) => String(kid));
  const owners = await ownersOfKeys(new Kysely<Tables>({ dialect: database.dialect }), kids);
  for (const key of kids.filter((kid) => ![undefined, id].includes(owners.get(kid)))) {
    findings.hinders({ of: SIGNING_KEYS.name, key, message: "is somebody else's key here" });
  }
  if (keys.length > 0) findings.taken(SIGNING_KEYS.name, keys.length);
  const shared = source.tables.has(SIGNING_KEYS.from) ? await source.count(SIGNING_KEYS.from, null) : 0;
  if (shared > 0) findings.leaves("keys without a tenant", SHARED_KEYS, shared);
}

const SHARED_KEYS = "they sign for every tenant, and nobody's key may sign for another here: those tokens end";

/** The copy itself, into a database that is thrown away: what it says cannot differ from what a copy would find. */
async function rehearsal({ source, config }: Grounds, tenantId: string, findings: Findings): Promise<void> {
  await sweepStages(config.DATA_DIR);
  const directory = await mkdtemp(join(config.DATA_DIR, `adopt-${process.pid}-`));
  try {
    const database = await openFile(join(directory, "rehearsal.db"), { create: true });
    try {
      await migrate(database, ["tenant"]);
      const keyRing = createKeyRing({ current: { id: "rehearsal", key: randomBytes(32) } });
      await rehearse({ source, store: createStore(database, { clock: systemClock, keyRing }), tenantId }, findings);
    } finally {
      await database.close();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Takes away what rehearsals of processes that died have left: password hashes were in it. */
async function sweepStages(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const [, pid] = /^adopt-(\d+)-/.exec(name) ?? [];
    if (pid === undefined || isRunning(Number(pid))) continue;
    await rm(join(directory, name), { recursive: true, force: true });
  }
}

/** Every table that stays where it is, with a tenant's rows in it. */
async function noteTables(source: Source, tenantId: string, findings: Findings): Promise<void> {
  const taken = new Set([...KINDS, TENANT, SIGNING_KEYS].map(({ from }) => from));
  for (const [table, columns] of source.tables) {
    if (taken.has(table) || !columns.includes("tenant_id")) continue;
    const rows = await source.count(table, tenantId);
    if (rows > 0) findings.leaves(table, LEFT[table] ?? "this table is not known here", rows);
  }
}
