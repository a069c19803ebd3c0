import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import { createJournal } from "../../provisioning/journal.ts";
import { createLifecycle, type LifecycleOptions } from "../../provisioning/lifecycle.ts";
import { createPool } from "../../provisioning/pool.ts";
import { type ProcessIdentity, thisProcess } from "../../provisioning/process.ts";
import { createProcesses } from "../../provisioning/processes.ts";
import { fileProvider } from "../../provisioning/providers/file.ts";
import type { DatabaseProvider } from "../../provisioning/providers/provider.ts";
import { createRegistry } from "../../provisioning/registry.ts";
import { createTemplate } from "../../provisioning/template.ts";
import type { Database } from "../../src/db/database.ts";
import { migrate, migrationHash, migrationsDirectory } from "../../src/db/migrate.ts";
import { openFile } from "../../src/db/native.ts";
import { createKeyRing } from "../../src/db/seal.ts";
import { plainId } from "../../src/domain/ids.ts";
import { type CrashPoint, mortal } from "./crash.ts";

/** A control plane and its tenants in one temporary directory, as after a start. */
export interface Street extends Awaited<ReturnType<typeof openStreet>> {}

export interface StreetOptions {
  readonly directory?: string;
  /** Where the tenants live; default: files in the directory. */
  readonly provider?: DatabaseProvider;
  readonly steps?: Partial<LifecycleOptions["steps"]>;
  readonly maxOpen?: number;
  readonly fenceMs?: number;
  readonly idleMs?: number;
  readonly waitMs?: number;
  /** Attempts before an operation is failed for good. */
  readonly attemptsMax?: number;
  readonly undeleteDays?: number;
  readonly around?: LifecycleOptions["around"];
  readonly process?: ProcessIdentity;
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

  const process = options.process ?? thisProcess();
  const processes = createProcesses({ database, clock, process });
  const { journal, registry } = mortal(
    createJournal({ database, clock, process }),
    createRegistry({ database, keyRing, clock }),
    options.crash,
  );
  const provider = options.provider ?? fileProvider({ directory: join(directory, "tenants") });
  const providers = { [provider.name]: provider };
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
    processes,
    providers,
    pool,
    template,
    steps: {
      signingKey: () => Promise.resolve(),
      seedDefaults: writeNote("seeded"),
      organization: organizationOf,
      ...options.steps,
    },
    purgeStatements: ({ tenantId, organizationId }) => [
      { sql: "delete from organizations where id = ?", parameters: [organizationId] },
      { sql: "delete from tenants where id = ?", parameters: [tenantId] },
    ],
    fenceMs: options.fenceMs ?? 5_000,
    undeleteDays: options.undeleteDays ?? 7,
    attemptsMax: options.attemptsMax,
    around: options.around,
    clock,
  });
  const request = { initiator: "test" };
  const placementOf = async (tenantId: string) => {
    const placement = await registry.read(tenantId);
    if (!placement) throw new Error(`there is no tenant ${tenantId}`);
    return placement;
  };

  return {
    directory,
    time,
    clock,
    database,
    registry,
    journal,
    processes,
    provider,
    providers,
    template,
    pool,
    lifecycle,
    async create(tenantId: string) {
      await (await lifecycle.create(newTenant(tenantId, provider.name))).ended;
      return await placementOf(tenantId);
    },
    async remove(tenantId: string) {
      await (await lifecycle.remove(tenantId, request))?.ended;
    },
    async purge(tenantId: string) {
      await (await lifecycle.purge(tenantId, request)).ended;
    },
    async undelete(tenantId: string) {
      await (await lifecycle.undelete(tenantId, request)).ended;
      return await placementOf(tenantId);
    },
    async rotate(tenantId: string) {
      await (await lifecycle.rotate(tenantId, request)).ended;
      return await placementOf(tenantId);
    },
    /** As somebody who resumes by hand. */
    async resume(tenantId: string) {
      await (await lifecycle.resume(tenantId))?.ended;
      return await registry.read(tenantId);
    },
    async close() {
      await pool.close();
      await database.close();
    },
  };
}

const newTenant = (tenantId: string, provider: string) => ({
  tenantId,
  provider,
  claimStatements: [
    { sql: "insert into tenants (id) values (?)", parameters: [tenantId] },
    { sql: "insert into organizations select * from organizations where name = ?", parameters: [tenantId] },
  ],
  initiator: "test",
});

/** What stands for a tenant on the control plane: another one for each that has none, as in the service. */
export const organizationOf: LifecycleOptions["steps"]["organization"] = ({ tenantId, organizationId }) => {
  const id = organizationId ?? `org_${plainId()}`;
  const sql = "insert into organizations (id, name) values (?, ?)";
  return Promise.resolve({ id, statements: [{ sql, parameters: [id, tenantId] }] });
};

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

/** The databases of deleted tenants. */
export const retainedOf = ({ directory }: Street) =>
  readdirSync(join(directory, "tenants", "deleted")).filter((name) => name.endsWith(".db"));

/** What the newest operation of a tenant has written down. */
export async function stepsOf({ journal }: Street, tenantId: string): Promise<string[]> {
  const [operation] = await journal.list(tenantId);
  return (await journal.events(operation?.id ?? "")).map(({ step, outcome }) => `${step} ${outcome}`);
}

export async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A step that waits until it is let go. */
export function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  let reach = () => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  return {
    /** Settles when somebody waits there. */
    reached,
    open: () => open(),
    step: () => {
      reach();
      return opened;
    },
  };
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
  write(
    "shared/0001_tenants.sql",
    `create table tenants (id text primary key) strict;
    create table organizations (id text primary key, name text not null unique) strict;
    create table custom_domains (tenant_id text, domain text, status text, doc text) strict;
    create table clients (client_id text, doc text) strict;`,
  );
  write("tenant/0002_notes.sql", "create table notes (body text primary key) strict;");
  cpSync(join(migrationsDirectory(), "control-plane"), join(directory, "migrations/control-plane"), {
    recursive: true,
  });
  copyFileSync(
    join(migrationsDirectory(), "tenant/0001_identity.sql"),
    join(directory, "migrations/tenant/0001_identity.sql"),
  );
  return directory;
}
