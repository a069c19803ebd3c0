import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import { createJournal } from "../../provisioning/journal.ts";
import { createLifecycle, type LifecycleOptions } from "../../provisioning/lifecycle.ts";
import { createPool } from "../../provisioning/pool.ts";
import { fileProvider } from "../../provisioning/providers/file.ts";
import { createRegistry } from "../../provisioning/registry.ts";
import { createTemplate } from "../../provisioning/template.ts";
import type { Database } from "../../src/db/database.ts";
import { migrate, migrationHash, migrationsDirectory } from "../../src/db/migrate.ts";
import { openFile } from "../../src/db/native.ts";
import { createKeyRing } from "../../src/db/seal.ts";
import { type CrashPoint, mortal } from "./crash.ts";

/** A control plane and its tenants in one temporary directory, as after a start. */
export interface Street extends Awaited<ReturnType<typeof openStreet>> {}

export interface StreetOptions {
  readonly directory?: string;
  readonly steps?: Partial<LifecycleOptions["steps"]>;
  readonly maxOpen?: number;
  readonly fenceMs?: number;
  readonly idleMs?: number;
  readonly waitMs?: number;
  /** When this process dies. */
  readonly crash?: CrashPoint;
}

const keyRing = createKeyRing({ current: { id: "test", key: new Uint8Array(32).fill(7) } });

/** Opening the same directory again is a restart, or a second process. */
export async function openStreet(options: StreetOptions = {}) {
  const directory = options.directory ?? newDirectory();
  const migrations = join(directory, "migrations");
  const time = { ms: Date.parse("2026-01-01T00:00:00Z") };
  const clock = () => new Date(time.ms);

  const database = await openFile(join(directory, "control.db"), { create: true });
  await migrate(database, ["shared", "control-plane"], migrations);

  const { journal, registry } = mortal(
    createJournal({ database, clock }),
    createRegistry({ database, keyRing, clock }),
    options.crash,
  );
  const provider = fileProvider({ directory: join(directory, "tenants") });
  const providers = { file: provider };
  const template = createTemplate({
    schemaVersion: await migrationHash(["tenant"], migrations),
    migrate: (tenant) => migrate(tenant, ["tenant"], migrations),
  });
  const pool = createPool({
    registry,
    providers,
    openTenant: (tenant) => tenant,
    maxOpen: options.maxOpen ?? 10,
    idleMs: options.idleMs ?? 60_000,
    waitMs: options.waitMs ?? 5_000,
    clock,
  });
  const lifecycle = createLifecycle({
    registry,
    journal,
    providers,
    pool,
    template,
    steps: { signingKey: () => Promise.resolve(), seedDefaults: writeNote("seeded"), ...options.steps },
    purgeStatements: ({ tenantId }) => [{ sql: "delete from tenants where id = ?", parameters: [tenantId] }],
    fenceMs: options.fenceMs ?? 5_000,
    clock,
  });

  return {
    directory,
    time,
    clock,
    database,
    registry,
    journal,
    provider,
    providers,
    template,
    pool,
    lifecycle,
    create: (tenantId: string) => lifecycle.create(newTenant(tenantId)),
    remove: (tenantId: string) => lifecycle.remove(tenantId, { initiator: "test" }),
    async close() {
      await pool.close();
      await database.close();
    },
  };
}

const newTenant = (tenantId: string) => ({
  tenantId,
  provider: "file",
  claimStatements: [{ sql: "insert into tenants (id) values (?)", parameters: [tenantId] }],
  initiator: "test",
});

/** A step that writes something every tenant can be asked for; repeating it is harmless. */
function writeNote(body: string) {
  return async ({ database }: { database: Database }) => {
    await database.batch([{ sql: "insert or ignore into notes (body) values (?)", parameters: [body] }]);
  };
}

export async function notesOf(database: Database): Promise<string[]> {
  return (await ask(database, "select body from notes order by body")).map(({ body }) => String(body));
}

export async function ask(database: Database, sql: string, ...parameters: unknown[]) {
  const [result] = await database.batch([{ sql, parameters }]);
  return result?.rows ?? [];
}

export const filesOf = ({ directory }: Street) =>
  readdirSync(join(directory, "tenants")).filter((name) => name.startsWith("t-") && name.endsWith(".db"));

/** What the newest operation of a tenant has written down. */
export async function stepsOf({ journal }: Street, tenantId: string): Promise<string[]> {
  const [operation] = await journal.list(tenantId);
  return (await journal.events(operation?.id ?? "")).map(({ step, outcome }) => `${step} ${outcome}`);
}

export async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Opens streets and closes them after each test. */
export function streets() {
  const opened: Street[] = [];
  const street = async (options: StreetOptions = {}): Promise<Street> => {
    const made = await openStreet(options);
    opened.push(made);
    return made;
  };
  afterEach(async () => {
    for (const made of opened.splice(0)) await made.close();
  });
  return {
    street,
    /** What a crash leaves: nothing is closed, and another process starts on the same files. */
    restart: ({ directory }: Street, options: StreetOptions = {}) => street({ ...options, directory }),
  };
}

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "street-"));
  for (const set of ["tenant", "shared", "control-plane"])
    mkdirSync(join(directory, "migrations", set), { recursive: true });
  const write = (path: string, text: string) => writeFileSync(join(directory, "migrations", path), text);
  write("shared/0001_tenants.sql", "create table tenants (id text primary key) strict;");
  write("tenant/0002_notes.sql", "create table notes (body text primary key) strict;");
  for (const path of ["tenant/0001_identity.sql", "control-plane/0001_registry.sql"]) {
    copyFileSync(join(migrationsDirectory(), path), join(directory, "migrations", path));
  }
  return directory;
}
