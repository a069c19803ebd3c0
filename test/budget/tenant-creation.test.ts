import { AsyncLocalStorage } from "node:async_hooks";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openFullHouse } from "../../bench/support/full-house.ts";
import type { Database } from "../../src/db/database.ts";
import { kindOf } from "../../src/db/sql.ts";
import { watched } from "./watched.ts";

const FEW = 100;
const MANY = 10_000;

/** Whoever finds no signing key at hand makes one, and whoever asks beside the background shares an answer: most do neither. */
const CREATIONS = 9;

/**
 * The claim, the database, a key from the reserve, the key, how far it has come with what is shared, the organization, the
 * end, the answer for a later request of the same key. Each but the last waits for the disk.
 */
const COMMITS = 8;

/** Ten thousand rows are made first, on a machine that may have other things to do. */
const FILL_MS = 120_000;

const directory = mkdtempSync(join(tmpdir(), "tenant-creation-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What a request was answered with: statements, and the times that something was committed. */
interface Counter {
  statements: number;
  commits: number;
}

/** A house of so many tenants, and what the control plane's database was asked for a request, not behind anybody's back. */
async function houseOf(count: number) {
  const request = new AsyncLocalStorage<Counter>();
  const note = (statements: number) => {
    const counter = request.getStore();
    if (counter) counter.statements += statements;
  };
  const noteCommit = (statements: readonly { readonly sql: string }[]) => {
    const counter = request.getStore();
    if (counter && statements.some(({ sql }) => kindOf(sql) === "write")) counter.commits += 1;
  };
  const watch = (database: Database) => {
    const seen = watched(
      database,
      (query) => {
        note(1);
        noteCommit([query]);
      },
      note,
    );
    return {
      ...seen,
      batch(statements: Parameters<Database["batch"]>[0]) {
        noteCommit(statements);
        return seen.batch(statements);
      },
    };
  };
  // Time stands still: what is kept for a second is kept for the whole test.
  const now = new Date();
  const house = await openFullHouse(join(directory, String(count)), count, watch, () => now);
  return {
    close: house.close,
    /** What most of some creations by request take. */
    async usual(): Promise<Counter> {
      const counters: Counter[] = [];
      for (let n = 1; n <= CREATIONS; n += 1) {
        const id = `made-${n}`;
        const counter = { statements: 0, commits: 0 };
        await request.run(counter, () => house.post("/tenants", { id, friendly_name: id }));
        counters.push(counter);
      }
      const median = (count: (counter: Counter) => number) =>
        counters.map(count).sort((one, other) => one - other)[CREATIONS >> 1] ?? 0;
      return { statements: median((one) => one.statements), commits: median((one) => one.commits) };
    },
  };
}

describe("the making of a tenant", () => {
  it("takes as many statements among 10,000 tenants as among 100, and few commits", { timeout: FILL_MS }, async () => {
    const usual: Counter[] = [];
    for (const count of [FEW, MANY]) {
      const house = await houseOf(count);
      usual.push(await house.usual());
      await house.close();
    }

    expect(usual[1]).toEqual(usual[0]);
    expect(usual[1]?.statements).toBeGreaterThan(30);
    expect(usual[1]?.commits).toBe(COMMITS);
  });
});
