import { AsyncLocalStorage } from "node:async_hooks";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openFullHouse } from "../../bench/support/full-house.ts";
import { watched } from "./watched.ts";

const FEW = 100;
const MANY = 10_000;

/** Whoever finds no signing key at hand makes one, and whoever asks beside the background shares an answer: most do neither. */
const CREATIONS = 9;

/** Ten thousand rows are made first, on a machine that may have other things to do. */
const FILL_MS = 120_000;

const directory = mkdtempSync(join(tmpdir(), "tenant-creation-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A house of so many tenants, and what the control plane's database was asked for a request, not behind anybody's back. */
async function houseOf(count: number) {
  const request = new AsyncLocalStorage<{ statements: number }>();
  const note = (statements: number) => {
    const counter = request.getStore();
    if (counter) counter.statements += statements;
  };
  const watch = (database: Parameters<typeof watched>[0]) => watched(database, () => note(1), note);
  // Time stands still: what is kept for a second is kept for the whole test.
  const now = new Date();
  const house = await openFullHouse(join(directory, String(count)), count, watch, () => now);
  return {
    close: house.close,
    async statementsOf(work: (its: typeof house) => Promise<unknown>): Promise<number> {
      const counter = { statements: 0 };
      await request.run(counter, () => work(house));
      return counter.statements;
    },
  };
}

describe("the making of a tenant", () => {
  it("takes as many statements among 10,000 tenants as among 100", { timeout: FILL_MS }, async () => {
    const usual: number[] = [];
    for (const count of [FEW, MANY]) {
      const house = await houseOf(count);
      const counts: number[] = [];
      for (let n = 1; n <= CREATIONS; n += 1) {
        const id = `made-${n}`;
        counts.push(await house.statementsOf((its) => its.post("/tenants", { id, friendly_name: id })));
      }
      await house.close();
      usual.push(counts.sort((one, other) => one - other)[CREATIONS >> 1] ?? 0);
    }

    expect(usual[1]).toBe(usual[0]);
    expect(usual[1]).toBeGreaterThan(30);
  });
});
