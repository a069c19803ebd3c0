import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type AuditEntry, createAuditLog } from "../../provisioning/audit-log.ts";
import type { Database } from "../../src/db/database.ts";
import { migrate } from "../../src/db/migrate.ts";
import { openFile } from "../../src/db/native.ts";
import { CONTROL_PLANE_SETS } from "../../src/wiring/control-plane.ts";

const NOW = new Date("2026-06-01T00:00:00Z");
const REFUSED: AuditEntry = {
  actor: "x",
  actorKind: "tenant",
  action: "GET /api/v2/users",
  tenantId: "acme",
  outcome: "refused",
};

let directory: string;
let database: Database;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "audit-"));
  database = await openFile(join(directory, "control-plane.db"), { create: true });
  await migrate(database, CONTROL_PLANE_SETS);
});
afterEach(async () => {
  await database.close();
  rmSync(directory, { recursive: true, force: true });
});

const logOf = (over: Database = database) => createAuditLog({ database: over, clock: () => NOW });

async function ask(sql: string) {
  const [result] = await database.batch([{ sql, parameters: [] }]);
  return result?.rows ?? [];
}

describe("the audit log's table", () => {
  it("stores what arrives together in few batches, in order, and tells each caller when it is there", async () => {
    let batches = 0;
    const counted = (statements: Parameters<Database["batch"]>[0]) => {
      batches += 1;
      return database.batch(statements);
    };
    const { write } = logOf({ ...database, batch: counted });

    await Promise.all(Array.from({ length: 300 }, (_, i) => write({ ...REFUSED, actor: `user-${i}` })));

    // The first alone, then as many as a batch takes, then the rest.
    expect(batches).toBe(3);
    const rows = await ask("select actor from rh_audit_log order by number");
    expect(rows.map(({ actor }) => actor)).toEqual(Array.from({ length: 300 }, (_, i) => `user-${i}`));
  });

  it("tells everybody whose entry was not stored, and goes on with the next", async () => {
    await ask("create trigger full before insert on rh_audit_log begin select raise(abort, 'disk full'); end");
    const { write } = logOf();
    const failed = await Promise.allSettled([write(REFUSED), write(REFUSED), write(REFUSED)]);
    await ask("drop trigger full");
    await write(REFUSED);

    expect(failed.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(failed[0]).toMatchObject({ reason: { code: "unavailable", reason: "audit_unavailable" } });
    expect(await ask("select count(*) as rows from rh_audit_log")).toEqual([{ rows: 1 }]);
  });

  it("cuts what callers choose the length of", async () => {
    await logOf().write({ ...REFUSED, actor: "a".repeat(5_000), action: `GET /${"b".repeat(5_000)}` });

    expect(await ask("select length(actor) as actor, length(action) as action from rh_audit_log")).toEqual([
      { actor: 300, action: 300 },
    ]);
  });

  it("keeps a year, and of each outcome a million rows: refusals push out nothing that was allowed", async () => {
    const insert = (count: number, at: string, outcome: string) =>
      ask(`with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count})
        insert into rh_audit_log (at, actor, actor_kind, action, outcome)
        select '${at}', 'x', 'tenant', 'GET /', '${outcome}' from n`);
    await insert(6_000, "2025-05-31T23:59:59.999Z", "allowed");
    await insert(3, "2025-06-01T00:00:00.000Z", "allowed");
    await insert(1_000_007, "2026-05-01T00:00:00.000Z", "refused");

    expect(await logOf().sweep()).toBe(6_007);

    expect(await ask("select outcome, count(*) as rows, min(number) as first from rh_audit_log group by 1")).toEqual([
      { outcome: "allowed", rows: 3, first: 6_001 },
      { outcome: "refused", rows: 1_000_000, first: 6_011 },
    ]);
    expect(await logOf().sweep()).toBe(0);
  });
});
